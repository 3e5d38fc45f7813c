/**
 * What a refused commit left behind.
 *
 * On SQLite a commit that Deno KV refuses is not undone: the mutations before the one that failed
 * stay (measured on Deno 2.9.6: `atomic().sum(a).sum(b)` with a string at `b` throws a TypeError and
 * has changed `a`; denoland/denokv sqlite/backend.rs, `atomic_write_batched`, commits the
 * transaction whether or not a write in it failed). Mutations are executed in order, so what stands
 * is a first part of them. A marker is the first of all, and its versionstamp is that of the commit:
 * a key with the same versionstamp was reached, one with an older versionstamp was not.
 *
 * @module
 */

/** How far a torn commit came. */
export interface Reach {
  /** So many sums, from the first on, stand. */
  readonly applied: number;
  /** Of so many after these it cannot be known: others changed them since. */
  readonly unclear: number;
}

/**
 * Tells how many of a torn commit's sums stand.
 *
 * @param entries what stands at the sums' keys now, in the order of the sums
 * @param versionstamp the marker's
 */
export function reachOf(
  entries: readonly Deno.KvEntryMaybe<unknown>[],
  versionstamp: string,
): Reach {
  const seen = new Set<string>();
  let applied = 0; // behind the last that surely stands
  let end = entries.length; // the first that surely does not
  let endIsGuilty = false;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    const id = JSON.stringify(entry.key);
    if (seen.has(id)) continue; // its versionstamp may be that of the first sum at this key
    seen.add(id);
    const reached = entry.versionstamp !== null && entry.versionstamp >= versionstamp;
    const summable = entry.versionstamp === null || isU64(entry.value);
    if (!reached || !summable) {
      end = i;
      endIsGuilty = !summable;
      break;
    }
    if (entry.versionstamp === versionstamp) applied = i + 1;
  }
  // What cannot be summed to is what stopped the commit, so all before it stands.
  if (endIsGuilty) return { applied: end, unclear: 0 };
  return { applied, unclear: end - applied };
}

function isU64(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    typeof (value as { value?: unknown }).value === "bigint";
}
