/**
 * The registers of a sketch in memory: 16,384 small numbers ("ranks", 0 to 51), most of them 0 in
 * most sketches. They have two shapes:
 *
 * - **sparse**: an open-addressing hash table of the registers that were raised, 4 bytes a slot
 *   (`index << 6 | rank`, 0 is a free slot), at most three quarters full. The index is itself a
 *   piece of a hash, so its low bits choose the slot without further mixing.
 * - **dense**: one byte per register. It takes over at the 1,537th raised register, because the
 *   next larger table would need as many bytes.
 *
 * The number of raised registers alone decides which shape holds, never the way they came.
 *
 * | raised registers | bytes in memory   | `raise`                                  |
 * | ---------------- | ----------------- | ---------------------------------------- |
 * | n ≤ 12           | 64                | O(1)                                     |
 * | n ≤ 1,536        | 16/3 n to 32/3 n  | O(1) expected; O(n) for hostile indexes  |
 * | more             | 16,384            | O(1)                                     |
 *
 * This is not the stored form: there `codec.ts` chooses by the size of the bytes.
 *
 * @module
 */

/** How many low bits of a hash choose the register (p in the papers, `HLL_P` in Redis). */
export const INDEX_BITS = 14;
/** How many registers a sketch has (m in the papers). */
export const REGISTER_COUNT: number = 1 << INDEX_BITS;
/** The highest rank: the other 50 bits of the hash are all 0. */
export const MAX_RANK: number = 64 - INDEX_BITS + 1;

const RANK_BITS = 6;
const RANK_MASK = (1 << RANK_BITS) - 1;
const MIN_SLOTS = 16;
const MAX_SLOTS = REGISTER_COUNT / Int32Array.BYTES_PER_ELEMENT / 2;
const EMPTY = new Int32Array(0);

/** How many registers a table of this many slots holds before it grows. */
function capacity(slots: number): number {
  return slots / 4 * 3;
}

/** The registers of one sketch. Indexes and ranks are trusted: whoever takes them in checks them. */
export class Registers {
  /** Cells and free slots; empty once the registers are dense. */
  #table: Int32Array = new Int32Array(MIN_SLOTS);
  /** How many cells the table holds. */
  #used = 0;
  /** A rank per register, once the registers are dense. */
  #dense: Uint8Array | undefined;

  /** Registers with these ranks, one for each index. Owns `ranks` from then on. */
  static fromRanks(ranks: Uint8Array): Registers {
    const registers = new Registers();
    let raised = 0;
    for (let i = 0; i < REGISTER_COUNT; i++) if (ranks[i] !== 0) raised++;
    if (raised > capacity(MAX_SLOTS)) {
      registers.#becomeDense(ranks);
    } else {
      for (let i = 0; i < REGISTER_COUNT; i++) if (ranks[i] !== 0) registers.raise(i, ranks[i]);
    }
    return registers;
  }

  /** Memory of the table or of the dense ranks, in bytes. */
  get byteLength(): number {
    return (this.#dense ?? this.#table).byteLength;
  }

  /** Sets the register to `rank` (1 to `MAX_RANK`) if it is lower; true if it was. */
  raise(index: number, rank: number): boolean {
    const dense = this.#dense;
    if (dense === undefined) return this.#raiseSparse(index, rank);
    if (dense[index] >= rank) return false;
    dense[index] = rank;
    return true;
  }

  /** Raises every register to that of `other`, which stays as it is. */
  merge(other: Registers): void {
    if (other.#dense === undefined) {
      for (const cell of other.#table) {
        if (cell !== 0) this.raise(cell >>> RANK_BITS, cell & RANK_MASK);
      }
    } else if (this.#dense === undefined) {
      this.#becomeDense(other.#dense.slice());
    } else {
      const [ours, theirs] = [this.#dense, other.#dense];
      for (let i = 0; i < REGISTER_COUNT; i++) if (theirs[i] > ours[i]) ours[i] = theirs[i];
    }
  }

  clone(): Registers {
    const copy = new Registers();
    copy.#table = this.#table.slice();
    copy.#used = this.#used;
    copy.#dense = this.#dense?.slice();
    return copy;
  }

  /**
   * Calls `visit` for every raised register by ascending index, until it returns false. True if it
   * never did. O(n log n) for n registers in the table, O(`REGISTER_COUNT`) when dense.
   */
  everyRaised(visit: (index: number, rank: number) => boolean): boolean {
    if (this.#dense !== undefined) {
      for (let i = 0; i < REGISTER_COUNT; i++) {
        if (this.#dense[i] !== 0 && !visit(i, this.#dense[i])) return false;
      }
      return true;
    }
    // Numeric order of the cells is the order of their indexes, the free slots come first.
    const cells = this.#table.slice().sort();
    for (let i = cells.length - this.#used; i < cells.length; i++) {
      if (!visit(cells[i] >>> RANK_BITS, cells[i] & RANK_MASK)) return false;
    }
    return true;
  }

  /** The rank of every register by index. Only to be read: it may be what the registers live in. */
  ranks(): Readonly<ArrayLike<number>> {
    if (this.#dense !== undefined) return this.#dense;
    const ranks = new Uint8Array(REGISTER_COUNT);
    for (const cell of this.#table) {
      if (cell !== 0) ranks[cell >>> RANK_BITS] = cell & RANK_MASK;
    }
    return ranks;
  }

  /** How many registers have each rank, from 0 to `MAX_RANK`. */
  histogram(): Int32Array {
    const counts = new Int32Array(MAX_RANK + 1);
    if (this.#dense !== undefined) {
      for (let i = 0; i < REGISTER_COUNT; i++) counts[this.#dense[i]]++;
    } else {
      for (const cell of this.#table) counts[cell & RANK_MASK]++;
      counts[0] = REGISTER_COUNT - this.#used;
    }
    return counts;
  }

  #raiseSparse(index: number, rank: number): boolean {
    const table = this.#table;
    const mask = table.length - 1;
    let slot = index & mask;
    while (table[slot] !== 0) {
      if (table[slot] >>> RANK_BITS === index) {
        if ((table[slot] & RANK_MASK) >= rank) return false;
        table[slot] = index << RANK_BITS | rank;
        return true;
      }
      slot = slot + 1 & mask;
    }
    if (this.#used === capacity(table.length)) {
      this.#grow();
      return this.raise(index, rank);
    }
    table[slot] = index << RANK_BITS | rank;
    this.#used++;
    return true;
  }

  #grow(): void {
    if (this.#table.length === MAX_SLOTS) {
      this.#becomeDense(new Uint8Array(REGISTER_COUNT));
      return;
    }
    const cells = this.#table;
    this.#table = new Int32Array(cells.length * 2);
    this.#used = 0;
    for (const cell of cells) if (cell !== 0) this.raise(cell >>> RANK_BITS, cell & RANK_MASK);
  }

  /** Goes on with these ranks, raised by what the table holds. Owns `ranks` from then on. */
  #becomeDense(ranks: Uint8Array): void {
    const cells = this.#table;
    this.#table = EMPTY;
    this.#used = 0;
    this.#dense = ranks;
    for (const cell of cells) if (cell !== 0) this.raise(cell >>> RANK_BITS, cell & RANK_MASK);
  }
}
