/**
 * Quantiles of any number of values in little memory: a DDSketch (Masson, Rim, Lee: "DDSketch: a fast
 * and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
 *
 * Values are counted in bins that grow by a constant factor g = (1 + a) / (1 - a): bin i holds what is
 * above g^(i-1) and not above g^i. Each value of it is within the share `a` of 2g^i / (g + 1), so is
 * each quantile. Negative values have bins of their own, by their size. Two sketches are merged by
 * adding their bins, all three kinds of them, so a merged sketch is what one sketch of all values is.
 *
 * | operation  | cost                                                                    |
 * | ---------- | ----------------------------------------------------------------------- |
 * | `add`      | O(1), a logarithm                                                       |
 * | `merge`    | O(bins)                                                                 |
 * | `quantile` | O(bins)                                                                 |
 * | memory     | 8 bytes a bin; with a = 0.01, 115 bins for each factor of ten of values |
 *
 * @module
 */

/** The share by which a quantile may be off. */
export const RELATIVE_ERROR = 0.01;

const FACTOR = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_FACTOR = Math.log(FACTOR);

/**
 * Values of which any quantile can be asked, within 1 % of its size.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { QuantileSketch } from "@traqq/traqq/procession";
 *
 * const one = new QuantileSketch();
 * for (let ms = 1; ms <= 50; ms++) one.add(ms);
 * const other = new QuantileSketch();
 * for (let ms = 51; ms <= 100; ms++) other.add(ms);
 * one.merge(other);
 * assertEquals(one.count, 100);
 * assertEquals(Math.abs(one.quantile(0.5)! - 50) <= 1, true);
 * ```
 */
export class QuantileSketch {
  readonly #positive = new Bins();
  readonly #negative = new Bins();
  #zeros = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  /** How many values were added; NaN is none. */
  get count(): number {
    return this.#count;
  }

  /** The smallest value, exact; undefined while there is none. */
  get min(): number | undefined {
    return this.#count === 0 ? undefined : this.#min;
  }

  /** The largest value, exact; undefined while there is none. */
  get max(): number | undefined {
    return this.#count === 0 ? undefined : this.#max;
  }

  /** Bytes of its bins. */
  get byteLength(): number {
    return this.#positive.byteLength + this.#negative.byteLength;
  }

  /** Adds a value. NaN, which has no place in an order, is left out. */
  add(value: number): void {
    if (value !== value) return;
    if (value > 0) this.#positive.add(binOf(value), 1);
    else if (value < 0) this.#negative.add(binOf(-value), 1);
    else this.#zeros++;
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Adds all values of another sketch, which is not changed. */
  merge(other: QuantileSketch): void {
    this.#positive.merge(other.#positive);
    this.#negative.merge(other.#negative);
    this.#zeros += other.#zeros;
    this.#count += other.#count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /**
   * The value below which the share `q` of all values lies: 0.5 is the median. Within 1 % of the value
   * whose rank is `q × (count - 1)`, rounded down; exact for 0 and 1. Undefined while there is none.
   *
   * @throws {RangeError} if `q` is not from 0 to 1
   */
  quantile(q: number): number | undefined {
    if (!(q >= 0 && q <= 1)) {
      throw new RangeError(`Cannot give a quantile: wanted a share from 0 to 1, received ${q}`);
    }
    if (this.#count === 0) return undefined;
    if (q === 0) return this.#min;
    if (q === 1) return this.#max;
    let rank = Math.floor(q * (this.#count - 1));
    let value: number;
    if (rank < this.#negative.count) {
      value = -valueOf(this.#negative.binAt(this.#negative.count - 1 - rank));
    } else if ((rank -= this.#negative.count) < this.#zeros) {
      value = 0;
    } else {
      value = valueOf(this.#positive.binAt(rank - this.#zeros));
    }
    return Math.min(this.#max, Math.max(this.#min, value));
  }
}

/** The bin of infinity, behind that of the largest number. */
const INFINITE_BIN = Math.ceil(Math.log(Number.MAX_VALUE) / LOG_FACTOR) + 1;

function binOf(size: number): number {
  return size === Infinity ? INFINITE_BIN : Math.ceil(Math.log(size) / LOG_FACTOR);
}

function valueOf(bin: number): number {
  // As a difference of logarithms: the power alone is infinite at the end of the range.
  return bin === INFINITE_BIN ? Infinity : Math.exp(bin * LOG_FACTOR - Math.log((FACTOR + 1) / 2));
}

const SPARE_BINS = 32;

/** Counts by bin, from the first to the last that has any, with some room at both ends. */
class Bins {
  count = 0;
  #counts = new Float64Array(0);
  /** The bin of the first count. */
  #first = 0;

  get byteLength(): number {
    return this.#counts.byteLength;
  }

  add(bin: number, count: number): void {
    this.#cover(bin, bin);
    this.#counts[bin - this.#first] += count;
    this.count += count;
  }

  merge(other: Bins): void {
    if (other.count === 0) return;
    const from = other.#counts;
    const start = from.findIndex((count) => count > 0);
    const last = from.findLastIndex((count) => count > 0);
    this.#cover(other.#first + start, other.#first + last);
    const shift = other.#first - this.#first;
    for (let i = start; i <= last; i++) this.#counts[i + shift] += from[i];
    this.count += other.count;
  }

  /** The bin of the value that has `rank` others before it. */
  binAt(rank: number): number {
    let before = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      before += this.#counts[i];
      if (before > rank) return this.#first + i;
    }
    throw new Error(`BUG: there is no value of rank ${rank} among ${this.count}`);
  }

  #cover(from: number, to: number): void {
    const counts = this.#counts;
    if (counts.length > 0 && from >= this.#first && to < this.#first + counts.length) return;
    const isEmpty = counts.length === 0;
    const oldEnd = this.#first + counts.length;
    // Room is made at the end that has grown, as the next values are likely there.
    const first = isEmpty || from < this.#first ? from - SPARE_BINS : this.#first;
    const end = isEmpty || to >= oldEnd ? to + 1 + SPARE_BINS : oldEnd;
    this.#counts = new Float64Array(end - first);
    if (!isEmpty) this.#counts.set(counts, this.#first - first);
    this.#first = first;
  }
}
