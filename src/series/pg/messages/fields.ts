/**
 * What is inside a client's message: numbers, texts that end in a zero byte, bytes.
 *
 * @module
 */
import { CODE, fatal, PgError } from "../errors.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads fields one after the other. Everything throws a {@linkcode PgError} beyond the end. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** @param bytes the message without its type and length; it is not copied */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes that were not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** One byte. */
  byte(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  /** A whole number of two bytes, with a sign. */
  int16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  /** A count of two bytes: PostgreSQL has up to 65,535 parameters. */
  count(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  /** A whole number of four bytes, with a sign. */
  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  /** A number of four bytes without a sign, such as that of a type. */
  uint32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** Text up to a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw tooShort();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    try {
      return DECODER.decode(bytes);
    } catch {
      throw new PgError(CODE.wrongEncoding, "Cannot read a text: it is no UTF-8");
    }
  }

  /** Bytes with their length before them; null for a length of -1. */
  value(): Uint8Array | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw tooShort();
    return this.bytes(length);
  }

  /** Bytes, by default all that are left. */
  bytes(length = this.remaining): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Says so if more came than the message has. */
  end(): void {
    if (this.remaining > 0) {
      throw fatal(CODE.protocolViolation, "Cannot read a message: it is longer than it should be");
    }
  }

  #advance(length: number): number {
    if (length > this.remaining) throw tooShort();
    this.#at += length;
    return this.#at - length;
  }
}

function tooShort(): PgError {
  return fatal(CODE.protocolViolation, "Cannot read a message: it ends too early");
}
