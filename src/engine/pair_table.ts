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
  #a: Int32Array = new Int32Array(MIN_SLOTS / 2);
  #b: Int32Array = new Int32Array(MIN_SLOTS / 2);

  /** The first number of pair `index`. */
  first(index: number): number {
    return this.#a[index];
  }

  /** The second number of pair `index`. */
  second(index: number): number {
    return this.#b[index];
  }

  /** The index of a pair, or -1. */
  find(a: number, b: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash(a, b) & mask;; slot = (slot + 1) & mask) {
      const index = slots[slot] - 1;
      if (index < 0 || (this.#b[index] === b && this.#a[index] === a)) return index;
    }
  }

  /** Adds a pair that is not there yet; gives its index. */
  insert(a: number, b: number): number {
    if (this.size === this.#a.length) this.#grow();
    const index = this.size++;
    this.#a[index] = a;
    this.#b[index] = b;
    this.#place(index);
    return index;
  }

  #place(index: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(this.#a[index], this.#b[index]) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = index + 1;
  }

  #grow(): void {
    this.#a = grown(this.#a);
    this.#b = grown(this.#b);
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
