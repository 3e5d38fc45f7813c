/**
 * What is due next, among many: a binary heap by time. What is in it is never taken out before its
 * time; the owner tells by itself what no longer counts.
 *
 * | add, take | O(log n) |
 * | --------- | -------- |
 * | next      | O(1)     |
 *
 * @module
 */

/** Owners by the time at which they are due. */
export class Deadlines<T> {
  readonly #heap: { readonly at: number; readonly owner: T }[] = [];

  /** How many there are, with those that no longer count. */
  get size(): number {
    return this.#heap.length;
  }

  /** The earliest time; Infinity where there is none. */
  get next(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].at;
  }

  /** Adds one. */
  add(at: number, owner: T): void {
    const heap = this.#heap;
    const one = { at, owner };
    let place = heap.push(one) - 1;
    while (place > 0) {
      const parent = place - 1 >>> 1;
      if (heap[parent].at <= at) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = one;
  }

  /** Takes out the earliest. @throws {TypeError} if there is none */
  take(): { readonly at: number; readonly owner: T } {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined) throw new TypeError("BUG: nothing is due");
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].at < heap[child].at) child++;
      if (heap[child].at >= last.at) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = last;
    return first;
  }

  /** Takes out all. */
  clear(): void {
    this.#heap.length = 0;
  }
}
