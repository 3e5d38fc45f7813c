import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { DuckDbEngine } from "../../src/series/engine/duckdb/host.ts";
import { openDuckDb } from "../../src/series/engine/duckdb/mod.ts";
import { type Question, Series, SqlError } from "../../src/series/mod.ts";

const START = 1_609_459_200_000_000_000n; // 2021-01-01
const SECOND = 1_000_000_000n;

/** Two hosts, one of them without a region; a point a second each, the second host half a second later. */
function lines(): string {
  let text = "";
  for (let i = 0n; i < 10n; i++) {
    text += `cpu,host=a,region=eu usage=${i}.5,ok=${i % 2n === 0n},n=${i}i ${START + i * SECOND}\n`;
    text += `cpu,host=b usage=${10n * i},note="at ${i}" ${START + i * SECOND + SECOND / 2n}\n`;
  }
  return text;
}

async function opened(): Promise<Series> {
  const series = await Series.open({ durability: "none" });
  assertEquals((await series.write(lines())).written, 20);
  return series;
}

Deno.test("Series.sql() sees what was written before it, with parameters", async () => {
  await using series = await opened();
  for (let i = 0; i < 20; i++) {
    await series.write(`w,tag=t n=${i}i`);
    const { rows } = await series.sql("SELECT count(*) AS n, max(n) AS last FROM w WHERE n >= $1", [
      i,
    ]);
    assertEquals(rows, [{ n: 1, last: i }]);
  }
});

Deno.test("Series.sql() gives numbers, bigints, times and texts as they are", async () => {
  await using series = await opened();
  const { rows, columns } = await series.sql(
    `SELECT time, host, region, usage, ok, n, 9007199254740993 AS big, {'a': [1]} AS "struct",
     MAP {'k': time} AS "map", 'x'::BLOB AS bytes, DATE '2024-01-01' AS "__proto__"
     FROM cpu WHERE host = 'a' ORDER BY time LIMIT 1`,
  );
  assertEquals(Object.entries(rows[0]), [
    ["time", "2021-01-01T00:00:00Z"],
    ["host", "a"],
    ["region", "eu"],
    ["usage", 0.5],
    ["ok", true],
    ["n", 0],
    ["big", 9007199254740993n],
    ["struct", { a: [1] }],
    ["map", [["k", "2021-01-01T00:00:00Z"]]],
    ["bytes", new Uint8Array([120])],
    ["__proto__", "2024-01-01"],
  ]);
  assertEquals(columns[0], { name: "time", type: "TIMESTAMP_NS" });
});

