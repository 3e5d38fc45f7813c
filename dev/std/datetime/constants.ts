/**
 * Stand-in for `@std/datetime/constants` (see dev/std/README.md).
 *
 * @module
 */

/** Milliseconds in a second. */
export const SECOND = 1e3;
/** Milliseconds in a minute. */
export const MINUTE = SECOND * 60;
/** Milliseconds in an hour. */
export const HOUR = MINUTE * 60;
/** Milliseconds in a day of 24 hours. */
export const DAY = HOUR * 24;
/** Milliseconds in a week of such days. */
export const WEEK = DAY * 7;
