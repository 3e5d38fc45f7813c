/**
 * Days, weeks and months of a time zone, for functions that programs call. A day is what it is
 * everywhere in traqq (`src/engine/bucket.ts`).
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import { Calendar } from "../../engine/bucket.ts";
import { TrailsError } from "../errors.ts";

/** What time can be divided into. */
export const UNITS: readonly CalendarUnit[] = ["day", "week", "month"];
/** A unit. */
export type CalendarUnit = "day" | "week" | "month";

/** The days that a week can begin with, by their number: 0 is Sunday. */
export const WEEK_DAYS: readonly WeekDay[] = [
  "sunday",
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
];
/** A day that a week can begin with. */
export type WeekDay =
  | "sunday"
  | "monday"
  | "tuesday"
  | "wednesday"
  | "thursday"
  | "friday"
  | "saturday";

const DAY_SECONDS = 86_400;
/** More dates, of a unit as text or of all days by their number, are not kept. */
const MAX_LABELS = 100_000;
/** More time zones at once are not kept. */
const MAX_KEPT = 100;

/** The units of one zone. */
export class CalendarUnits {
  readonly #calendar: Calendar;
  readonly #weekStart: number;
  /** Days since 1970 by the start of their bucket. */
  readonly #days = new Map<number, number>();
  /** By unit, then by its number. */
  readonly #labels = {
    day: new Map<number, string>(),
    week: new Map<number, string>(),
    month: new Map<number, string>(),
  };

  /** @throws {TrailsError} for an unknown zone or day */
  constructor(timezone: string, weekStart: string) {
    try {
      this.#calendar = new Calendar(timezone);
    } catch (error) {
      throw new TrailsError(messageOf(error), { cause: error });
    }
    this.#weekStart = WEEK_DAYS.indexOf(weekStart as WeekDay);
    if (this.#weekStart < 0) {
      throw new TrailsError(
        `Cannot begin weeks: wanted a day such as monday, received ${show(weekStart)}`,
      );
    }
  }

  /** The number of the unit that holds a time; the one behind it has the next number. */
  index(unit: CalendarUnit, seconds: number): number {
    return this.#indexOfDay(unit, this.#day(seconds));
  }

  /** The number of the unit that holds a date such as `2026-11-01`. */
  indexOfDate(unit: CalendarUnit, date: string): number {
    return this.#indexOfDay(unit, dayOf(date));
  }

  #indexOfDay(unit: CalendarUnit, day: number): number {
    if (unit === "day") return day;
    // 1970-01-01 was a Thursday.
    if (unit === "week") return Math.floor((day + 4 - this.#weekStart) / 7);
    const date = new Date(day * DAY_SECONDS * 1000);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  }

  /** The first date of a unit, as `2026-11-01`. */
  label(unit: CalendarUnit, index: number): string {
    const labels = this.#labels[unit];
    let label = labels.get(index);
    if (label === undefined) {
      label = this.#makeLabel(unit, index);
      if (labels.size === MAX_LABELS) labels.clear();
      labels.set(index, label);
    }
    return label;
  }

  #makeLabel(unit: CalendarUnit, index: number): string {
    const day = unit === "day" ? index : index * 7 + this.#weekStart - 4;
    const ms = unit === "month"
      ? new Date(0).setUTCFullYear(Math.floor(index / 12), ((index % 12) + 12) % 12, 1)
      : day * DAY_SECONDS * 1000;
    return new Date(ms).toISOString().replace(/T.*/, "");
  }

  /**
   * How many whole units lie between two times: 24 hours, 7 times that, or months by the local clock,
   * in which a day that a month lacks is its last.
   */
  elapsed(unit: CalendarUnit, from: number, to: number): number {
    const days = unit === "day" ? 1 : 7;
    if (unit !== "month") return Math.floor((to - from) / (days * DAY_SECONDS));
    const months = this.index("month", to) - this.index("month", from);
    const start = new Temporal.ZonedDateTime(
      BigInt(Math.round(from * 1000)) * 1_000_000n,
      this.#calendar.timezone,
    );
    return start.add({ months }).epochMilliseconds / 1000 > to ? months - 1 : months;
  }

  #day(seconds: number): number {
    const bucket = this.#calendar.bucketAt("d", Math.floor(seconds));
    let day = this.#days.get(bucket.start);
    if (day === undefined) {
      day = dayOf(this.#calendar.label(bucket));
      if (this.#days.size === MAX_LABELS) this.#days.clear();
      this.#days.set(bucket.start, day);
    }
    return day;
  }
}

/** Days since 1970 of a date. */
function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / (DAY_SECONDS * 1000);
}

const kept = new Map<string, CalendarUnits>();

/** The units of a zone, kept for the next call. @throws {TrailsError} for an unknown zone or day */
export function calendarUnits(timezone: string, weekStart: string): CalendarUnits {
  const key = `${timezone} ${weekStart}`;
  let units = kept.get(key);
  if (units === undefined) {
    units = new CalendarUnits(timezone, weekStart);
    if (kept.size === MAX_KEPT) kept.clear();
    kept.set(key, units);
  }
  return units;
}
