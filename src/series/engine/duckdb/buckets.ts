/**
 * The buckets of one continuous aggregate that were touched and are not yet computed: dirty ones.
 *
 * @module
 */

/** Where DuckDB counts buckets from: Monday, 3 January 2000, in microseconds. */
const ORIGIN_US = 946_857_600_000_000n;

/** The begin of the bucket of a time, both in unix microseconds. */
export function bucketOf(timeUs: bigint, widthUs: bigint): bigint {
  const from = timeUs - ORIGIN_US;
  const rest = from % widthUs;
  return timeUs - (rest < 0n ? rest + widthUs : rest);
}

/** See the top of this file. Begins of buckets are unix microseconds. */
export class DirtyBuckets {
  readonly #widthUs: bigint;
  readonly #begins: Set<bigint>;
  /** The same, the newest first once it is asked for; sorting what is mostly sorted costs little. */
  #order: bigint[];
  #isOrdered = false;
  /** Buckets that begin before this are computed for good: their points may be gone. */
  frozenBeforeUs: bigint;

  constructor(widthUs: bigint, frozenBeforeUs: bigint, begins: Iterable<bigint> = []) {
    this.#widthUs = widthUs;
    this.frozenBeforeUs = frozenBeforeUs;
    this.#begins = new Set(begins);
    this.#order = [...this.#begins];
  }

  /** How many there are. */
  get size(): number {
    return this.#begins.size;
  }

  /** The first one; undefined if there is none. */
  get oldest(): bigint | undefined {
    return this.#ordered().at(-1);
  }

  #ordered(): bigint[] {
    if (!this.#isOrdered) this.#order.sort((a, b) => a < b ? 1 : -1);
    this.#isOrdered = true;
    return this.#order;
  }

  /** Adds the buckets of these times, in nanoseconds; gives those that were not dirty. */
  touch(times: BigInt64Array): bigint[] {
    const added: bigint[] = [];
    // Neighbouring rows are mostly of one bucket: one comparison is enough for those.
    let [from, to] = [1n, 0n];
    for (const time of times) {
      if (time >= from && time < to) continue;
      // As DuckDB casts to microseconds: towards zero.
      const begin = bucketOf(time / 1000n, this.#widthUs);
      // One microsecond less on both sides than the bucket is: there the cast would count.
      [from, to] = [(begin + 1n) * 1000n, (begin + this.#widthUs - 1n) * 1000n];
      if (begin < this.frozenBeforeUs || this.#begins.has(begin)) continue;
      this.#begins.add(begin);
      added.push(begin);
    }
    for (const begin of added) this.#order.push(begin);
    if (added.length > 0) this.#isOrdered = false;
    return added;
  }

  /** The first of those that end by then, at most so many, ascending. */
  due(endUs: bigint, most: number): bigint[] {
    const order = this.#ordered();
    const due: bigint[] = [];
    for (let at = order.length - 1; at >= 0 && due.length < most; at--) {
      if (order[at] + this.#widthUs > endUs) break;
      due.push(order[at]);
    }
    return due;
  }

  /** Those that `due` gave last are computed. */
  clean(due: readonly bigint[]): void {
    for (const begin of due) this.#begins.delete(begin);
    this.#order.length -= due.length;
  }

  /** They are dirty again. */
  add(due: readonly bigint[]): void {
    for (const begin of due) this.#begins.add(begin);
    this.#order.push(...due.toReversed());
  }
}
