/**
 * Spans of time as clients send them: `1 day 02:03:04`, `3d 4s`, `1 years 2 mons`, `P1DT2H`.
 *
 * @module
 */
import type { SqlInterval } from "../../sql/values.ts";

const MONTHS: Readonly<Record<string, number>> = { y: 12, year: 12, mon: 1, month: 1 };
const DAYS: Readonly<Record<string, number>> = { d: 1, day: 1, w: 7, week: 7 };
const MICROS: Readonly<Record<string, number>> = {
  h: 3_600_000_000,
  hour: 3_600_000_000,
  m: 60_000_000,
  min: 60_000_000,
  minute: 60_000_000,
  s: 1_000_000,
  sec: 1_000_000,
  second: 1_000_000,
  ms: 1000,
  msec: 1000,
  millisecond: 1000,
  us: 1,
  usec: 1,
  microsecond: 1,
};

const PART = /\s*([+-]?)\s*(?:(\d+):(\d\d)(?::(\d\d(?:\.\d*)?))?|(\d+(?:\.\d*)?)\s*([a-z]+))/iy;

/** Reads a span; undefined if it is none. */
export function parseInterval(text: string): SqlInterval | undefined {
  const plain = text.trim().startsWith("P") ? fromIso(text.trim()) : text;
  if (plain === undefined || plain.trim() === "") return undefined;
  let months = 0, days = 0, micros = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < plain.trimEnd().length) {
    const match = PART.exec(plain);
    if (match === null) return undefined;
    const [, sign, hours, minutes, seconds = "0", count, unit] = match;
    const factor = sign === "-" ? -1 : 1;
    if (unit === undefined) {
      micros += factor * Math.round((+hours * 3600 + +minutes * 60 + +seconds) * 1e6);
      continue;
    }
    const name = /^(ms|us|s|m|h|d|y|w)$/i.test(unit)
      ? unit.toLowerCase()
      : unit.toLowerCase().replace(/s$/, "");
    const amount = factor * +count;
    if (Object.hasOwn(MONTHS, name)) months += amount * MONTHS[name];
    else if (Object.hasOwn(DAYS, name)) days += amount * DAYS[name];
    else if (Object.hasOwn(MICROS, name)) micros += Math.round(amount * MICROS[name]);
    else return undefined;
  }
  // Half a month has no days of its own.
  if (!Number.isInteger(months) || !Number.isSafeInteger(micros)) return undefined;
  const wholeDays = Math.trunc(days);
  micros += Math.round((days - wholeDays) * 86_400e6);
  return { months, days: wholeDays, micros: BigInt(micros) };
}

/** `P1Y2M3DT4H5M6S` in words. */
function fromIso(text: string): string | undefined {
  const number = "([+-]?\\d+(?:\\.\\d+)?)";
  const pattern = new RegExp(
    `^P(?=.)(?:${number}Y)?(?:${number}M)?(?:${number}W)?(?:${number}D)?` +
      `(?:T(?=.)(?:${number}H)?(?:${number}M)?(?:${number}S)?)?$`,
  );
  const match = pattern.exec(text);
  const units = ["year", "month", "week", "day", "hour", "minute", "second"];
  return match?.slice(1).flatMap((count, i) => count === undefined ? [] : [`${count} ${units[i]}`])
    .join(" ");
}
