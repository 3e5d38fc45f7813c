/**
 * What a prefix holds at all: its metrics and its first and last day, without reading one cell. For
 * those who must offer something to ask about before they can ask.
 *
 * @module
 */
import type { Metric, MetricType, Storage } from "../storage/storage.ts";
import type { Calendar } from "./bucket.ts";
import { compareMetrics } from "./result.ts";
import { MAX_UNIX_SECONDS, MIN_UNIX_SECONDS } from "./time.ts";

/** A metric that a prefix has. */
export interface KnownMetric {
  /** How it is counted. */
  type: MetricType;
  /** Property names, sorted. */
  key: string[];
  /** What is summed; only on `adv`. */
  addKey?: string;
}

/** What a prefix holds. */
export interface Overview {
  /** The IANA time zone of its days and hours. */
  timezone: string;
  /** The labels of the first and the last day that hold something, such as `2026-11-01`; null: none. */
  days: { first: string; last: string } | null;
  /** Whether the last day has hours, too. */
  hourly: boolean;
  /** Metrics that may hold something on those days, in the order in which results are listed. */
  metrics: KnownMetric[];
}

/** Looks at what a prefix holds. Costs as much as it has days. */
export async function readOverview(
  storage: Storage,
  prefix: string,
  calendar: Calendar,
): Promise<Overview> {
  const { timezone } = calendar;
  const everything = { from: MIN_UNIX_SECONDS, to: MAX_UNIX_SECONDS };
  const starts = [...(await storage.versions({ prefix, unit: "d", ...everything })).keys()];
  if (starts.length === 0) return { timezone, days: null, hourly: false, metrics: [] };
  let from = Infinity, to = -Infinity;
  for (const start of starts) {
    from = Math.min(from, start);
    to = Math.max(to, start);
  }
  const last = calendar.bucketAt("d", to);
  const [metrics, hours] = await Promise.all([
    storage.metrics({ prefix, unit: "d", from, to }),
    storage.versions({ prefix, unit: "h", from: last.start, to: last.end - 1 }),
  ]);
  return {
    timezone,
    days: { first: calendar.label(calendar.bucketAt("d", from)), last: calendar.label(last) },
    hourly: hours.size > 0,
    metrics: metrics.sort(compareMetrics).map(knownMetric),
  };
}

function knownMetric({ type, pattern, addKey }: Metric): KnownMetric {
  const key = pattern.split("~");
  return addKey === undefined ? { type, key } : { type, key, addKey };
}
