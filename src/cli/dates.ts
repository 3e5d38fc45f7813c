/**
 * Times as a user writes them: `2026-11-01` is a day of the zone that the data is kept in, RFC 3339
 * and unix seconds are instants.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { DAY, MAX_UNIX_SECONDS, MIN_UNIX_SECONDS, parseDate } from "../engine/time.ts";
import { type Moment, parseMoment } from "../protocol/moment.ts";
import { UsageError } from "./errors.ts";
import { quoted, type Values } from "./flags.ts";
import type { Range, Source } from "./source.ts";

/**
 * Reads the time of a flag.
 *
 * @throws {UsageError}
 */
export function readMoment(values: Values, name: string): Moment | undefined {
  return read(values, name, "a day such as 2026-11-01, ");
}

/**
 * Reads the time of a flag that takes no day, as unix seconds.
 *
 * @throws {UsageError}
 */
export function readInstant(values: Values, name: string): number | undefined {
  const moment = read(values, name, "");
  if (moment?.kind !== "day") return moment?.seconds;
  throw new UsageError(`--${name} wants a time such as ${moment.date}T12:00:00Z, received a day`);
}

/** @param days what a message says of them; nothing where they are not taken */
function read(values: Values, name: string, days: string): Moment | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  try {
    return parseMoment(text);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new UsageError(`--${name}: there is no such date as ${quoted(text)}`);
    }
    const looksLikeMilliseconds = /milliseconds/.exec(messageOf(error)) !== null;
    throw new UsageError(
      `--${name} wants ${days}a time such as 2026-11-01T12:00:00Z, ` +
        `or unix seconds, received ${quoted(text)}` +
        (looksLikeMilliseconds ? "; that looks like milliseconds: divide by 1000" : ""),
      { cause: error },
    );
  }
}

/** No clock is further from UTC than this. */
const MARGIN = 2 * DAY;

/**
 * From the first to the last second of a day, in the zone of the source. The source is asked which of
 * its buckets has that name, so a server's own zone and its own knowledge of it decide.
 *
 * @throws {UsageError} if its zone skipped the day
 */
export async function dayRange(source: Source, date: string): Promise<Range> {
  const midnight = parseDate(date) * DAY;
  const days = await source.buckets({
    from: Math.max(MIN_UNIX_SECONDS, midnight - MARGIN),
    to: Math.min(MAX_UNIX_SECONDS, midnight + DAY + MARGIN),
  });
  const at = days.findIndex((day) => day.label === date);
  if (at < 0) throw new UsageError(`There is no ${date} in the time zone of the data`);
  const next = days[at + 1];
  return { from: days[at].start, to: next === undefined ? MAX_UNIX_SECONDS : next.start - 1 };
}

/** The first second of a moment. */
export async function startOf(source: Source, moment: Moment): Promise<number> {
  return moment.kind === "instant" ? moment.seconds : (await dayRange(source, moment.date)).from;
}

/** The last second of a moment: that of a day is its last one. */
export async function endOf(source: Source, moment: Moment): Promise<number> {
  return moment.kind === "instant" ? moment.seconds : (await dayRange(source, moment.date)).to;
}
