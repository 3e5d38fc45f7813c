/**
 * What the engine of the series takes and answers, with nothing before it: see README.
 *
 *     deno task bench:engine
 *
 * @module
 */
import { type DuckDbEngine, openDuckDb } from "../../src/series/engine/duckdb/mod.ts";
import type { Batch } from "../../src/series/points/batch.ts";
import { readRows, type Row } from "../../src/series/sql/results/rows.ts";

const HOSTS = 100;
const STEP_NS = 15_000_000_000n;
const FIRST_NS = 1_700_000_000_000_000_000n;
const DAY_MS = 86_400_000;

/** Rows of `fields` gauges with two decimals, from a row on; host after host, every 15 seconds. */
function batch(measurement: string, fields: number, from: number, rows: number): Batch {
  const times = new BigInt64Array(rows);
  const series = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    times[row] = FIRST_NS + BigInt(Math.floor((from + row) / HOSTS)) * STEP_NS;
    series[row] = (from + row) % HOSTS;
  }
  const columns = Array.from({ length: fields }, (_, field) => ({
    name: `f${field}`,
    type: "float" as const,
    values: Float64Array.from({ length: rows }, (_, row) => gauge(from + row, field)),
  }));
  const isFirst = from === 0;
  return {
    ...{ measurement, table: measurement, rows, times, series, fields: columns },
    newTags: isFirst ? ["host", "region"].map((name) => ({ name, column: name })) : [],
    newFields: isFirst ? columns.map(({ name, type }) => ({ name, column: name, type })) : [],
    newSeries: isFirst
      ? Array.from({ length: HOSTS }, (_, id) => ({
        id,
        tags: [["host", `host${id}`], ["region", `region${id % 5}`]] as const,
      }))
      : [],
  };
}

/** A walk between 0 and 100 that anybody can compute again. */
function gauge(row: number, field: number): number {
  const step = Math.floor(row / HOSTS), host = row % HOSTS;
  const wave = Math.sin(step / (20 + field)) +
    Math.sin((step * 7 + host * 131) / (3 + host % 5)) / 9;
  return Math.round((50 + 40 * wave) * 100) / 100;
}

let position = 0;

/** Applies rows in units of a size; what each took is in the result, in milliseconds. */
async function apply(
  engine: DuckDbEngine,
  [measurement, fields, rows, size]: [string, number, number, number],
): Promise<number[]> {
  const tookMs: number[] = [];
  for (let from = 0; from < rows; from += size) {
    const batches = [batch(measurement, fields, from, Math.min(size, rows - from))];
    const start = performance.now();
    await engine.apply({ position: ++position, batches });
    tookMs.push(performance.now() - start);
  }
  return tookMs;
}

async function ask(engine: DuckDbEngine, sql: string): Promise<readonly Row[]> {
  return (await readRows(await engine.session.run(sql))).rows;
}

/** Fails unless a measurement has all rows. */
async function check(engine: DuckDbEngine, measurement: string, rows: number): Promise<void> {
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += Math.round(gauge(row, 0) * 100);
  const [found] = await ask(
    engine,
    `SELECT count(*)::DOUBLE AS rows, sum(round(f0 * 100)) AS sum FROM ${measurement}`,
  );
  if (found.rows !== rows || found.sum !== sum) {
    throw new Error(`BUG: ${measurement} has ${JSON.stringify(found)}, not ${rows} and ${sum}`);
  }
}

const at = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

async function withEngine(run: (engine: DuckDbEngine, path: string) => Promise<void>) {
  const path = await Deno.makeTempDir({ prefix: "traqq-bench-" });
  const engine = await openDuckDb({ directory: path, isTiered: true });
  position = 0;
  try {
    await run(engine, path);
  } finally {
    await engine.close();
    await Deno.remove(path, { recursive: true });
  }
}

