/**
 * Decimals with six places, exact. A number means the decimal that `String(number)` prints; places
 * beyond the sixth are rounded half away from zero. Sums are kept in millionths as a `bigint`, or, on
 * the way of an event, as whole units and millionths apart, which are both small numbers.
 *
 * @module
 */

/** Millionths in a whole unit. */
export const MICROS_PER_UNIT = 1_000_000n;

/** The largest value that is accepted, in whole units: 2^53. */
export const MAX_DECIMAL: number = 2 ** 53;

/** Below this, `value * 1e6` is off by less than 0.03, so its rounding is right but near a half. */
const FAST_LIMIT = 1e8;

/** A decimal as whole units and millionths, both of the same sign. */
export interface Decimal {
  whole: number;
  micros: number;
}

/** JSON's number grammar; a leading + is allowed too. */
const NUMBER = /^([+-]?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Reads a number, or text in JSON's number grammar, into `into`.
 *
 * @returns false if the value is neither, or lies beyond ±2^53
 */
export function readDecimal(value: unknown, into: Decimal): boolean {
  if (typeof value === "number") {
    if (Number.isInteger(value)) {
      into.whole = value;
      into.micros = 0;
      return value <= MAX_DECIMAL && value >= -MAX_DECIMAL;
    }
    if (value < FAST_LIMIT && value > -FAST_LIMIT) {
      const scaled = value * 1e6;
      const rounded = Math.round(scaled);
      const distance = scaled - rounded;
      if (distance < 0.45 && distance > -0.45) {
        into.whole = Math.trunc(rounded / 1e6);
        into.micros = rounded - into.whole * 1e6;
        return true;
      }
    }
    return Number.isFinite(value) && readText(String(value), into);
  }
  return typeof value === "string" && readText(value, into);
}

function readText(text: string, into: Decimal): boolean {
  // No decimal within ±2^53 needs more; the bound keeps the regular expression cheap.
  if (text.length > 1100) return false;
  const match = NUMBER.exec(text);
  if (match === null) return false;
  const fraction = match[3] ?? "";
  const digits = match[2] + fraction;
  // The value is digits × 10^-scale.
  const scale = fraction.length - Number(match[4] ?? 0);
  const point = digits.length - scale; // digits before the decimal point, zeros included
  let micros: bigint;
  if (/^0*$/.test(digits)) {
    micros = 0n;
  } else if (point > 1200) {
    return false;
  } else if (point < -6) {
    micros = 0n;
  } else {
    const kept = point + 6; // digits that count, up to the millionths
    const padded = digits.padEnd(kept, "0");
    micros = BigInt(padded.slice(0, kept) || "0");
    if (padded.length > kept && padded.charCodeAt(kept) >= 0x35) micros += 1n;
  }
  if (micros > BigInt(MAX_DECIMAL) * MICROS_PER_UNIT) return false;
  const sign = match[1] === "-" ? -1 : 1;
  // Adding 0 turns -0 into 0.
  into.whole = sign * Number(micros / MICROS_PER_UNIT) + 0;
  into.micros = sign * Number(micros % MICROS_PER_UNIT) + 0;
  return true;
}

/** Millionths as a decimal string: `"-0.5"`, `"12"`, `"99.99"`. */
export function microsToString(micros: bigint): string {
  const sign = micros < 0n ? "-" : "";
  const size = micros < 0n ? -micros : micros;
  const fraction = String(size % MICROS_PER_UNIT).padStart(6, "0").replace(/0+$/, "");
  return `${sign}${size / MICROS_PER_UNIT}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Millionths as the number nearest to their decimal: what `Number("99.99")` is. */
export function microsToNumber(micros: bigint): number {
  return Number(microsToString(micros));
}

/** The millionths in what {@linkcode microsToString} wrote, exact; undefined for any other text. */
export function microsFromString(text: string): bigint | undefined {
  const match = /^(-?)(0|[1-9]\d*)(?:\.(\d{0,5}[1-9]))?$/.exec(text);
  if (match === null || text === "-0") return undefined;
  const size = BigInt(match[2]) * MICROS_PER_UNIT + BigInt((match[3] ?? "").padEnd(6, "0"));
  return match[1] === "-" ? -size : size;
}
