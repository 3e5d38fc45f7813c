import { assert, assertEquals, assertRejects } from "@std/assert";
import { SqlError } from "../../../src/series/sql/errors.ts";
import type { SqlParameter } from "../../../src/series/sql/session.ts";
import { openAsking, START_NS } from "./_asking.ts";

/** Statements that take for ever, each in a way of its own. */
const ENDLESS = [
  "SELECT count(*) FROM range(1000000000) a, range(1000000000) b",
  "SELECT sum(a.range * b.range) FROM range(10000000) a JOIN range(10000000) b ON a.range <> b.range",
  "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
  "SELECT count(*) FROM (SELECT i FROM range(1000000000000) t(i) WHERE i % 7 = 8)",
];

Deno.test("SqlSession.run() ends what runs over its time, and the connection lives on", async () => {
  await using asking = await openAsking({ maxRunning: 1 });
  for (const sql of ENDLESS) {
    const error = await assertRejects(
      () => asking.ask(sql, { timeoutMs: 200 }),
      SqlError,
      "200 ms",
    );
    assertEquals(error.code, "57014");
    assertEquals((await asking.ask("SELECT count(*) FROM cpu")).rows, [[20n]]);
  }
});

Deno.test("SqlSession.run() is cancelled by its signal, before, during and between rows", async () => {
  await using asking = await openAsking({ maxRunning: 1 });
  const aborted = AbortSignal.abort();
  const early = await assertRejects(() => asking.ask("SELECT 1", { signal: aborted }), SqlError);
  assertEquals(early.code, "57014");

  for (const sql of ENDLESS) {
    const controller = new AbortController();
    const asked = asking.session.run(sql, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    assertEquals((await assertRejects(() => asked, SqlError, "cancelled")).code, "57014");
  }

  const controller = new AbortController();
  const { rows } = await asking.session.run("FROM range(10000000)", { signal: controller.signal });
  const error = await assertRejects(
    async () => {
      for await (const _ of rows) controller.abort();
    },
    SqlError,
    "cancelled",
  );
  assertEquals(error.code, "57014");
  assertEquals((await asking.ask("SELECT 1")).rows, [[1]]);
});

Deno.test("SqlSession.run() cancels also a statement that waits for a connection", async () => {
  await using asking = await openAsking({ maxRunning: 1, maxWaiting: 1 });
  const first = new AbortController();
  const running = asking.session.run(ENDLESS[0], { signal: first.signal });
  const second = new AbortController();
  const waiting = asking.session.run("SELECT 1", { signal: second.signal });
  const full = await assertRejects(() => asking.session.run("SELECT 2"), SqlError, "1 others wait");
  assertEquals(full.code, "53300");
  second.abort();
  first.abort();
  await assertRejects(() => running, SqlError, "cancelled");
  await assertRejects(() => waiting, SqlError, "cancelled");
  assertEquals((await asking.ask("SELECT 3")).rows, [[3]]);
});

Deno.test("SqlSession.run() refuses more rows and more bytes than allowed", async () => {
  await using asking = await openAsking();
  assertEquals((await asking.ask("FROM range(1000)", { maxRows: 1000 })).rows.length, 1000);
  const rows = await assertRejects(
    () => asking.ask("FROM range(1001)", { maxRows: 1000 }),
    SqlError,
  );
  assertEquals([rows.code, rows.message], [
    "54000",
    "Cannot answer the statement: it gives more than 1000 rows; aggregate, or add a LIMIT",
  ]);
  const wide = "SELECT 'a text of some length ' || range FROM range(100)";
  assertEquals((await asking.ask(wide, { maxBytes: 100_000 })).rows.length, 100);
  const bytes = await assertRejects(() => asking.ask(wide, { maxBytes: 1_000 }), SqlError);
  assertEquals(bytes.code, "54000");
});

Deno.test("SqlSession.run() gives rows as they are read, and ends when nobody reads on", async () => {
  await using asking = await openAsking({ maxRunning: 1 });
  const { rows } = await asking.session.run("FROM range(10000000000)", { maxRows: Infinity });
  let next = 0n;
  for await (const batch of rows) {
    for (const value of Array.from(batch.columns[0].values)) assertEquals(value, next++);
    if (next > 10_000n) break;
  }
  assertEquals((await asking.ask("SELECT 1")).rows, [[1]]); // on the only connection
});

Deno.test("SqlSession.run() never takes an error among the rows for their end", async () => {
  await using asking = await openAsking();
  const cases = [
    [
      "SELECT CASE WHEN i = 500000 THEN ('x' || i)::INT ELSE i END FROM range(1000000) t(i)",
      "x500000",
    ],
    ["SELECT 9223372036854275000 + i FROM range(1000000) t(i)", "Overflow in addition"],
  ];
  for (const [sql, message] of cases) {
    await assertRejects(() => asking.ask(sql, { maxRows: Infinity }), SqlError, message);
    assertEquals((await asking.ask("SELECT 1")).rows, [[1]]);
  }
  // The parameters are bound again, too.
  const sql = "SELECT CASE WHEN i = $1 THEN $2::INT ELSE i END FROM range(1000000) t(i)";
  const options = { parameters: [500_000, "no number"] };
  await assertRejects(() => asking.ask(sql, options), SqlError, "no number");
});

Deno.test("SqlSession.run() gives up on a reader that takes nothing", async () => {
  await using asking = await openAsking({ maxRunning: 1 });
  const { rows } = await asking.session.run("FROM range(10000000)", { idleMs: 50 });
  assertEquals((await asking.ask("SELECT 1")).rows, [[1]]); // waits until the connection is free
  const error = await assertRejects(
    async () => {
      for await (const _ of rows);
    },
    SqlError,
    "nobody took its rows",
  );
  assertEquals(error.code, "57014");
});

Deno.test("SqlSession.run() answers many at once, each with its own rows", async () => {
  await using asking = await openAsking({ maxRunning: 4 });
  const answers = await Promise.all(
    Array.from(
      { length: 40 },
      (_, i) => asking.ask(`SELECT ${i}, sum(range) FROM range(${i * 1000})`),
    ),
  );
  answers.forEach(({ rows }, i) => {
    const n = BigInt(i * 1000);
    assertEquals(rows, [[i, i === 0 ? null : n * (n - 1n) / 2n]]);
  });
});

Deno.test("SqlSession.run() fails a statement that needs more memory than there is, and lives on", async () => {
  await using asking = await openAsking({
    settings: ["SET memory_limit = '50MB'", "SET max_temp_directory_size = '0KB'"],
  });
  const sql = "SELECT count(*) FROM (SELECT DISTINCT i, random() FROM range(50000000) t(i))";
  const error = await assertRejects(() => asking.ask(sql), SqlError);
  assertEquals(error.code, "53200");
  assertEquals((await asking.ask("SELECT 1")).rows, [[1]]);
});

const PARAMETERS: readonly (readonly [value: SqlParameter, type: string])[] = [
  [null, "INTEGER"],
  [true, "BOOLEAN"],
  [5, "BIGINT"],
  [-0, "DOUBLE"],
  [2.5, "DOUBLE"],
  [9007199254740993n, "BIGINT"],
  [170141183460469231731687303715884105727n, "HUGEINT"],
  ["it's; -- \u{1F600}", "VARCHAR"],
  [new Uint8Array([0, 255]), "BLOB"],
  [new Date(Number(START_NS / 1_000_000n)), "TIMESTAMP"],
  [{ months: 1, days: 2, micros: 3n }, "INTERVAL"],
];

Deno.test("SqlSession.run() binds values of every kind", async () => {
  await using asking = await openAsking();
  for (const [value, type] of PARAMETERS) {
    const { columns, rows } = await asking.ask("SELECT $1 AS x", { parameters: [value] });
    const expected = value instanceof Date ? BigInt(value.getTime()) * 1000n : value;
    const found = type === "BIGINT" && typeof value === "number" ? Number(rows[0][0]) : rows[0][0];
    assertEquals([columns[0].type, found], [type, expected]);
  }
});

Deno.test("SqlSession.run() reads texts as the types that are said", async () => {
  await using asking = await openAsking();
  const parameters = ["20", "2024-01-01 00:00:03", "[server01, x]", "t"];
  const parameterTypes = ["INTEGER", "TIMESTAMP_NS", "VARCHAR[]", "BOOLEAN"];
  const { rows } = await asking.ask(
    "SELECT $1 + 1, host FROM cpu WHERE time = $2 AND host = ANY($3) AND $4",
    { parameters, parameterTypes },
  );
  assertEquals(rows, [[21, "server01"]]);
  const wrong = { parameters: ["x"], parameterTypes: ["INTEGER"] };
  const error = await assertRejects(
    () => asking.ask("SELECT $1", wrong),
    SqlError,
    '"x" is no INTEGER',
  );
  assertEquals(error.code, "22000");
  const evil = { parameters: ["1"], parameterTypes: ["INT); DROP VIEW cpu; --"] };
  await assertRejects(() => asking.ask("SELECT $1", evil), SqlError, "none of DuckDB's");
  await assertRejects(() => asking.ask("SELECT $1, $2", { parameters: [1] }), SqlError, "wanted 2");
  const nan = { parameters: [new Date(NaN)] };
  await assertRejects(() => asking.ask("SELECT $1", nan), SqlError, "invalid Date");
});

Deno.test("SqlSession.describe() says what is needed and what comes, without rows", async () => {
  await using asking = await openAsking();
  assertEquals(
    await asking.session.describe("SELECT host, usage FROM cpu WHERE n > $1 AND time < $2"),
    {
      parameters: ["BIGINT", "TIMESTAMP_NS"],
      columns: [{ name: "host", type: "VARCHAR" }, { name: "usage", type: "DOUBLE" }],
      kind: "rows",
    },
  );
  assertEquals((await asking.session.describe("SELECT $1 AS x")).columns, [{
    name: "x",
    type: "VARCHAR",
  }]);
  assertEquals(await asking.session.describe("SELECT $1 AS x, $2 AS y", ["DOUBLE", "DATE"]), {
    parameters: ["DOUBLE", "DATE"],
    columns: [{ name: "x", type: "DOUBLE" }, { name: "y", type: "DATE" }],
    kind: "rows",
  });
  await assertRejects(() => asking.session.describe("SELECT * FROM points.cpu_points"), SqlError);
});

Deno.test("a failure has the SQLSTATE that a client looks at", async () => {
  await using asking = await openAsking();
  const cases: readonly (readonly [string, string])[] = [
    ["SELEC 1", "42601"],
    ["SELECT nothing FROM cpu", "42703"],
    ["SELECT x.usage FROM cpu", "42P01"],
    ["SELECT * FROM nothing", "42P01"],
    ["SELECT abs('x', 2)", "42883"],
    ["SELECT sum(host) FROM cpu", "42883"],
    ["SELECT host, sum(usage) FROM cpu", "42804"],
    ["SELECT 'x'::INT", "22000"],
    ["SELECT 9223372036854775807::BIGINT + 1", "22000"],
    ["SELECT $1", "42P02"],
    ["SELECT * FROM cpu WHERE time > TIMESTAMPTZ '2024-01-01 00:00:00Z'", "42804"],
  ];
  for (const [sql, code] of cases) {
    const error = await assertRejects(() => asking.ask(sql), SqlError, "Cannot ", sql);
    assertEquals(error.code, code, `${sql}: ${error.message}`);
  }
});

Deno.test("an ended session fails what runs, and what comes", async () => {
  const asking = await openAsking();
  await using _ = asking;
  const running = asking.session.run(ENDLESS[0]);
  asking.session.end("the engine was closed");
  assertEquals(
    (await assertRejects(() => running, SqlError, "the engine was closed")).code,
    "57P01",
  );
  await assertRejects(() => asking.session.run("SELECT 1"), SqlError, "the engine was closed");
});

Deno.test("rewritten statements keep every digit of their constants", async () => {
  await using asking = await openAsking();
  const constants = [
    "9007199254740993",
    "18446744073709551615",
    "170141183460469231731687303715884105727",
    "0.1",
    "1.10",
    "123456789012345678.123456789",
    "1e-5",
    "'it''s'",
    "-0.0::DOUBLE",
    "1e300",
    "TIMESTAMP_NS '2024-01-01 00:00:00.123456789'",
    "INTERVAL '1 month 3 microseconds'",
    "[1, NULL]",
    "{'a b': 1}",
    "x'ff'",
    "'é\\n😀'",
    "true",
    "NULL",
  ];
  for (const constant of constants) {
    const [plain] =
      (await asking.ask(`SELECT ${constant}, max(usage) FROM cpu WHERE host = 'server01'`)).rows;
    const [rewritten] = (await asking.ask(`SELECT ${constant}, last(usage) FROM cpu`)).rows;
    assert(rewritten[1] === 9 || rewritten[1] === 9.5);
    assertEquals(rewritten[0], plain[0], constant);
  }
});
