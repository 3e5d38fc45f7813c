/**
 * Times as users write them, and the calendar arithmetic under them. The one time inside traqq is
 * the unix second, a whole number; years follow the proleptic Gregorian calendar, as in RFC 3339.
 *
 * The record path comes through here once per event, so an accepted value is read with plain integer
 * arithmetic: no regular expression, no `Date`, no `Temporal`. Only a refused one is looked at again,
 * at leisure, to say what is wrong with it.
 *
 * @module
 */
import { EventError } from "../base/errors.ts";

/** A bare number further than this from 1970 is refused: it looks like milliseconds. */
export const MAX_BARE_SECONDS = 1e11;

/** The first unix second that can be read, in the year -1199 (strings start at the year 0). */
export const MIN_UNIX_SECONDS: number = -MAX_BARE_SECONDS;

/** The last unix second that can be read: 9999-12-31T23:59:59Z. */
export const MAX_UNIX_SECONDS = 253_402_300_799;

/** Seconds in a minute, hour and day of the clock (a day of a zone may have more or fewer). */
export const MINUTE = 60, HOUR = 3600, DAY = 86_400;

/**
 * The unix second of a `Date`, a number of unix seconds (a fraction is cut off, downwards) or an
 * RFC 3339 string (`2001-01-01T00:47:00Z`; a fraction of any length is cut off, the offset is
 * required; `t`, a space and `z` will do). A leap second, 23:59:60 UTC on the last day of a month,
 * counts as the second before it, so it stays in its hour and day; any other `:60` is refused.
 *
 * @param what how an error calls the value, such as `property "created"`
 * @throws {EventError} naming the value and what is allowed
 */
export function toUnixSeconds(value: unknown, what = "time"): number {
  if (typeof value === "string") {
    const seconds = parseRfc3339(value);
    if (seconds === seconds) return seconds;
  } else if (typeof value === "number") {
    // Adding 0 turns -0 into 0.
    if (Math.abs(value) <= MAX_BARE_SECONDS) return Math.floor(value) + 0;
  } else if (value instanceof Date) {
    const seconds = Math.floor(value.getTime() / 1000);
    if (seconds >= MIN_UNIX_SECONDS && seconds <= MAX_UNIX_SECONDS) return seconds + 0;
  }
  throw new EventError(
    `Cannot read ${what}: ${objection(value)}, received ${shown(value)}`,
  );
}

/** Days from 1970-01-01 to a date with a year from 0 to 9999; month from 1. */
export function daysFromCivil(year: number, month: number, day: number): number {
  // The year starts in March, so that the leap day is its last. 400 years are added to keep every
  // quotient positive: `| 0` then rounds down.
  const shifted = month > 2 ? year + 400 : year + 399;
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  return 365 * shifted + (shifted >> 2) - ((shifted / 100) | 0) + ((shifted / 400) | 0) +
    ((153 * monthFromMarch + 2) / 5 | 0) + day - 865_566;
}

