/**
 * Columns of doubles: every bit comes back, of -0 and of every NaN too. What a program measures is
 * mostly one number again and again, or whole numbers, or decimals with a few places, so a column is
 * written in one of four forms:
 *
 * | form       | bits                                                  | for                                |
 * | ---------- | ----------------------------------------------------- | ---------------------------------- |
 * | `same`     | 64 bits                                               | one value again and again          |
 * | `decimal`  | places, a whole number                                | the same, where that is a decimal  |
 * | `decimals` | places, the smallest, the rest above it as integers   | whole numbers, prices, latencies   |
 * | `xor`      | `src/codec/xor.ts`                                    | everything else                    |
 *
 * A decimal with `p` places is the double nearest to a whole number divided by 10^p. It is one only if
 * that division gives the very same bits, so nothing is rounded.
 *
 * @module
 */
import type { BitReader, BitWriter } from "./bits.ts";
import { MAX_INTEGER, readIntegers, writeIntegers } from "./integers.ts";
import { readXor, writeXor } from "./xor.ts";

const FORMS = { same: 0, decimal: 1, decimals: 2, xor: 3 } as const;

const PLACES_BITS = 4;
const MAX_PLACES = 15;
const POWERS = Float64Array.from({ length: MAX_PLACES + 1 }, (_, places) => Number(`1e${places}`));
/** Order of the code for a single decimal, most of which are small. */
const HEAD_ORDER = 2;

/** Writes the numbers from `start` to before `end`. */
export function writeFloats(
  writer: BitWriter,
  values: Float64Array,
  start: number,
  end: number,
): void {
  if (start === end) return;
  const isSame = allSame(values, start, end);
  const scaled = scale(values, start, isSame ? start + 1 : end);
  if (isSame) {
    if (scaled === undefined) {
      writer.bits(FORMS.same, 2);
      const words = wordsOf(values);
      writer.bits(words[2 * start], 32);
      writer.bits(words[2 * start + 1], 32);
    } else {
      writer.bits(FORMS.decimal | (scaled.places << 2), 2 + PLACES_BITS);
      writer.signed(scaled.least, HEAD_ORDER);
    }
  } else if (scaled === undefined) {
    writer.bits(FORMS.xor, 2);
    writeXor(writer, wordsOf(values), start, end);
  } else {
    writer.bits(FORMS.decimals | (scaled.places << 2), 2 + PLACES_BITS);
    writer.signed(scaled.least, HEAD_ORDER);
    writeIntegers(writer, scaled.above, 0, end - start);
  }
}

/**
 * Reads them into `values`.
 *
 * @throws {RangeError} for what no writer has written
 */
export function readFloats(
  reader: BitReader,
  values: Float64Array,
  start: number,
  end: number,
): void {
  if (start === end) return;
  switch (reader.bits(2)) {
    case FORMS.same: {
      const words = wordsOf(values);
      const low = reader.bits(32);
      const high = reader.bits(32);
      for (let i = start; i < end; i++) {
        words[2 * i] = low;
        words[2 * i + 1] = high;
      }
      return;
    }
    case FORMS.decimal: {
      const power = POWERS[reader.bits(PLACES_BITS)];
      values.fill(reader.signed(HEAD_ORDER) / power, start, end);
      return;
    }
    case FORMS.decimals: {
      const power = POWERS[reader.bits(PLACES_BITS)];
      const least = reader.signed(HEAD_ORDER);
      readIntegers(reader, values, start, end);
      for (let i = start; i < end; i++) values[i] = (values[i] + least) / power;
      return;
    }
    default:
      readXor(reader, wordsOf(values), start, end);
  }
}

/** The doubles as pairs of 32 bits, the lower ones first: a NaN that passes as a number may change. */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
}

function allSame(values: Float64Array, start: number, end: number): boolean {
  const words = wordsOf(values);
  const low = words[2 * start];
  const high = words[2 * start + 1];
  for (let i = start + 1; i < end; i++) {
    if (words[2 * i] !== low || words[2 * i + 1] !== high) return false;
  }
  return true;
}

/** Decimals as whole numbers. */
interface Scaled {
  readonly places: number;
  readonly least: number;
  /** By how much each is above the least. */
  readonly above: Float64Array;
}

/** The doubles as decimals with as few places as hold them all; undefined if they are none. */
function scale(values: Float64Array, start: number, end: number): Scaled | undefined {
  let places = 0;
  for (let i = start; i < end; i++) {
    if (places === 0 && isWhole(values[i])) continue;
    while (!isDecimal(values[i], POWERS[places])) {
      if (++places > MAX_PLACES) return undefined;
    }
  }
  const power = POWERS[places];
  const above = new Float64Array(end - start);
  let least = Infinity;
  let most = -Infinity;
  for (let i = start; i < end; i++) {
    // More places than a value needs may be more than its digits allow.
    if (places > 0 && !isDecimal(values[i], power)) return undefined;
    const whole = places > 0 ? Math.round(values[i] * power) : values[i];
    if (whole < least) least = whole;
    if (whole > most) most = whole;
    above[i - start] = whole;
  }
  if (most - least > MAX_INTEGER) return undefined;
  for (let i = 0; i < above.length; i++) above[i] -= least;
  return { places, least, above };
}

/** The same as {@linkcode isDecimal} without places, for the many that are whole. */
function isWhole(value: number): boolean {
  return Math.floor(value) === value && value <= MAX_INTEGER && value >= -MAX_INTEGER &&
    (value !== 0 || 1 / value > 0);
}

/** Whether a whole number divided by `power` is exactly this double. */
function isDecimal(value: number, power: number): boolean {
  const whole = Math.round(value * power);
  // -0 is not 0 / power, and NaN is nothing.
  return whole / power === value && whole <= MAX_INTEGER && whole >= -MAX_INTEGER &&
    (whole !== 0 || !Object.is(value, -0));
}
