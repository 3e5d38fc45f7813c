/**
 * Removing whole buckets, at the cost of what is removed. The index of buckets goes last: whoever is
 * stopped in the middle leaves a bucket that the next prune finds.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import type { PruneRange, PruneReport } from "../storage.ts";
import { type BucketKey, BUCKETS_AT_ONCE, keysOf, startsIn } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import { Book, knownKey } from "./keys.ts";
import { PRUNE_BUCKET } from "./scripts/pruneBucket-3n.ts";

/** Keys that one script removes. */
const KEYS_AT_ONCE = 1000;

/** Removes the keys of a bucket and then the bucket itself. */
export type RemoveBucket = (start: number, keys: readonly BucketKey[]) => Promise<void>;

/** Counts, and removes, the buckets before a time. */
export async function pruneBuckets(
  connection: Connection,
  range: PruneRange,
  remove: RemoveBucket,
): Promise<PruneReport> {
  const { prefix, unit, before } = range;
  const starts = (await startsIn(connection, { prefix, unit, from: -Infinity, to: before }))
    .filter((start) => start < before);
  let buckets = 0;
  let cells = 0;
  for (let i = 0; i < starts.length; i += BUCKETS_AT_ONCE) {
    const some = await Promise.all(
      starts.slice(i, i + BUCKETS_AT_ONCE).map(async (start) => {
        const keys = await keysOf(connection, prefix, unit, start);
        const counts = await Promise.all(keys.map((key) => cellsAt(connection, key)));
        return { start, keys, cells: counts.reduce((sum, count) => sum + count, 0) };
      }),
    );
    for (const bucket of some) {
      if (bucket.cells > 0) buckets++;
      cells += bucket.cells;
      if (!range.dryRun) await remove(bucket.start, bucket.keys);
    }
  }
  return { buckets, cells };
}

/** On one server a script removes the keys and the bucket together. */
export function removeFromServer(connection: Connection, range: PruneRange): RemoveBucket {
  const { prefix, unit } = range;
  const book = new Book(prefix);
  return async (start, keys) => {
    // Also without keys: then only the bucket is left to remove.
    for (let i = 0; i === 0 || i < keys.length; i += KEYS_AT_ONCE) {
      const some = keys.slice(i, i + KEYS_AT_ONCE);
      await connection.script("prune", PRUNE_BUCKET, [
        knownKey(prefix, unit, start),
        book.starts(unit),
        book.versions(unit),
        ...some.filter(({ known }) => known !== null).map(({ key }) => key),
      ], [`${start}`, ...some.map(({ key }) => key)]);
    }
  };
}

/** Cells at a key; of what has another type than its name says, none. */
async function cellsAt(connection: Connection, { key, known }: BucketKey): Promise<number> {
  if (known === null) return 0;
  const { metric: { type }, summary } = known;
  const command = (name: string, ...rest: string[]) =>
    connection.command("count what is to be pruned", name, key, ...rest);
  try {
    if (summary) return Number(await command("HEXISTS", "count"));
    if (type === "bmp") return Number(await command("EXISTS"));
    return Number(await command(type === "top" ? "ZCARD" : "HLEN"));
  } catch (error) {
    if (messageOf(error).includes("WRONGTYPE")) return 0;
    throw error;
  }
}
