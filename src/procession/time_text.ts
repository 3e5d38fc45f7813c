/**
 * Times as the `time` crate writes them for people, `2025-01-01 00:00:00.0 +00:00:00`, and RFC 3339.
 *
 * @module
 */

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[ Tt](\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,9}))? ?(?:[Zz]|([+-])(\d\d):(\d\d)(?::(\d\d))?)$/;

/** The first millisecond of the year 0 and the last of the year 9999. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** Milliseconds since 1970 as text; undefined before the year 0 and after 9999. */
export function timeText(ms: number): string | undefined {
  if (!(ms >= FIRST_MS && ms <= LAST_MS)) return undefined;
  const [date, time] = new Date(ms).toISOString().slice(0, -1).split("T");
  // As many digits as are needed, but one.
  return `${date} ${time.replace(/0{1,2}$/, "")} +00:00:00`;
}

/** The milliseconds since 1970 in a text, finer parts cut off; undefined if it is no time. */
export function readTimeText(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", sign, ...offset] = match;
  const date = `${year}-${month}-${day}`;
  const midnight = Date.parse(`${date}T00:00:00.000Z`);
  // There are engines that make March of 30 February.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) {
    return undefined;
  }
  const [offsetHours, offsetMinutes, offsetSeconds] = offset.map((part) => Number(part ?? 0));
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const offsetMs = sign === undefined
    ? 0
    : ((offsetHours * 60 + offsetMinutes) * 60 + offsetSeconds) * (sign === "-" ? -1000 : 1000);
  return midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 +
    Number(fraction.padEnd(3, "0").slice(0, 3)) - offsetMs;
}
