/**
 * What the record path pays for time: reading it, and finding its bucket.
 *
 *     deno bench bench/time_bench.ts
 *
 * Each bench does 1,000 readings or look-ups, so a figure in µs is one in ns for each; each verifies
 * its result. The baselines are what one would write without this code.
 *
 * @module
 */
import { Calendar } from "../src/engine/bucket.ts";
import { DAY, HOUR, toUnixSeconds } from "../src/engine/time.ts";

const COUNT = 1000;
const ZONE = "Europe/Berlin";
const START = Date.UTC(2025, 0, 1) / 1000;

/** Numbers from 0 to 1, the same ones each run. */
function* randoms(seed: number): Generator<number, never> {
  for (;;) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    yield seed / 2 ** 32;
  }
}

function times(count: number, lengthSeconds: number): number[] {
  const random = randoms(count + lengthSeconds);
  return Array.from(
    { length: count },
    () => START + Math.floor(random.next().value * lengthSeconds),
  );
}

function verify(received: number, wanted: number): void {
  if (received !== wanted) throw new Error(`BUG: wanted ${wanted}, received ${received}`);
}

// Parsed from JSON, as events are.
const seconds = times(COUNT, 90 * DAY);
const strings: string[] = JSON.parse(
  JSON.stringify(seconds.map((time) => new Date(time * 1000).toISOString().replace(".000", ""))),
);
const fractions: string[] = JSON.parse(
  JSON.stringify(strings.map((text) => text.replace("Z", ".123456+01:00"))),
);
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const wantedSum = sum(seconds);

function benchReading(
  name: string,
  values: readonly unknown[],
  read: (value: unknown) => number,
  wanted: number,
  baseline = false,
): void {
  Deno.bench({ name, group: "read 1,000 times", baseline }, () => {
    let total = 0;
    for (let i = 0; i < COUNT; i++) total += read(values[i]);
    verify(total, wanted);
  });
}

benchReading(
  "Temporal.Instant.from",
  strings,
  (text) => Temporal.Instant.from(text as string).epochMilliseconds / 1000,
  wantedSum,
);
benchReading("Date.parse", strings, (text) => Date.parse(text as string) / 1000, wantedSum, true);
benchReading("toUnixSeconds, 2001-01-01T00:47:00Z", strings, toUnixSeconds, wantedSum);
benchReading(
  "toUnixSeconds, 2001-01-01T00:47:00.123456+01:00",
  fractions,
  toUnixSeconds,
  wantedSum - COUNT * HOUR,
);
benchReading("toUnixSeconds, number", seconds, toUnixSeconds, wantedSum);
benchReading(
  "toUnixSeconds, Date",
  seconds.map((time) => new Date(time * 1000)),
  toUnixSeconds,
  wantedSum,
);

function benchBuckets(name: string, unit: "d" | "h", values: readonly number[]): void {
  const calendar = new Calendar(ZONE);
  let at = 0;
  Deno.bench({ name, group: "find 1,000 buckets" }, () => {
    const end = at + COUNT;
    for (; at < end; at++) {
      const time = values[at];
      const bucket = calendar.bucketAt(unit, time);
      if (bucket.start > time || bucket.end <= time) {
        throw new Error(`BUG: wrong bucket at ${time}`);
      }
    }
    if (at === values.length) at = 0;
  });
}

Deno.bench({
  name: "Temporal startOfDay (baseline)",
  group: "find 1,000 buckets",
  baseline: true,
}, () => {
  for (const time of seconds) {
    const day = new Temporal.ZonedDateTime(BigInt(time) * 1_000_000_000n, ZONE).startOfDay();
    if (day.epochMilliseconds > time * 1000) throw new Error(`BUG: wrong day at ${time}`);
  }
});

const MANY = 100 * COUNT;
const inOrder = Array.from({ length: MANY }, (_, i) => START + i * 60);
benchBuckets("days, in order", "d", inOrder);
benchBuckets("hours, in order, 60 an hour", "h", inOrder);
benchBuckets("days, random over 90 days", "d", times(MANY, 90 * DAY));
benchBuckets("hours, random over 90 days", "h", times(MANY, 90 * DAY));
benchBuckets("days, random over 2 years", "d", times(MANY, 730 * DAY));
benchBuckets("hours, random over 2 years", "h", times(MANY, 730 * DAY));
benchBuckets("hours, random over 50 years (more than is cached)", "h", times(MANY, 18_262 * DAY));

Deno.bench({ name: "buckets(), 2 years of hours, cold", group: "list" }, () => {
  const found = new Calendar(ZONE).buckets("h", START, START + 730 * DAY - 1, 50_000);
  verify(found.length, 730 * 24);
});

const calendar = new Calendar(ZONE);
const hours = calendar.buckets("h", START, START + COUNT * HOUR - 1, COUNT);
Deno.bench({ name: "label(), 1,000 hours", group: "list" }, () => {
  let length = 0;
  for (const hour of hours) length += calendar.label(hour).length;
  verify(length, COUNT * "2025-01-01T01:00:00+01:00".length);
});
