/**
 * Which day and which hour an instant belongs to, in one time zone.
 *
 * What exactly a bucket is, for a clock that may be put forward or back at any second:
 *
 * - **Hour**: a run of instants, as long as possible, during which the clock shows the same date and
 *   hour. The run also ends where the clock is put back by exactly one hour when an hour is over
 *   (02:59:59 is followed by 02:00:00): a repeated full hour is a bucket of its own. A shift within
 *   an hour does not cut it: Lord Howe, 01:59:59 followed by 01:30:00, has an hour of 90 minutes
 *   that autumn, and in spring, 01:59:59 followed by 02:30:00, one of 30.
 * - **Day**: starts at the first instant that shows its date, and lasts until the next day starts.
 *   An instant belongs to the latest day that has started: where 00:00:59 is followed by 23:01:00
 *   (St. John's, 1987 to 2010), the day goes on. A date that no clock ever showed (Apia,
 *   2011-12-30) has no bucket; one shown twice (Juneau, 1867-10-19) is one bucket of two days' length.
 *
 * It follows that buckets of a unit tile time, none is empty, and a day starts with an hour, so the
 * hours of a day add up to it. Zone data before 1970 differ between machines, later ones rarely.
 *
 * How it is fast: `Temporal` takes microseconds, so it is asked only for the zone's *pages*: stretches
 * of at most {@linkcode PAGE_DAYS} days during which the offset is constant. Within one, a local hour
 * or day is a division away and an index into an array of buckets made before. All that is kept is
 * dropped when it outgrows {@linkcode MAX_SLOTS} or {@linkcode MAX_PAGES}: about 6 MiB at the most.
 *
 * | `bucketAt`                          | costs                                        |
 * | ----------------------------------- | -------------------------------------------- |
 * | the same bucket as the last time    | two comparisons                              |
 * | a bucket seen before                | a search among the pages, a division, a load |
 * | a new bucket                        | arithmetic on the page and its neighbours    |
 * | a stretch of time not seen before   | three `Temporal` calls, for up to 64 days    |
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import type { Unit } from "../storage/storage.ts";
import { civilFromDays, DAY, HOUR, MINUTE } from "./time.ts";

/** A day or an hour of a zone, in unix seconds. */
export interface Bucket {
  /** Day or hour. */
  readonly unit: Unit;
  /** The first second of it. */
  readonly start: number;
  /** The first second after it. */
  readonly end: number;
}

/** A page is at most this long. Its ends lie on local midnights, so only a shift cuts a bucket. */
const PAGE_DAYS = 64;

/** At most so many buckets, seen or not, have a place in the pages' arrays: 7 years of hours. */
const MAX_SLOTS = 65_536;

/** At most so many pages are kept: 500 years of a zone with summer time. */
const MAX_PAGES = 4096;

/** Further from 1970 than this, `Temporal` soon ends. Every time that can be recorded lies within. */
const MAX_SECONDS = 8.6e12;

/** The most days that {@linkcode Calendar.lastDays} counts back: 273 years, some milliseconds. */
const MAX_LAST_DAYS = 100_000;

/** A stretch of time with one offset, and the buckets that it has shown so far. */
interface Page {
  readonly from: number;
  /** The first second after it. */
  readonly to: number;
  /** Seconds that the local clock is ahead of UTC. */
  readonly offset: number;
  /** Unix second at which the local hour that `from` shows begins, were the offset always this. */
  readonly hourBase: number;
  /** The same for the local day. */
  readonly dayBase: number;
  /** By local hours since `hourBase`; made when first needed. */
  hours: (Bucket | undefined)[] | null;
  /** By local days since `dayBase`; made when first needed. */
  days: (Bucket | undefined)[] | null;
}

/** The days and hours of one time zone. */
export class Calendar {
  /** As it was given. */
  readonly timezone: string;

