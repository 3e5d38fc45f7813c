/**
 * 64-bit integers as two words of 32 bits, without a `bigint` for each: times of every precision, and
 * integers below 2^53.
 *
 * @module
 */

/** What a time without a unit counts in. */
export type Precision = "ns" | "us" | "ms" | "s" | "m" | "h";

/** Nanoseconds of each. */
export const UNIT_NS: Readonly<Record<Precision, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** The first and the last instant, as in InfluxDB: at both ends of 64 bits stands what means something else. */
export const MIN_TIME_NS: bigint = -(2n ** 63n) + 2n;
export const MAX_TIME_NS: bigint = 2n ** 63n - 2n;

/** Seconds beyond which no time lies, and the nanoseconds that the last one has. */
const MAX_SECONDS = 9_223_372_036;
const MAX_REST_NS = 854_775_806;

const NS_PER_S = 1_000_000_000;

/** How a number in a precision becomes seconds and nanoseconds: those of a second, or seconds of it. */
const STEPS: Readonly<Record<Precision, { perSecond: number; seconds: number }>> = {
  ns: { perSecond: NS_PER_S, seconds: 0 },
  us: { perSecond: 1_000_000, seconds: 0 },
  ms: { perSecond: 1_000, seconds: 0 },
  s: { perSecond: 1, seconds: 1 },
  m: { perSecond: 0, seconds: 60 },
  h: { perSecond: 0, seconds: 3600 },
};

/** A time that was cut to a precision: the last whole unit at or before it. */
export function cutTo(ns: bigint, precision: Precision): bigint {
  const unit = UNIT_NS[precision];
  const rest = ns % unit;
  return ns - (rest < 0n ? rest + unit : rest);
}

/** A 64-bit integer into two words, the low one first. */
export function writeBig(words: Int32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asIntN(32, value));
  words[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

/** A whole number of at most 53 bits into two words. */
export function writeSafe(words: Int32Array, at: number, value: number): void {
  words[at] = value % 0x1_0000_0000;
  words[at + 1] = Math.floor(value / 0x1_0000_0000);
}

/**
 * Writes the time that is `whole` units, or with `ns` the number whose last nine digits are `rest`.
 *
 * @param whole at most 2^53; for `ns` what stands before the last nine digits
 * @param rest nanoseconds, below 10^9; 0 for other precisions
 * @returns false if it lies outside of what can be kept
 */
export function writeTime(
  words: Int32Array,
  at: number,
  isNegative: boolean,
  whole: number,
  rest: number,
  precision: Precision,
): boolean {
  let seconds = whole, ns = rest;
  const { perSecond, seconds: times } = STEPS[precision];
  if (times > 0) {
    seconds = whole * times;
  } else if (precision !== "ns") {
    seconds = Math.floor(whole / perSecond);
    ns = (whole - seconds * perSecond) * (NS_PER_S / perSecond);
  }
  if (seconds > MAX_SECONDS || (seconds === MAX_SECONDS && ns > MAX_REST_NS)) return false;
  // seconds × 10^9 + ns, in 16 and 48 bits, so that nothing is beyond 2^53.
  const upper = Math.floor(seconds / 0x1_0000) * NS_PER_S;
  const upperRest = upper % 0x1_0000;
  const lower = upperRest * 0x1_0000 + (seconds % 0x1_0000) * NS_PER_S + ns;
  let low = lower | 0;
  let high = (upper - upperRest) / 0x1_0000 + Math.floor(lower / 0x1_0000_0000);
  if (isNegative) {
    low = -low | 0;
    high = ~high + (low === 0 ? 1 : 0);
  }
  words[at] = low;
  words[at + 1] = high;
  return true;
}
