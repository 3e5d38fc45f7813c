import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { KvStorage } from "../../src/storage/kv.ts";
import { count, PREFIX, TestWriter } from "../contract/kit.ts";
import { ask, CLI, Folder, run, Server, within } from "./_program.ts";

const FLAGS = [
  "--storage",
  "memory",
  "--add",
  "event~geo",
  "--bitmap",
  "ip",
  "--add-value",
  "event/amount",
  "--top",
  "geo",
  "--time-property",
  "at",
  "--hourly",
  "--timezone",
  "Europe/Berlin",
];

/** A server with three purchases in two days of Berlin, the second late in the evening. */
async function filled(folder: Folder): Promise<Server> {
  const server = await Server.start(folder.path, ...FLAGS);
  const events = [
    { event: "purchase", geo: "US", ip: "1", amount: 99.99, at: "2026-11-01T10:00:00Z" },
    { event: "purchase", geo: "日本", ip: "1", amount: "-0.5", at: "2026-11-01T22:59:59Z" },
    { event: "purchase", geo: "x\x1b[31m\n=1", ip: "2", amount: 1, at: "2026-11-01T23:00:00Z" },
  ];
  const stdin = events.map((event) => JSON.stringify(event)).join("\n");
  const { code, err } = await ask(server, ["record"], { stdin });
  assertEquals(code, 0, err);
  return server;
}

const RANGE = ["--from", "2026-11-01", "--to", "2026-11-02"];

Deno.test("traqq query --from and --to are days of the server's zone, both inclusive", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const query = async (...args: string[]) => {
    const { code, out, err } = await ask(server, [
      "query",
      "--find",
      "bmp/ip",
      "--format",
      "csv",
      ...args,
    ]);
    assertEquals(code, 0, err);
    return out;
  };
  assertEquals(await query(...RANGE), "date,value\n2026-11-01,1\n2026-11-02,1\n");
  assertEquals(
    await query("--from", "2026-11-01", "--to", "2026-11-01"),
    "date,value\n2026-11-01,1\n",
  );
  assertEquals(await query(...RANGE, "--merge"), "value\n2\n");
  // The same by instants and by unix seconds.
  assertEquals(
    await query("--from", "2026-11-01T23:00:00Z", "--to", "1793574000"),
    "date,value\n2026-11-02,1\n",
  );
  assertEquals(
    await query("--from", "2026-11-01", "--to", "2026-11-01", "--unit", "h"),
    "date,value\n2026-11-01T11:00:00+01:00,1\n2026-11-01T23:00:00+01:00,1\n",
  );
});

Deno.test("traqq query --format gives the same numbers in every format", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const query = async (...args: string[]) => (await ask(server, ["query", ...RANGE, ...args])).out;

  const json = JSON.parse(await query("--find", "adv/event/amount", "--merge", "--format", "json"));
  assertEquals(json, [{
    type: "adv",
    key: ["event"],
    location: "",
    addKey: "amount",
    sums: { purchase: 100.49 },
    sum: 100.49,
    count: 3,
  }]);
  assertEquals(
    await query("--find", "adv/event/amount", "--merge"),
    `\
event     sum of amount
purchase         100.49

amount: sum 100.49, over 3 values, mean 33.50
`,
  );
  assertEquals(
    await query("--find", "top/geo", "--merge", "--format", "csv", "--escape-formulas"),
    'geo,value\nUS,1\n"x\x1b[31m\n=1",1\n日本,1\n',
  );
  const rows = (await query("--find", "add/event~geo", "--format", "ndjson")).trimEnd().split("\n");
  assertEquals(JSON.parse(rows[1]).field, ["purchase", "日本"]);
  // A value must not reach the terminal as a control character.
  const table = await query();
  assertEquals(table.includes("\x1b"), false);
  assertStringIncludes(table, "x\\x1b[31m\\n=1");
  const all = JSON.parse(await query("--format", "json"));
  assertEquals(all.map(({ date }: { date: string }) => date), ["2026-11-01", "2026-11-02"]);
});

Deno.test("traqq query --accept, --allow and --ignore choose metrics, ignore wins", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const metrics = async (...args: string[]) => {
    const { out } = await ask(server, ["query", ...RANGE, "--format", "ndjson", ...args]);
    const types = out.trimEnd().split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line).type);
    return [...new Set(types)];
  };
  assertEquals(await metrics(), ["bmp", "add", "adv", "top"]);
  assertEquals(await metrics("--accept", "add:*", "--allow", "top:*"), ["add", "top"]);
  assertEquals(await metrics("--ignore", "{add,top}:*", "--ignore", "adv:amount:*"), ["bmp"]);
  assertEquals(await metrics("--accept", "add:*", "--ignore", "add:*"), []);
  assertEquals(await metrics("--find", "bmp/ip", "--ignore", "bmp:*"), []);
});

Deno.test("traqq query says what a range must be", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const bad = async (args: string[], message: RegExp) => {
    const { code, out, err } = await ask(server, ["query", ...args]);
    assertEquals([code === 0, out], [false, ""]);
    assertMatch(err, message);
    assertEquals(err.trimEnd().includes("\n"), false, err);
  };
  await bad(["--from", "2026-11-02", "--to", "2026-11-01"], /--to lies before --from/);
  await bad(["--from", "2999-01-01"], /--from lies in the future/);
  await bad(["--from", "1900-01-01", "--unit", "h"], /maxBuckets/);
  await bad(["--days", "1000000"], /from 1 to 100000/);
});

