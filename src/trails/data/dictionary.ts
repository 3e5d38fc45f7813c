/**
 * The values of a field by number, 0 the empty one. Bytes and offsets can lie in shared memory, so
 * that every worker reads the same.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import { decodeAscii, decodeText, encodeText } from "./text.ts";

/** What a dictionary is made of; workers get this. */
export interface DictionaryParts {
  readonly bytes: Uint8Array;
  /** Where value `id` begins is `starts[id - 1]`, where it ends is `starts[id]`. */
  readonly starts: Uint32Array | Float64Array;
  /** Bytes at the end of each value that are none of it. */
  readonly tail: number;
}

/** Values that are decoded together. */
const BLOCK = 256;

/** Values by number. */
export class Dictionary {
  /** What workers get. */
  readonly parts: DictionaryParts;
  /** How many values there are, with the empty one: one more than the highest number. */
  readonly size: number;

  constructor(parts: DictionaryParts) {
    this.parts = parts;
    this.size = parts.starts.length;
  }

  /** The value. @throws {TrailsError} if its bytes lie outside, as in a damaged file */
  text(id: number): string {
    return id === 0 ? "" : decodeText(this.#bytes(id));
  }

  /** All values, in the order of their numbers. */
  *texts(): Generator<string> {
    for (let from = 0; from < this.size; from += BLOCK) yield* this.block(from, from + BLOCK);
  }

  /** The values from a number up to but not another, decoded together: much faster than one by one. */
  block(from: number, until: number): string[] {
    const { bytes, starts, tail } = this.parts;
    const to = Math.min(until, this.size);
    const first = from === 0 ? 0 : starts[from - 1], last = starts[to - 1];
    const ids = Array.from({ length: to - from }, (_, i) => from + i);
    const isPlain = tail === 0 && first <= last && last <= bytes.length;
    const all = isPlain ? decodeAscii(bytes.subarray(first, last)) : undefined;
    if (all === undefined) return ids.map((id) => this.text(id));
    return ids.map((id) => id === 0 ? "" : all.slice(starts[id - 1] - first, starts[id] - first));
  }

  /**
   * The numbers of values, -1 for those that are not there. One pass over all, however many are asked
   * for; nothing is decoded.
   */
  find(texts: readonly string[]): Int32Array {
    const found = new Int32Array(texts.length).fill(-1);
    const wanted = new Map<number, { bytes: Uint8Array; at: number }[]>();
    const lengths = new Set<number>();
    for (const [at, text] of texts.entries()) {
      if (text === "") {
        found[at] = 0;
        continue;
      }
      const bytes = encodeText(text);
      const key = hashOf(bytes, 0, bytes.length);
      lengths.add(bytes.length);
      if (!wanted.has(key)) wanted.set(key, []);
      wanted.get(key)!.push({ bytes, at });
    }
    if (wanted.size === 0) return found;
    const { bytes, starts, tail } = this.parts;
    for (let id = 1; id < this.size; id++) {
      const from = starts[id - 1], to = starts[id] - tail;
      if (!lengths.has(to - from)) continue;
      for (const one of wanted.get(hashOf(bytes, from, to)) ?? []) {
        if (found[one.at] < 0 && isEqual(one.bytes, bytes, from)) found[one.at] = id;
      }
    }
    return found;
  }

  #bytes(id: number): Uint8Array {
    const { bytes, starts, tail } = this.parts;
    const from = starts[id - 1], to = starts[id] - tail;
    if (!(from <= to && to <= bytes.length)) {
      throw new TrailsError(`Cannot read value ${id} of a field: the file is damaged`);
    }
    return bytes.subarray(from, to);
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

function isEqual(wanted: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== bytes[from + i]) return false;
  return true;
}

/** Collects values and gives each its number, in the order in which they first come. */
export class DictionaryBuilder {
  readonly #ids = new Map<string, number>([["", 0]]);

  /** The number of a value, a new one if it is new. */
  idOf(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(text, id);
    return id;
  }

  /** The values in shared memory. */
  build(): Dictionary {
    const encoded = [...this.#ids.keys()].map(encodeText);
    const total = encoded.reduce((sum, { length }) => sum + length, 0);
    const bytes = new Uint8Array(new SharedArrayBuffer(total));
    const starts = new Float64Array(new SharedArrayBuffer(8 * encoded.length));
    let at = 0;
    for (const [id, value] of encoded.entries()) {
      bytes.set(value, at);
      at += value.length;
      starts[id] = at;
    }
    return new Dictionary({ bytes, starts, tail: 0 });
  }
}