/** The date that lies so many days after 1970-01-01, of any year; month from 1. */
export function civilFromDays(days: number): { year: number; month: number; day: number } {
  // After https://howardhinnant.github.io/date_algorithms.html, civil_from_days.
  const fromMarch0000 = days + 719_468;
  const era = Math.floor(fromMarch0000 / 146_097);
  const dayOfEra = fromMarch0000 - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

/**
 * Days from 1970-01-01 to the date in the ten characters `YYYY-MM-DD` at the start of a string of at
 * least ten; NaN if they are not a date that exists.
 */
export function parseDate(text: string): number {
  const century = twoDigits(text, 0), rest = twoDigits(text, 2);
  const month = twoDigits(text, 5), day = twoDigits(text, 8);
  if (
    century > 99 || rest > 99 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH ||
    month < 1 || month > 12 || day < 1
  ) return NaN;
  const year = century * 100 + rest;
  if (day > 28 && day > daysInMonth(year, month)) return NaN;
  return daysFromCivil(year, month, day);
}

const DASH = 45, PLUS = 43, DOT = 46, COLON = 58, SPACE = 32, ZERO = 48;
const UPPER_T = 84, LOWER_T = 116, UPPER_Z = 90, LOWER_Z = 122;

/** What {@linkcode twoDigits} gives for anything else: out of every range that is checked. */
const NOT_DIGITS = 255;

/** The unix second of an RFC 3339 string, or NaN. */
function parseRfc3339(text: string): number {
  const length = text.length;
  if (length < 20) return NaN;
  const separator = text.charCodeAt(10);
  const hour = twoDigits(text, 11), minute = twoDigits(text, 14), second = twoDigits(text, 17);
  if (
    (separator !== UPPER_T && separator !== LOWER_T && separator !== SPACE) || hour > 23 ||
    text.charCodeAt(13) !== COLON || minute > 59 || text.charCodeAt(16) !== COLON || second > 60
  ) return NaN;

  let at = 19;
  if (text.charCodeAt(at) === DOT) {
    const first = ++at;
    while (at < length && isDigit(text.charCodeAt(at))) at++;
    if (at === first) return NaN;
  }

  let offset = 0;
  const sign = text.charCodeAt(at);
  if (sign === UPPER_Z || sign === LOWER_Z) {
    if (at + 1 !== length) return NaN;
  } else {
    if ((sign !== PLUS && sign !== DASH) || at + 6 !== length) return NaN;
    const offsetHour = twoDigits(text, at + 1), offsetMinute = twoDigits(text, at + 4);
    if (offsetHour > 23 || offsetMinute > 59 || text.charCodeAt(at + 3) !== COLON) return NaN;
    offset = offsetHour * HOUR + offsetMinute * MINUTE;
    if (sign === DASH) offset = -offset;
  }

  // A date that does not exist is NaN, and so is all that is computed from it.
  const seconds = parseDate(text) * DAY + hour * HOUR + minute * MINUTE + second - offset;
  if (seconds > MAX_UNIX_SECONDS) return NaN;
  if (second === 60) return isMonthStart(seconds) ? seconds - 1 : NaN;
  return seconds + 0;
}

/** The number that two digits write, or {@linkcode NOT_DIGITS}; both must lie within the text. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO, ones = text.charCodeAt(at + 1) - ZERO;
  // Seen as unsigned, a negative number is a large one.
  return (tens >>> 0) <= 9 && (ones >>> 0) <= 9 ? tens * 10 + ones : NOT_DIGITS;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) {
    return (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  }
  // April, June, September and November.
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Whether a month starts in UTC at this second. */
function isMonthStart(seconds: number): boolean {
  return seconds % DAY === 0 && civilFromDays(seconds / DAY).day === 1;
}

/** What is wrong with a value that was refused, and what is allowed. */
function objection(value: unknown): string {
  const wanted = 'wanted a Date, unix seconds or an RFC 3339 string such as "2001-01-01T00:47:00Z"';
  if (typeof value === "number" && Number.isFinite(value)) {
    return "wanted unix seconds, this looks like milliseconds (divide by 1000)";
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    return "wanted a Date from the year -1199 to the year 9999";
  }
  if (typeof value !== "string") return wanted;
  if (/^[+-]?\d+(\.\d*)?$/.test(value.trim())) {
    return `${wanted} (unix seconds are a number, without quotes)`;
  }
  const [, date, time, offset] = /^(.{10})[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?(.*)$/s.exec(value) ?? [];
  if (date === undefined || time === undefined) return wanted;
  if (offset === "") return `${wanted} (the offset is missing: end it in Z or in one like +01:00)`;
  if (Number.isNaN(parseDate(date))) return `${wanted} (there is no such date)`;
  if (time.endsWith(":60")) {
    return `${wanted} (second 60 exists only at 23:59:60 UTC on the last day of a month)`;
  }
  if (Number.isNaN(parseRfc3339(`2000-01-01T${time}Z`))) {
    return `${wanted} (there is no such time of day)`;
  }
  if (Number.isNaN(parseRfc3339(`2000-01-01T00:00:00${offset}`))) {
    return `${wanted} (the offset must be Z or like +01:00)`;
  }
  return `${wanted} (at most 9999-12-31T23:59:59Z)`;
}

/** A value for a message: strings quoted and cut, objects by their kind. */
function shown(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toJSON();
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  return typeof value === "bigint" ? `${value}n` : String(value);
}
