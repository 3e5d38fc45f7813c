/**
 * Reads the value of a field: a number (`1`, `-1.5e3`), an integer (`1i`), an unsigned integer (`1u`), a
 * boolean (`t`, `true`, `F` …) or a quoted string.
 *
 * @module
 */
import type { FieldType } from "./batch.ts";
import type { Column } from "./columns.ts";
import { LineError } from "./line_error.ts";
import { writeBig, writeSafe } from "./numbers.ts";

const LF = 10, QUOTE = 34, PLUS = 43, MINUS = 45, DOT = 46, ZERO = 48, NINE = 57, BACKSLASH = 92;
const UPPER_E = 69, UPPER_F = 70, UPPER_T = 84, LOWER_E = 101, LOWER_F = 102, LOWER_I = 105;
const LOWER_T = 116, LOWER_U = 117;

/** Digits that a number holds exactly, and the powers of ten that do. */
const SAFE_DIGITS = 15;
const POWERS = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const MAX_INTEGER = 2n ** 63n - 1n;
const MAX_UNSIGNED = 2n ** 64n - 1n;
/** Strings up to here are read byte by byte, if they are ASCII: a decoder costs more to call. */
const SHORT_BYTES = 24;
const TRUE = ["true", "True", "TRUE"];
const FALSE = ["false", "False", "FALSE"];

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One reader holds one value at a time. */
export class ValueReader {
  /** What the value is. */
  type: FieldType = "float";
  /** Line feeds in the strings that were read since this was set to 0. */
  feeds = 0;
  /** The value of a float or a boolean, and of an integer that a number holds. */
  #number = 0;
  /** The value of another integer. */
  #big: bigint | undefined;
  #text = "";

  /** Reads the value that begins at `at`; gives where it ends. @throws {LineError} */
  read(bytes: Uint8Array, at: number): number {
    const c = bytes[at];
    if ((c >= ZERO && c <= NINE) || c === MINUS || c === DOT) return this.#readNumber(bytes, at);
    if (c === QUOTE) return this.#readString(bytes, at);
    if (c === LOWER_T || c === UPPER_T || c === LOWER_F || c === UPPER_F) {
      return this.#readBoolean(bytes, at);
    }
    throw new LineError(
      at,
      "there is no value; wanted a number, 1i, 1u, true, false or a text in double quotes",
    );
  }

