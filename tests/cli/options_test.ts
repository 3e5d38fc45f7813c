import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { readFlags } from "../../src/cli/flags.ts";
import { readConfigFile, readOptions } from "../../src/cli/options.ts";
import { serve } from "../../src/cli/serve.ts";

Deno.test("readConfigFile() names the file in every error", async () => {
  const bad = async (text: string, message: string) => {
    const error = await assertRejects(() => readConfigFile("t.json", text), ConfigError, message);
    assertEquals(error.message.startsWith("t.json: "), true, error.message);
  };
  await bad("{", "Cannot read it as JSON");
  await bad("[]", "Cannot use options: wanted an object");
  await bad("null", "Cannot use options: wanted an object");
  await bad('{"tiem":{}}', 'there is no "tiem", only prefix, mapping');
  await bad('{"time":{"zone":"UTC"}}', 'Cannot use time: there is no "zone"');
  await bad('{"storage":"kv"}', "choose it by --storage");
  await bad('{"onError":null}', "it is a function");
  await bad('{"mapping":{"add":["a~a"]}}', "stands in it twice");
  await bad('{"time":{"timezone":"Mars/Olympus"}}', "Cannot use the time zone");
  await bad('{"__proto__":1}', "__proto__");
});

Deno.test("readOptions() puts --data-dir, --durability and --retain over the journal of the file", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(
      path,
      JSON.stringify({ journal: { directory: "j", durability: "none", syncIntervalMs: 5 } }),
    );
    const read = async (...flags: string[]) =>
      (await readOptions(readFlags(serve.groups, flags))).journal;
    assertEquals(await read(), undefined);
    assertEquals(await read("--data-dir", "d/"), { directory: "d/journal" });
    assertEquals(await read("--data-dir", "/"), { directory: "/journal" });
    assertEquals(await read("--data-dir", "d", "--retain", "400d"), {
      directory: "d/journal",
      retainMs: 400 * 86_400_000,
    });
    assertEquals(await read("--data-dir", "d", "--retain", "0"), {
      directory: "d/journal",
      retainMs: 0,
    });
    assertEquals(await read("--config", path, "--retain", "forever"), {
      directory: "j",
      durability: "none",
      syncIntervalMs: 5,
      retainMs: null,
    });
    assertEquals(await read("--config", path, "--data-dir", "d", "--durability", "every_write"), {
      directory: "d/journal",
      durability: "every_write",
      syncIntervalMs: 5,
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readOptions() puts flags over the file, the mapping as a whole", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        prefix: "file",
        mapping: { bitmap: ["ip"] },
        time: { timezone: "Europe/Berlin", property: "ts" },
        retention: { d: "400d" },
      }),
    );
    const read = (...flags: string[]) =>
      readOptions(readFlags(serve.groups, ["--config", path, ...flags]));
    assertEquals((await read()).mapping, { bitmap: ["ip"] });
    assertEquals(
      await read("--prefix", "flag", "--add", "event", "--add-value", "event~geo/a/b", "--hourly"),
      {
        prefix: "flag",
        mapping: {
          add: ["event"],
          bitmap: [],
          addValue: [{ key: "event~geo/a", addKey: "b" }],
          top: [],
        },
        time: { timezone: "Europe/Berlin", property: "ts", hourly: true },
        retention: { d: "400d" },
      },
    );
  } finally {
    await Deno.remove(path);
  }
});
