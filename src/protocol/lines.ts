/**
 * Bytes to lines. A line is decoded as UTF-8 and given without its `\n`; one that is longer than the
 * cap is never held in memory, one that is not UTF-8 is never guessed at: both come out as an error in
 * the place of the line.
 *
 * Where chunks are short against the cap, which is the common case, all whole lines of a chunk are
 * decoded at once and cut as strings: one decode per chunk, no copy of its bytes.
 *
 * @module
 */
import { ProtocolError } from "../base/errors.ts";

/** The longest line that a server takes, in bytes without its `\n`: 1 MiB. */
export const MAX_LINE_BYTES = 1 << 20;

const NEWLINE = 10;
const EMPTY = new Uint8Array(0);
/** What is kept of a buffer for half lines once it is empty. */
const KEPT_BYTES = 1 << 16;

/** Cuts chunks of bytes into lines: {@linkcode feed} one, take lines by {@linkcode next}. */
export class LineSplitter {
  /** Longest line in bytes. May be changed at any time; it holds for lines not yet given out. */
  maxLineBytes: number;
  // ignoreBOM: a BOM is part of its line wherever the chunks were cut.
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** The caller's chunk, and how much of it was looked at. */
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  /** Whole lines of the chunk, decoded, and how much of them was given out. */
  #text = "";
  #textAt = 0;
  /** The start of a line whose end has not come yet. */
  #held: Uint8Array = EMPTY;
  #heldBytes = 0;
  /** Inside a line that was too long: its rest is passed over. */
  #skipping = false;
  /** The chunk holds bytes that are not UTF-8: its lines are decoded one by one. */
  #oneByOne = false;

  /** A splitter for one stream; `maxLineBytes` is without the line's `\n`. */
  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    this.maxLineBytes = maxLineBytes;
  }

  /** Whether the start of a line is held whose end has not come. */
  get midLine(): boolean {
    return this.#heldBytes > 0 || this.#skipping;
  }

  /**
   * Takes the next bytes. They stay the caller's, who must not change them before
   * {@linkcode next} has given `undefined`.
   */
  feed(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length || this.#textAt < this.#text.length) {
      throw new Error("BUG: LineSplitter.feed() before next() gave undefined");
    }
    this.#chunk = chunk;
    this.#at = 0;
    this.#oneByOne = false;
  }

  /** The next line, or what was wrong with it; `undefined` when more bytes are needed. */
  next(): string | ProtocolError | undefined {
    for (;;) {
      if (this.#textAt < this.#text.length) return this.#fromText();
      if (this.#at >= this.#chunk.length) {
        this.#chunk = EMPTY;
        this.#at = 0;
        return undefined;
      }
      if (this.#skipping) {
        this.#skipping = !this.#skipLine();
      } else if (this.#heldBytes > 0) {
        const line = this.#finishHeld();
        if (line !== undefined) return line;
      } else {
        const line = this.#fromChunk();
        if (line !== undefined) return line;
      }
    }
  }

  /** At the end of the stream: the last line, if it had no `\n`. */
  end(): string | ProtocolError | undefined {
    this.#skipping = false;
    return this.#heldBytes > 0 ? this.#takeHeld() : undefined;
  }

  #fromText(): string {
    const end = this.#text.indexOf("\n", this.#textAt);
    const line = this.#text.slice(this.#textAt, end);
    this.#textAt = end + 1;
    if (this.#textAt === this.#text.length) {
      this.#text = "";
      this.#textAt = 0;
    }
    return line;
  }

  /** Reads on at a line's start: gives a line, or decodes many, or holds what has no end. */
  #fromChunk(): string | ProtocolError | undefined {
    const chunk = this.#chunk, at = this.#at;
    const last = chunk.lastIndexOf(NEWLINE);
    if (last < at) {
      this.#at = chunk.length;
      return this.#hold(chunk.subarray(at));
    }
    if (!this.#oneByOne && last - at <= this.maxLineBytes) {
      try {
        this.#text = this.#decoder.decode(chunk.subarray(at, last + 1));
        this.#at = last + 1;
        return undefined;
      } catch {
        this.#oneByOne = true;
      }
    }
    const end = chunk.indexOf(NEWLINE, at);
    this.#at = end + 1;
    return end - at > this.maxLineBytes ? this.#tooLong() : this.#decode(chunk.subarray(at, end));
  }

  /** Adds to the held start of a line; gives the line if its end is there. */
  #finishHeld(): string | ProtocolError | undefined {
    const found = this.#chunk.indexOf(NEWLINE, this.#at);
    const end = found < 0 ? this.#chunk.length : found;
    const error = this.#hold(this.#chunk.subarray(this.#at, end));
    this.#at = found < 0 ? end : found + 1;
    if (error !== undefined) {
      this.#skipping = found < 0;
      return error;
    }
    return found < 0 ? undefined : this.#takeHeld();
  }

  #hold(bytes: Uint8Array): ProtocolError | undefined {
    const length = this.#heldBytes + bytes.length;
    if (length > this.maxLineBytes) {
      this.#dropHeld();
      this.#skipping = true;
      return this.#tooLong();
    }
    if (length > this.#held.length) {
      // Doubling: a line that comes a byte at a time is not copied once per byte.
      const grown = new Uint8Array(Math.max(length, Math.min(2 * length, this.maxLineBytes)));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = length;
    return undefined;
  }

  #takeHeld(): string | ProtocolError {
    const line = this.#decode(this.#held.subarray(0, this.#heldBytes));
    this.#dropHeld();
    return line;
  }

  #dropHeld(): void {
    this.#heldBytes = 0;
    if (this.#held.length > KEPT_BYTES) this.#held = EMPTY;
  }

  /** Passes over the rest of a line that was too long; whether its end was found. */
  #skipLine(): boolean {
    const end = this.#chunk.indexOf(NEWLINE, this.#at);
    this.#at = end < 0 ? this.#chunk.length : end + 1;
    return end >= 0;
  }

  #decode(bytes: Uint8Array): string | ProtocolError {
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      return new ProtocolError("Cannot read the line: it is not UTF-8; encode it as UTF-8", {
        cause,
      });
    }
  }

  #tooLong(): ProtocolError {
    return new ProtocolError(
      `Cannot read the line: it is longer than ${this.maxLineBytes} bytes and is skipped; send many events in several record_many`,
    );
  }
}
