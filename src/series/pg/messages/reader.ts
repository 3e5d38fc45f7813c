/**
 * Bytes → messages. Lengths are looked at before anything is kept: strangers get little memory.
 *
 * @module
 */
import { CODE, fatal } from "../errors.ts";

/** Longest message before a client is let in; PostgreSQL's own limit for the first one. */
export const MAX_STRANGER_BYTES = 10_000;
/** Longest message of a client that was let in: a query with all its parameters. */
export const MAX_MESSAGE_BYTES = 8 << 20;

/** The first message has no type. */
const HEAD_BYTES = 5;

/** One message of a client. */
export interface Message {
  /** A letter; undefined for the first message of a connection. */
  readonly type: string;
  /** What is behind the length. */
  readonly body: Uint8Array;
}

/** Cuts what comes in; see the top of this file. */
export class MessageReader {
  readonly #read: () => Promise<Uint8Array | undefined>;
  /** Longest message, in bytes with its length. */
  maxBytes: number = MAX_STRANGER_BYTES;
  #chunks: Uint8Array[] = [];
  #held = 0;

  /** @param read gives the next bytes; undefined at the end */
  constructor(read: () => Promise<Uint8Array | undefined>) {
    this.#read = read;
  }

  /** Bytes that came and are in no message yet. */
  get held(): number {
    return this.#held;
  }

  /**
   * The next message; undefined where the client has ended.
   *
   * @throws {PgError} for a length that cannot be
   */
  async next(): Promise<Message | undefined> {
    const head = await this.#peek(HEAD_BYTES);
    if (head === undefined) return undefined;
    const type = String.fromCharCode(head[0]);
    if (!/[A-Za-z]/.test(type)) {
      throw fatal(CODE.protocolViolation, `Cannot read a message: it has no type but ${head[0]}`);
    }
    const length = this.#checked(lengthAt(head, 1), 4);
    const bytes = await this.#take(1 + length);
    return bytes && { type, body: bytes.subarray(HEAD_BYTES) };
  }

  /** The first message, which has no type: what is behind its length. */
  async first(): Promise<Uint8Array | undefined> {
    const head = await this.#peek(4);
    if (head === undefined) return undefined;
    const bytes = await this.#take(this.#checked(lengthAt(head, 0), 8));
    return bytes?.subarray(4);
  }

  #checked(length: number, least: number): number {
    if (length >= least && length <= this.maxBytes) return length;
    throw fatal(
      CODE.protocolViolation,
      `Cannot read a message: it says that it has ${length} bytes; wanted ${least} to ${this.maxBytes}`,
    );
  }

  async #peek(count: number): Promise<Uint8Array | undefined> {
    if (!await this.#fill(count)) return undefined;
    if (this.#chunks[0].length < count) this.#join();
    return this.#chunks[0].subarray(0, count);
  }

  async #take(count: number): Promise<Uint8Array | undefined> {
    if (!await this.#fill(count)) return undefined;
    if (this.#chunks[0].length < count) this.#join();
    const bytes = this.#chunks[0].subarray(0, count);
    const rest = this.#chunks[0].subarray(count);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#held -= count;
    return bytes;
  }

  async #fill(count: number): Promise<boolean> {
    while (this.#held < count) {
      const chunk = await this.#read();
      if (chunk === undefined) return false;
      this.#chunks.push(chunk);
      this.#held += chunk.length;
    }
    return true;
  }

  #join(): void {
    const bytes = new Uint8Array(this.#held);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [bytes];
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(at);
}
