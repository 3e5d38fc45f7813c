/**
 * HyperLogLog, exactly as Redis has it: it counts distinct values in a fixed 16,384 registers,
 * within about 0.8 %, however many there are. Sketches can be merged, and the merged one is what
 * one sketch of all the values would be; so the distinct users of a week come from seven days,
 * which no sum of seven numbers can give.
 *
 * ## The idea
 *
 * Hash every value to 64 random-looking bits. Half of all hashes end in a 1, a quarter in 10, an
 * eighth in 100: who has seen a hash that ends in k - 1 zeros has probably seen about 2^k of them.
 * Equal values have equal hashes, so repetition changes nothing. One such record is a poor guess;
 * so 14 bits of the hash choose one of m = 2^14 registers, each of which keeps its own record, and
 * the harmonic mean over all of them tames the outliers.
 *
 * ```text
 *   63                                                 14 13            0
 *  +-----------------------------------------------------+---------------+
 *  | ...  1 0 1 1 0 1 0 0                                | 0101 ...      |   MurmurHash64A
 *  +-----------------------------------------------------+---------------+
 *                   <---   rank: 1 + zeros, counted from bit 14   index of the register
 * ```
 *
 * Here the rank is 3. It is 51 where all of those 50 bits are 0, so 6 bits hold it. A register
 * keeps the highest rank it was given. That is all the state there is, hence:
 *
 * - adding is idempotent, and the order does not matter;
 * - merging takes the maximum of each register, so it is associative, commutative and idempotent,
 *   and doing it twice by accident does no harm.
 *
 * ## How good it is
 *
 * The standard error is 1.04 / sqrt(m) = 0.81 %: two counts of three are that close, 99.7 % within
 * three times that. Measured (`deno run bench/sketch_error.ts`), with sets of different values:
 *
 * | values    | sets  | error, root mean square | worst  | bytes stored | bytes in memory |
 * | --------- | ----- | ----------------------- | ------ | ------------ | --------------- |
 * | 1         | 1,000 | 0.00 %                  | 0.00 % | 21           | 64              |
 * | 10        | 1,000 | 0.45 %                  | 10.0 % | 48           | 64              |
 * | 100       | 1,000 | 0.62 %                  | 3.00 % | 283          | 1,024           |
 * | 1,000     | 1,000 | 0.57 %                  | 1.70 % | 1,899        | 8,192           |
 * | 10,000    | 1,000 | 0.62 %                  | 2.18 % | 12,304       | 16,384          |
 * | 100,000   | 200   | 0.78 %                  | 2.40 % | 12,304       | 16,384          |
 * | 1,000,000 | 100   | 0.76 %                  | 1.63 % | 12,304       | 16,384          |
 *
 * Small counts are nearly always exact; where two of ten values meet in one register (2 sets of
 * 1,000 above) one is missing, and that is 10 %. Who can choose the values can also mislead the
 * count, since the hash and its seed are public.
 *
 * ## What is stored
 *
 * ```text
 *  0      4   5       8                16
 * +------+---+-------+----------------+----------- … -+
 * | HYLL | E | 0 0 0 | cached count   | registers     |   E = 0 dense: 12,288 bytes, 6 bits each
 * +------+---+-------+----------------+----------- … -+   E = 1 sparse: runs, 3,000 bytes in all
 * ```
 *
 * `codec.ts` draws it to the bit and says when Redis's own bytes differ; `registers.ts` is the form
 * in memory, `estimate.ts` the way from registers to a count, `murmur.ts` the hash.
 *
 * ## Read more
 *
 * - Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog: the analysis of a near-optimal cardinality
 *   estimation algorithm", AofA 2007, pp. 127-146. The idea and the error.
 * - Heule, Nunkesser, Hall: "HyperLogLog in practice", EDBT 2013, doi:10.1145/2452376.2452456. The
 *   64-bit hash and the sparse form.
 * - Ertl: "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017.
 *   The estimator that Redis and this file use.
 *
 * @module
 */
import { decode, encode } from "./codec.ts";
import { estimate } from "./estimate.ts";
import { hashBytes, hashed, hashString } from "./murmur.ts";
import { INDEX_BITS, MAX_RANK, REGISTER_COUNT, Registers } from "./registers.ts";

/**
 * A set that knows how many members it has, within a standard error of 0.81 %, and not which.
 *
 * | method                   | time                                                        |
 * | ------------------------ | ----------------------------------------------------------- |
 * | `add`, `addBytes`        | O(length), about 50 ns for 12 bytes                         |
 * | `addHashed`              | O(1)                                                        |
 * | `count`, `clone`         | O(registers raised), at most 16,384: 1 to 20 µs             |
 * | `merge`                  | O(registers raised in the argument), 1 to 20 µs             |
 * | `toBytes`, `fromBytes`   | O(n log n) and O(n) in them, 1 to 40 µs                     |
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const monday = new HyperLogLog();
 * for (const user of ["ada", "grace", "ada"]) monday.add(user);
 * const tuesday = new HyperLogLog();
 * for (const user of ["grace", "barbara"]) tuesday.add(user);
 *
 * assertEquals(monday.count(), 2);
 * assertEquals(monday.clone().merge(tuesday).count(), 3);
 * assertEquals(HyperLogLog.fromBytes(monday.toBytes()).count(), 2);
 * ```
 */
