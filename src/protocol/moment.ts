/**
 * Times as users write them: `2026-11-01` is a day of the zone that the data is kept in, RFC 3339 and
 * unix seconds are instants.
 *
 * @module
 */
import { parseDate, toUnixSeconds } from "../engine/time.ts";

/** A time as text. */
export type Moment =
  | { readonly kind: "instant"; readonly seconds: number }
  /** `YYYY-MM-DD`. */
  | { readonly kind: "day"; readonly date: string };

/**
 * Reads a time.
 *
 * @param numbers whether a bare number is unix seconds or milliseconds
 * @throws {RangeError} for a date that does not exist
 * @throws {EventError} for what is no time
 */
export function parseMoment(text: string, numbers: "s" | "ms" = "s"): Moment {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    if (Number.isNaN(parseDate(text))) throw new RangeError("there is no such date");
    return { kind: "day", date: text };
  }
  if (!/^[+-]?\d+(\.\d+)?$/.test(text)) return { kind: "instant", seconds: toUnixSeconds(text) };
  const number = Number(text);
  const value = numbers === "ms" ? new Date(number) : number;
  return { kind: "instant", seconds: toUnixSeconds(value) };
}
