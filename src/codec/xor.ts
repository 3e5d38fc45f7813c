/**
 * Doubles as in Gorilla (Pelkonen et al., VLDB 2015, section 4.1.2): each is XORed with the one before.
 * Neighbours share sign, exponent and the upper digits, so the XOR begins with zeros, and often ends
 * with some.
 *
 * | bits                              | means                                                        |
 * | --------------------------------- | ------------------------------------------------------------ |
 * | 64 bits                           | the first value                                              |
 * | `0`                               | the same value again                                         |
 * | `10`, bits of the window          | the XOR has no bit outside the window of the last XOR        |
 * | `11`, 6 bits, 6 bits, the bits    | a new window: zeros before it, its length less one           |
 *
 * The paper keeps a window for as long as it fits. Here it is also left where a narrower one saves more
 * than it costs to say so. Values are taken as 32-bit words, for a NaN that passes as a number may change.
 *
 * @module
 */
import type { BitReader, BitWriter } from "./bits.ts";

const WINDOW_BITS = 12;

/** Writes the doubles from `start` to before `end`, given as pairs of words, the lower one first. */
export function writeXor(writer: BitWriter, words: Uint32Array, start: number, end: number): void {
  if (start === end) return;
  let low = words[2 * start];
  let high = words[2 * start + 1];
  writer.bits(low, 32);
  writer.bits(high, 32);
  let leading = 64; // no window yet
  let length = 0;
  for (let i = start + 1; i < end; i++) {
    const lowXor = (low ^ words[2 * i]) >>> 0;
    const highXor = (high ^ words[2 * i + 1]) >>> 0;
    low = words[2 * i];
    high = words[2 * i + 1];
    if (lowXor === 0 && highXor === 0) {
      writer.bits(0, 1);
      continue;
    }
    const before = highXor !== 0 ? Math.clz32(highXor) : 32 + Math.clz32(lowXor);
    const behind = lowXor !== 0 ? trailingZeros(lowXor) : 32 + trailingZeros(highXor);
    const own = 64 - before - behind;
    const fits = before >= leading && behind >= 64 - leading - length;
    if (fits && length <= own + WINDOW_BITS) {
      writer.bits(1, 2);
    } else {
      leading = before;
      length = own;
      writer.bits(3 | (leading << 2) | ((length - 1) << 8), 2 + WINDOW_BITS);
    }
    const shift = 64 - leading - length;
    const lowBits = shift === 0
      ? lowXor
      : shift < 32
      ? (lowXor >>> shift) | (highXor << (32 - shift))
      : highXor >>> (shift - 32);
    if (length <= 32) {
      writer.bits(lowBits, length);
    } else {
      writer.bits(lowBits, 32);
      writer.bits(highXor >>> shift, length - 32);
    }
  }
}

/**
 * Reads them.
 *
 * @throws {RangeError} for what no writer has written
 */
export function readXor(reader: BitReader, words: Uint32Array, start: number, end: number): void {
  if (start === end) return;
  let low = words[2 * start] = reader.bits(32);
  let high = words[2 * start + 1] = reader.bits(32);
  let length = 0;
  let shift = 0;
  for (let i = start + 1; i < end; i++) {
    if (reader.bits(1) === 1) {
      if (reader.bits(1) === 1) {
        const window = reader.bits(WINDOW_BITS);
        length = (window >>> 6) + 1;
        shift = 64 - (window & 63) - length;
        if (shift < 0) throw new RangeError("a window of bits is longer than a number");
      } else if (length === 0) {
        throw new RangeError("a number refers to a window of bits that there is not");
      }
      const lowBits = reader.bits(Math.min(length, 32));
      const highBits = length > 32 ? reader.bits(length - 32) : 0;
      if (shift === 0) {
        low ^= lowBits;
        high ^= highBits;
      } else if (shift < 32) {
        low ^= lowBits << shift;
        high ^= (highBits << shift) | (lowBits >>> (32 - shift));
      } else {
        high ^= lowBits << (shift - 32);
      }
    }
    words[2 * i] = low;
    words[2 * i + 1] = high;
  }
}

/** Zeros behind the last bit; not for 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