export class HyperLogLog {
  #registers: Registers;

  /** An empty sketch. */
  constructor() {
    this.#registers = new Registers();
  }

  /**
   * A sketch from bytes that {@linkcode HyperLogLog.toBytes} or Redis wrote; `bytes` stays the
   * caller's. The count that Redis caches in them is not trusted.
   *
   * @throws {TypeError} if it is not a `Uint8Array`
   * @throws {RangeError} if the bytes are damaged: "Cannot read a sketch: expected …, received …"
   */
  static fromBytes(bytes: Uint8Array): HyperLogLog {
    return HyperLogLog.#of(decode(bytes));
  }

  static #of(registers: Registers): HyperLogLog {
    const sketch = new HyperLogLog();
    sketch.#registers = registers;
    return sketch;
  }

  /** Adds the UTF-8 bytes of `value`; true if that raised a register, as PFADD answers 1. */
  add(value: string): boolean {
    hashString(value);
    return this.#addLastHash();
  }

  /**
   * Adds the first `length` of `bytes`, all of them by default; true if that raised a register.
   *
   * @throws {RangeError} if there are fewer bytes than `length`
   */
  addBytes(bytes: Uint8Array, length?: number): boolean {
    hashBytes(bytes, length);
    return this.#addLastHash();
  }

  /**
   * Adds a value whose hash is already known to choose register `index`, from 0 to 16,383, and to
   * have `rank`, from 1 to 51; true if that raised the register.
   *
   * @throws {RangeError} if one of them is not a whole number in its range
   */
  addHashed(index: number, rank: number): boolean {
    if ((index & REGISTER_COUNT - 1) !== index) {
      throw new RangeError(
        `Cannot add to a sketch: index must be from 0 to ${REGISTER_COUNT - 1}, received ${index}`,
      );
    }
    if (!(rank >= 1 && rank <= MAX_RANK && Number.isInteger(rank))) {
      throw new RangeError(
        `Cannot add to a sketch: rank must be from 1 to ${MAX_RANK}, received ${rank}`,
      );
    }
    return this.#registers.raise(index, rank);
  }

  /**
   * The register that `value` chooses and its rank there, packed as `index << 6 | rank`, for callers
   * who add one value to many sketches by {@linkcode HyperLogLog.raise}.
   */
  static registerOf(value: string): number {
    hashString(value);
    return registerOfLastHash();
  }

  /** Adds a value by what {@linkcode HyperLogLog.registerOf} gave, unchecked; true if it raised it. */
  raise(register: number): boolean {
    return this.#registers.raise(register >>> 6, register & 63);
  }

  #addLastHash(): boolean {
    return this.raise(registerOfLastHash());
  }

  /** Makes this the sketch of both sets together. `other` stays as it is. Returns this. */
  merge(other: HyperLogLog): this {
    this.#registers.merge(other.#registers);
    return this;
  }

  /** The estimated number of distinct values, a whole number: what PFCOUNT answers. */
  count(): number {
    return estimate(this.#registers.histogram());
  }

  /** A copy that goes its own way. */
  clone(): HyperLogLog {
    return HyperLogLog.#of(this.#registers.clone());
  }

  /**
   * Memory of the registers in bytes, from 64 to 16,384. The objects around them, which this leaves
   * out, take about 240 more (measured on V8 15).
   */
  get byteLength(): number {
    return this.#registers.byteLength;
  }

  /**
   * The sketch as Redis stores it, from 18 to 12,304 bytes, sparse where that takes at most 3,000.
   * Sketches with equal registers give equal bytes. The caller owns them.
   */
  toBytes(): Uint8Array {
    return encode(this.#registers);
  }
}

function registerOfLastHash(): number {
  const low = hashed[0];
  return (low & REGISTER_COUNT - 1) << 6 | rankOf(low, hashed[1]);
}

/** One more than the zeros at the low end of the 50 bits that do not choose the register. */
function rankOf(low: number, high: number): number {
  const next32 = low >>> INDEX_BITS | high << 32 - INDEX_BITS;
  if (next32 !== 0) return trailingZeros(next32) + 1;
  const last18 = high >>> INDEX_BITS;
  return last18 === 0 ? MAX_RANK : 32 + trailingZeros(last18) + 1;
}

function trailingZeros(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