  /** Writes the value into a row that the column has room for. */
  writeTo(column: Column, row: number): void {
    switch (this.type) {
      case "float":
        column.floats[row] = this.#number;
        return;
      case "integer":
      case "unsigned":
        if (this.#big === undefined) writeSafe(column.words, row * 2, this.#number);
        else writeBig(column.words, row * 2, this.#big);
        return;
      case "boolean":
        column.bytes[row] = this.#number;
        return;
      case "string":
        column.strings[row] = this.#text;
    }
  }

  #readNumber(bytes: Uint8Array, start: number): number {
    let at = start;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    // Zeros in front say nothing, and there may be many.
    let mantissa = 0, digits = 0, scale = 0, hasDot = false, isEmpty = true;
    for (;; at++) {
      const c = bytes[at];
      if (c >= ZERO && c <= NINE) {
        isEmpty = false;
        if (hasDot) scale++;
        if (digits > 0 || c > ZERO) digits++;
        mantissa = mantissa * 10 + c - ZERO;
      } else if (c === DOT && !hasDot) hasDot = true;
      else break;
    }
    if (isEmpty) throw notNumber(start);
    const c = bytes[at];
    if ((c === LOWER_I || c === LOWER_U) && !hasDot) {
      this.#setInteger(bytes, start, at, isNegative, mantissa, digits);
      return at + 1;
    }
    this.type = "float";
    let exponent = 0;
    if (c === LOWER_E || c === UPPER_E) {
      at++;
      const sign = bytes[at] === MINUS ? -1 : 1;
      if (bytes[at] === MINUS || bytes[at] === PLUS) at++;
      const exponentStart = at;
      for (; bytes[at] >= ZERO && bytes[at] <= NINE; at++) {
        exponent = exponent * 10 + bytes[at] - ZERO;
      }
      if (at === exponentStart) throw notNumber(start);
      exponent *= sign;
    }
    const power = exponent - scale;
    if (digits <= SAFE_DIGITS && power >= -22 && power <= 22) {
      // Both are exact, so that what comes out is the nearest number there is.
      const value = power < 0 ? mantissa / POWERS[-power] : mantissa * POWERS[power];
      this.#number = isNegative ? -value : value;
      return at;
    }
    this.#number = Number(asciiOf(bytes, start, at));
    if (!Number.isFinite(this.#number)) {
      throw new LineError(start, "the number is beyond 1.8e308, which no float holds");
    }
    return at;
  }

  #setInteger(
    bytes: Uint8Array,
    start: number,
    end: number,
    isNegative: boolean,
    mantissa: number,
    digits: number,
  ): void {
    this.type = bytes[end] === LOWER_I ? "integer" : "unsigned";
    this.#big = undefined;
    if (isNegative && this.type === "unsigned") {
      throw new LineError(start, "an unsigned integer is not negative; write it with i, not u");
    }
    if (digits <= SAFE_DIGITS) {
      // Not -0, which has no words.
      this.#number = isNegative ? 0 - mantissa : mantissa;
      return;
    }
    // 20 digits and a sign at most: what is longer is not read.
    if (digits <= 20) this.#big = BigInt(asciiOf(bytes, start, end));
    const most = this.type === "unsigned" ? MAX_UNSIGNED : MAX_INTEGER;
    if (this.#big === undefined || this.#big > most || this.#big < -MAX_INTEGER - 1n) {
      throw new LineError(
        start,
        `the integer is beyond ${
          isNegative ? -MAX_INTEGER - 1n : most
        }; write it without its letter, as a float`,
      );
    }
  }

  #readBoolean(bytes: Uint8Array, start: number): number {
    const isTrue = bytes[start] === LOWER_T || bytes[start] === UPPER_T;
    let at = start + 1;
    while (bytes[at] > 64 && bytes[at] < 123) at++;
    // One letter is most common, and complete.
    const wanted = isTrue ? TRUE : FALSE;
    if (at - start > 1 && !wanted.includes(asciiOf(bytes, start, Math.min(at, start + 6)))) {
      throw new LineError(
        start,
        "the value is not a boolean; wanted true, false, t or f, and a text in double quotes",
      );
    }
    this.type = "boolean";
    this.#number = isTrue ? 1 : 0;
    return at;
  }

  #readString(bytes: Uint8Array, start: number): number {
    this.type = "string";
    let at = start + 1;
    let isAscii = true, isPlain = true;
    for (; at < bytes.length; at++) {
      const c = bytes[at];
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        isPlain = false;
        at++;
      }
      if (c === LF || bytes[at] === LF) this.feeds++;
      if (c > 127) isAscii = false;
    }
    if (at >= bytes.length) {
      throw new LineError(start, 'the text has no end; close it with ", and write " in it as \\"');
    }
    this.#text = this.#textOf(bytes, start + 1, at, isAscii && isPlain);
    if (!isPlain) this.#text = this.#text.replaceAll(/\\(["\\])/g, "$1");
    return at + 1;
  }

  #textOf(bytes: Uint8Array, start: number, end: number, isSimple: boolean): string {
    if (isSimple && end - start <= SHORT_BYTES) {
      return asciiOf(bytes, start, end);
    }
    try {
      return UTF8.decode(bytes.subarray(start, end));
    } catch {
      throw new LineError(start - 1, "the text is not UTF-8; encode it as UTF-8");
    }
  }
}

/** A short text of ASCII; four letters at a time, which takes half the time of one by one. */
function asciiOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}

function notNumber(at: number): LineError {
  return new LineError(at, "the value is no number; wanted one such as 1, -1.5, 2e3, 1i or 1u");
}
