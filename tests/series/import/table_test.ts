import { assertEquals, assertRejects } from "@std/assert";
import { ImportError } from "../../../src/series/import/errors.ts";
import { ask, direct, Folder, importOf, served } from "./_import.ts";

Deno.test("times of every type of Parquet are the same nanosecond", async () => {
  await using folder = await new Folder();
  await using place = await direct(folder);
  const moment = "2021-01-01 00:00:00.123456789";
  const types = {
    ns: [`TIMESTAMP_NS '${moment}'`, 123_456_789],
    us: [`TIMESTAMP '${moment}'`, 123_456_000],
    tz: [`TIMESTAMPTZ '${moment}+00'`, 123_456_000],
    ms: [`TIMESTAMP_MS '${moment}'`, 123_000_000],
    s: [`TIMESTAMP_S '${moment}'`, 0],
    date: ["DATE '2021-01-01'", 0],
    int64: ["1609459200123456789::BIGINT", 123_456_789],
    text: [`'${moment}Z'`, 123_456_789],
  } as const;
  for (const [measurement, [sql, nanoseconds]] of Object.entries(types)) {
    const path = await folder.parquet(
      `${measurement}.parquet`,
      `SELECT ${sql} AS timestamp, 1 AS v`,
    );
    await importOf(path, { format: "parquet", measurement }, { target: place.target });
    assertEquals(
      await ask(place.series, `SELECT epoch_ns(time)::VARCHAR FROM "${measurement}"`),
      [[String(1_609_459_200_000_000_000n + BigInt(nanoseconds))]],
      measurement,
    );
  }
});

Deno.test("whole numbers are times in the unit that is said, and times of 1970 are not guessed", async () => {
  await using folder = new Folder();
  await using place = await direct(folder);
  for (const [timeUnit, count] of [["s", 1], ["ms", 1e3], ["us", 1e6], ["ns", 1e9]] as const) {
    const path = folder.file(
      `${timeUnit}.csv`,
      `timestamp,v\n${1_609_459_200n * BigInt(count)},1\n`,
    );
    await importOf(path, { format: "csv", measurement: timeUnit, timeUnit }, {
      target: place.target,
    });
    const rows = await ask(place.series, `SELECT epoch_ns(time)::VARCHAR FROM ${timeUnit}`);
    assertEquals(rows, [["1609459200000000000"]]);
  }
  const seconds = folder.file("seconds.csv", "timestamp,v\n1609459200,1\n");
  await assertRejects(
    () => importOf(seconds, { format: "csv" }, { target: undefined }),
    ImportError,
    "within days of 1970",
  );
});

const KINDS = `SELECT * FROM (VALUES
  (TIMESTAMP_NS '2021-01-01 00:00:00.000000001', 'a', 1.5::DOUBLE, true, 9007199254740993::BIGINT,
   18446744073709551615::UBIGINT, 'two
lines, "quoted" \\ and = ü', 0.1::DECIMAL(4, 2), 12345678901234567.89::DECIMAL(20, 2), [1, 2],
   DATE '2020-02-29', 7::TINYINT),
  (TIMESTAMP_NS '2021-01-01 00:00:01', 'b c,=', 'nan'::DOUBLE, false, NULL, 0, '', NULL, NULL, NULL, NULL, NULL),
  (TIMESTAMP_NS '2021-01-01 00:00:01', '', -0.25, NULL, -1, NULL, 'x 12', NULL, NULL, NULL, NULL, NULL),
  (NULL, 'a', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (TIMESTAMP_NS '2021-01-01 00:00:02', 'a', 'inf', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t (timestamp, "the host", f, b, i, u, s, d, big, list, day, tiny)`;

Deno.test("direct and over HTTP the same points come of a file, with nothing rounded", async () => {
  await using folder = new Folder();
  await using here = await direct(folder);
  await using there = await served("secret");
  const path = await folder.parquet("kinds.parquet", KINDS);
  const answers = [];
  for (const { target, series } of [here, there]) {
    const table = { format: "parquet", tags: ["the host"] } as const;
    const report = await importOf(path, table, { target, batchSize: 2 });
    assertEquals([report.points, report.rejectedRows, report.lost, report.united], [3, 2, 2, 0]);
    assertEquals(report.rejected, [
      { line: 4, error: "it has no time that a point can have" },
      { line: 5, error: "it has no field" },
    ]);
    answers.push(await ask(series, 'SELECT * FROM m ORDER BY time, "the host" NULLS FIRST'));
  }
  assertEquals(answers[0], answers[1]);
  assertEquals(answers[0], [
    [
      ...["2021-01-01T00:00:00.000000001Z", "a", 1.5, true, 9007199254740993n],
      ...[18446744073709551615n, 'two\nlines, "quoted" \\ and = ü', 0.1, "12345678901234567.89"],
      ...["[1,2]", "2020-02-29", 7],
    ],
    ["2021-01-01T00:00:01Z", null, -0.25, null, -1, null, "x 12", null, null, null, null, null],
    ["2021-01-01T00:00:01Z", "b c,=", null, false, null, 0, "", null, null, null, null, null],
  ]);
});

