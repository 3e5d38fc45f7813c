/**
 * Removing whole buckets, at the cost of what is removed.
 *
 * @module
 */
import type { Metric, PruneRange, PruneReport } from "../storage.ts";
import type { Connection } from "./connection.ts";
import { encodedLength, type Key, MILLIONTHS_PART, seriesKey } from "./keys.ts";
import { MAX_CHECKS, MAX_COMMIT_BYTES, MAX_MUTATIONS } from "./limits.ts";

const START_AT = 4;
/** Parts of the key of a sum's millionths, which belong to the cell before them. */
const MILLIONTHS_LENGTH = 7;

/**
 * Removes the buckets of `metrics` before a time, the cells before the versions: whoever is stopped
 * in the middle leaves a bucket that the next prune finds. The known metrics stay: another instance
 * that believes one known would write cells that nobody finds.
 */
export async function pruneBuckets(
  connection: Connection,
  metrics: readonly Metric[],
  range: PruneRange,
): Promise<PruneReport> {
  const { prefix, unit, before } = range;
  // As they were before the first cell goes: one that is touched meanwhile stays.
  const versions: Deno.KvEntry<unknown>[] = [];
  const versionPrefix: Key = [prefix, "v", unit];
  const versionEnd: Key = [...versionPrefix, before];
  for await (
    const entry of connection.list("list versions", { prefix: versionPrefix, end: versionEnd })
  ) versions.push(entry);

  const starts = new Set<number>();
  let cells = 0;
  for (const metric of metrics) {
    const series = seriesKey(prefix, unit, metric);
    const eraser = new Eraser(connection);
    const entries = connection.list("list what is to be pruned", {
      prefix: series,
      end: [...series, before],
    });
    for await (const { key } of entries) {
      const isCell = key.length < MILLIONTHS_LENGTH;
      if (isCell) cells++;
      starts.add(Number(key[START_AT]));
      if (!range.dryRun) await eraser.add(key, isCell);
    }
    await eraser.finish();
  }
  if (!range.dryRun) await removeVersions(connection, versions);
  return { buckets: starts.size, cells };
}

/** Deletes keys in commits as large as they may be. */
class Eraser {
  readonly #connection: Connection;
  #keys: Deno.KvKey[] = [];
  #bytes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @param mayCut whether a commit may end before this key: the parts of a sum go together */
  async add(key: Deno.KvKey, mayCut: boolean): Promise<void> {
    const bytes = encodedLength(key as Key);
    // One key short of full, so that there is room for the millionths behind their whole units.
    const full = this.#keys.length >= MAX_MUTATIONS - 1 ||
      this.#bytes + 2 * bytes + encodedLength([MILLIONTHS_PART]) > MAX_COMMIT_BYTES;
    if (full && mayCut) await this.finish();
    this.#keys.push(key);
    this.#bytes += bytes;
  }

  async finish(): Promise<void> {
    if (this.#keys.length === 0) return;
    const keys = this.#keys;
    this.#keys = [];
    this.#bytes = 0;
    await this.#connection.patiently("prune", async () => {
      const operation = this.#connection.kv.atomic();
      for (const key of keys) operation.delete(key);
      await operation.commit();
    });
  }
}

/** Removes versions unless they changed: then there are cells again that a reader must find. */
async function removeVersions(
  connection: Connection,
  versions: readonly Deno.KvEntry<unknown>[],
): Promise<void> {
  const remove = (some: readonly Deno.KvEntry<unknown>[]) =>
    connection.patiently("prune", async () => {
      const operation = connection.kv.atomic();
      for (const { key, versionstamp } of some) operation.check({ key, versionstamp }).delete(key);
      return (await operation.commit()).ok;
    });
  for (let i = 0; i < versions.length; i += MAX_CHECKS) {
    const some = versions.slice(i, i + MAX_CHECKS);
    if (await remove(some)) continue;
    for (const version of some) await remove([version]);
  }
}
