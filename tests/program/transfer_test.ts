import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { KvStorage } from "../../src/storage/kv.ts";
import { contents, count, PREFIX, totals } from "../contract/kit.ts";
import { fill, manyCells, oddCells } from "../transfer/_cells.ts";
import { Folder, run, spawn, within } from "./_program.ts";

const ALLOW = ["--unstable-kv", "--allow-read", "--allow-write"];

async function filled(folder: Folder, cells = manyCells(5000)): Promise<string> {
  await using _storage = await fill(await KvStorage.open(folder.file("a.db")), cells);
  return folder.file("a.db");
}

async function stored(path: string, prefix = PREFIX) {
  await using storage = await KvStorage.open(path);
  return await contents(storage, prefix);
}

const only = (folder: Folder, read: string[], write: string[]) => [
  "--unstable-kv",
  `--allow-read=${read.map((name) => folder.file(name)).join(",")}`,
  `--allow-write=${write.map((name) => folder.file(name)).join(",")}`,
];

Deno.test("traqq export and import bring a prefix to another storage, gzipped or not", async () => {
  await using folder = new Folder();
  const cells = oddCells();
  const path = await filled(folder, cells);
  for (const name of ["x.ndjson", "x.ndjson.gz"]) {
    const file = folder.file(name);
    const out = await run({
      allow: only(folder, ["a.db", `${name}.part`], ["a.db", name, `${name}.part`]),
      args: ["export", "--kv-path", path, "--prefix", PREFIX, file],
    });
    assertEquals([out.code, out.out], [0, `Exported ${cells.length} cells to ${file}\n`], out.err);
    const gzipped = Deno.readFileSync(file)[0] === 0x1f;
    assertEquals(gzipped, name.endsWith(".gz"));
    const target = `${name}.db`;
    const imported = (...more: string[]) =>
      run({
        allow: only(folder, [target, name], [target, `${target}.refused.ndjson`]),
        args: ["import", "--kv-path", folder.file(target), file, ...more],
      });
    const done = `Imported ${cells.length} cells of ${file} into prefix ${PREFIX}`;
    const first = await imported();
    assertEquals([first.code, first.out, first.err], [0, `${done}\n`, ""]);
    assertEquals((await imported()).out, `${done} (${cells.length} of them before)\n`);
    assertEquals(await stored(folder.file(target)), totals(cells));
    assertEquals((await imported("--prefix", "copy")).code, 0);
    assertEquals(await stored(folder.file(target), "copy"), totals(cells));
  }
  assertEquals([...Deno.readDirSync(folder.path)].some(({ name }) => /part/.test(name)), false);
});

Deno.test("traqq export goes through a pipe into traqq import -", async () => {
  await using folder = new Folder();
  const path = await filled(folder);
  const source = spawn({ allow: ALLOW, args: ["export", "--kv-path", path, "--prefix", PREFIX] });
  const text = await within(source.out.ended, "the export");
  assertEquals((await source.process.status).code, 0, await source.err.ended);
  const target = folder.file("b.db");
  const ended = await run({
    allow: ALLOW,
    args: ["import", "--kv-path", target, "-"],
    stdin: text,
  });
  assertEquals(ended.code, 0, ended.err);
  assertEquals(ended.out, `Imported 5000 cells of standard input into prefix ${PREFIX}\n`);
  assertEquals(await stored(target), totals(manyCells(5000)));
});

