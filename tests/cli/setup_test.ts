import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { UsageError } from "../../src/cli/errors.ts";
import { readFlags } from "../../src/cli/flags.ts";
import { record } from "../../src/cli/record.ts";
import { serve } from "../../src/cli/serve.ts";
import { opensStorage, readAddress, readConfigFile, readOptions } from "../../src/cli/setup.ts";

Deno.test("readConfigFile() names the file in every error", () => {
  const bad = (text: string, message: string) => {
    const error = assertThrows(() => readConfigFile("t.json", text), ConfigError, message);
    assertEquals(error.message.startsWith("t.json: "), true, error.message);
  };
  bad("{", "Cannot read it as JSON");
  bad("[]", "Cannot use options: wanted an object");
  bad("null", "Cannot use options: wanted an object");
  bad('{"tiem":{}}', 'there is no "tiem", only prefix, mapping');
  bad('{"time":{"zone":"UTC"}}', 'Cannot use time: there is no "zone"');
  bad('{"storage":"kv"}', "choose it by --storage");
  bad('{"onError":null}', "it is a function");
  bad('{"mapping":{"add":["a~a"]}}', "stands in it twice");
  bad('{"time":{"timezone":"Mars/Olympus"}}', "Cannot use the time zone");
  bad('{"__proto__":1}', "__proto__");
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

Deno.test("readAddress() reads IPv6 too, and says what it wants", () => {
  const read = (text: string) => readAddress(readFlags(serve.groups, ["--addr", text]));
  assertEquals(read("[::1]:1"), { hostname: "::1", port: 1 });
  for (const text of ["9876", "host", "host:99999", "http://host:1", "::1:9876"]) {
    assertThrows(() => read(text), UsageError, "--addr wants HOST:PORT");
  }
});

Deno.test("opensStorage() refuses flags of the one beside the other", () => {
  const opens = (...args: string[]) => opensStorage(readFlags(record.groups, args));
  assertEquals(opens(), false);
  assertEquals(opens("--addr", "127.0.0.1:1"), false);
  assertEquals(opens("--storage", "kv", "--add", "event"), true);
  assertThrows(
    () => opens("--storage", "kv", "--addr", "x:1"),
    UsageError,
    "--addr is for a server",
  );
  assertThrows(() => opens("--add", "event"), UsageError, "--add is for opening the storage here");
  assertThrows(() => opens("--kv-path", "x"), UsageError, "--kv-path is for opening");
});
