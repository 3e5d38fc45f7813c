/**
 * Bytes to lines. A line is decoded as UTF-8 and given without its `\n`; one that is longer than the
 * cap is never held in memory, one that is not UTF-8 is never guessed at: both come out as an error in
 * the place of the line.
 *
 * Bytes are read into the splitter's own buffer, behind the start of a line whose end has not come: so
 * each line lies in one piece there, and all whole lines are decoded at once and cut as strings.
 *
 * @module
 */
import { ProtocolError } from "../base/errors.ts";

/** The longest line that a server takes, in bytes without its `\n`: 1 MiB. */
export const MAX_LINE_BYTES = 1 << 20;

const NEWLINE = 10;
/** The buffer's size at first, and up to which it grows where reads fill it. */
const FIRST_BUFFER_BYTES = 1 << 14;
const LAST_BUFFER_BYTES = 1 << 18;

/**
 * Cuts bytes into lines: read into {@linkcode room}, say how much it was by {@linkcode fill}, take lines
 * by {@linkcode next}.
 */
export class LineSplitter {
  /** Longest line in bytes. May be changed at any time; it holds for lines not yet given out. */
  maxLineBytes: number;
  // ignoreBOM: a BOM is part of its line wherever the bytes were cut.
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  /** What is in the buffer and was not given out, and up to where it was searched for a line's end. */
  #at = 0;
  #end = 0;
  #searchedTo = 0;
  /** The last read had no room left. */
  #isSmall = false;
  /** Whole lines before `#at`, decoded, and how much of them was given out. */
  #text = "";
  #textAt = 0;
  /** Each character is a byte. */
  #isAscii = false;
  #lineStart = 0;
  #lineEnd = 0;
  /** Inside a line that was too long: its rest is passed over. */
  #skipping = false;
  /** The buffer holds bytes that are not UTF-8: its lines are decoded one by one. */
  #oneByOne = false;

