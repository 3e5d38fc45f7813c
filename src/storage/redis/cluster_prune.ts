/**
 * Removing buckets from a cluster, key by key, while others may write to them.
 *
 * A key goes first, then its name in the bucket's set; if the key is there again by then, its name is
 * put back. A commit that had listed the key before, and writes to it after, sees the sign of the prune
 * (prune_signs.ts) and lists it again. The index goes last, and only if the bucket was not touched.
 *
 * @module
 */
import type { PruneRange } from "../storage.ts";
import type { BucketKey } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import { besideKey, Book, knownKey } from "./keys.ts";
import type { RemoveBucket } from "./prune.ts";
import { FORGET_BUCKET } from "./scripts/forgetBucket-2.ts";
import { PRUNE_KEY } from "./scripts/pruneKey-2.ts";

/** Keys that are removed at once. */
const KEYS_AT_ONCE = 200;

/** @param forget told of every key that goes */
export function removeFromCluster(
  connection: Connection,
  { prefix, unit }: PruneRange,
  forget: (keys: readonly string[]) => void,
): RemoveBucket {
  const book = new Book(prefix);
  const remove = (key: string, onlyIfGone: boolean) =>
    connection.script("prune", PRUNE_KEY, [key, besideKey(prefix, key, "cps")], [
      `${besideKey(prefix, key, "cp")}:`,
      onlyIfGone ? "1" : "",
    ]);
  const removeListed = async (known: string, { key, known: ours }: BucketKey) => {
    if (ours !== null) await remove(key, false);
    await connection.command("prune", "SREM", known, key);
    if (ours === null) return;
    if (Number(await connection.command("prune", "EXISTS", key)) === 0) return;
    await connection.command("list a key again", "SADD", known, key);
  };
  return async (start, keys) => {
    const known = knownKey(prefix, unit, start);
    const version = await connection.command("read a version", "HGET", book.versions(unit), start);
    forget([...keys.map(({ key }) => key), known]);
    for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
      await Promise.all(
        keys.slice(i, i + KEYS_AT_ONCE).map((key) => removeListed(known, key)),
      );
    }
    if (Number(await remove(known, true)) === 0) return;
    const indexes = [book.starts(unit), book.versions(unit)];
    const args = [`${start}`, `${version ?? ""}`];
    await connection.script("prune", FORGET_BUCKET, indexes, args);
  };
}
