/**
 * What the options of questions have in common.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { TrailsError } from "../errors.ts";
import { isSpecial } from "../language/program.ts";
import { durationText, stringText } from "../language/text.ts";
import { KEYWORDS } from "../language/tokens.ts";
import { type CalendarUnit, calendarUnits, UNITS, type WeekDay } from "../run/calendar_units.ts";

/** `30m`, `7d` (one of s, m, h, d), or seconds. */
export type Duration = string | number;

/** How time is divided. */
export interface CalendarOptions {
  /** Default `day`. */
  unit?: CalendarUnit;
  /** An IANA zone; default `UTC`. */
  timezone?: string;
  /** The first day of a week; default `monday`. */
  weekStart?: WeekDay;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A duration as programs write it. @throws {TrailsError} naming `what` */
export function readDuration(what: string, value: Duration): string {
  const match = typeof value === "string" ? /^(\d{1,12})([smhd])$/.exec(value) : null;
  const seconds = match === null ? value : Number(match[1]) * SECONDS[match[2]];
  if (typeof seconds === "number" && Number.isSafeInteger(seconds) && seconds > 0) {
    return durationText(seconds);
  }
  throw new TrailsError(
    `Cannot use ${what}: wanted a duration such as 30m or 7d, or whole seconds from 1, ` +
      `received ${show(value)}`,
  );
}

/** A field that programs can name. @throws {TrailsError} naming `what` */
export function fieldName(what: string, name: string): string {
  const isName = typeof name === "string" && /^[A-Za-z_][A-Za-z_0-9]*$/.test(name);
  if (isName && !KEYWORDS.has(name) && !isSpecial(name) && name !== "not" && name !== "or") {
    return name;
  }
  throw new TrailsError(
    `Cannot use ${what}: wanted a field whose name is letters, digits and _, and no word of the ` +
      `language, received ${show(name)}; rename it in the data`,
  );
}

/** One of some words. @throws {TrailsError} naming `what` */
export function oneOfWords<const T extends string>(
  what: string,
  value: unknown,
  words: readonly T[],
): T {
  const word = words.find((one) => one === value);
  if (word !== undefined) return word;
  throw new TrailsError(
    `Cannot use ${what}: wanted ${words.join(" or ")}, received ${show(value)}`,
  );
}

/** The options, checked, and as the last arguments of calls in a program. */
export function readCalendar(
  { unit = "day", timezone = "UTC", weekStart = "monday" }: CalendarOptions,
): {
  unit: CalendarUnit;
  units: ReturnType<typeof calendarUnits>;
  args: string;
} {
  const one = oneOfWords("unit", unit, UNITS);
  const units = calendarUnits(timezone, weekStart);
  return {
    unit: one,
    units,
    args: [one, timezone, weekStart].map(stringText).join(", "),
  };
}
