import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DATABASE_NAME } from "../../../../src/series/engine/duckdb/database.ts";
import { FORMAT } from "../../../../src/series/engine/duckdb/format.ts";
import { EngineError, openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { askOf, temporaryFolder, type TestPoint, Units } from "../_engine.ts";
import { withDatabase } from "./_database.ts";

const point = (host: string, time: bigint, value: number): TestPoint => ({
  measurement: "cpu",
  tags: { host },
  fields: { usage: value },
  time,
});

Deno.test("an engine tells after a restart what it holds, and goes on", async () => {
  await using folder = await temporaryFolder();
  const options = { directory: folder.path };
  const first = await openDuckDb(options);
  assertEquals(first.state.position, 0);
  assertEquals(first.state.measurements, []);
  const untagged = { measurement: "Total", fields: { on: true }, time: 1n };
  await first.apply(new Units().unit([point("a", 1n, 1), point("b", 1n, 2), untagged]));
  assertEquals(first.stats(), { units: 1, rows: 3, mergedRows: 0 });
  await first.close();

  const second = await openDuckDb(options);
  assertEquals(second.state, {
    id: first.state.id,
    position: 1,
    measurements: [{
      name: "cpu",
      table: "cpu",
      tags: [{ name: "host", column: "host" }],
      fields: [{ name: "usage", column: "usage", type: "float" }],
      series: [[["host", "a"]], [["host", "b"]]],
    }, {
      name: "Total",
      table: "Total",
      tags: [],
      fields: [{ name: "on", column: "on", type: "boolean" }],
      series: [[]],
    }],
  });
  await second.apply(new Units(second.state).unit([point("b", 1n, 3), point("c", 2n, 4)]));
  assertEquals(second.stats(), { units: 1, rows: 2, mergedRows: 1 });
  const ask = askOf(second);
  assertEquals(await ask("SELECT host, usage FROM cpu ORDER BY ALL"), [["a", 1], ["b", 3], [
    "c",
    4,
  ]]);
  await second.close();
});

Deno.test("an engine without a directory keeps points in memory", async () => {
  const engine = await openDuckDb({ directory: undefined });
  await engine.apply(new Units().unit([point("a", 1n, 1)]));
  assertEquals(await askOf(engine)("SELECT usage FROM cpu"), [[1]]);
  await engine.close();
});

Deno.test("of points that meet, in one unit or in two, fields are united and the last value stays", async () => {
  const engine = await openDuckDb({ directory: undefined });
  const units = new Units();
  const at = (fields: TestPoint["fields"], time = 5n): TestPoint => ({
    measurement: "cpu",
    tags: { host: "a" },
    fields,
    time,
  });
  await engine.apply(units.unit([at({ a: 1, s: "first" }), at({ b: 1 }), at({ a: 2, b: 2 })]));
  const ask = askOf(engine);
  const read = () => ask("SELECT a, b, s, c FROM cpu ORDER BY time");
  await engine.apply(units.unit([at({ c: true }, 9n), at({ a: 4 }), at({ s: "" }), at({ a: 3 })]));
  assertEquals(await read(), [[3, 2, "", null], [null, null, null, true]]);
  await engine.apply(units.unit([at({ a: 7 }, 1n), at({ a: 6 }, 1n), at({ a: -0 }, 9n)]));
  assertEquals(await read(), [[6, null, null, null], [3, 2, "", null], [-0, null, null, true]]);
  await engine.close();
});

Deno.test("two hundred fields, of which a later unit has some and adds others", async () => {
  const engine = await openDuckDb({ directory: undefined });
  const units = new Units();
  const wide = (from: number, to: number, time: bigint): TestPoint => ({
    measurement: "wide",
    fields: Object.fromEntries(
      Array.from({ length: to - from }, (_, at) => [`field ${from + at}`, from + at]),
    ),
    time,
  });
  await engine.apply(units.unit([wide(0, 200, 1n)]));
  await engine.apply(units.unit([wide(190, 210, 1n), wide(0, 1, 2n)]));
  const ask = askOf(engine);
  assertEquals(
    await ask(`SELECT "field 0", "field 195", "field 209" FROM wide ORDER BY time`),
    [[0, 195, 209], [0, null, null]],
  );
  await engine.close();
});

Deno.test("times are compared with clocks, texts, dates and intervals, and keep their nanoseconds", async () => {
  const engine = await openDuckDb({ directory: undefined });
  await engine.apply(new Units().unit([point("a", 1_700_000_000_000_000_123n, 1)]));
  const ask = askOf(engine);
  const holds = async (condition: string) => {
    assertEquals(await ask(`SELECT count(*) FROM cpu WHERE ${condition}`), [[1n]], condition);
  };
  await holds("time < now()");
  await holds("time < now() - INTERVAL '1 hour'");
  await holds("time < current_timestamp");
  await holds("time BETWEEN '2023-11-14' AND now()");
  await holds("time > '2023-11-14T22:13:20Z'");
  await holds("time = '2023-11-14 22:13:20.000000123'");
  await holds("time > TIMESTAMP '2023-11-14 22:13:20'");
  await holds("time > DATE '2023-11-14' AND time < DATE '2023-11-14' + INTERVAL 1 DAY");
  await holds("time_bucket(INTERVAL '1 hour', time) = TIMESTAMP '2023-11-14 22:00:00'");
  await holds("date_trunc('day', time) = DATE '2023-11-14'");
  await holds("epoch_ns(time) = 1700000000000000123");
  await engine.close();
});

Deno.test("a second opener is refused, in this process and in another one", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path });
  const error = await assertRejects(() => openDuckDb({ directory: folder.path }), EngineError);
  assertEquals(error.code, "held");
  assertStringIncludes(error.message, folder.path);

  const module = new URL("../../../../src/series/engine/duckdb/mod.ts", import.meta.url).href;
  const program = `import { openDuckDb } from ${JSON.stringify(module)};
    try { await openDuckDb({ directory: Deno.args[0] }); console.log("opened"); }
    catch (error) { console.log(error.code); }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program, folder.path],
    cwd: new URL("../../../../", import.meta.url),
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "held");
  await engine.close();
  await (await openDuckDb({ directory: folder.path })).close();
});

Deno.test("a worker that throws is ended, says why, and its files can be opened again", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path });
  const units = new Units();
  await engine.apply(units.unit([point("a", 1n, 1)]));
  const ask = askOf(engine);
  const lost = assertRejects(() => ask("throw"), EngineError, "thrown by the test");
  const error = await engine.died;
  await lost;
  assertStringIncludes(error.message, "thrown by the test");
  const refused = await assertRejects(
    () => engine.apply(units.unit([point("a", 2n, 2)])),
    EngineError,
  );
  assertEquals(refused.code, "died");
  await engine.close();

  const again = await openDuckDb({ directory: folder.path });
  assertEquals(again.state.position, 1);
  assertEquals(await askOf(again)("SELECT usage FROM cpu"), [[1]]);
  await again.close();
});

Deno.test("a worker that is ended at once rejects what was under way", async () => {
  const engine = await openDuckDb({ directory: undefined });
  const units = new Units();
  const applied = engine.apply(units.unit([point("a", 1n, 1)]));
  engine.terminate();
  const error = await assertRejects(() => applied, EngineError);
  assertEquals(error.code, "died");
  assertEquals(await engine.died, error);
});

Deno.test("files whose worker was ended while it wrote are not opened again by this process", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path });
  const units = new Units();
  // Work for a while: the worker says in shared memory that it writes.
  const points = Array.from({ length: 1000 }, (_, at) => point(`h${at % 50}`, BigInt(at), at));
  const applied = Array.from({ length: 100 }, () => engine.apply(units.unit(points)));
  const results = Promise.allSettled(applied);
  const patienceMs = performance.now() + 30_000;
  while (!engine.isWriting && performance.now() < patienceMs);
  engine.terminate();
  assert((await results).some(({ status }) => status === "rejected"));
  const error = await assertRejects(() => openDuckDb({ directory: folder.path }), EngineError);
  assertEquals(error.code, "held");
  assertStringIncludes(error.message, "start the program again");
});

Deno.test("a unit that cannot be applied leaves nothing, and the engine must be opened again", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path });
  const units = new Units();
  await engine.apply(units.unit([point("a", 1n, 1)]));
  const unit = units.unit([point("a", 2n, 2)]);
  // Nobody announced this field.
  const broken = {
    ...unit,
    batches: unit.batches.map((batch) => ({
      ...batch,
      newFields: [],
      fields: [{ ...batch.fields[0], name: "other" }],
    })),
  };
  const error = await assertRejects(() => engine.apply(broken), EngineError, "never announced");
  assertEquals(error.code, "failed");
  await assertRejects(() => engine.apply(units.unit([point("a", 3n, 3)])), EngineError);
  await engine.close();
  const again = await openDuckDb({ directory: folder.path });
  assertEquals(again.state.position, 1);
  assertEquals(await askOf(again)("SELECT usage FROM cpu"), [[1]]);
  await again.close();
});

Deno.test("files that are damaged or foreign give a clear error and are kept", async () => {
  const refused = async (code: string, prepare: (path: string) => Promise<unknown>) => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/${DATABASE_NAME}`;
    await prepare(path);
    const before = await Deno.readFile(path);
    const error = await assertRejects(() => openDuckDb({ directory: folder.path }), EngineError);
    assertEquals(error.code, code, error.message);
    assertStringIncludes(error.message, folder.path);
    assertEquals(await Deno.readFile(path), before);
  };
  await refused("damaged", (path) => Deno.writeTextFile(path, "what is this? ".repeat(2000)));
  await refused("damaged", (path) => withDatabase(path, "CREATE TABLE orders (id INTEGER)"));
  await refused("damaged", async (path) => {
    await withDatabase(path, "CREATE TABLE t AS SELECT 'x' || i FROM range(100000) r(i)");
    const bytes = await Deno.readFile(path);
    crypto.getRandomValues(bytes.subarray(4096, 4096 + 8192));
    await Deno.writeFile(path, bytes);
  });
  await refused(
    "format",
    (path) =>
      withDatabase(
        path,
        "CREATE SCHEMA traqq",
        "CREATE TABLE traqq.state (format INTEGER, id VARCHAR, position BIGINT)",
        `INSERT INTO traqq.state VALUES (${FORMAT + 1}, 'x', 0)`,
      ),
  );
});

Deno.test("SQL reads and writes no file, loads nothing and changes no setting", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path });
  const ask = askOf(engine);
  await Deno.writeTextFile(`${folder.path}/secret.csv`, "a\n1\n");
  for (
    const sql of [
      `FROM read_csv('${folder.path}/secret.csv')`,
      `COPY (SELECT 1) TO '${folder.path}/out.csv'`,
      `ATTACH '${folder.path}/other.duckdb'`,
      "LOAD httpfs",
      "SET enable_external_access = true",
      "SET memory_limit = '10GB'",
    ]
  ) await assertRejects(() => ask(sql), Error, undefined, sql);
  assert(
    !(await Array.fromAsync(Deno.readDir(folder.path))).some(({ name }) => name === "out.csv"),
  );
  await engine.close();
});
