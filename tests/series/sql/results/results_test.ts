import { assert, assertEquals, assertRejects } from "@std/assert";
import { tableFromIPC } from "apache-arrow";
import { SqlError } from "../../../../src/series/sql/errors.ts";
import { toArrow } from "../../../../src/series/sql/results/arrow.ts";
import { toCsv } from "../../../../src/series/sql/results/csv.ts";
import { toJson, toNdjson } from "../../../../src/series/sql/results/json.ts";
import { type Asking, openAsking } from "../_asking.ts";

/** Each with what JSON makes of it, and CSV, where that is not the same text. */
const VALUES: readonly (readonly [sql: string, json: string, csv?: string])[] = [
  ["NULL", "null", ""],
  ["TRUE", "true", "true"],
  ["''", '""', '""'],
  ["'a,b'", '"a,b"', '"a,b"'],
  [`'say "x"'`, '"say \\"x\\""', '"say ""x"""'],
  ["'two' || chr(10) || 'lines'", '"two\\nlines"', '"two\nlines"'],
  ["' x'", '" x"', '" x"'],
  ["'😀'", '"😀"', "😀"],
  ["9007199254740991", "9007199254740991", "9007199254740991"],
  ["9007199254740992", '"9007199254740992"', "9007199254740992"],
  ["-9007199254740993", '"-9007199254740993"', "-9007199254740993"],
  ["18446744073709551615::UBIGINT", '"18446744073709551615"', "18446744073709551615"],
  ["170141183460469231731687303715884105727", '"170141183460469231731687303715884105727"'],
  ["255::UTINYINT", "255", "255"],
  ["0.30::DECIMAL(4, 2)", "0.30", "0.30"],
  ["123456789012345.67::DECIMAL(18, 2)", '"123456789012345.67"', "123456789012345.67"],
  ["0.1::DOUBLE + 0.2::DOUBLE", "0.30000000000000004", "0.30000000000000004"],
  ["0.1::FLOAT", "0.1", "0.1"],
  ["16777216::FLOAT", "16777216", "16777216"],
  ["1e300::DOUBLE", "1e+300", "1e+300"],
  ["'nan'::DOUBLE", '"NaN"', "NaN"],
  ["'-inf'::DOUBLE", '"-Infinity"', "-Infinity"],
  ["TIMESTAMP_NS '2024-01-01 00:00:00.123456789'", '"2024-01-01T00:00:00.123456789Z"'],
  ["TIMESTAMP_NS '1969-12-31 23:59:59.999999999'", '"1969-12-31T23:59:59.999999999Z"'],
  ["TIMESTAMP '2024-01-01 10:00:00.5'", '"2024-01-01T10:00:00.5Z"', "2024-01-01T10:00:00.5Z"],
  ["TIMESTAMP_MS '2024-01-01'", '"2024-01-01T00:00:00Z"', "2024-01-01T00:00:00Z"],
  ["TIMESTAMP_S '2024-01-01'", '"2024-01-01T00:00:00Z"', "2024-01-01T00:00:00Z"],
  ["TIMESTAMPTZ '2024-01-01 01:00:00+01'", '"2024-01-01T00:00:00Z"', "2024-01-01T00:00:00Z"],
  ["TIMESTAMP 'infinity'", '"infinity"', "infinity"],
  ["DATE '2024-02-29'", '"2024-02-29"', "2024-02-29"],
  ["DATE '-infinity'", '"-infinity"', "-infinity"],
  ["TIME '10:00:00.25'", '"10:00:00.25"', "10:00:00.25"],
  ["INTERVAL '14 months 2 days 3 hours'", '"1 year 2 months 2 days 03:00:00"'],
  ["INTERVAL '-1 hour'", '"-01:00:00"', "-01:00:00"],
  ["INTERVAL '0 days'", '"00:00:00"', "00:00:00"],
  ["'\\xAA\\x00'::BLOB", '"qgA="', "qgA="],
  ["'6b1a3d9e-0000-4000-8000-000000000001'::UUID", '"6b1a3d9e-0000-4000-8000-000000000001"'],
  ["[1, NULL, 3]", "[1,null,3]", '"[1,null,3]"'],
  ["[]::INT[]", "[]", "[]"],
  ["[TIMESTAMP '2024-01-01']", '["2024-01-01T00:00:00Z"]'],
  ["{'a': 1, 'b c': [DATE '2024-01-01'], 'd': NULL::INT}", '{"a":1,"b c":["2024-01-01"],"d":null}'],
  [`{'q"uote': 9007199254740993}`, '{"q\\"uote":"9007199254740993"}'],
  ["MAP {'k': 1, 'l': 2}", '[["k",1],["l",2]]'],
  ["[[1], [2]]", "[[1],[2]]", '"[[1],[2]]"'],
];

