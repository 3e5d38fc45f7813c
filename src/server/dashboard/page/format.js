/**
 * Numbers and times as text. Numbers are never shortened where they are the answer; only the axis of a
 * chart has `20K`.
 *
 * @module
 */
// @ts-check

const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 6 });
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const SHARE = new Intl.NumberFormat(undefined, {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const MEAN = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** What stands where a number is not known. */
export const UNKNOWN = "–";

/**
 * All digits.
 *
 * @param {number | null} value null: not known
 */
export function number(value) {
  return value === null ? UNKNOWN : WHOLE.format(value);
}

/** @param {number} value to two decimals */
export function mean(value) {
  return MEAN.format(value);
}

/** @param {number} value for an axis */
export function short(value) {
  return SHORT.format(value);
}

/** @param {number} part of 1 */
export function share(part) {
  return SHARE.format(part);
}

/**
 * A day of the data's zone, from its label.
 *
 * @param {string} label `2026-11-01`
 * @param {keyof DAYS} length
 */
export function day(label, length) {
  const date = new Date(`${label}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? label : DAYS[length].format(date);
}

const DATE = /** @type {const} */ ({ month: "short", day: "numeric", timeZone: "UTC" });
const DAYS = {
  short: new Intl.DateTimeFormat(undefined, DATE),
  plain: new Intl.DateTimeFormat(undefined, { ...DATE, year: "numeric" }),
  long: new Intl.DateTimeFormat(undefined, { ...DATE, year: "numeric", weekday: "short" }),
};

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} zone
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function formatIn(zone, name, options) {
  const key = `${name} ${zone}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone });
    formats.set(key, format);
  }
  return format;
}

/**
 * An hour by the clock of a zone, with its offset where it is long: at the end of summer time one comes
 * twice.
 *
 * @param {number} start unix seconds
 * @param {string} zone
 * @param {"long" | "short"} length
 */
export function hour(start, zone, length) {
  const clock = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  const options = /** @type {Intl.DateTimeFormatOptions} */ ({ ...clock, hourCycle: "h23" });
  return length === "short"
    ? formatIn(zone, "short", options).format(start * 1000)
    : formatIn(zone, "long", { ...options, year: "numeric", timeZoneName: "shortOffset" })
      .format(start * 1000);
}

/**
 * @param {number} timeMs
 * @param {string} zone
 */
export function clock(timeMs, zone) {
  const options = /** @type {Intl.DateTimeFormatOptions} */ ({
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  return formatIn(zone, "clock", options).format(timeMs);
}

/**
 * @param {{ start: number, label: string }} bucket
 * @param {"d" | "h"} unit
 * @param {string} zone for hours; days are those of the data
 * @param {"long" | "short"} length
 */
export function bucketName(bucket, unit, zone, length) {
  return unit === "d" ? day(bucket.label, length) : hour(bucket.start, zone, length);
}

/**
 * A bucket on an axis: hours have the date only where a day begins, or where there is no hour to tell.
 *
 * @param {{ start: number, label: string }} bucket
 * @param {"d" | "h"} unit
 * @param {string} zone
 * @param {number} step buckets from one name to the next
 */
export function axisName(bucket, unit, zone, step) {
  if (unit === "d") return day(bucket.label, "short");
  const timeMs = bucket.start * 1000;
  const time = formatIn(zone, "time", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
    .format(timeMs);
  return step >= 24 || time === "00:00"
    ? formatIn(zone, "date", { month: "short", day: "numeric" }).format(timeMs)
    : time;
}
