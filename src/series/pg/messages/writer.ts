/**
 * Messages to a client → bytes.
 *
 * @module
 */
import type { PgError } from "../errors.ts";

const ENCODER = new TextEncoder();

/** Whether a transaction is open: idle, in one, in one that failed. */
export type Status = "I" | "T" | "E";

/** A column, as a client is told of it. */
export interface FieldDescription {
  readonly name: string;
  readonly oid: number;
  readonly size: number;
  /** Whether values come in binary. */
  readonly isBinary: boolean;
}

/** Collects messages; see the top of this file. */
export class MessageWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** What was written, and nothing is left; not a copy, but what is written next goes elsewhere. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    // The socket may still hold these when the next message is written.
    this.#bytes = new Uint8Array(4096);
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
    return bytes;
  }

  /** AuthenticationOk, or another demand; `data` is what belongs to it. */
  authentication(code: number, data: Uint8Array = new Uint8Array()): void {
    this.#message("R", () => {
      this.#int32(code);
      this.#raw(data);
    });
  }

  /** What the server has set. */
  parameterStatus(name: string, value: string): void {
    this.#message("S", () => {
      this.#text(name);
      this.#text(value);
    });
  }

  /** By what this connection's work can be cancelled. */
  backendKeyData(process: number, secret: number): void {
    this.#message("K", () => {
      this.#int32(process);
      this.#int32(secret);
    });
  }

  /** The newest minor version of the protocol, and the options that are not known. */
  negotiateVersion(minor: number, options: readonly string[]): void {
    this.#message("v", () => {
      this.#int32(minor);
      this.#int32(options.length);
      for (const option of options) this.#text(option);
    });
  }

  /** The server waits for a query. */
  readyForQuery(status: Status): void {
    this.#message("Z", () => this.#byte(status.charCodeAt(0)));
  }

  /** What rows will be. */
  rowDescription(fields: readonly FieldDescription[]): void {
    this.#message("T", () => {
      this.#int16(fields.length);
      for (const { name, oid, size, isBinary } of fields) {
        this.#text(name);
        this.#int32(0);
        this.#int16(0);
        this.#int32(oid);
        this.#int16(size);
        this.#int32(-1);
        this.#int16(isBinary ? 1 : 0);
      }
    });
  }

  /** What `$1`, `$2` … are. */
  parameterDescription(oids: readonly number[]): void {
    this.#message("t", () => {
      this.#int16(oids.length);
      for (const oid of oids) this.#int32(oid);
    });
  }

  /** A row: bytes or text of each value. */
  dataRow(count: number, valueAt: (column: number) => Uint8Array | string | null): void {
    this.#message("D", () => {
      this.#int16(count);
      for (let i = 0; i < count; i++) {
        const value = valueAt(i);
        if (value === null) this.#int32(-1);
        else if (typeof value === "string") this.#sizedText(value);
        else {
          this.#int32(value.length);
          this.#raw(value);
        }
      }
    });
  }

  /** A statement is done. */
  commandComplete(tag: string): void {
    this.#message("C", () => this.#text(tag));
  }

  /** One of those that say nothing more: `1` parsed, `2` bound, `3` closed, `n`, `s`, `I`, `c`. */
  bare(type: "1" | "2" | "3" | "n" | "s" | "I" | "c"): void {
    this.#message(type, () => {});
  }

  /** Rows follow as text, of so many columns. */
  copyOut(columns: number): void {
    this.#message("H", () => {
      this.#byte(0);
      this.#int16(columns);
      for (let i = 0; i < columns; i++) this.#int16(0);
    });
  }

  /** A row of a COPY. */
  copyData(line: string): void {
    this.#message("d", () => this.#raw(ENCODER.encode(line)));
  }

  /** An error. @param position in characters from 1, in the text of the query */
  error({ code, message, isFatal, routine }: PgError, position?: number): void {
    this.#notice("E", isFatal ? "FATAL" : "ERROR", code, message, position, routine);
  }

  /** Something to know, which is no error. */
  notice(message: string): void {
    this.#notice("N", "NOTICE", "00000", message);
  }

  #notice(
    type: "E" | "N",
    severity: string,
    code: string,
    message: string,
    position?: number,
    routine?: string,
  ): void {
    this.#message(type, () => {
      const field = (letter: string, text: string) => {
        this.#byte(letter.charCodeAt(0));
        this.#text(text);
      };
      field("S", severity);
      field("V", severity);
      field("C", code);
      field("M", message);
      if (position !== undefined) field("P", String(position));
      if (routine !== undefined) field("R", routine);
      this.#byte(0);
    });
  }

  #message(type: string, write: () => void): void {
    this.#byte(type.charCodeAt(0));
    const start = this.#length;
    this.#int32(0);
    write();
    this.#view.setInt32(start, this.#length - start);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #int16(value: number): void {
    this.#reserve(2);
    this.#view.setInt16(this.#length, value);
    this.#length += 2;
  }

  #int32(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#length, value);
    this.#length += 4;
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Text that ends in a zero byte, so it cannot hold one. */
  #text(text: string): void {
    this.#raw(ENCODER.encode(text.replaceAll("\0", "")));
    this.#byte(0);
  }

  #sizedText(text: string): void {
    // A UTF-16 unit is at most three bytes.
    this.#reserve(4 + 3 * text.length);
    const { written } = ENCODER.encodeInto(text, this.#bytes.subarray(this.#length + 4));
    this.#view.setInt32(this.#length, written);
    this.#length += 4 + written;
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