  /** In ascending order, none overlapping another. */
  #pages: Page[] = [];
  #lastPage: Page = NO_PAGE;
  #lastHour: Bucket = NO_BUCKET;
  #lastDay: Bucket = NO_BUCKET;
  /** By their start, the buckets that more than one page shows. */
  #sharedHours = new Map<number, Bucket>();
  #sharedDays = new Map<number, Bucket>();
  /** In the arrays of all pages. */
  #slots = 0;

  /**
   * Asks nothing of the zone yet but whether it exists.
   *
   * @param timezone an IANA name or a fixed offset such as `+05:30`
   * @throws {ConfigError} if this machine does not know the zone
   */
  constructor(timezone: string) {
    try {
      new Temporal.ZonedDateTime(0n, timezone);
    } catch (cause) {
      throw new ConfigError(
        `Cannot use the time zone: wanted an IANA name such as "Europe/Berlin", received ${
          typeof timezone === "string" ? JSON.stringify(timezone) : typeof timezone
        }`,
        { cause },
      );
    }
    this.timezone = timezone;
  }

  /** Whether two names mean the same zone (`Asia/Calcutta`, `asia/kolkata`); false for unknown ones. */
  static sameZone(a: string, b: string): boolean {
    try {
      return new Temporal.ZonedDateTime(0n, a).equals(new Temporal.ZonedDateTime(0n, b));
    } catch {
      return false;
    }
  }

