import { assertEquals } from "@std/assert";
import { bucketOf, DirtyBuckets } from "../../../../src/series/engine/duckdb/buckets.ts";

const HOUR_US = 3_600_000_000n;
const WEEK_US = 7n * 24n * HOUR_US;

Deno.test("bucketOf() counts from Monday, 3 January 2000, on both sides", () => {
  const us = (date: string) => BigInt(Date.parse(date)) * 1000n;
  assertEquals(bucketOf(us("2024-01-03T10:00Z"), WEEK_US), us("2024-01-01T00:00Z"));
  assertEquals(bucketOf(us("2024-01-01T00:00Z"), WEEK_US), us("2024-01-01T00:00Z"));
  assertEquals(bucketOf(us("1969-12-31T23:00Z"), 5n * HOUR_US), us("1969-12-31T20:00Z"));
  assertEquals(bucketOf(us("1999-12-31T23:59Z"), WEEK_US), us("1999-12-27T00:00Z"));
});

Deno.test("DirtyBuckets gives each bucket once, the oldest first, until it is clean", () => {
  const dirty = new DirtyBuckets(10n, -1000n, [50n]);
  const touch = (...us: bigint[]) => dirty.touch(BigInt64Array.from(us, (time) => time * 1000n));
  assertEquals(touch(30n, 31n, 39n, 40n, 30n, 55n, -1n), [30n, 40n, -10n]);
  assertEquals(touch(41n), []);
  assertEquals(dirty.size, 4);
  assertEquals(dirty.oldest, -10n);
  assertEquals(dirty.due(60n, 3), [-10n, 30n, 40n]);
  assertEquals(dirty.due(49n, 3), [-10n, 30n]);
  const due = dirty.due(50n, 2);
  dirty.clean(due);
  assertEquals(dirty.due(60n, 9), [40n, 50n]);
  dirty.add(due);
  assertEquals(dirty.due(60n, 9), [-10n, 30n, 40n, 50n]);
  dirty.clean(due);
  assertEquals(touch(5n), [0n]);
  assertEquals(dirty.due(60n, 9), [0n, 40n, 50n]);
});

Deno.test("DirtyBuckets leaves out what is frozen", () => {
  const dirty = new DirtyBuckets(10n, 30n);
  assertEquals(dirty.touch(new BigInt64Array([29_999n, 30_000n])), [30n]);
  dirty.frozenBeforeUs = 100n;
  assertEquals(dirty.touch(new BigInt64Array([99_999n, 100_000n])), [100n]);
});
