/**
 * Numbers as bits, one after the other, lowest bit first.
 *
 * Besides plain bits there is one code for whole numbers of unknown size, the exponential Golomb code
 * of order k: `floor(value / 2^k) + 1` in Elias gamma (its length less one in unary, then its bits
 * below the first), then the k low bits of the value. It costs k + 1 bits for what is below 2^k, and
 * two bits more each time that the value doubles.
 *
 * @module
 */

/** Bytes behind the last bit, so that a reader may load four at once. */
const PADDING_BYTES = 4;
/** Most bits that one load of four bytes is sure to hold, wherever the first bit stands. */
const LOAD_BITS = 25;
const WORD = 2 ** 32;

/** Bits that grow while they are written. */
export class BitWriter {
  #words: Uint32Array<ArrayBuffer>;
  /** Words that are complete. */
  #complete = 0;
  /** The word that is being filled, and how many of its bits are. */
  #word = 0;
  #filled = 0;

  /** @param capacityBytes how many bytes it is made for; it grows beyond them */
  constructor(capacityBytes = 1024) {
    this.#words = new Uint32Array(Math.max(4, Math.ceil(capacityBytes / 4)));
  }

  /** How many bits were written. */
  get length(): number {
    return 32 * this.#complete + this.#filled;
  }

  /** The `count` low bits of `value`, which has no others; 0 to 32 of them. */
  bits(value: number, count: number): void {
    const filled = this.#filled;
    this.#word |= value << filled;
    if (filled + count < 32) {
      this.#filled = filled + count;
      return;
    }
    if (this.#complete === this.#words.length) this.#grow();
    this.#words[this.#complete++] = this.#word;
    this.#filled = filled + count - 32;
    // A shift by 32 would be a shift by 0.
    this.#word = this.#filled === 0 ? 0 : value >>> (32 - filled);
  }

  /** A whole number below 2^`count`; 0 to 53 bits. */
  wide(value: number, count: number): void {
    if (count <= 32) return this.bits(value, count);
    this.bits(value >>> 0, 32);
    this.bits(Math.floor(value / WORD), count - 32);
  }

  /** A whole number from 0 to 2^53 - 1 in the exponential Golomb code of order `k`, 0 to 52. */
  golomb(value: number, k: number): void {
    if (value < 2 ** 30 && k < 30) {
      const quotient = (value >>> k) + 1;
      const width = 32 - Math.clz32(quotient);
      if (2 * width - 1 + k <= 32) {
        const tail = (1 << (width - 1)) - 1;
        const low = k === 0 ? 0 : (value & ((1 << k) - 1)) << (2 * width - 1);
        this.bits((1 << (width - 1)) | ((quotient & tail) << width) | low, 2 * width - 1 + k);
        return;
      }
    }
    const step = 2 ** k;
    const quotient = Math.floor(value / step) + 1;
    const width = widthOf(quotient);
    this.wide(0, width - 1);
    this.bits(1, 1);
    this.wide(quotient - 2 ** (width - 1), width - 1);
    this.wide(value % step, k);
  }

  /** A whole number from -2^52 to 2^52. */
  signed(value: number, k: number): void {
    this.golomb(zigzag(value), k);
  }

  /** All bits of another writer. */
  append(other: BitWriter): void {
    for (let i = 0; i < other.#complete; i++) this.bits(other.#words[i], 32);
    this.bits(other.#word, other.#filled);
  }

  /** What was written, with zeros behind it; a copy of exactly that size. */
  bytes(): Uint8Array<ArrayBuffer> {
    const used = Math.ceil(this.length / 8);
    const bytes = new Uint8Array(used + PADDING_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.#complete; i++) view.setUint32(4 * i, this.#words[i], true);
    for (let i = 4 * this.#complete, word = this.#word; i < used; i++, word >>>= 8) bytes[i] = word;
    return bytes;
  }

  #grow(): void {
    const longer = new Uint32Array(2 * this.#words.length);
    longer.set(this.#words);
    this.#words = longer;
  }
}

/**
 * Reads what a {@linkcode BitWriter} has written. Everything throws a RangeError beyond the end; it may
 * notice some bits late, so compare {@linkcode position} with {@linkcode size} at the end.
 */
export class BitReader {
  readonly #view: DataView;
  #at = 0;

  /** @param bytes with the padding of the writer */
  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bits that can be read. */
  get size(): number {
    return 8 * (this.#view.byteLength - PADDING_BYTES);
  }

  /** How many bits were read, or skipped. */
  get position(): number {
    return this.#at;
  }

  /** Goes on from another bit. */
  seek(position: number): void {
    if (!(position >= 0 && position <= this.size)) throw new RangeError("the bits end too early");
    this.#at = position;
  }

  /** The next bits; 0 to 32. */
  bits(count: number): number {
    if (count > LOAD_BITS) {
      const low = this.bits(16);
      return (low | (this.bits(count - 16) << 16)) >>> 0;
    }
    const at = this.#at;
    this.#at = at + count;
    return (this.#view.getUint32(at >>> 3, true) >>> (at & 7)) & ((1 << count) - 1);
  }

  /** The next bits as a whole number; 0 to 53. */
  wide(count: number): number {
    if (count <= 32) return this.bits(count);
    const low = this.bits(32);
    return this.bits(count - 32) * WORD + low;
  }

  /** A whole number from 0 to 2^53 - 1 in the exponential Golomb code of order `k`. */
  golomb(k: number): number {
    const at = this.#at;
    const word = this.#view.getUint32(at >>> 3, true) >>> (at & 7);
    const zeros = 31 - Math.clz32(word & -word);
    const length = 2 * zeros + 1 + k;
    if (word !== 0 && length <= LOAD_BITS) {
      this.#at = at + length;
      const rest = word >>> (zeros + 1);
      const quotient = (1 << zeros) | (rest & ((1 << zeros) - 1));
      return ((quotient - 1) << k) | ((rest >>> zeros) & ((1 << k) - 1));
    }
    return this.#longGolomb(k);
  }

  #longGolomb(k: number): number {
    let zeros = 0;
    while (this.bits(1) === 0) {
      if (++zeros > 53) throw new RangeError("a number is beyond 2^53 - 1");
    }
    const quotient = 2 ** zeros + this.wide(zeros);
    const value = (quotient - 1) * 2 ** k + this.wide(k);
    if (!(value <= Number.MAX_SAFE_INTEGER)) throw new RangeError("a number is beyond 2^53 - 1");
    return value;
  }

  /** A whole number that {@linkcode BitWriter.signed} wrote. */
  signed(k: number): number {
    return unzigzag(this.golomb(k));
  }
}

/** How many bits a whole number from 0 to 2^53 takes; 0 for 0. */
export function widthOf(value: number): number {
  return value < WORD ? 32 - Math.clz32(value) : 64 - Math.clz32(value / WORD);
}

/** 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …; from -2^52 to 2^52 - 1. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** The number that {@linkcode zigzag} was given. */
export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