Deno.test("Series.session answers from another engine when one has died, and says what it met", async () => {
  const engines: DuckDbEngine[] = [];
  const directory = await Deno.makeTempDir({ prefix: "traqq-ask-" });
  try {
    await using series = await Series.open({
      directory,
      openEngine: async (options) => {
        engines.push(await openDuckDb(options));
        return engines[engines.length - 1];
      },
    });
    await series.write("cpu usage=1 1");
    assertEquals((await series.sql("SELECT usage FROM cpu")).rows, [{ usage: 1 }]);
    const endless = series.sql("SELECT count(*) FROM range(1000000000) a, range(1000000000) b");
    const port = engines[0].attach(new URL("./engine/_ask.ts", import.meta.url));
    port.postMessage({ number: 1, sql: "throw" });
    assertEquals((await assertRejects(() => endless, SqlError)).code.slice(0, 2), "57");
    await series.write("cpu usage=2 2");
    assertEquals((await series.sql("SELECT sum(usage) AS sum FROM cpu")).rows, [{ sum: 3 }]);
    assertEquals(engines.length, 2);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Rows of a question, without the column that nobody looks at. */
async function ask(series: Series, question: Omit<Question, "measurement">) {
  return (await series.query({ measurement: "cpu", ...question })).rows;
}

Deno.test("Series.query() gives points of a range, from its start on and before its end", async () => {
  await using series = await opened();
  const all = await ask(series, {});
  assertEquals(all.length, 20);
  assertEquals(all[1], {
    time: "2021-01-01T00:00:00.5Z",
    host: "b",
    region: null,
    usage: 0,
    ok: null,
    n: null,
    note: "at 0",
  });
  const range = async (start: bigint | string, end: bigint | string) =>
    (await ask(series, { time_range: { start, end } })).length;
  assertEquals(await range(START, START + SECOND), 2);
  assertEquals(await range(START, START + SECOND + 1n), 3);
  assertEquals(await range(START + 1n, START + SECOND), 1);
  assertEquals(await range("2021-01-01", "2021-01-01T00:00:05Z"), 10);
  assertEquals(await range("2021-01-01T01:00:00.5+01:00", "2021-01-02"), 19);
  assertEquals(await range(0n, 2n ** 63n - 1n), 20);
  assertEquals(await range(String(START), String(START + 1n)), 1);
});

Deno.test("Series.query() filters by tags", async () => {
  await using series = await opened();
  const count = async (...tag_filters: Question["tag_filters"] & object) =>
    (await ask(series, { tag_filters })).length;
  assertEquals(await count({ key: "host", op: "Eq", value: "a" }), 10);
  assertEquals(await count({ key: "host", op: "Ne", value: "a" }), 10);
  assertEquals(await count({ key: "region", op: "Ne", value: "eu" }), 10);
  assertEquals(await count({ key: "host", op: "In", value: ["a", "b", "c"] }), 20);
  assertEquals(await count({ key: "host", op: "In", value: [] }), 0);
  assertEquals(await count({ key: "region", op: "NotIn", value: ["eu"] }), 10);
  assertEquals(await count({ key: "region", op: "NotIn", value: [] }), 20);
  assertEquals(await count({ key: "region", op: "Exists" }), 10);
  assertEquals(await count({ key: "host", op: "Regex", value: "^[b-z]$" }), 10);
  assertEquals(await count({ key: "host", op: "Eq", value: "' OR true --" }), 0);
  assertEquals(
    await count({ key: "host", op: "Eq", value: "a" }, { key: "region", op: "Eq", value: "us" }),
    0,
  );
});

Deno.test("Series.query() aggregates over all, over spans and by tags", async () => {
  await using series = await opened();
  const one = async (fn: string | { Percentile: number }, field?: string) => {
    const rows = await ask(series, { aggregation: { function: fn, field } });
    assertEquals(rows.length, 1);
    return Object.entries(rows[0])[0];
  };
  assertEquals(await one("Count"), ["count", 20]);
  assertEquals(await one("Count", "n"), ["count(n)", 10]);
  assertEquals(await one("Sum", "usage"), ["sum(usage)", 500]);
  assertEquals(await one("Mean", "usage"), ["mean(usage)", 25]);
  assertEquals(await one("avg", "usage"), ["mean(usage)", 25]);
  assertEquals(await one("Min", "usage"), ["min(usage)", 0]);
  assertEquals(await one("Max", "usage"), ["max(usage)", 90]);
  assertEquals(await one("First", "usage"), ["first(usage)", 0.5]);
  assertEquals(await one("Last", "usage"), ["last(usage)", 90]);
  assertEquals(await one("Last", "note"), ["last(note)", "at 9"]);
  assertEquals(await one("Median", "n"), ["median(n)", 4.5]);
  assertEquals(await one("Percentile_90", "n"), ["percentile_90(n)", 8.1]);
  assertEquals(await one("p50", "n"), ["percentile_50(n)", 4.5]);
  assertEquals(await one({ Percentile: 99.9 }, "n"), ["percentile_99.9(n)", 8.991]);
  assertEquals(Math.round(await one("StdDev", "n").then(([, x]) => Number(x) * 1000)), 3028);
  assertEquals(Math.round(await one("Variance", "n").then(([, x]) => Number(x) * 1000)), 9167);

  const aggregation = { function: "Mean", field: "usage", interval_nanos: 5n * SECOND };
  assertEquals(await ask(series, { aggregation, group_by: ["host"] }), [
    { time: "2021-01-01T00:00:00Z", host: "a", "mean(usage)": 2.5 },
    { time: "2021-01-01T00:00:00Z", host: "b", "mean(usage)": 20 },
    { time: "2021-01-01T00:00:05Z", host: "a", "mean(usage)": 7.5 },
    { time: "2021-01-01T00:00:05Z", host: "b", "mean(usage)": 70 },
  ]);
  assertEquals(
    await ask(series, { aggregation, order: "desc", limit: 1, offset: 1 }),
    [{ time: "2021-01-01T00:00:00Z", "mean(usage)": 11.25 }],
  );
  assertEquals(
    await ask(series, { aggregation: { function: "Count" }, group_by: ["region", "host"] }),
    [{ region: "eu", host: "a", count: 10 }, { region: null, host: "b", count: 10 }],
  );
});

Deno.test("Series.query() cuts spans exactly, also of odd nanoseconds and before 1970", async () => {
  await using series = await Series.open({ durability: "none" });
  const times = [-8n, -7n, -1n, 0n, 1n, 6n, 7n, 13n, 14n];
  await series.write(times.map((time) => `m x=1 ${time}`).join("\n"));
  const { rows } = await series.query({
    measurement: "m",
    aggregation: { function: "Count", interval_nanos: 7 },
  });
  assertEquals(rows.map(({ time, count }) => [time, count]), [
    ["1969-12-31T23:59:59.999999986Z", 1],
    ["1969-12-31T23:59:59.999999993Z", 2],
    ["1970-01-01T00:00:00Z", 3],
    ["1970-01-01T00:00:00.000000007Z", 2],
    ["1970-01-01T00:00:00.000000014Z", 1],
  ]);
});

Deno.test("Series.query() finds names that SQL has to call otherwise", async () => {
  await using series = await Series.open({ durability: "none" });
  const report = await series.write(
    'Odd\\ "one",Time=x,ta\\ g="q" Value=2,value=3 5\nODD\\ "one" v=1 1',
  );
  assertEquals(report.rejected, []);
  assertEquals((await series.query({ measurement: 'Odd "one"' })).rows, [
    {
      time: "1970-01-01T00:00:00.000000005Z",
      Time_1: "x",
      "ta g": '"q"',
      Value: 2,
      value_1: 3,
    },
  ]);
  const { rows } = await series.query({
    measurement: 'Odd "one"',
    aggregation: { function: "Sum", field: "value" },
    tag_filters: [{ key: "ta g", op: "Eq", value: '"q"' }],
    group_by: ["Time"],
  });
  assertEquals(rows, [{ Time_1: "x", "sum(value)": 3 }]);
  assertEquals((await series.query({ measurement: 'ODD "one"' })).rows[0].v, 1);
});

Deno.test("Series.query() refuses what it does not know, and says what there is", async () => {
  await using series = await opened();
  const bad: readonly (readonly [question: unknown, message: string])[] = [
    [null, "the question is an object"],
    [[], "the question is an object"],
    [{}, "measurement is a text"],
    [{ measurement: "gpu" }, 'no measurement "gpu"'],
    [{ measurement: "cpu", filter: 1 }, '"filter"'],
    [{ measurement: "cpu", fields: ["usages"] }, 'no field "usages"; there is "usage"'],
    [{ measurement: "cpu", fields: [] }, "fields is empty"],
    [{ measurement: "cpu", group_by: ["host"] }, "needs an aggregation"],
    [{ measurement: "cpu", order: "up" }, '"asc" or "desc"'],
    [{ measurement: "cpu", limit: -1 }, "limit is a whole number"],
    [{ measurement: "cpu", limit: 1.5 }, "limit is a whole number"],
    [{ measurement: "cpu", limit: "1; DROP" }, "limit is a whole number"],
    [{ measurement: "cpu", time_range: { from: 1 } }, '"from"'],
    [{ measurement: "cpu", time_range: { start: 1.5 } }, "unix nanoseconds"],
    [{ measurement: "cpu", time_range: { start: 2n ** 63n } }, "unix nanoseconds"],
    [{ measurement: "cpu", time_range: { start: "yesterday" } }, "unix nanoseconds"],
    [{ measurement: "cpu", time_range: { start: "2021-02-31" } }, "unix nanoseconds"],
    [{ measurement: "cpu", time_range: { start: 2, end: 1 } }, "before it starts"],
    [{ measurement: "cpu", tag_filters: {} }, "tag_filters is a list"],
    [
      { measurement: "cpu", tag_filters: [{ key: "hots", op: "Exists" }] },
      'no tag "hots"; there is "host"',
    ],
    [{ measurement: "cpu", tag_filters: [{ key: "usage", op: "Exists" }] }, 'no tag "usage"'],
    [{ measurement: "cpu", tag_filters: [{ key: "host", op: "Like", value: "a" }] }, ".op is Eq"],
    [{ measurement: "cpu", tag_filters: [{ key: "host", op: "Eq", value: 1 }] }, "value is a text"],
    [
      { measurement: "cpu", tag_filters: [{ key: "host", op: "In", value: "a" }] },
      "value is a list",
    ],
    [
      { measurement: "cpu", tag_filters: [{ key: "host", op: "Exists", value: "a" }] },
      "has no value",
    ],
    [{ measurement: "cpu", aggregation: { field: "usage" } }, "function is a text"],
    [
      { measurement: "cpu", aggregation: { function: "Mode", field: "usage" } },
      "function is Count",
    ],
    [
      { measurement: "cpu", aggregation: { function: "Percentile_101", field: "n" } },
      "function is Count",
    ],
    [{ measurement: "cpu", aggregation: { function: "Mean" } }, "field is missing"],
    [
      { measurement: "cpu", aggregation: { function: "Mean", field: "note" } },
      "wants a field of numbers",
    ],
    [{ measurement: "cpu", aggregation: { function: "Mean", field: "host" } }, 'no field "host"'],
    [
      { measurement: "cpu", aggregation: { function: "Count", interval_nanos: 0 } },
      "interval_nanos",
    ],
    [{ measurement: "cpu", aggregation: { function: "Count" }, group_by: ["x"] }, 'no tag "x"'],
    [
      { measurement: "cpu", aggregation: { function: "Count" }, fields: ["n"] },
      "do not go together",
    ],
  ];
  for (const [question, message] of bad) {
    const error = assertThrows(() => series.session.toSql(question), RangeError);
    assert(error.message.startsWith("Cannot read the question: "), error.message);
    assert(error.message.includes(message), `${message}: ${error.message}`);
  }
  await assertRejects(
    () => ask(series, { tag_filters: [{ key: "host", op: "Regex", value: "(" }] }),
    SqlError,
    "missing )",
  );
});
