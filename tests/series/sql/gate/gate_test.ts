import { assert, assertEquals, assertRejects } from "@std/assert";
import { SqlError } from "../../../../src/series/sql/errors.ts";
import { type Asking, openAsking, showRow } from "../_asking.ts";
import { readHonest, readHostile } from "../_corpus.ts";

Deno.test("the gate answers every honest statement, with the right rows", async () => {
  await using asking = await openAsking();
  const corpus = await readHonest();
  assert(corpus.length >= 100);
  for (const { sql, rows } of corpus) {
    const answer = await asking.ask(sql).catch((error) => {
      throw new Error(`${sql}: ${error.message}`);
    });
    if (rows === undefined) assert(answer.rows.length > 0, sql);
    else assertEquals(answer.rows.map(showRow).sort(), rows, sql);
  }
});

Deno.test("the gate refuses every hostile statement, and nothing is left of them", async () => {
  await using asking = await openAsking();
  const before = await look(asking);
  const corpus = await readHostile();
  assert(corpus.length >= 200);
  for (const { code, sql } of corpus) {
    const error = await assertRejects(() => asking.ask(sql), SqlError, "Cannot ", sql);
    assertEquals(error.code, code, `${sql}: ${error.message}`);
  }
  assertEquals(await look(asking), before);
  assertEquals((await asking.ask("SELECT count(*) FROM cpu")).rows, [[20n]]);
});

/** All that a statement could have changed. */
async function look({ instance, directory }: Asking) {
  const connection = await instance.connect();
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const seen = {
    points: await rows("SELECT * FROM points.cpu_points ORDER BY ALL"),
    series: await rows("SELECT * FROM points.cpu_series ORDER BY ALL"),
    tables: await rows("SELECT schema_name, table_name, sql FROM duckdb_tables() ORDER BY ALL"),
    views: await rows("SELECT schema_name, view_name, sql FROM duckdb_views() ORDER BY ALL"),
    macros: await rows(
      "SELECT schema_name, function_name FROM duckdb_functions() WHERE NOT internal ORDER BY ALL",
    ),
    databases: await rows("SELECT database_name, path FROM duckdb_databases() ORDER BY ALL"),
    settings: await rows("SELECT name, value FROM duckdb_settings() ORDER BY name"),
    variables: await rows("FROM duckdb_variables()"),
    logs: await rows("SELECT count(*) FROM duckdb_logs()"),
    files: [] as string[],
  };
  for await (const { name } of Deno.readDir(directory)) seen.files.push(name);
  seen.files.sort();
  connection.closeSync();
  return seen;
}

/** Small texts that take a planner long, or deep ones that break it; `n` times the bit. */
const OVERSIZED: readonly (readonly [string, (n: number) => string])[] = [
  ["parentheses around a query", (n) => `SELECT ${"(SELECT ".repeat(n)}1${")".repeat(n)}`],
  ["nested FROMs", (n) => `${"SELECT * FROM (".repeat(n)}SELECT 1${")".repeat(n)}`],
  ["nested calls", (n) => `SELECT ${"abs(".repeat(n)}1${")".repeat(n)}`],
  ["nested structs", (n) => `SELECT ${"{a: ".repeat(n)}1${"}".repeat(n)}`],
  ["nested lists", (n) => `SELECT ${"[".repeat(n)}1${"]".repeat(n)}`],
  ["nested CASEs", (n) => `SELECT ${"CASE WHEN true THEN ".repeat(n)}1${" END".repeat(n)}`],
  ["NOTs", (n) => `SELECT ${"NOT ".repeat(n)}true`],
  ["sums", (n) => `SELECT 1${" + 1".repeat(n)}`],
  ["concatenations", (n) => `SELECT 'a'${" || 'a'".repeat(n)}`],
  ["casts", (n) => `SELECT 1${"::INT".repeat(n)}`],
  ["subscripts", (n) => `SELECT 'abc'${"[1]".repeat(n)}`],
  ["UNIONs", (n) => `SELECT 1${" UNION ALL SELECT 1".repeat(n)}`],
  ["joins", (n) => `SELECT 1 FROM range(1)${" CROSS JOIN range(1)".repeat(n)}`],
  [
    "joined measurements",
    (n) => `SELECT 1 FROM cpu c0${list(n, (i) => ` JOIN cpu c${i + 1} USING (time)`, "")}`,
  ],
  ["columns", (n) => `SELECT 1${", 1".repeat(100 * n)}`],
  [
    "aliases in each other",
    (n) => `SELECT 1 AS a0, ${list(n, (i) => `a${i} + a${i} AS a${i + 1}`)}`,
  ],
  [
    "aliases after each other",
    (n) => `SELECT 1 AS a0, ${list(n, (i) => `a${i} + 1 AS a${i + 1}`)}`,
  ],
  [
    "joins through CTEs",
    (n) =>
      `WITH c0 AS (SELECT 1 AS x), ${
        list(n, (i) => `c${i + 1} AS (SELECT a.x FROM c${i} a, c${i} b)`)
      } SELECT * FROM c${n}`,
  ],
  ["spaces", (n) => `SELECT ${" ".repeat(1000 * n)}1`],
];