console.log("rows of 3 gauges      unit   M rows/s  p50 ms  p99 ms  max ms  bytes/value  RSS MB");
for (const [rows, size] of [[200_000, 1000], [2_000_000, 10_000], [4_000_000, 100_000]]) {
  await withEngine(async (engine, path) => {
    const tookMs = await apply(engine, ["cpu", 3, rows, size]);
    await check(engine, "cpu", rows);
    const sum = tookMs.reduce((a, b) => a + b);
    tookMs.sort((a, b) => a - b);
    const rss = Deno.memoryUsage().rss / 2 ** 20;
    await engine.close();
    const { size: bytes } = await Deno.stat(`${path}/points.duckdb`);
    console.log(
      String(rows).padEnd(16) + String(size).padStart(10) +
        (rows / sum / 1000).toFixed(2).padStart(11) +
        [0.5, 0.99, 1].map((share) => at(tookMs, share).toFixed(1).padStart(8)).join("") +
        (bytes / rows / 3).toFixed(2).padStart(13) + rss.toFixed(0).padStart(8),
    );
  });
}

await withEngine(async (engine) => {
  const rows = 2_000_000;
  await apply(engine, ["cpu", 3, rows, 100_000]);
  console.log(
    "\nlate rows that meet others, beside 2 million                                rows/s",
  );
  for (const size of [100, 1000, 10_000, 100_000]) {
    const late = { ...batch("cpu", 3, 0, size), newTags: [], newFields: [], newSeries: [] };
    const start = performance.now();
    await engine.apply({ position: ++position, batches: [late] });
    const perSecond = size / (performance.now() - start) * 1000;
    console.log(`a unit of ${size}`.padEnd(74) + perSecond.toFixed(0).padStart(9));
  }
  await check(engine, "cpu", rows);
});

await withEngine(async (engine) => {
  const rows = 1_250_000;
  await apply(engine, ["wide", 20, rows, 50_000]);
  await check(engine, "wide", rows);
  console.log(
    "\n1.25 million rows of 20 gauges: median ms",
  );
  for (
    const sql of [
      "SELECT count(*) FROM wide",
      "SELECT sum(f3) FROM wide WHERE f4 > 60",
      "SELECT sum(f3) FROM wide WHERE host = 'host7'",
      "SELECT host, avg(f1) FROM wide GROUP BY host",
      "SELECT * FROM wide ORDER BY time DESC LIMIT 10",
      "SELECT time_bucket(INTERVAL '1 hour', time) AS hour, avg(f1) FROM wide GROUP BY hour",
      "SELECT time_bucket(INTERVAL '1 hour', time) AS hour, host, avg(f1) FROM wide GROUP BY ALL",
      "SELECT host, quantile_cont(f2, 0.99) FROM wide GROUP BY host",
      "SELECT avg(f0) FROM wide WHERE time BETWEEN '2023-11-15 00:00' AND '2023-11-15 01:00'",
    ]
  ) {
    const tookMs: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await ask(engine, sql);
      tookMs.push(performance.now() - start);
    }
    console.log(sql.padEnd(100) + at(tookMs.sort((a, b) => a - b), 0.5).toFixed(1));
  }
});

await withEngine(async (engine) => {
  const rows = 2_000_000;
  await apply(engine, ["cpu", 3, rows, 100_000]);
  const start = performance.now();
  const plan = { retention: [], coldAfterMs: DAY_MS };
  const events = await engine.maintain(plan, Number(FIRST_NS / 1_000_000n) + 30 * DAY_MS);
  const tookMs = performance.now() - start;
  await check(engine, "cpu", rows);
  const moved = events.flatMap((event) => event.kind === "moved" ? [event] : []);
  const bytes = moved.reduce((sum, day) => sum + day.bytes, 0);
  const asked = performance.now();
  await ask(engine, "SELECT host, avg(f1) FROM cpu GROUP BY host");
  console.log(
    `\n${rows} rows to ${moved.length} files of the cold tier: ${tookMs.toFixed(0)} ms, ` +
      `${(bytes / rows / 3).toFixed(2)} bytes/value; average by host over them: ` +
      `${(performance.now() - asked).toFixed(0)} ms`,
  );
});
