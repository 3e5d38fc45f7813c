/**
 * Which buckets there are, and what keys each has: by the index and the sets of known keys, never by a
 * scan of the key space.
 *
 * @module
 */
import type { BucketRange, Metric, Unit } from "../storage.ts";
import { metricName } from "../metric.ts";
import type { Connection } from "./connection.ts";
import { Book, type KnownKey, knownKey, parseKnown } from "./keys.ts";

/** Buckets that are looked at at once. */
export const BUCKETS_AT_ONCE = 100;

/** The starts of the buckets in a range, ascending. */
export async function startsIn(connection: Connection, range: BucketRange): Promise<number[]> {
  const { prefix, unit, from, to } = range;
  if (!(from <= to)) return [];
  const key = new Book(prefix).starts(unit);
  const reply = await connection.command(
    "list buckets",
    "ZRANGEBYSCORE",
    key,
    bound(from),
    bound(to),
  );
  return (reply as string[]).map(Number).sort((a, b) => a - b);
}

/** A key of a bucket, and what it stands for; null for what is not of this layout. */
export interface BucketKey {
  readonly key: string;
  readonly known: KnownKey | null;
}

/** All keys of a bucket. */
export async function keysOf(
  connection: Connection,
  prefix: string,
  unit: Unit,
  start: number,
): Promise<BucketKey[]> {
  const reply = await connection.command(
    "list known keys",
    "SMEMBERS",
    knownKey(prefix, unit, start),
  );
  return (reply as string[]).map((key) => ({ key, known: parseKnown(prefix, unit, start, key) }));
}

/** The metrics of the buckets in a range, each once. */
export async function metricsIn(connection: Connection, range: BucketRange): Promise<Metric[]> {
  const starts = await startsIn(connection, range);
  const metrics = new Map<string, Metric>();
  for (let i = 0; i < starts.length; i += BUCKETS_AT_ONCE) {
    const lists = await Promise.all(
      starts.slice(i, i + BUCKETS_AT_ONCE)
        .map((start) => keysOf(connection, range.prefix, range.unit, start)),
    );
    for (const { known } of lists.flat()) {
      if (known !== null) metrics.set(metricName(known.metric), known.metric);
    }
  }
  return [...metrics.values()];
}

/** A number for each bucket of a range, which grows when it is touched. */
export async function versionsIn(
  connection: Connection,
  range: BucketRange,
): Promise<Map<number, bigint>> {
  const versions = new Map<number, bigint>();
  const key = new Book(range.prefix).versions(range.unit);
  const starts = await startsIn(connection, range);
  for (let i = 0; i < starts.length; i += VERSIONS_AT_ONCE) {
    const some = starts.slice(i, i + VERSIONS_AT_ONCE);
    const reply = await connection.command("read versions", "HMGET", key, ...some);
    for (const [n, version] of (reply as (string | null)[]).entries()) {
      if (version !== null) versions.set(some[n], BigInt(version));
    }
  }
  return versions;
}

const VERSIONS_AT_ONCE = 1000;

function bound(time: number): string {
  if (time === Infinity) return "+inf";
  return time === -Infinity ? "-inf" : `${time}`;
}