Deno.test("CSV and lines of JSON, gzipped or not, keep tags as they stand and give the same points", async () => {
  await using folder = new Folder();
  const csv =
    "timestamp,host,v,ok\n2021-01-01T00:00:00.123456789Z,007,1.5,true\n2021-01-01T01:00:01+01:00,8,2,\nnever,8,3,\n";
  const json = csv.trimEnd().split("\n").slice(1).map((line) => {
    const [timestamp, host, v, ok] = line.split(",");
    return `${
      JSON.stringify({ timestamp, host, v: Number(v), ...ok === "" ? {} : { ok: true } })
    }\n`;
  }).join("");
  const zip = async (text: string) =>
    new Uint8Array(
      await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")))
        .arrayBuffer(),
    );
  const files = [
    ["csv", folder.file("a.csv", csv)],
    ["csv", folder.file("b.csv.gz", await zip(csv))],
    ["ndjson", folder.file("c.ndjson", json)],
    ["ndjson", folder.file("d.ndjson.gz", await zip(json))],
  ] as const;
  for (const [index, [format, path]] of files.entries()) {
    await using place = await direct(folder, `points${index}`);
    const report = await importOf(path, { format, tags: ["host"] }, { target: place.target });
    assertEquals([report.points, report.rejected[0].line], [2, 3], path);
    assertEquals(await ask(place.series, "SELECT * FROM m ORDER BY time"), [
      ["2021-01-01T00:00:00.123456789Z", "007", 1.5, true],
      ["2021-01-01T00:00:01Z", "8", 2, null],
    ]);
  }
});

Deno.test("files that are damaged, foreign, or lack what is named say what is wrong", async () => {
  await using folder = new Folder();
  const good = await folder.parquet(
    "good.parquet",
    "SELECT now()::TIMESTAMP AS timestamp, 'a' AS t, 1 AS v",
  );
  const bytes = await Deno.readFile(good);
  const bad = (path: string, table: Parameters<typeof importOf>[1], message: string) =>
    assertRejects(() => importOf(path, table, { target: undefined }), Error, message);
  const parquet = { format: "parquet" } as const;
  await bad(
    folder.file("cut.parquet", bytes.slice(0, 100)),
    parquet,
    "it is damaged or of another kind",
  );
  await bad(folder.file("text.parquet", "hello\n"), parquet, "it is damaged or of another kind");
  await bad(folder.file("a[1].parquet", bytes), parquet, "rename it");
  await bad(
    good,
    { ...parquet, timestampColumn: "when" },
    'Cannot find the column with the time "when"',
  );
  await bad(good, { ...parquet, timestampColumn: "t", tags: ["t"] }, "it has the time");
  await bad(good, { ...parquet, tags: ["nope"] }, 'Cannot find the tag "nope"');
  await bad(good, { ...parquet, tags: ["t", "v"] }, "no column is left for a field");
  await bad(good, { ...parquet, timestampColumn: "v" }, "--time-unit");
  await bad(good, { ...parquet, dedupColumn: "nope" }, "Cannot find the dedup column");
  await bad(folder.file("a.ndjson", '{"timestamp": 1\n'), { format: "ndjson" }, "Cannot read");
});

Deno.test("a file reads no other file, whatever stands in it", async () => {
  await using folder = new Folder();
  const secret = folder.file("secret.csv", "timestamp,v\n2021-01-01,1\n");
  const { TableFile } = await import("../../../src/series/import/table_file.ts");
  const own = folder.file("own.csv", "timestamp,v\n2021-01-01,1\n");
  using file = await TableFile.open(own, "csv", { timestampColumn: "timestamp", tags: [] });
  assertEquals(await file.ask("SELECT count(*) FROM source"), [[1n]]);
  for (
    const sql of [
      `FROM '${secret}'`,
      "SET enable_external_access = true",
      `COPY source TO '${secret}'`,
    ]
  ) {
    await assertRejects(() => file.ask(sql), ImportError);
  }
});