Deno.test("the gate refuses what would take the planner too long, before it sees it", async () => {
  await using asking = await openAsking();
  for (const [what, make] of OVERSIZED) {
    for (const n of [201, 2_000, 20_000]) {
      const error = await assertRejects(
        () => asking.ask(make(n)),
        SqlError,
        "Cannot ",
        `${n} ${what}`,
      );
      assert(["42501", "42601", "54000"].includes(error.code), `${n} ${what}: ${error.message}`);
    }
    await asking.ask(make(2)); // it is the size that is refused
  }
});

/** What makes text longer, in itself; `n` times. */
const GROWING: readonly (readonly [string, (n: number) => string])[] = [
  ["hex", (n) => `SELECT length(${"hex(".repeat(n)}'x'${")".repeat(n)})`],
  ["hex of a column", (n) => `SELECT ${"hex(".repeat(n)}host${")".repeat(n)} FROM cpu`],
  [
    "replace",
    (n) => `SELECT ${"replace(".repeat(n)}host${", 's', 'ssssssssss')".repeat(n)} FROM cpu`,
  ],
  [
    "replace by a column",
    (n) => `SELECT ${"replace(".repeat(n)}host${", 's', note)".repeat(n)} FROM cpu`,
  ],
  [
    "regexp_replace",
    (n) =>
      `SELECT ${"regexp_replace(".repeat(n)}host${", '', 'aaaaaaaaaa', 'g')".repeat(n)} FROM cpu`,
  ],
  ["to_base64", (n) => `SELECT ${"to_base64(encode(".repeat(n)}host${"))".repeat(n)} FROM cpu`],
  ["casts of blobs", (n) => `SELECT ${"encode(".repeat(n)}host${")::VARCHAR".repeat(n)} FROM cpu`],
  [
    "subqueries",
    (n) => `${"SELECT x || x || x AS x FROM (".repeat(n)}SELECT host AS x FROM cpu${")".repeat(n)}`,
  ],
  [
    "CTEs",
    (n) =>
      `WITH c0 AS (SELECT host AS x FROM cpu), ${
        list(n, (i) => `c${i + 1} AS (SELECT x || x || x AS x FROM c${i})`)
      } SELECT * FROM c${n}`,
  ],
  ["aliases", (n) => `SELECT host AS a0, ${list(n, (i) => `hex(a${i}) AS a${i + 1}`)} FROM cpu`],
  [
    "lambdas",
    (n) =>
      `SELECT ${"list_transform(".repeat(n)}[host]${", lambda x : x || x)".repeat(n)} FROM cpu`,
  ],
  ["a long text", (n) => `SELECT hex(hex('${"x".repeat(n * n * 300)}') || host) FROM cpu`],
  ["parameters", (n) => `SELECT ${"$1 || ".repeat(n)}host FROM cpu`],
];

Deno.test("the gate refuses what makes a huge value of a small one, and lets small growth pass", async () => {
  await using asking = await openAsking();
  for (const [what, make] of GROWING) {
    const options = what === "parameters" ? { parameters: ["x"] } : {};
    const error = await assertRejects(
      () => asking.ask(make(20), options),
      SqlError,
      "make text longer",
      what,
    );
    assertEquals(error.code, "42501");
    await asking.ask(make(1), options);
  }
  const many = `SELECT ${list(200, () => "host || '-' || note")} FROM cpu`;
  assertEquals((await asking.ask(many)).columns.length, 200);
  const long = { parameters: ["x".repeat(65_537)] };
  await assertRejects(() => asking.ask("SELECT $1", long), SqlError, "65536 are allowed");
});

/** A text, a pattern, and whether LIKE and ILIKE find it there. */
const PATTERNS:
  readonly (readonly [text: string, pattern: string, like: boolean, ilike: boolean])[] = [
    ["server01", "server%", true, true],
    ["server01", "SERVER%", false, true],
    ["server01", "server0_", true, true],
    ["server01", "server_", false, false],
    ["server01", "%R_1", false, true],
    ["server01", "%R__", false, true],
    ["two\nlines", "two_lines", true, true],
    ["two\nlines", "TWO%", false, true],
    ["a.c", "a.c", true, true],
    ["abc", "a.c", false, false],
    ["a%c", "a\\%c", false, false],
    ["a\\xc", "a\\%c", true, true],
    ["(a|b)*", "(_|_)*", true, true],
    ["[x]^$+?{}", "[_]^$+?{}", true, true],
    ["é€😀", "___", true, true],
    ["É", "é", false, true],
    ["", "%", true, true],
    ["", "_", false, false],
  ];

