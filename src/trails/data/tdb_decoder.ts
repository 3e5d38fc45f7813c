/**
 * Reads the events of a TrailDB's trails from their bits.
 *
 * A trail is a run of grams, the lowest bit first. A gram is one item or two: 1 and a code of up to 16
 * bits that the codebook knows, or 0, the number of a field and that of a value. Field 0 is the time
 * since the event before and begins an event; other items replace the value that their field had, so
 * what does not change is not written.
 *
 * ```text
 *  | unused bits at the end (3 bits) | gram | gram | … |
 *  gram:  1 | code               or  0 | field | value
 *  item:  field, 7 bits | 0 | value, 24 bits      or      field | 1 | field, 7 more bits | value
 * ```
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import { type ReaderOptions, TrailBuffer, type TrailReader, type WantedValues } from "./source.ts";

const CODES = 65_536;

/** What a code stands for. */
export interface Codebook {
  /** Bits that the code takes; 0: there is no such code. */
  readonly bits: Uint8Array;
  readonly firstField: Uint16Array;
  readonly firstValue: Float64Array;
  /** 0: there is one item only. */
  readonly secondField: Uint16Array;
  readonly secondValue: Float64Array;
}

/** Where the trails of a file lie, and how their items are written. */
export interface TdbTrails {
  readonly path: string;
  readonly data: Uint8Array;
  readonly offsets: Uint32Array | Float64Array;
  readonly codebook: Codebook;
  readonly oldest: number;
  readonly newest: number;
  /** Bits of a field's number. */
  readonly fieldBits: number;
  /** Bits of a value's number, by field, the time first. */
  readonly valueBits: readonly number[];
  /** How many values there are, by field, the time first. */
  readonly valueCounts: readonly number[];
}

/** Reads a codebook: 20 bytes a code, in version 0 12, where each item has 4 bytes. */
export function readCodebook(bytes: Uint8Array, version: 0 | 1): Codebook {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const book: Codebook = {
    bits: new Uint8Array(CODES),
    firstField: new Uint16Array(CODES),
    firstValue: new Float64Array(CODES),
    secondField: new Uint16Array(CODES),
    secondValue: new Float64Array(CODES),
  };
  const itemBytes = version === 0 ? 4 : 8;
  const width = 2 * itemBytes + 4;
  const read = (at: number, code: number, fields: Uint16Array, values: Float64Array): void => {
    const low = view.getUint32(at, true);
    const high = version === 0 ? 0 : view.getUint32(at + 4, true);
    if ((low & 0x80) === 0) {
      fields[code] = low & 0x7f;
      values[code] = low >>> 8;
    } else {
      fields[code] = low & 0x7f | (low >>> 8 & 0x7f) << 7;
      values[code] = (low >>> 16) + high * 65_536;
    }
  };
  for (let code = 0; code < CODES; code++) {
    const at = code * width;
    read(at, code, book.firstField, book.firstValue);
    read(at + itemBytes, code, book.secondField, book.secondValue);
    book.bits[code] = Math.min(view.getUint32(at + 2 * itemBytes, true), 255);
  }
  return book;
}

/** Reads trails into a buffer of its own. */
export class TdbDecoder implements TrailReader {
  times: Float64Array;
  columns: readonly Uint32Array[];
  start = 0;
  end = 0;
  readonly mergesEqual: boolean;
  readonly #trails: TdbTrails;
  readonly #buffer: TrailBuffer;
  /** The file's bits, 32 at a time. */
  readonly #words: Uint32Array;
  /** The values of the event that is being read, by field. */
  readonly #current: Uint32Array;
  /** The fields whose columns are filled. */
  readonly #filled: readonly number[];
  readonly #search: TdbSearch | undefined;