  /**
   * The bucket that holds a unix second. The same bucket is the same object until the
   * cache is dropped: compare objects to save work, and `start` to be right.
   *
   * @throws {RangeError} if `seconds` is not a number within 270,000 years of 1970
   */
  bucketAt(unit: Unit, seconds: number): Bucket {
    const last = unit === "h" ? this.#lastHour : this.#lastDay;
    if (seconds >= last.start && seconds < last.end) return last;
    return unit === "h"
      ? (this.#lastHour = this.#hourAt(seconds))
      : (this.#lastDay = this.#dayAt(seconds));
  }

  /**
   * Every bucket that holds an instant t with from ≤ t ≤ to, in order.
   *
   * @throws {RangeError} if the range ends before it starts or has more than `maxBuckets` buckets;
   *   known after at most `maxBuckets` steps, for a far larger range at once
   */
  buckets(unit: Unit, from: number, to: number, maxBuckets: number): Bucket[] {
    if (!(from <= to)) {
      throw new RangeError(
        `Cannot list the buckets of a range: it ends before it starts, received ${from} to ${to}`,
      );
    }
    const usual = unit === "h" ? HOUR : DAY;
    // No hour reaches two hours. Only a day whose date came twice reaches two days, once in a zone.
    if ((to - from) / (2 * usual) > maxBuckets + 1) throw tooMany(unit, from, to, maxBuckets);
    const found: Bucket[] = [];
    let bucket = this.bucketAt(unit, from);
    while (found.length < maxBuckets) {
      found.push(bucket);
      if (bucket.end > to) return found;
      bucket = this.bucketAt(unit, bucket.end);
    }
    throw tooMany(unit, from, to, maxBuckets);
  }

  /**
   * `2026-11-01` for a day; for an hour RFC 3339 with the offset at its start,
   * `2026-11-01T13:00:00+01:00`. An offset that is not whole minutes (before about 1900) cannot be
   * written so; it is rounded up and the clock with it, so that the label names the bucket's start
   * exactly: `1900-01-01T00:00:28+00:20`.
   */
  label(bucket: Bucket): string {
    const { offset } = this.#pageAt(bucket.start);
    if (bucket.unit === "d") return dateLabel(Math.floor((bucket.start + offset) / DAY));
    const minutes = Math.ceil(offset / MINUTE);
    const local = bucket.start + minutes * MINUTE;
    const days = Math.floor(local / DAY);
    const second = local - days * DAY;
    const ahead = Math.abs(minutes);
    return `${dateLabel(days)}T${pad(Math.floor(second / HOUR))}:` +
      `${pad(Math.floor(second / MINUTE) % 60)}:${pad(second % 60)}` +
      `${minutes < 0 ? "-" : "+"}${pad(Math.floor(ahead / 60))}:${pad(ahead % 60)}`;
  }

  /**
   * From the first to the last second of `days` calendar days, today the last of them. A date that
   * the zone skipped is none of them.
   *
   * @throws {RangeError} if `days` is not a whole number from 1 to 100,000
   */
  lastDays(days: number, nowSeconds: number): { from: number; to: number } {
    if (!Number.isInteger(days) || days < 1 || days > MAX_LAST_DAYS) {
      throw new RangeError(
        `Cannot count days back: wanted a whole number from 1 to ${MAX_LAST_DAYS}, received ${days}`,
      );
    }
    const today = this.#dayAt(nowSeconds);
    let from = today.start;
    for (let left = days - 1; left > 0; left--) from = this.#dayAt(from - 1).start;
    return { from, to: today.end - 1 };
  }

  #hourAt(seconds: number): Bucket {
    const page = this.#pageAt(seconds);
    const hours = page.hours ??= this.#makeSlots(page.to - page.hourBase, HOUR);
    const slot = ((seconds - page.hourBase) / HOUR) | 0;
    return hours[slot] ?? (hours[slot] = this.#makeHour(page, slot));
  }

  #dayAt(seconds: number): Bucket {
    const page = this.#pageAt(seconds);
    const days = page.days ??= this.#makeSlots(page.to - page.dayBase, DAY);
    const slot = ((seconds - page.dayBase) / DAY) | 0;
    return days[slot] ?? (days[slot] = this.#makeDay(page, slot));
  }

  /** The hour that a page shows at a slot, looking beyond the page's ends if it reaches them. */
  #makeHour(page: Page, slot: number): Bucket {
    let start = page.hourBase + slot * HOUR;
    let end = start + HOUR;
    const isWithin = start > page.from && end < page.to;
    if (isWithin) return { unit: "h", start, end };

    const localHour = (start + page.offset) / HOUR;
    let first = page;
    while (start <= first.from) {
      start = first.from;
      const before = this.#pageAt(first.from - 1);
      if (!hourGoesOn(before, first, localHour)) break;
      first = before;
      start = localHour * HOUR - first.offset;
    }
    let last = page;
    while (end >= last.to) {
      end = last.to;
      const after = this.#pageAt(last.to);
      if (!hourGoesOn(last, after, localHour)) break;
      last = after;
      end = (localHour + 1) * HOUR - last.offset;
    }
    return shared(this.#sharedHours, "h", start, end);
  }

  /** The day that a page shows at a slot. */
  #makeDay(page: Page, slot: number): Bucket {
    const shownFrom = Math.max(page.from, page.dayBase + slot * DAY);
    let day = Math.floor((shownFrom + page.offset) / DAY);
    let start = this.#startOfDay(day);
    let end = this.#startOfDay(day + 1);
    // The clock, put back, shows an earlier date again.
    while (end <= shownFrom) {
      start = end;
      end = this.#startOfDay(++day + 1);
    }
    return shared(this.#sharedDays, "d", start, end);
  }

  /** The first second that shows a date, given in days since 1970, or a later one. */
  #startOfDay(day: number): number {
    const midnight = day * DAY;
    // No offset reaches a day, so a day before midnight in UTC all clocks show an earlier date.
    let page = this.#pageAt(midnight - DAY);
    while (page.to + page.offset <= midnight) page = this.#pageAt(page.to);
    return Math.max(page.from, midnight - page.offset) + 0;
  }

  #pageAt(seconds: number): Page {
    const last = this.#lastPage;
    if (seconds >= last.from && seconds < last.to) return last;
    return this.#lastPage = this.#findPage(seconds);
  }