Deno.test("traqq query ends quietly when nobody reads on", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const stdin = Array.from(
    { length: 20_000 },
    (_, i) => `{"event":"e${i}","geo":"g","at":"2026-11-01T10:00:00Z"}`,
  ).join("\n");
  assertEquals((await ask(server, ["record"], { stdin })).code, 0);
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      `"$0" run --no-prompt --quiet --allow-net=${server.address} ${CLI} query ` +
      `--addr ${server.address} --from 2026-11-01 --format ndjson | head -n 1`,
      Deno.execPath(),
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr } = await within(process.output(), "head");
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout).split("\n").length, 2);
});

Deno.test("traqq query --limit keeps tables short and says how much is missing", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const table = async (...args: string[]) =>
    (await ask(server, ["query", ...RANGE, "--find", "top/geo", "--merge", ...args])).out;
  assertEquals(await table("--limit", "1"), "geo       score\nUS            1\n… 2 more\n");
  assertEquals((await table("--limit", "0")).split("\n").length, 5);
});

Deno.test("traqq query --storage reads a file, which must be there", async () => {
  await using folder = new Folder();
  const { code, err } = await run({
    cwd: folder.path,
    allow: ["--unstable-kv", "--allow-read=traqq.db", "--allow-write=traqq.db"],
    args: ["query", "--storage", "kv"],
  });
  assertEquals(code, 1);
  assertStringIncludes(err, "Cannot open the Deno KV file ./traqq.db: there is no such file");
  assertEquals([...Deno.readDirSync(folder.path)], []);
});

Deno.test("traqq stats shows the server's counters", async () => {
  await using folder = new Folder();
  await using server = await filled(folder);
  const { out } = await ask(server, ["stats"]);
  assertMatch(out, /^recorded +3$/m);
  assertMatch(out, /^server\.connections +1$/m);
  assertEquals(JSON.parse((await ask(server, ["stats", "--format", "json"])).out).recorded, 3);
});

Deno.test("traqq prune removes what ended before a day, --dry-run only counts", async () => {
  await using folder = new Folder();
  const allow = ["--unstable-kv", "--allow-read=traqq.db", "--allow-write=traqq.db"];
  const traqq = async (...args: string[]) => {
    const ended = await run({ cwd: folder.path, allow, args });
    assertEquals(ended.code, 0, ended.err);
    return ended.out;
  };
  for (const at of ["2026-10-31", "2026-11-01", "2026-11-02"]) {
    await traqq("record", "--storage", "kv", "--event", '{"event":"a"}', "--at", `${at}T12:00:00Z`);
  }
  const before = ["prune", "--before", "2026-11-01"];
  const left = () =>
    traqq(
      "query",
      "--storage",
      "kv",
      "--from",
      "2026-10-01",
      "--find",
      "add/event",
      "--format",
      "csv",
    );
  assertEquals(
    await traqq(...before, "--dry-run"),
    "Would remove 1 day or hour with 1 value\n",
  );
  assertEquals((await left()).split("\n").length, 5);
  assertEquals(await traqq(...before), "Removed 1 day or hour with 1 value\n");
  assertEquals(await left(), "date,event,value\n2026-11-01,a,1\n2026-11-02,a,1\n");
});

Deno.test("traqq prune --writers removes the checkpoints of writers with a journal that nobody holds", async () => {
  await using folder = new Folder();
  const path = folder.file("t.db");
  const prune = async (code: number, ...args: string[]) => {
    const ended = await run({
      cwd: folder.path,
      allow: ["--unstable-kv", `--allow-read=${path}`, `--allow-write=${path}`],
      args: ["prune", "--kv-path", path, ...args],
    });
    assertEquals(ended.code, code, ended.err);
    return code === 0 ? ended.out : ended.err;
  };
  {
    await using storage = await KvStorage.open(path);
    for (const [writer, durable] of [["gone", true], ["held", true], ["passing", false]] as const) {
      const cells = [count("a", 1)];
      await new TestWriter(storage, { writer, durable }).flush(cells);
    }
    await storage.acquireWriter(PREFIX, "held", "alive", 600_000);
  }
  const prefix = ["--prefix", PREFIX];
  const kept = "Kept, for a live process holds it, held: flush 1 part 0 of incarnation held-1\n";
  assertEquals(
    await prune(0, "--writers", "--dry-run", ...prefix),
    `Would remove gone: flush 1 part 0 of incarnation gone-1\n${kept}`,
  );
  assertEquals(
    await prune(0, "--writers", ...prefix),
    `Removed gone: flush 1 part 0 of incarnation gone-1\n${kept}`,
  );
  assertEquals(await prune(0, "--writers", ...prefix), kept);
  assertEquals(await prune(0, "--writers"), "No writer of prefix traqq has a journal\n");
  assertStringIncludes(
    await prune(2, "--writers", "--before", "2026-01-01"),
    "--before and --writers do not go together",
  );
  await using storage = await KvStorage.open(path);
  assertEquals(await storage.checkpoint(PREFIX, "gone"), null);
  for (const writer of ["held", "passing"]) {
    assertEquals((await storage.checkpoint(PREFIX, writer))?.flush, 1, writer);
  }
});
