/**
 * The arguments of a query, and which metrics its globs let through.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { compileGlobs, type Glob } from "./glob.ts";
import { toUnixSeconds } from "./time.ts";
import { metricName } from "../storage/metric.ts";
import type { Metric, Unit } from "../storage/storage.ts";
import { type MetricPath, type MetricSelector, readSelector, selects } from "./selector.ts";

/** A point in time: a Date, unix seconds, or an RFC 3339 string. */
export type Instant = Date | number | string;

/** Which metrics a query reads. */
export interface Filter {
  /**
   * Globs (minimatch's rules) on `type:pattern`, for `adv` on `adv:addKey:pattern`. Only what matches
   * one is read. Default: everything. All together at most 4,096 characters, braces written out, and
   * each with `!(` at most four times.
   */
  accept?: string | readonly string[];
  /** Another name of `accept`. */
  allow?: string | readonly string[];
  /** Globs of what is not read; they win over `accept`. */
  ignore?: string | readonly string[];
  /** Only this metric is read, of what the globs let through: `"add/event~geo"`. */
  select?: MetricPath | MetricSelector;
}

/** What {@linkcode Traqq.queryDays} takes beside the number of days. */
export interface QueryDaysOptions extends Filter {
  /** Days or hours; default days. */
  unit?: Unit;
}

/** What {@linkcode Traqq.query} takes: every bucket that holds an instant t with from ≤ t ≤ to. */
export interface QueryOptions extends QueryDaysOptions {
  /** Need not be the start of a bucket. */
  from: Instant;
  /** Inclusive; need not be the end of a bucket. */
  to: Instant;
}

/**
 * The unix second of an end of a range.
 *
 * @throws {TypeError} if it is no instant
 */
export function readInstant(where: string, value: unknown): number {
  try {
    return toUnixSeconds(value, where);
  } catch (error) {
    throw new TypeError(messageOf(error), { cause: error });
  }
}

/** The unit of a query, `d` where none is given. */
export function readUnit(unit: unknown): Unit {
  if (unit === undefined || unit === null || unit === "d") return "d";
  if (unit === "h") return "h";
  throw new TypeError(`Cannot query: wanted unit "d" or "h", received ${show(unit)}`);
}

/**
 * Compiles globs into one test. Ignore wins, then accept (or allow).
 *
 * @throws {TypeError} if one is no glob
 * @throws {RangeError} if they are too long or too complex
 */
export function metricFilter(filter: Filter): (metric: Metric) => boolean {
  const ignore = globs("ignore", filter.ignore);
  const accept = [...globs("accept", filter.accept), ...globs("allow", filter.allow)];
  const selector = filter.select === undefined ? undefined : readSelector(filter.select);
  return (metric) => {
    if (selector !== undefined && !selects(selector, metric)) return false;
    const name = metricName(metric);
    if (ignore.some((glob) => glob.match(name))) return false;
    return accept.length === 0 || accept.some((glob) => glob.match(name));
  };
}

function globs(where: string, value: unknown): Glob[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  const wrong = list.find((glob) => typeof glob !== "string");
  if (wrong !== undefined) {
    throw new TypeError(
      `Cannot query: wanted ${where} to be a glob or an array of globs, received ${show(wrong)}`,
    );
  }
  return compileGlobs(list);
}
