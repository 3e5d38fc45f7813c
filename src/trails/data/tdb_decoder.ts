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
import { TrailBuffer, type TrailReader } from "./source.ts";

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
  readonly #trails: TdbTrails;
  readonly #buffer: TrailBuffer;
  /** The file's bits, 32 at a time. */
  readonly #words: Uint32Array;
  /** The values of the event that is being read, by field, the time left out. */
  readonly #current: Uint32Array;
  #time = 0;
  #count = 0;

  constructor(trails: TdbTrails) {
    this.#trails = trails;
    const { data, valueBits } = trails;
    const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data);
    this.#words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
    this.#current = new Uint32Array(valueBits.length - 1);
    this.#buffer = new TrailBuffer(valueBits.length - 1);
    this.times = this.#buffer.times;
    this.columns = this.#buffer.columns;
  }

  read(trail: number): void {
    const { offsets, oldest, newest, codebook, fieldBits, valueBits } = this.#trails;
    const bytes = offsets[trail + 1] - offsets[trail];
    const base = Math.floor(offsets[trail] / 4);
    let at = 8 * (offsets[trail] % 4);
    const end = at + 8 * bytes - (bytes === 0 ? 0 : this.#bits(base, at) & 7);
    if (bytes > 0) at += 3;
    this.#current.fill(0);
    this.#time = oldest;
    this.#count = 0;
    const { bits, firstField, firstValue, secondField, secondValue } = codebook;
    while (at < end) {
      const word = this.#bits(base, at);
      if ((word & 1) === 1) {
        const code = word >>> 1 & 0xffff;
        if (bits[code] === 0) this.#fail(trail);
        at += 1 + bits[code];
        this.#item(trail, firstField[code], firstValue[code]);
        if (secondField[code] !== 0) this.#item(trail, secondField[code], secondValue[code]);
      } else {
        const field = low(word >>> 1, fieldBits);
        if (field >= valueBits.length) this.#fail(trail);
        at += 1 + fieldBits;
        const width = valueBits[field];
        let value = low(this.#bits(base, at), Math.min(width, 32));
        // Only differences of times are ever so wide.
        if (width > 32) value += low(this.#bits(base, at + 32), width - 32) * 2 ** 32;
        at += width;
        this.#item(trail, field, value);
      }
    }
    if (at !== end && bytes > 0 || this.#count > 0 && this.#time > newest) this.#fail(trail);
    if (this.#count > 0) this.#finishEvent();
    ({ times: this.times, columns: this.columns } = this.#buffer);
    this.start = 0;
    this.end = this.#count;
  }

  #item(trail: number, field: number, value: number): void {
    if (field === 0) {
      if (this.#count > 0) this.#finishEvent();
      this.#count++;
      this.#time += value;
      return;
    }
    // A trail begins with a time, and no value is beyond its lexicon.
    if (this.#count === 0 || !(value < this.#trails.valueCounts[field])) this.#fail(trail);
    this.#current[field - 1] = value;
  }

  #finishEvent(): void {
    const buffer = this.#buffer;
    const at = this.#count - 1;
    if (at === buffer.capacity) buffer.grow();
    buffer.times[at] = this.#time;
    const { columns } = buffer;
    for (let i = 0; i < columns.length; i++) columns[i][at] = this.#current[i];
  }

  /** The next 32 bits; zeros behind the end. */
  #bits(base: number, at: number): number {
    const word = base + (at >>> 5), shift = at & 31;
    const first = this.#words[word] >>> shift;
    return shift === 0 ? first : (first | this.#words[word + 1] << 32 - shift) >>> 0;
  }

  #fail(trail: number): never {
    throw new TrailsError(
      `Cannot read ${this.#trails.path}: it is damaged: trail ${trail} makes no sense`,
    );
  }
}

/** The lowest `count` bits, up to 32 of them. */
function low(word: number, count: number): number {
  return count >= 32 ? word : word & (1 << count) - 1;
}