Deno.test("LIKE and ILIKE mean what they mean in DuckDB, with literals, parameters and columns", async () => {
  await using asking = await openAsking();
  const admin = await asking.instance.connect();
  for (const [text, pattern, like, ilike] of PATTERNS) {
    const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
    const sql = `SELECT x LIKE p, x ILIKE p, x NOT LIKE p, x NOT ILIKE p
      FROM (SELECT ${quoted(text)} AS x, ${quoted(pattern)} AS p)`;
    const expected = [like, ilike, !like, !ilike];
    assertEquals(
      (await admin.runAndReadAll(sql)).getRows()[0],
      expected,
      `DuckDB: ${text} ${pattern}`,
    );
    assertEquals((await asking.ask(sql)).rows[0], expected, `column: ${text} ${pattern}`);
    for (const given of [quoted(pattern), "$1"]) {
      const direct = `SELECT ${quoted(text)} LIKE ${given}, ${quoted(text)} ILIKE ${given},
        ${quoted(text)} NOT LIKE ${given}, ${quoted(text)} NOT ILIKE ${given}`;
      const parameters = given === "$1" ? [pattern] : [];
      assertEquals(
        (await asking.ask(direct, { parameters })).rows[0],
        expected,
        `${given}: ${text} ${pattern}`,
      );
    }
  }
  const escaped =
    "SELECT 'a%c' LIKE 'a~%c' ESCAPE '~', 'abc' LIKE 'a~%c' ESCAPE '~', 'A_' ILIKE 'a~_' ESCAPE '~'";
  assertEquals((await asking.ask(escaped)).rows[0], [true, false, true]);
  assertEquals((await asking.ask("SELECT NULL LIKE '_', NULL NOT ILIKE 'a'")).rows[0], [
    null,
    null,
  ]);
  admin.closeSync();
});

Deno.test("no pattern takes for ever", async () => {
  await using asking = await openAsking();
  const text = `SELECT '${"a".repeat(300)}' || host AS x FROM cpu`;
  for (const pattern of ["%_a", "%a"]) {
    for (const operator of ["LIKE", "ILIKE", "NOT LIKE", "SIMILAR TO"]) {
      const sql = `SELECT count(*) FROM (${text}) WHERE x ${operator} '${pattern.repeat(60)}%b'`;
      assertEquals((await asking.ask(sql)).rows, [[operator === "NOT LIKE" ? 20n : 0n]]);
    }
  }
});

Deno.test("the gate says where in a statement it met what it refuses, also behind wide characters", async () => {
  await using asking = await openAsking();
  for (const sql of ["SELECT 1, read_text('x')", "EXPLAIN SELECT 'é€😀', read_text('x')"]) {
    const error = await assertRejects(() => asking.ask(sql), SqlError);
    assertEquals(error.position, sql.indexOf("read_text"));
  }
  const broken = await assertRejects(() => asking.ask("SELECT 'é' FROM FROM"), SqlError);
  assertEquals([broken.code, broken.position], ["42601", 16]);
});

Deno.test("a NUL character does not hide the rest of a statement", async () => {
  await using asking = await openAsking();
  const error = await assertRejects(
    () => asking.ask("SELECT 1 \0; DROP VIEW cpu"),
    SqlError,
    "NUL",
  );
  assertEquals(error.code, "42601");
});

Deno.test("a measurement that is gone does not give way to a table of DuckDB's of its name", async () => {
  await using asking = await openAsking();
  const admin = await asking.instance.connect();
  await admin.run("CREATE VIEW main.duckdb_tables AS SELECT 'ours' AS name");
  assertEquals((await asking.ask("SELECT name FROM duckdb_tables")).rows, [["ours"]]);
  await admin.run("DROP VIEW main.duckdb_tables");
  await assertRejects(
    () => asking.ask("SELECT name FROM duckdb_tables"),
    SqlError,
    "no measurement",
  );
  admin.closeSync();
});

Deno.test("extras let a schema of ours be read, and nothing beside it", async () => {
  await using asking = await openAsking({
    extras: { schemas: ["catalog"], functions: ["pg_sleep"] },
  });
  const admin = await asking.instance.connect();
  await admin.run("CREATE SCHEMA catalog");
  await admin.run("CREATE VIEW catalog.relations AS SELECT 'cpu' AS name");
  await admin.run("CREATE MACRO catalog.twice(x) AS 2 * x");
  const { rows } = await asking.ask(
    "SELECT name, catalog.twice(2), pg_sleep(0) FROM catalog.relations",
  );
  assertEquals(rows[0].slice(0, 2), ["cpu", 4]);
  await assertRejects(() => asking.ask("FROM points.cpu_points"), SqlError, "not a measurement");
  await assertRejects(() => asking.ask("SELECT points.twice(2)"), SqlError, "is no function");
  admin.closeSync();
});

function list(n: number, item: (i: number) => string, separator = ", "): string {
  return Array.from({ length: n }, (_, i) => item(i)).join(separator);
}
