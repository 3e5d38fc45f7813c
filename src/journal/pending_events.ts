/**
 * Events that are about to become one record: texts, or a run of lines in bytes that are somebody
 * else's.
 *
 * @module
 */
import type { Room } from "./records.ts";
import {
  eventsCapacity,
  type EventsHead,
  MAX_EVENTS,
  textsCapacity,
  writeLines,
  writeTexts,
} from "./records.ts";

/** Bytes, or characters, that are put into one record, unless it is one event. */
const MAX_LENGTH = 1 << 14;

/** See the top of this file. */
export class PendingEvents {
  #count = 0;
  // Filled again and again: arrays that grow anew for every few events cost more than the rest here.
  readonly #seconds = new Float64Array(MAX_EVENTS);
  /** Either texts … */
  #texts: string[] = [];
  /** … or lines, each beginning one byte behind the one before. */
  #bytes: Uint8Array | undefined;
  #start = 0;
  readonly #ends = new Float64Array(MAX_EVENTS);
  #length = 0;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Whether these are as many as one record takes. */
  get isFull(): boolean {
    return this.#count === MAX_EVENTS || this.#length > MAX_LENGTH;
  }

  /** Whether some stand in bytes that are somebody else's. */
  get isBorrowed(): boolean {
    return this.#bytes !== undefined;
  }

  /** Whether a text, or a line of `bytes` that begins at `start`, can go into the same record. */
  takes(bytes?: Uint8Array, start?: number): boolean {
    if (this.#count === 0) return true;
    return this.#bytes === bytes &&
      (bytes === undefined || this.#ends[this.#count - 1] + 1 === start);
  }

  /** Adds JSON. */
  addText(seconds: number, text: string): void {
    this.#seconds[this.#count++] = seconds;
    this.#texts.push(text);
    this.#length += text.length;
  }

  /** Adds JSON that stands in `bytes`, which must not change before it is written. */
  addLine(seconds: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#count === 0) {
      this.#bytes = bytes;
      this.#start = start;
    }
    this.#ends[this.#count] = end;
    this.#seconds[this.#count++] = seconds;
    this.#length += end - start;
  }

  /** Bytes that the record needs at most. */
  get capacity(): number {
    return this.#bytes === undefined
      ? textsCapacity(this.#texts)
      : eventsCapacity(this.#count, this.#length + this.#count);
  }

  /** Writes the record, and is empty afterwards. @returns where it ends */
  write(room: Room, at: number, first: number, receivedMs: number): number {
    const head: EventsHead = { first, receivedMs, seconds: this.#seconds.subarray(0, this.#count) };
    const bytes = this.#bytes;
    let end: number;
    if (bytes === undefined) {
      end = writeTexts(room, at, head, this.#texts);
      this.#texts = [];
    } else {
      end = writeLines(room, at, head, bytes, this.#start, this.#ends);
      this.#bytes = undefined;
    }
    this.#count = 0;
    this.#length = 0;
    return end;
  }
}
