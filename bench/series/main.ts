/**
 * How many lines a second become columns, beside `JSON.parse` of the same points in the same process: see
 * README.
 *
 *     deno task bench:series
 *
 * @module
 */
import { Catalog } from "../../src/series/points/catalog.ts";
import { DEFAULT_LIMITS } from "../../src/series/points/limits.ts";
import { LineReader } from "../../src/series/points/line_reader.ts";

const POINTS = 200_000;
const RUNS = 7;

interface Shape {
  readonly name: string;
  readonly line: (i: number) => string;
  readonly json: (i: number) => object;
}

const host = (i: number) => `server${String(i % 100).padStart(2, "0")}`;
const time = (i: number) => String(1_609_459_200_000_000_000n + BigInt(i) * 15_000_000_000n);
/** Two decimals, as most gauges have them. */
const gauge = (i: number) => ((i * 7919) % 10_000) / 100;

const SHAPES: readonly Shape[] = [
  {
    name: "2 tags, 2 floats",
    line: (i) =>
      `cpu,host=${host(i)},region=us-west usage=${gauge(i)},idle=${gauge(i + 1)} ${time(i)}`,
    json: (i) => ({
      ...{ measurement: "cpu", host: host(i), region: "us-west" },
      ...{ usage: gauge(i), idle: gauge(i + 1), time: time(i) },
    }),
  },
  {
    name: "2 tags, 7 fields of all types",
    line: (i) =>
      `disk,host=${host(i)},path=/data a=${gauge(i)},b=${gauge(i + 1)},n=${i}i,u=${i * 3}u,` +
      `ok=true,s="state ${i % 50}",d=${i / 7} ${time(i)}`,
    json: (i) => ({
      ...{ measurement: "disk", host: host(i), path: "/data", a: gauge(i), b: gauge(i + 1) },
      ...{ n: i, u: i * 3, ok: true, s: `state ${i % 50}`, d: i / 7, time: time(i) },
    }),
  },
];

console.log("points                          bytes/line   lines/s  JSON.parse/s  ratio");
for (const { name, line, json } of SHAPES) {
  const numbers = Array.from({ length: POINTS }, (_, i) => i);
  const bytes = new TextEncoder().encode(numbers.map((i) => `${line(i)}\n`).join(""));
  const texts = numbers.map((i) => JSON.stringify(json(i)));
  const own = median(() => {
    const reader = new LineReader(new Catalog(), DEFAULT_LIMITS);
    const source = { bytes, precision: "ns" as const, nowNs: 0n, at: 0, line: 1 };
    let points = 0;
    while (source.at < bytes.length) {
      points += reader.read(source, 1 << 20, (_, error) => {
        throw new Error(error);
      }).points;
    }
    const rows = reader.take().reduce((sum, batch) => sum + batch.rows, 0);
    if (points !== POINTS || rows !== POINTS) throw new Error(`${points} points, ${rows} rows`);
  });
  const parse = median(() => {
    let length = 0;
    for (const text of texts) length += JSON.parse(text).time.length;
    if (length !== POINTS * 19) throw new Error(`${length} letters`);
  });
  console.log(
    name.padEnd(30) + (bytes.length / POINTS).toFixed(0).padStart(12) +
      perSecond(own).padStart(10) + perSecond(parse).padStart(14) +
      (parse / own).toFixed(2).padStart(7),
  );
}

function median(work: () => void): number {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begunMs = performance.now();
    work();
    times.push(performance.now() - begunMs);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

function perSecond(ms: number): string {
  return `${(POINTS / ms / 1000).toFixed(2)} M`;
}
