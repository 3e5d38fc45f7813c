/**
 * Times as text. All are UTC, and written as RFC 3339 with as many digits as they need.
 *
 * @module
 */
import type { SqlInterval } from "../values.ts";

/** How many of a type's units make a second, and how many digits that is. */
const UNITS: ReadonlyMap<string, readonly [perSecond: bigint, digits: number]> = new Map([
  ["TIMESTAMP_S", [1n, 0]],
  ["TIMESTAMP_MS", [1_000n, 3]],
  ["TIMESTAMP", [1_000_000n, 6]],
  ["TIMESTAMP WITH TIME ZONE", [1_000_000n, 6]],
  ["TIMESTAMP_NS", [1_000_000_000n, 9]],
]);

/** What a `Date` can be; beyond that, and at infinity, the number itself is written. */
const MAX_DATE_SECONDS = 8_640_000_000_000n;

/** Whether values of the type are moments, as bigint. */
export function isMoment(type: string): boolean {
  return UNITS.has(type);
}

/** `2024-01-01T00:00:00.5Z`. */
export function momentText(value: bigint, type: string): string {
  const [perSecond, digits] = UNITS.get(type)!;
  let seconds = value / perSecond;
  let fraction = value % perSecond;
  if (fraction < 0n) {
    fraction += perSecond;
    seconds -= 1n;
  }
  if (seconds > MAX_DATE_SECONDS || seconds < -MAX_DATE_SECONDS) {
    return endText(value, String(value));
  }
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return `${text}${fractionText(fraction, digits)}Z`;
}

/** `2024-01-01`; the value is days. */
export function dateText(days: number): string {
  const ms = days * 86_400_000;
  if (Math.abs(ms) > 8.64e15) return endText(BigInt(days), String(days), 31);
  return new Date(ms).toISOString().replace(/T.*/, "");
}

/** `10:00:00.5`; the value is microseconds. */
export function timeText(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return `${text}${fractionText(micros % 1_000_000n, 6)}`;
}

/** `1 month 2 days 03:00:00`, as DuckDB prints it. */
export function intervalText({ months, days, micros }: SqlInterval): string {
  const parts: string[] = [];
  const add = (count: number, unit: string) => {
    if (count !== 0) parts.push(`${count} ${unit}${Math.abs(count) === 1 ? "" : "s"}`);
  };
  add(Math.trunc(months / 12), "year");
  add(months % 12, "month");
  add(days, "day");
  const sign = micros < 0n ? "-" : "";
  if (micros !== 0n || parts.length === 0) {
    parts.push(`${sign}${timeText(micros < 0n ? -micros : micros)}`);
  }
  return parts.join(" ");
}

function fractionText(fraction: bigint, digits: number): string {
  if (fraction === 0n) return "";
  return `.${String(fraction).padStart(digits, "0").replace(/0+$/, "")}`;
}

/** DuckDB has `infinity` at the ends of its times. */
function endText(value: bigint, otherwise: string, bits = 63): string {
  const end = 2n ** BigInt(bits) - 1n;
  return value === end ? "infinity" : value === -end ? "-infinity" : otherwise;
}
