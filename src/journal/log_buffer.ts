/**
 * What is appended to a log and is not on the disk for certain, in memory: blocks one after the other.
 * Positions are bytes since the log was opened.
 *
 * @module
 */
import type { Room } from "./records.ts";

/** Bytes of a block; a longer record gets one of its own. */
export const BLOCK_BYTES: number = 1 << 18;
/** Blocks that are kept for reuse. */
const MAX_SPARE = 64;

/** How far something reaches. */
export interface Reach {
  /** Number of the last event. */
  event: number;
  /** Ordinal of the last cut. */
  cut: number;
}

/** A part of the log. */
export interface Stretch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Position behind it, and how far the log reaches there. */
  readonly end: number;
  readonly reach: Reach;
}

interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** Position of its first byte. */
  base: number;
  length: number;
  /** How far the log reaches at its end. */
  reach: Reach;
}

/** See the top of this file. */
export class LogBuffer {
  /** The last one is filled. */
  #blocks: Block[];
  #spare: Uint8Array<ArrayBuffer>[] = [];
  #end = 0;
  #reach: Reach;

  /** @param reach how far the log reaches before what is appended here */
  constructor(reach: Reach) {
    this.#reach = reach;
    this.#blocks = [this.#newBlock(BLOCK_BYTES)];
  }

  /** Position behind all that was put. */
  get end(): number {
    return this.#end;
  }

  /** How far all that was put reaches. */
  get reach(): Reach {
    return this.#reach;
  }

  /**
   * Room for a record: where it may stand, from `at` to at least `bytes` further. {@linkcode put} says
   * where it ends; nothing may come between.
   */
  reserve(bytes: number): { room: Room; at: number } {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block.bytes.length - block.length < bytes) {
      block = this.#newBlock(bytes);
      this.#blocks.push(block);
    }
    return { room: block, at: block.length };
  }

  /** Ends a record that was put into reserved room. */
  put(end: number, reach: Partial<Reach>): void {
    const block = this.#blocks[this.#blocks.length - 1];
    this.#end += end - block.length;
    block.length = end;
    block.reach = this.#reach = { ...this.#reach, ...reach };
  }

  /** What follows a position, as much as lies together; undefined at the end. */
  after(position: number): Stretch | undefined {
    const block = this.#blocks.find(({ base, length }) => base + length > position);
    if (block === undefined) return undefined;
    const { base, length, reach } = block;
    return { bytes: block.bytes.subarray(position - base, length), end: base + length, reach };
  }

  /** The bytes between two positions, a part at a time. */
  *between(from: number, to: number): Generator<Uint8Array<ArrayBuffer>> {
    for (const { bytes, base, length } of [...this.#blocks]) {
      const start = Math.max(from - base, 0);
      const end = Math.min(to - base, length);
      if (start < end) yield bytes.subarray(start, end);
    }
  }

  /** Lets go of the log up to a position. */
  forget(position: number): void {
    while (this.#blocks.length > 1) {
      const { bytes, base, length } = this.#blocks[0];
      if (base + length > position) return;
      this.#blocks.shift();
      if (bytes.length === BLOCK_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(bytes);
    }
    if (position < this.#end) return;
    // All of it: the block can be filled anew, unless it was made for a long record.
    if (this.#blocks[0].bytes.length > BLOCK_BYTES) this.#blocks = [this.#newBlock(BLOCK_BYTES)];
    const [block] = this.#blocks;
    block.base = this.#end;
    block.length = 0;
  }

  #newBlock(bytes: number): Block {
    const spare = bytes <= BLOCK_BYTES ? this.#spare.pop() : undefined;
    const memory = spare ?? new Uint8Array(Math.max(bytes, BLOCK_BYTES));
    const view = new DataView(memory.buffer);
    return { bytes: memory, view, base: this.#end, length: 0, reach: this.#reach };
  }
}
