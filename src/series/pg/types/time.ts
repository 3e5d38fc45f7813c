/**
 * Times as PostgreSQL writes them, in UTC, to the microsecond: it knows no shorter time. What is shorter
 * is cut off, never rounded up: no point moves behind a border it lies before.
 *
 * @module
 */
import { civilFromDays } from "../../../engine/time.ts";
import type { SqlInterval } from "../../sql/values.ts";

/** Microseconds of a second, and of a day. */
const SECOND_US = 1_000_000n;
const DAY_US = 86_400n * SECOND_US;

/** Days from 1970 to 2000, where binary times begin. */
export const EPOCH_DAYS = 10_957;
/** The same in microseconds. */
export const EPOCH_US = BigInt(EPOCH_DAYS) * DAY_US;

/** Infinities, as DuckDB and PostgreSQL have them. */
const MOST_I64 = 2n ** 63n - 1n;
/** The greatest day; one less is the least, negated. */
const MOST_DAY = 2 ** 31 - 1;

/** The microseconds since 1970 of a value, by DuckDB's type; infinities stay what they are. */
export function microsOf(value: bigint, type: string): bigint {
  switch (type) {
    case "TIMESTAMP_S":
      return value * SECOND_US;
    case "TIMESTAMP_MS":
      return value * 1000n;
    case "TIMESTAMP_NS":
      return floorDiv(value, 1000n);
    default:
      return value;
  }
}

/** `infinity`, `-infinity`, or undefined for a time like any other. */
export function infinityOf(micros: bigint): "infinity" | "-infinity" | undefined {
  return micros === MOST_I64 ? "infinity" : micros === -MOST_I64 ? "-infinity" : undefined;
}

/** `2026-11-21 10:00:00.5+00` */
export function timestampText(micros: bigint): string {
  const infinity = infinityOf(micros);
  if (infinity !== undefined) return infinity;
  const days = floorDiv(micros, DAY_US);
  const { text, isBefore } = dayText(Number(days));
  return `${text} ${timeText(micros - days * DAY_US)}+00${isBefore ? " BC" : ""}`;
}

/** `2026-11-21` @param days since 1970 */
export function dateText(days: number): string {
  if (days === MOST_DAY) return "infinity";
  if (days === -MOST_DAY) return "-infinity";
  const { text, isBefore } = dayText(days);
  return isBefore ? `${text} BC` : text;
}

/** `10:00:00.25` */
export function timeText(micros: bigint): string {
  const seconds = Number(micros / SECOND_US);
  const fraction = Number(micros % SECOND_US);
  return `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${
    pad(seconds % 60)
  }${fractionText(fraction)}`;
}

/** `1 year 2 mons -3 days +04:05:06`: behind a negative part a positive one says so. */
export function intervalText({ months, days, micros }: SqlInterval): string {
  const parts: string[] = [];
  let wasNegative = false;
  const part = (count: number, one: string, many: string) => {
    if (count === 0) return;
    parts.push(`${count > 0 && wasNegative ? "+" : ""}${count} ${count === 1 ? one : many}`);
    wasNegative = count < 0;
  };
  part(Math.trunc(months / 12), "year", "years");
  part(months % 12, "mon", "mons");
  part(days, "day", "days");
  if (micros !== 0n || parts.length === 0) {
    const sign = micros < 0n ? "-" : wasNegative ? "+" : "";
    parts.push(`${sign}${timeText(micros < 0n ? -micros : micros)}`);
  }
  return parts.join(" ");
}

function dayText(days: number): { text: string; isBefore: boolean } {
  const { year, month, day } = civilFromDays(days);
  // There is no year 0: before the year 1 is the year 1 BC.
  const isBefore = year <= 0;
  const shown = String(isBefore ? 1 - year : year).padStart(4, "0");
  return { text: `${shown}-${pad(month)}-${pad(day)}`, isBefore };
}

function fractionText(micros: number): string {
  return micros === 0 ? "" : `.${String(micros).padStart(6, "0").replace(/0+$/, "")}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
