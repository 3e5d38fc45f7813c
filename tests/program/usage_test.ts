import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Folder, run } from "./_program.ts";

Deno.test("traqq --help and --version need no permission", async () => {
  const help = await run({ args: ["--help"] });
  assertEquals([help.code, help.err], [0, ""]);
  assertStringIncludes(help.out, "traqq COMMAND");
  const version = await run({ args: ["--version"] });
  assertEquals(version.code, 0);
  assertMatch(version.out, /^traqq \d+\.\d+\.\d+\n$/);
  const asking = ["record", "query", "stats", "prune"];
  for (const name of ["serve", ...asking, "export", "import", "journal", "demo"]) {
    assertEquals((await run({ args: [name, "--help"] })).code, 0, name);
  }
});

Deno.test("traqq exits with 2 for wrong usage and 1 for a failure, in one line without a stack", async () => {
  const bad = async (code: number, args: string[], message: string) => {
    const ended = await run({ args });
    assertEquals([ended.code, ended.out], [code, ""], ended.err);
    assertStringIncludes(ended.err, message);
    assertEquals(ended.err.trimEnd().includes("\n"), false, ended.err);
  };
  await bad(2, ["serv"], "did you mean serve?");
  await bad(2, ["query", "--dyas", "3"], "did you mean --days?");
  await bad(2, ["serve", "--allow-net"], "put it before the program");
  await bad(1, ["query"], "run again with --allow-net=127.0.0.1:9876");
  await bad(
    1,
    ["serve"],
    "run again with --allow-net=127.0.0.1:9876 --allow-read=./traqq.db --allow-write=./traqq.db",
  );
  await bad(
    1,
    ["serve", "--data-dir", "d"],
    "run again with --allow-net=127.0.0.1:9876 --allow-read=d --allow-write=d\n",
  );
  await bad(1, ["journal", "dump", "--data-dir", "d"], "run again with --allow-read=d");
  await bad(1, ["journal", "dump", "--journal", "j"], "run again with --allow-read=j");
  await bad(1, ["record", "x.ndjson"], "run again with --allow-read=x.ndjson");
  await bad(1, ["demo"], "run again with --allow-net=127.0.0.1 --allow-read --allow-write");
  await bad(
    1,
    ["prune", "--before", "2026-01-01", "--kv-path", "x.db"],
    "run again with --allow-read=x.db --allow-write=x.db",
  );
  await bad(1, ["prune", "--before", "1", "--config", "c"], "run again with --allow-read=c");
});

Deno.test("traqq says how to get Deno KV where it is not switched on", async () => {
  await using folder = new Folder();
  // As from JSR, where the program's own deno.json is not read.
  const config = folder.write("deno.json", JSON.stringify({ imports: await plainImports() }));
  const missing = async (...args: string[]) => {
    const { code, err } = await run({
      cwd: folder.path,
      allow: [`--config=${config}`, "--no-lock", "--allow-net", "--allow-read", "--allow-write"],
      args,
    });
    assertEquals(code, 1);
    assertStringIncludes(err, "--unstable-kv");
  };
  await missing("serve", "--addr", "127.0.0.1:0");
  await missing("prune", "--before", "2026-01-01", "--kv-path", folder.write("t.db", ""));
});

Deno.test("traqq names the file in an error of the config file", async () => {
  await using folder = new Folder();
  const bad = async (text: string, code: number, message: string) => {
    folder.write("traqq.json", text);
    const ended = await run({
      cwd: folder.path,
      allow: ["--allow-net", "--allow-read"],
      args: ["serve", "--addr", "127.0.0.1:0", "--storage", "memory", "--config", "traqq.json"],
    });
    assertEquals(ended.code, code, ended.err);
    assertStringIncludes(ended.err, message);
  };
  await bad('{"mapping":{"ad":["event"]}}', 2, 'traqq.json: Cannot use mapping: there is no "ad"');
  await bad('{"mapping":{"add":["event"]}', 2, "traqq.json: Cannot read it as JSON");
  await bad('{"flush":{"intervalMs":0}}', 2, "traqq.json: Cannot use flush.intervalMs");
  await Deno.remove(folder.file("traqq.json"));
  const ended = await run({
    cwd: folder.path,
    allow: ["--allow-net", "--allow-read"],
    args: ["serve", "--addr", "127.0.0.1:0", "--storage", "memory", "--config", "traqq.json"],
  });
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.err, "Cannot read the config file traqq.json: there is no such file");
});

/** The imports of deno.json, with the stand-ins for @std named one by one. */
async function plainImports(): Promise<Record<string, string>> {
  const root = new URL("../../", import.meta.url);
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  for (const name of Object.keys(imports).filter((name) => name.startsWith("@std/"))) {
    const folder = new URL(`dev/std/${name.slice("@std/".length)}/`, root);
    const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
    if (typeof exports === "string") imports[name] = new URL(exports, folder).href;
    else {
      for (const [path, file] of Object.entries<string>(exports)) {
        imports[name + path.slice(1)] = new URL(file, folder).href;
      }
    }
  }
  return imports;
}

Deno.test("traqq says in one line that its output cannot be written", async () => {
  // A full disk, as Linux has it ready.
  const full = (args: string[], allow: string[] = []) =>
    run({ args, allow, first: "exec > /dev/full" });
  const version = await full(["--version"]);
  assertEquals([version.code, version.out], [1, ""]);
  assertMatch(
    version.err,
    /^traqq: Cannot write the output: No space left .*; write it elsewhere\n$/,
  );
  const serve = await full(
    ["serve", "--addr=127.0.0.1:0", "--storage=memory", "--log-format=text"],
    ["--allow-net=127.0.0.1"],
  );
  assertEquals(serve.code, 1);
  assertMatch(serve.err, /^traqq: Cannot write the output: .*; write it elsewhere\n$/);
});