  /** A splitter for one stream; `maxLineBytes` is without the line's `\n`. */
  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    this.maxLineBytes = maxLineBytes;
  }

  /** Whether the start of a line is held whose end has not come. */
  get midLine(): boolean {
    return this.#at < this.#end || this.#skipping;
  }

  /** What holds the lines that were given since the last {@linkcode fill}, until {@linkcode room}. */
  get bytes(): Uint8Array {
    return this.#buffer;
  }

  /** Where the last line begins in {@linkcode bytes}. */
  get lineStart(): number {
    return this.#lineStart;
  }

  /** Where it ends. */
  get lineEnd(): number {
    return this.#lineEnd;
  }

  /** Where the next bytes are to be put; never empty. Lines that were given before are overwritten. */
  room(atLeast = 1): Uint8Array<ArrayBuffer> {
    if (!this.#isDone()) throw new Error("BUG: LineSplitter.room() before next() gave undefined");
    const held = this.#end - this.#at;
    const wanted = this.#wantedBytes(held, atLeast);
    if (wanted !== this.#buffer.length) {
      const buffer = new Uint8Array(wanted);
      buffer.set(this.#buffer.subarray(this.#at, this.#end));
      this.#buffer = buffer;
    } else if (held > 0) {
      this.#buffer.copyWithin(0, this.#at, this.#end);
    }
    this.#searchedTo -= this.#at;
    this.#at = 0;
    this.#end = held;
    this.#oneByOne = false;
    return this.#buffer.subarray(held);
  }

  /** Says that so many bytes were put into the {@linkcode room}. */
  fill(count: number): void {
    this.#end += count;
    this.#isSmall = this.#end === this.#buffer.length;
  }

  /** Takes the next bytes, where they are in memory already: copies them. */
  feed(chunk: Uint8Array): void {
    this.room(chunk.length).set(chunk);
    this.fill(chunk.length);
  }

  /** The next line, or what was wrong with it; `undefined` when more bytes are needed. */
  next(): string | ProtocolError | undefined {
    for (;;) {
      if (this.#textAt < this.#text.length) return this.#fromText();
      if (this.#skipping) this.#skipping = !this.#skipLine();
      if (this.#isDone()) return undefined;
      const line = this.#fromBuffer();
      if (line !== undefined) return line;
    }
  }

  /** At the end of the stream: the last line, if it had no `\n`. */
  end(): string | ProtocolError | undefined {
    this.#skipping = false;
    return this.#at < this.#end ? this.#take(this.#end, this.#end) : undefined;
  }

  /** Whether all lines in the buffer were given out. */
  #isDone(): boolean {
    return this.#textAt === this.#text.length && this.#searchedTo === this.#end;
  }

  /** Doubling: a line that comes a byte at a time is not copied once per byte. */
  #wantedBytes(held: number, atLeast: number): number {
    const { length } = this.#buffer;
    const needed = held + atLeast;
    if (needed > length || 2 * held > length) return Math.max(needed, 2 * length);
    if (this.#isSmall && length < LAST_BUFFER_BYTES) return 2 * length;
    // A long line is over.
    return length > LAST_BUFFER_BYTES && 2 * needed <= LAST_BUFFER_BYTES
      ? LAST_BUFFER_BYTES
      : length;
  }

  #fromText(): string {
    const end = this.#text.indexOf("\n", this.#textAt);
    const line = this.#text.slice(this.#textAt, end);
    this.#lineStart = this.#lineEnd + 1;
    this.#lineEnd = this.#isAscii
      ? this.#lineStart + line.length
      : this.#buffer.indexOf(NEWLINE, this.#lineStart);
    this.#textAt = end + 1;
    if (this.#textAt === this.#text.length) {
      this.#text = "";
      this.#textAt = 0;
    }
    return line;
  }

  /** Reads on at a line's start: gives a line, or decodes many, or holds what has no end. */
  #fromBuffer(): string | ProtocolError | undefined {
    const at = this.#at;
    const fresh = this.#buffer.subarray(this.#searchedTo, this.#end);
    const last = fresh.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#searchedTo = this.#end;
      return this.#end - at > this.maxLineBytes ? this.#cut() : undefined;
    }
    const next = this.#searchedTo + last + 1;
    if (!this.#oneByOne && next - 1 - at <= this.maxLineBytes) {
      try {
        this.#text = this.#decoder.decode(this.#buffer.subarray(at, next));
        this.#isAscii = this.#text.length === next - at;
        this.#lineEnd = at - 1;
        this.#at = this.#searchedTo = next;
        return undefined;
      } catch {
        this.#oneByOne = true;
      }
    }
    const end = this.#searchedTo + fresh.indexOf(NEWLINE);
    return this.#take(end, end + 1);
  }

  /** Gives the line up to `end`, whatever it is, and goes on at `next`. */
  #take(end: number, next: number): string | ProtocolError {
    this.#lineStart = this.#at;
    this.#lineEnd = end;
    this.#at = this.#searchedTo = next;
    if (end - this.#lineStart > this.maxLineBytes) return this.#tooLong();
    try {
      return this.#decoder.decode(this.#buffer.subarray(this.#lineStart, end));
    } catch (cause) {
      return new ProtocolError("Cannot read the line: it is not UTF-8; encode it as UTF-8", {
        cause,
      });
    }
  }

  /** Lets go of a line that is too long though its end has not come. */
  #cut(): ProtocolError {
    this.#at = this.#searchedTo = this.#end;
    this.#skipping = true;
    return this.#tooLong();
  }

  /** Passes over the rest of a line that was too long; whether its end was found. */
  #skipLine(): boolean {
    const end = this.#buffer.subarray(0, this.#end).indexOf(NEWLINE, this.#at);
    this.#at = this.#searchedTo = end < 0 ? this.#end : end + 1;
    return end >= 0;
  }

  #tooLong(): ProtocolError {
    return new ProtocolError(
      `Cannot read the line: it is longer than ${this.maxLineBytes} bytes and is skipped; send many events in several record_many`,
    );
  }
}
