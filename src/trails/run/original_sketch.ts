/**
 * HyperLogLog as the original has it, for who compares with its results or merges with them: 2^14
 * registers, MurmurHash3 (x64, 128 bits, seed 0) of the tuple as it encodes it, and its own text.
 *
 * ```text
 *  "0e"  "01"  (length value)…        length: one byte below 128, else 0x80 | low 7 bits, length >> 7
 *   p     non-empty, "00" if empty    value:  one byte, the register that is repeated
 * ```
 *
 * @module
 */
import { murmur3Low } from "./murmur3.ts";

const REGISTERS = 1 << 14;
/** The original counts zeros in the low 32 bits of a hash only, above the bits of the index. */
const LOW_BITS = 0xffff_ffffn;
/** Bytes of a tuple that the original keeps. */
const MAX_BYTES = 254;
const encoder = new TextEncoder();

/** Registers. */
export class OriginalSketch {
  /** The highest rank of each. */
  readonly registers: Uint8Array = new Uint8Array(REGISTERS);

  /** Adds a tuple; `isCookie`: it is a user's id, 32 hexadecimal digits, alone. */
  add(terms: readonly string[], isCookie: boolean): void {
    this.addEncoded(encoded(terms, isCookie));
  }

  /** Adds a tuple as the original encodes it. */
  addEncoded(bytes: Uint8Array): void {
    const hash = murmur3Low(bytes);
    const index = Number(hash & BigInt(REGISTERS - 1));
    const rank = Math.clz32(Number((hash | BigInt(REGISTERS - 1)) & LOW_BITS)) + 1;
    if (rank > this.registers[index]) this.registers[index] = rank;
  }

  /** Makes this the sketch of both sets together, the other by its registers. */
  merge(registers: Uint8Array): void {
    for (const [i, rank] of registers.entries()) {
      if (rank > this.registers[i]) this.registers[i] = rank;
    }
  }

  /** The original's text. */
  toHex(): string {
    const bytes = [14, 0];
    if (this.registers.every((rank) => rank === 0)) return hex(bytes);
    bytes[1] = 1;
    for (let from = 0; from < REGISTERS;) {
      const value = this.registers[from];
      let to = from + 1;
      while (to < REGISTERS && this.registers[to] === value) to++;
      const length = to - from;
      if (length < 128) bytes.push(length, value);
      else bytes.push(0x80 | length & 0x7f, length >> 7, value);
      from = to;
    }
    return hex(bytes);
  }
}

/** What stands behind 0xFF for a byte that has a meaning of its own. */
const ESCAPED: Readonly<Record<number, number>> = { 0x2c: 0xfd, 0: 0xfe, 0xff: 0xff };

/** `B` and the 16 bytes of an id, or `S` and the text, with `,`, NUL and 0xFF in two bytes each. */
function encoded(terms: readonly string[], isCookie: boolean): Uint8Array {
  const bytes: number[] = [];
  // The original stops here, within a term too.
  const isFull = () => bytes.length >= MAX_BYTES;
  for (const [i, term] of terms.entries()) {
    if (i > 0) bytes.push(0x2c);
    bytes.push(isCookie ? 0x42 : 0x53);
    for (const byte of isCookie ? fromHex(term) : encoder.encode(term)) {
      if (isFull()) break;
      const escaped = ESCAPED[byte];
      if (escaped === undefined) bytes.push(byte);
      else bytes.push(0xff, escaped);
    }
  }
  return Uint8Array.from(bytes);
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
