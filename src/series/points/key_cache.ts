/**
 * Which series a key means, by the bytes of the key: most lines have one that came before, and then
 * nothing of it needs to be read.
 *
 * @module
 */
import type { Tag } from "./batch.ts";
import type { Columns } from "./columns.ts";

/** A measurement and its tags as they stand in a line, and what they mean. */
export interface KnownKey {
  /** As in the line, escaped. */
  readonly bytes: Uint8Array;
  readonly hash: number;
  readonly columns: Columns;
  /** See `seriesKey`. */
  readonly key: string;
  readonly tags: readonly Tag[];
  /** Number of the series; -1 while no point of it was accepted. */
  series: number;
  /** Another one with the same hash. */
  next: KnownKey | undefined;
}

/** Bytes of keys that are kept; beyond, all begin anew. Written in other ways, a series has many keys. */
const MAX_BYTES = 64 << 20;
/** What a key costs besides. */
const KEY_BYTES = 200;

/** See the top of this file. */
export class KeyCache {
  #byHash = new Map<number, KnownKey>();
  #bytes = 0;

  /** The key that stands in `bytes`, if it came before. @param hash of these bytes, see {@linkcode hashOn} */
  find(bytes: Uint8Array, start: number, end: number, hash: number): KnownKey | undefined {
    let known = this.#byHash.get(hash);
    while (known !== undefined && !isAt(known.bytes, bytes, start, end)) known = known.next;
    return known;
  }

  /** Keeps a key. */
  add(known: KnownKey): void {
    this.#bytes += known.bytes.length + KEY_BYTES;
    if (this.#bytes > MAX_BYTES) {
      this.#byHash = new Map();
      this.#bytes = known.bytes.length + KEY_BYTES;
    }
    known.next = this.#byHash.get(known.hash);
    this.#byHash.set(known.hash, known);
  }
}

/** Whether `wanted` is what stands from `start` to `end`. */
function isAt(wanted: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = wanted;
  if (length !== end - start) return false;
  for (let i = 0; i < length; i++) if (wanted[i] !== bytes[start + i]) return false;
  return true;
}