Deno.test("traqq import refuses what it should, in one line that says what to do", async () => {
  await using folder = new Folder();
  const path = await filled(folder, [count("a", 1)]);
  const file = folder.file("x.ndjson");
  await run({ allow: ALLOW, args: ["export", "--kv-path", path, "--prefix", PREFIX, file] });
  const bad = async (code: number, args: string[], message: string) => {
    const ended = await run({ allow: ALLOW, args: ["import", ...args], cwd: folder.path });
    assertEquals(ended.code, code, ended.err);
    assertStringIncludes(ended.err, message);
    assertEquals(ended.err.trimEnd().split("\n").length, 1, ended.err);
  };
  await bad(2, [], "import needs a file");
  await bad(2, ["-", "-"], "only once");
  await bad(2, ["--storage", "memory", file], "--storage memory");
  await bad(1, ["none.ndjson"], "there is no such file");
  await bad(2, ["--kv-path", path, file], "or give --merge");
  const lines = Deno.readTextFileSync(file);
  folder.write("cut.ndjson", lines.slice(0, lines.lastIndexOf("{")));
  await bad(1, ["--kv-path", "c.db", "cut.ndjson"], "it was cut off. 0 cells");
  folder.write("other.ndjson", '{"event":"x"}\n');
  await bad(1, ["--kv-path", "c.db", "other.ndjson"], "Cannot read line 1: wanted a traqq export");
  {
    await using storage = await KvStorage.open(folder.file("z.db"));
    await storage.claimTimezone(PREFIX, "UTC");
  }
  await bad(2, ["--kv-path", "z.db", file], "wanted time zone Europe/Berlin");
  const merged = await run({ allow: ALLOW, args: ["import", "--merge", "--kv-path", path, file] });
  assertEquals(merged.code, 0, merged.err);
  assertEquals(await stored(path), totals([count("a", 2)]));
});

Deno.test("traqq export that fails leaves the file as it was", async () => {
  await using folder = new Folder();
  const path = await filled(folder, [count("a", 1)]);
  const ended = await run({
    allow: ALLOW,
    args: ["export", "--kv-path", path, folder.file("none/x.ndjson")],
  });
  assertEquals(ended.code, 1);
  assertMatch(ended.err, /^traqq: Cannot write .*none\/x\.ndjson: /);
  // What stands at a key is not traqq's: it fails in the middle.
  folder.write("kept.ndjson", "as it was");
  {
    using kv = await Deno.openKv(path);
    await kv.set([PREFIX, "add", "d", "event", 1, "f"], "not a number");
  }
  const failed = await run({
    allow: ALLOW,
    args: ["export", "--kv-path", path, "--prefix", PREFIX, folder.file("kept.ndjson")],
  });
  assertEquals(failed.code, 1, failed.out);
  assertEquals(Deno.readTextFileSync(folder.file("kept.ndjson")), "as it was");
  assertEquals([...Deno.readDirSync(folder.path)].some(({ name }) => /part/.test(name)), false);
});

Deno.test("traqq import that is interrupted says how far it came, and goes on from there", async () => {
  await using folder = new Folder();
  const cells = manyCells(5000);
  const path = await filled(folder, cells);
  const { out: text } = await run({
    allow: ALLOW,
    args: ["export", "--kv-path", path, "--prefix", PREFIX],
  });
  const target = folder.file("b.db");
  // The pipe stays open: only the signal ends it.
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      ...ALLOW,
      new URL("../../cli.ts", import.meta.url).pathname,
      "import",
      "--kv-path",
      target,
      "-",
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text.split("\n").slice(0, 3001).join("\n") + "\n"));
  const output = Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await using watch = await KvStorage.open(target);
  await within(
    (async () => {
      while ((await watch.writers(PREFIX)).length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    "the first batch",
    () => child.kill("SIGKILL"),
  );
  child.kill("SIGINT");
  const [status, out, err] = await within(output, "the import to end", () => child.kill("SIGKILL"));
  await writer.close().catch(() => {});
  assertEquals(status.code, 130, err);
  assertEquals(out, `Imported 2000 cells of standard input into prefix ${PREFIX}\n`);
  assertStringIncludes(err, "the same command goes on from there");
  const again = await run({
    allow: ALLOW,
    args: ["import", "--kv-path", target, "-"],
    stdin: text,
  });
  assertEquals(again.code, 0, again.err);
  assertStringIncludes(again.out, "(2000 of them before)");
  assert(again.out.startsWith("Imported 5000 cells"));
  assertEquals(await stored(target), totals(cells));
});
