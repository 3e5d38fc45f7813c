/**
 * What a sketch costs by the number of distinct values in it, next to the exact `Set`.
 *
 * deno bench bench/sketch_bench.ts
 */
import { HyperLogLog } from "../src/sketch/hyperloglog.ts";
import { hashBytes, hashed, hashString, murmurHash64A } from "../src/sketch/murmur.ts";

const SIZES = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
/** How often one iteration does the thing, so that verifying once does not show. */
const TIMES = 1000;

/** Values of 12 ASCII characters, as a user's id may be. */
const values = Array.from({ length: SIZES.at(-1)! }, (_, i) => `user${10_000_000 + i}`);
const sketches = new Map(SIZES.map((size) => [size, sketchOf(values.slice(0, size))]));

function sketchOf(values: string[]): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(value);
  return sketch;
}

/** Throws unless the count is within 5 standard errors, or a half, of the truth. */
function verify(count: number, truth: number): void {
  if (Math.abs(count - truth) > Math.max(0.5, 5 * 0.0081 * truth)) {
    throw new Error(`BUG: expected a count of about ${truth}, received ${count}`);
  }
}

/** `TIMES` times. */
function repeat<T>(once: () => T): T {
  for (let i = 1; i < TIMES; i++) once();
  return once();
}

// A Set is flattered here: V8 keeps the hash of a string it has seen, and these are seen often.
for (const size of SIZES) {
  const group = `${TIMES} values again where ${size} are in`;
  const exact = new Set(values.slice(0, size));
  Deno.bench("Set.add()", { group, baseline: true }, () => {
    for (let i = 0; i < TIMES; i++) exact.add(values[i % size]);
    verify(exact.size, size);
  });
  const sketch = sketches.get(size)!.clone();
  Deno.bench("HyperLogLog.add()", { group }, () => {
    let raised = 0;
    for (let i = 0; i < TIMES; i++) if (sketch.add(values[i % size])) raised++;
    if (raised > 0) throw new Error(`BUG: expected no register to rise, received ${raised}`);
    verify(sketch.count(), size);
  });
}

for (const size of [1, 10, 100, 1000]) {
  const group = `${TIMES} new ones of ${size} values`;
  const some = values.slice(0, size);
  Deno.bench("new Set()", { group, baseline: true }, () => {
    verify(repeat(() => new Set(some)).size, size);
  });
  Deno.bench("new HyperLogLog()", { group }, () => {
    verify(repeat(() => sketchOf(some)).count(), size);
  });
}

for (const size of SIZES) {
  const sketch = sketches.get(size)!;
  const bytes = sketch.toBytes();
  Deno.bench(`count() of ${size}`, { group: `${TIMES} times count()` }, () => {
    verify(repeat(() => sketch.count()), size);
  });
  Deno.bench(`toBytes() of ${size}`, { group: `${TIMES} times toBytes()` }, () => {
    verify(HyperLogLog.fromBytes(repeat(() => sketch.toBytes())).count(), size);
  });
  Deno.bench(`fromBytes() of ${size}`, { group: `${TIMES} times fromBytes()` }, () => {
    verify(repeat(() => HyperLogLog.fromBytes(bytes)).count(), size);
  });
  Deno.bench(`merge() of ${size}`, { group: `${TIMES} times clone() of 1000, merge()` }, () => {
    const union = repeat(() => sketches.get(1000)!.clone().merge(sketch));
    verify(union.count(), Math.max(size, 1000));
  });
}

const TEXTS: Record<string, string> = {
  "12 ASCII": "user12345678",
  "96 ASCII": "user12345678".repeat(8),
  "12 bytes, not ASCII": "user1234éü",
  "96 bytes, not ASCII": "user1234éü".repeat(8),
};
for (const [name, text] of Object.entries(TEXTS)) {
  const group = `${TIMES} hashes of ${name}`;
  const bytes = new TextEncoder().encode(text);
  const low = Number(BigInt.asIntN(32, murmurHash64A(bytes)));
  Deno.bench("hashBytes()", { group, baseline: true }, () => {
    repeat(() => hashBytes(bytes));
    if (hashed[0] !== low) throw new Error("BUG: another hash");
  });
  Deno.bench("hashString()", { group }, () => {
    repeat(() => hashString(text));
    if (hashed[0] !== low) throw new Error("BUG: another hash");
  });
}