Deno.test("every value comes out as JSON, CSV and NDJSON say, no digit of it lost", async () => {
  await using asking = await openAsking();
  for (const [sql, json, csv] of VALUES) {
    const statement = `SELECT ${sql} AS x`;
    const text = await textOf(toJson(await asking.session.run(statement), "_sql", 0));
    assert(
      text.includes(`"results":[{"fields":{"x":${json}}}],"total_rows":1,`),
      `${sql}: ${text}`,
    );
    JSON.parse(text);
    const line = await textOf(toNdjson(await asking.session.run(statement)));
    assertEquals(line, `{"x":${json}}\n`);
    const expected = csv ??
      (json.startsWith('"') ? JSON.parse(json) : `"${json.replaceAll('"', '""')}"`);
    assertEquals(
      await textOf(toCsv(await asking.session.run(statement))),
      `x\r\n${expected}\r\n`,
      sql,
    );
  }
});

Deno.test("JSON has the shape of the seed, with the types of the columns", async () => {
  await using asking = await openAsking();
  const text = await textOf(toJson(await asking.session.run("SHOW TABLES"), "_tables", 0));
  const answer = JSON.parse(text);
  assertEquals(typeof answer.execution_time_ms, "number");
  assertEquals({ ...answer, execution_time_ms: 0 }, {
    measurement: "_tables",
    columns: [{ name: "name", type: "VARCHAR" }],
    results: [{ fields: { name: "cpu" } }, { fields: { name: "http req" } }],
    total_rows: 2,
    execution_time_ms: 0,
  });
});

Deno.test("columns of one name keep their values, in JSON and Arrow", async () => {
  await using asking = await openAsking();
  const sql = `SELECT 1 AS a, 2 AS a, 3 AS "a:1", 4 AS a, 5 AS "__proto__"`;
  const line = await textOf(toNdjson(await asking.session.run(sql)));
  assertEquals(line, '{"a":1,"a:2":2,"a:1":3,"a:3":4,"__proto__":5}\n');
  const table = tableFromIPC(await bytesOf(toArrow(await asking.session.run(sql))));
  assertEquals(table.schema.names, ["a", "a:2", "a:1", "a:3", "__proto__"]);
});

Deno.test("Arrow reads back as it was, over many batches and with nulls", async () => {
  await using asking = await openAsking();
  const sql = `SELECT i::INTEGER AS i, CASE WHEN i % 3 > 0 THEN 9007199254740993 + i END AS big,
    make_timestamp_ns(i) AS at, i % 2 = 0 AS even, CASE WHEN i % 5 > 0 THEN 'x' || i END AS text,
    i / 2 AS half, DATE '2024-01-01' + i::INTEGER AS day, [i] AS list, encode('b' || i) AS bytes
    FROM range(5000) t(i)`;
  const table = tableFromIPC(await bytesOf(toArrow(await asking.session.run(sql))));
  assertEquals(table.numRows, 5000);
  assert(table.batches.length > 1);
  for (const row of [0, 1, 2047, 2048, 4999]) {
    const found = table.get(row)!.toJSON();
    assertEquals(found.i, row);
    assertEquals(found.big, row % 3 > 0 ? 9007199254740993n + BigInt(row) : null);
    assertEquals(table.getChild("at")!.data[0].values.constructor, BigInt64Array);
    assertEquals(found.even, row % 2 === 0);
    assertEquals(found.text, row % 5 > 0 ? `x${row}` : null);
    assertEquals(found.half, row / 2);
    assertEquals(found.list, `[${row}]`);
    assertEquals(new TextDecoder().decode(found.bytes), `b${row}`);
  }
  const empty = tableFromIPC(
    await bytesOf(toArrow(await asking.session.run("SELECT 1 AS one LIMIT 0"))),
  );
  assertEquals([empty.numRows, empty.schema.names], [0, ["one"]]);
});

Deno.test("an error among the rows ends every format with it", async () => {
  await using asking = await openAsking();
  const sql = "SELECT i FROM range(100000) t(i)";
  for (
    const format of [
      toNdjson,
      toCsv,
      toArrow,
      (r: Parameters<typeof toNdjson>[0]) => toJson(r, "x", 0),
    ]
  ) {
    const result = await asking.session.run(sql, { maxRows: 50_000 });
    await assertRejects(() => drain(format(result)), SqlError, "more than 50000 rows");
  }
  await stays(asking);
});

async function stays({ ask }: Asking): Promise<void> {
  assertEquals((await ask("SELECT 1")).rows, [[1]]);
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

async function drain(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pieces);
}