  #findPage(seconds: number): Page {
    const pages = this.#pages;
    let low = 0, high = pages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pages[middle].to > seconds) high = middle;
      else low = middle + 1;
    }
    if (low < pages.length && pages[low].from <= seconds) return pages[low];

    const page = this.#readPage(seconds);
    if (pages.length === MAX_PAGES) {
      this.#dropBuckets();
      pages.length = low = 0;
    }
    pages.splice(low, 0, page);
    return page;
  }

  /** Asks `Temporal` for the page around an instant. */
  #readPage(seconds: number): Page {
    if (!(Math.abs(seconds) <= MAX_SECONDS)) {
      throw new RangeError(
        `Cannot find the bucket of a time: wanted unix seconds up to ±${MAX_SECONDS}, received ${seconds}`,
      );
    }
    const nanoseconds = BigInt(Math.floor(seconds)) * 1_000_000_000n;
    const now = new Temporal.ZonedDateTime(nanoseconds, this.timezone);
    const next = now.getTimeZoneTransition("next");
    // The previous one lies strictly before the given time, and now itself may be one.
    const previous = new Temporal.ZonedDateTime(nanoseconds + 1n, this.timezone)
      .getTimeZoneTransition("previous");

    const offset = now.offsetNanoseconds / 1e9;
    const length = PAGE_DAYS * DAY;
    const block = Math.floor((seconds + offset) / length) * length - offset;
    const from = Math.max(block, previous === null ? -Infinity : unixSeconds(previous));
    const to = Math.min(block + length, next === null ? Infinity : unixSeconds(next));
    return {
      from,
      to,
      offset,
      hourBase: Math.floor((from + offset) / HOUR) * HOUR - offset,
      dayBase: Math.floor((from + offset) / DAY) * DAY - offset,
      hours: null,
      days: null,
    };
  }

  /** An array for the buckets of a page, at the price of all other buckets if they are too many. */
  #makeSlots(lengthSeconds: number, unitSeconds: number): (Bucket | undefined)[] {
    const count = Math.ceil(lengthSeconds / unitSeconds);
    if (this.#slots + count > MAX_SLOTS) this.#dropBuckets();
    this.#slots += count;
    return new Array(count);
  }

  #dropBuckets(): void {
    for (const page of this.#pages) page.hours = page.days = null;
    this.#sharedHours.clear();
    this.#sharedDays.clear();
    this.#slots = 0;
  }
}

/** Holds no instant, so the first comparison with it fails. */
const NO_BUCKET: Bucket = { unit: "h", start: Infinity, end: -Infinity };

/** Holds no instant either. */
const NO_PAGE: Page = {
  from: Infinity,
  to: -Infinity,
  offset: 0,
  hourBase: 0,
  dayBase: 0,
  hours: null,
  days: null,
};

/** Whether the bucket of a local hour goes on from the end of a page into the page that follows. */
function hourGoesOn(before: Page, after: Page, localHour: number): boolean {
  return Math.floor((before.to - 1 + before.offset) / HOUR) === localHour &&
    Math.floor((after.from + after.offset) / HOUR) === localHour &&
    before.offset - after.offset !== HOUR;
}

/** The one object for a bucket that several pages show. */
function shared(made: Map<number, Bucket>, unit: Unit, start: number, end: number): Bucket {
  let bucket = made.get(start);
  if (bucket === undefined) made.set(start, bucket = { unit, start: start + 0, end: end + 0 });
  return bucket;
}

function tooMany(unit: Unit, from: number, to: number, maxBuckets: number): RangeError {
  const [name, advice] = unit === "h"
    ? ["hours", "ask for a shorter range or for days"]
    : ["days", "ask for a shorter range"];
  const about = Math.ceil((to - from + 1) / (unit === "h" ? HOUR : DAY));
  return new RangeError(
    `Cannot list the ${name} of a range: at most ${maxBuckets} (limits.maxBuckets), ` +
      `received one of about ${about}; ${advice}`,
  );
}

function unixSeconds(time: Temporal.ZonedDateTime): number {
  return Math.floor(time.epochMilliseconds / 1000);
}

function dateLabel(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${yearLabel(year)}-${pad(month)}-${pad(day)}`;
}

/** Four digits, or a sign and six (ISO 8601) for a year that RFC 3339 cannot write. */
function yearLabel(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return (year < 0 ? "-" : "+") + String(Math.abs(year)).padStart(6, "0");
}

function pad(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
