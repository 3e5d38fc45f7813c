/**
 * Numbers pairs of small whole numbers in order of arrival: an open-addressing hash table in typed
 * arrays, because a `Map` per first number costs an object, a hash and several cache lines for each.
 *
 * | operation | cost          |
 * | --------- | ------------- |
 * | `find`    | O(1) expected |
 * | `insert`  | O(1) amortised |
 * | memory    | 16 to 32 bytes a pair |
 *
 * @module
 */

const MIN_SLOTS = 16;

/** A dictionary from (a, b) to 0, 1, 2 … ; `a` and `b` are whole and from 0 to 2^31 - 1. */
export class PairTable {
  /** How many pairs it holds. */
  size = 0;
  /** The index of a pair, plus 1; 0 is a free slot. At most half full. */
  #slots: Int32Array = new Int32Array(MIN_SLOTS);
  /** The pairs by index, two numbers each: side by side, so that both come with one cache line. */
  #pairs: Int32Array = new Int32Array(MIN_SLOTS);

  /** The first number of pair `index`. */
  first(index: number): number {
    return this.#pairs[2 * index];
  }

  /** The second number of pair `index`. */
  second(index: number): number {
    return this.#pairs[2 * index + 1];
  }

  /** The index of a pair, or -1. */
  find(a: number, b: number): number {
    const slots = this.#slots;
    const pairs = this.#pairs;
    const mask = slots.length - 1;
    for (let slot = hash(a, b) & mask;; slot = (slot + 1) & mask) {
      const index = slots[slot] - 1;
      if (index < 0 || (pairs[2 * index] === a && pairs[2 * index + 1] === b)) return index;
    }
  }

  /** Adds a pair that is not there yet; gives its index. */
  insert(a: number, b: number): number {
    if (2 * this.size === this.#pairs.length) this.#grow();
    const index = this.size++;
    this.#pairs[2 * index] = a;
    this.#pairs[2 * index + 1] = b;
    this.#place(index);
    return index;
  }

  #place(index: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(this.first(index), this.second(index)) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = index + 1;
  }

  #grow(): void {
    this.#pairs = grown(this.#pairs);
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let index = 0; index < this.size; index++) this.#place(index);
  }
}

/** Twice as long, with the same beginning. */
export function grown<T extends Int32Array | Float64Array>(array: T): T {
  const longer = new (array.constructor as new (length: number) => T)(array.length * 2);
  longer.set(array);
  return longer;
}

/** Mixes two numbers so that neighbours in either do not meet (multipliers of xxHash32). */
function hash(a: number, b: number): number {
  const mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77);
  return mixed ^ mixed >>> 15;
}