  constructor(trails: TdbTrails, { columns, mergesEqual = false, wanted }: ReaderOptions = {}) {
    this.#trails = trails;
    const { data, valueBits } = trails;
    const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data);
    this.#words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
    this.#current = new Uint32Array(valueBits.length);
    this.#buffer = new TrailBuffer(valueBits.length - 1);
    this.#filled = valueBits.slice(1).flatMap((_, i) => columns?.has(i) === false ? [] : [i + 1]);
    this.mergesEqual = mergesEqual;
    this.#search = wanted && new TdbSearch(trails, this.#words, wanted);
    this.times = this.#buffer.times;
    this.columns = this.#buffer.columns;
  }

  read(trail: number): void {
    this.start = 0;
    this.end = this.#search?.has(trail) === false ? 0 : this.#decode(trail);
    ({ times: this.times, columns: this.columns } = this.#buffer);
  }

  /** How many events the trail has. What is done for each item stands here, so that it is fast. */
  #decode(trail: number): number {
    const { oldest, newest, codebook, valueBits, valueCounts } = this.#trails;
    const { bits, firstField, firstValue, secondField, secondValue } = codebook;
    const current = this.#current;
    const bounds = boundsOf(this.#trails, this.#words, trail);
    const { base, end } = bounds;
    let { at } = bounds;
    current.fill(0);
    let time = oldest;
    let count = 0;
    /** An event has begun, and it differs from the one before. */
    let isOpen = false, differs = true;
    while (at < end) {
      const word = bitsAt(this.#words, base, at);
      let field: number, value: number, nextField = 0, nextValue = 0;
      if ((word & 1) === 1) {
        const code = word >>> 1 & 0xffff;
        if (bits[code] === 0) damaged(this.#trails, trail);
        at += 1 + bits[code];
        field = firstField[code];
        value = firstValue[code];
        nextField = secondField[code];
        nextValue = secondValue[code];
      } else {
        const { fieldBits } = this.#trails;
        field = low(word >>> 1, fieldBits);
        if (field >= valueBits.length) damaged(this.#trails, trail);
        at += 1 + fieldBits;
        value = valueAt(this.#words, base, at, valueBits[field]);
        at += valueBits[field];
      }
      for (;;) {
        if (field === 0) {
          if (isOpen && (differs || !this.mergesEqual)) this.#put(count++, time);
          differs = !isOpen || value > 0;
          isOpen = true;
          time += value;
        } else {
          // A trail begins with a time, and no value is beyond its lexicon.
          if (!isOpen || !(value < valueCounts[field])) damaged(this.#trails, trail);
          if (current[field] !== value) {
            current[field] = value;
            differs = true;
          }
        }
        if (nextField === 0) break;
        field = nextField;
        value = nextValue;
        nextField = 0;
      }
    }
    if (at !== end || isOpen && time > newest) damaged(this.#trails, trail);
    if (isOpen && (differs || !this.mergesEqual)) this.#put(count++, time);
    return count;
  }

  #put(at: number, time: number): void {
    const buffer = this.#buffer;
    if (at === buffer.capacity) buffer.grow();
    buffer.times[at] = time;
    for (const field of this.#filled) buffer.columns[field - 1][at] = this.#current[field];
  }
}

/** Looks for values in the bits of a trail, without making events of them. */
class TdbSearch {
  readonly #trails: TdbTrails;
  readonly #words: Uint32Array;
  /** By field, the time left out: a bit for each value. */
  readonly #wanted: readonly (Uint32Array | undefined)[];
  /** By code: 1 where one of its items is wanted. */
  readonly #codes = new Uint8Array(CODES);

  constructor(trails: TdbTrails, words: Uint32Array, wanted: WantedValues) {
    this.#trails = trails;
    this.#words = words;
    this.#wanted = [undefined, ...trails.valueBits.slice(1).map((_, i) => wanted.get(i))];
    const { firstField, firstValue, secondField, secondValue } = trails.codebook;
    for (let code = 0; code < CODES; code++) {
      const isWanted = this.#isWanted(firstField[code], firstValue[code]) ||
        this.#isWanted(secondField[code], secondValue[code]);
      if (isWanted) this.#codes[code] = 1;
    }
  }

  /** Whether a trail has one of the values. */
  has(trail: number): boolean {
    const { codebook: { bits }, fieldBits, valueBits } = this.#trails;
    const bounds = boundsOf(this.#trails, this.#words, trail);
    const { base, end } = bounds;
    let { at } = bounds;
    while (at < end) {
      const word = bitsAt(this.#words, base, at);
      if ((word & 1) === 1) {
        const code = word >>> 1 & 0xffff;
        if (bits[code] === 0) damaged(this.#trails, trail);
        if (this.#codes[code] === 1) return true;
        at += 1 + bits[code];
      } else {
        const field = low(word >>> 1, fieldBits);
        if (field >= valueBits.length) damaged(this.#trails, trail);
        at += 1 + fieldBits;
        if (
          field > 0 &&
          this.#isWanted(field, valueAt(this.#words, base, at, valueBits[field]))
        ) return true;
        at += valueBits[field];
      }
    }
    if (at !== end) damaged(this.#trails, trail);
    return false;
  }

  #isWanted(field: number, value: number): boolean {
    const wanted = this.#wanted[field];
    return wanted !== undefined && (wanted[value >>> 5] >>> (value & 31) & 1) === 1;
  }
}

/** Where the bits of a trail lie: from `at` up to `end` behind the word `base`. */
function boundsOf(
  { offsets }: TdbTrails,
  words: Uint32Array,
  trail: number,
): { base: number; at: number; end: number } {
  const bytes = offsets[trail + 1] - offsets[trail];
  const base = Math.floor(offsets[trail] / 4);
  const at = 8 * (offsets[trail] % 4);
  if (bytes === 0) return { base, at, end: at };
  return { base, at: at + 3, end: at + 8 * bytes - (bitsAt(words, base, at) & 7) };
}

/** The next 32 bits; zeros behind the end. */
function bitsAt(words: Uint32Array, base: number, at: number): number {
  const word = base + (at >>> 5), shift = at & 31;
  const first = words[word] >>> shift;
  return shift === 0 ? first : (first | words[word + 1] << 32 - shift) >>> 0;
}

function valueAt(words: Uint32Array, base: number, at: number, width: number): number {
  const value = low(bitsAt(words, base, at), Math.min(width, 32));
  // Only differences of times are ever so wide.
  return width > 32 ? value + low(bitsAt(words, base, at + 32), width - 32) * 2 ** 32 : value;
}

function damaged({ path }: TdbTrails, trail: number): never {
  throw new TrailsError(`Cannot read ${path}: it is damaged: trail ${trail} makes no sense`);
}

/** The lowest `count` bits, up to 32 of them. */
function low(word: number, count: number): number {
  return count >= 32 ? word : word & (1 << count) - 1;
}
