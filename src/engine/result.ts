/**
 * What a query gives: every bucket of the range, and ways to pick one metric out of it, bucket by
 * bucket or as one. A result is a copy: it does not change when more is recorded.
 *
 * @module
 */
import { microsToNumber } from "../base/decimal.ts";
import type { Metric, MetricType, Unit } from "../storage/storage.ts";
import type { Bucket, Calendar } from "./bucket.ts";
import { OTHER_FIELD } from "./field.ts";
import { addHolding, copyHolding, type Holding } from "./holding.ts";
import {
  METRIC_TYPES,
  type MetricPath,
  type MetricSelector,
  type ReadSelector,
  readSelector,
  selects,
} from "./selector.ts";

/** The most members that a leaderboard shows. */
export const MAX_RANKED = 250;

/** What results of every type have. */
export interface MetricResultBase {
  /** The property names of the pattern, sorted. */
  readonly key: string[];
  /** The seeds' key of the bucket, `prefix:type:unit:start:pattern`; `""` where buckets are merged. */
  readonly location: string;
}

/** Unique values. */
export interface BmpResult extends MetricResultBase {
  /** Tells the types apart. */
  readonly type: "bmp";
  /** An estimate; standard error 0.81%. Merged, it is that of the union, never a sum. */
  readonly count: number;
}

/** Counts by field. */
export interface AddResult extends MetricResultBase {
  /** Tells the types apart. */
  readonly type: "add";
  /** Without a prototype, so that `constructor` is a field like any other. */
  readonly counts: Record<string, number>;
}

/** Sums of a number by field. */
export interface AdvResult extends MetricResultBase {
  /** Tells the types apart. */
  readonly type: "adv";
  /** The property that was summed. */
  readonly addKey: string;
  /** Exact to six decimals; without a prototype. */
  readonly sums: Record<string, number>;
  /** Over all fields, summed as decimals. */
  readonly sum: number;
  /** How many events were summed. */
  readonly count: number;
}

/** A leaderboard. */
export interface TopResult extends MetricResultBase {
  /** Tells the types apart. */
  readonly type: "top";
  /**
   * At most 250, highest score first, equal scores by member (ascending code units). `~other` is not
   * one of them: where there is one it stands last.
   */
  readonly ranked: [member: string, score: number][];
}

/** One metric, in one bucket or merged. */
export type MetricResult = BmpResult | AddResult | AdvResult | TopResult;

/** The type of the results of `find(selector)`. */
export type ResultOf<S> = S extends `${infer T extends MetricType}/${string}`
  ? Extract<MetricResult, { type: T }>
  : S extends { type: infer T extends MetricType } ? Extract<MetricResult, { type: T }>
  : MetricResult;

/** A bucket of a result. */
export interface ResultBucket {
  /** First unix second. */
  readonly start: number;
  /** `2026-11-01` for a day, RFC 3339 with the zone's offset for an hour. */
  readonly label: string;
  /** What the bucket holds, ordered by type and pattern; empty where nothing was recorded. */
  readonly results: MetricResult[];
}

/** A row of {@linkcode QueryResult.inflate}: the values by property name, and `value`. */
export type InflatedRow = Record<string, string | number>;

/** A metric with what it holds, by first second of the bucket. */
export interface Series {
  readonly metric: Metric;
  readonly holdings: ReadonlyMap<number, Holding>;
}

/** What {@linkcode Traqq.query} gives. */
export class QueryResult {
  /** Whether the buckets are days or hours. */
  readonly unit: Unit;
  /** The zone that the buckets are of. */
  readonly timezone: string;
  readonly #prefix: string;
  readonly #calendar: Calendar;
  readonly #frame: readonly Bucket[];
  readonly #series: readonly Series[];
  #buckets: ResultBucket[] | undefined;

  /** Made by `Traqq.query`; `series` are sorted by type and pattern. */
  constructor(
    frame: { prefix: string; unit: Unit; calendar: Calendar; buckets: readonly Bucket[] },
    series: readonly Series[],
  ) {
    this.unit = frame.unit;
    this.timezone = frame.calendar.timezone;
    this.#prefix = frame.prefix;
    this.#calendar = frame.calendar;
    this.#frame = frame.buckets;
    this.#series = series;
  }

  /** Every bucket of the range, oldest first, those without data too. */
  get buckets(): ResultBucket[] {
    return this.#buckets ??= this.#frame.map((bucket) => ({
      start: bucket.start,
      label: this.#calendar.label(bucket),
      results: this.#series.flatMap((series) => this.#inBucket(series, bucket)),
    }));
  }

  /**
   * One result per bucket that holds the metric, oldest first. `adv` without an `addKey` gives those
   * of every property that was summed.
   *
   * @throws {TypeError} if the selector is not one
   */
  find<const S extends MetricPath | MetricSelector>(selector: S): ResultOf<S>[] {
    const series = this.#select(readSelector(selector));
    return this.#frame.flatMap((bucket) =>
      series.flatMap((one) => this.#inBucket(one, bucket))
    ) as ResultOf<S>[];
  }

  /**
   * The whole range as one result; zero, `{}` or `[]` where nothing was recorded.
   *
   * @throws {TypeError} if the selector is not one
   * @throws {RangeError} if `adv` is asked for without an `addKey` and several were summed
   */
  merged<const S extends MetricPath | MetricSelector>(selector: S): ResultOf<S> {
    const wanted = readSelector(selector);
    const series = this.#select(wanted);
    if (series.length > 1) {
      const keys = series.map(({ metric }) => metric.addKey).join(", ");
      throw new RangeError(
        `Cannot merge adv/${wanted.pattern}: it has sums of ${keys}; name one: "adv/${wanted.pattern}/${
          series[0].metric.addKey
        }"`,
      );
    }
    const metric = series[0]?.metric ??
      { type: wanted.type, pattern: wanted.pattern, addKey: wanted.addKey ?? "" };
    return present(metric, mergeHoldings(series[0]), "") as ResultOf<S>;
  }

  /** The whole range merged, one result per metric that the selector names; `[]` where nothing is. */
  mergedAll(selector: MetricPath | MetricSelector): MetricResult[] {
    return this.#select(readSelector(selector)).map((series) =>
      present(series.metric, mergeHoldings(series), "")
    );
  }

  /**
   * The merged metric as rows for tables and CSV, highest value first: the field's parts by property
   * name, and `value` (a count, a sum or a score). What lies beyond `limits.maxFields` has `~other` in
   * each column. `bmp` has one row with only a value.
   *
   * @throws as {@linkcode QueryResult.merged}
   */
  inflate(selector: MetricPath | MetricSelector): InflatedRow[] {
    const result: MetricResult = this.merged(selector);
    if (result.type === "bmp") return [{ value: result.count }];
    const pairs = result.type === "top"
      ? result.ranked
      : rank(Object.entries(result.type === "add" ? result.counts : result.sums));
    return pairs.map(([field, value]) => inflateRow(result.key, field, value));
  }

  #select(wanted: ReadSelector): Series[] {
    return this.#series.filter(({ metric, holdings }) =>
      holdings.size > 0 && selects(wanted, metric)
    );
  }

  #inBucket({ metric, holdings }: Series, bucket: Bucket): MetricResult[] {
    const holding = holdings.get(bucket.start);
    if (holding === undefined) return [];
    return [present(metric, holding, location(this.#prefix, metric, this.unit, bucket.start))];
  }
}

/** The seeds' key of a metric in a bucket. */
export function location(prefix: string, metric: Metric, unit: Unit, start: number): string {
  const addKey = metric.addKey === undefined ? "" : `${metric.addKey}:`;
  return `${prefix}:${metric.type}:${unit}:${start}:${addKey}${metric.pattern}`;
}

/** Orders metrics by type, then pattern, then what is summed. */
export function compareMetrics(a: Metric, b: Metric): number {
  return METRIC_TYPES.indexOf(a.type) - METRIC_TYPES.indexOf(b.type) ||
    compareText(a.pattern, b.pattern) ||
    compareText(a.addKey ?? "", b.addKey ?? "");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mergeHoldings(series: Series | undefined): Holding | undefined {
  let merged: Holding | undefined;
  for (const holding of series?.holdings.values() ?? []) {
    if (merged === undefined) merged = copyHolding(holding);
    else addHolding(merged, holding);
  }
  return merged;
}

function present(metric: Metric, holding: Holding | undefined, location: string): MetricResult {
  const key = metric.pattern.split("~");
  switch (metric.type) {
    case "bmp": {
      const count = holding?.kind === "sketch" ? holding.sketch.count() : 0;
      return { type: "bmp", key, location, count };
    }
    case "add": {
      const counts = holding?.kind === "count" ? holding.fields : [];
      return { type: "add", key, location, counts: plain(counts, (count) => count) };
    }
    case "adv": {
      const { fields, count } = holding?.kind === "sum" ? holding : { fields: [], count: 0 };
      let sum = 0n;
      for (const [, part] of fields) sum += part;
      return {
        type: "adv",
        key,
        location,
        addKey: metric.addKey ?? "",
        sums: plain(fields, microsToNumber),
        sum: microsToNumber(sum),
        count,
      };
    }
    case "top": {
      const counts = holding?.kind === "count" ? holding.fields : [];
      return { type: "top", key, location, ranked: rank([...counts], MAX_RANKED) };
    }
  }
}

function plain<T>(
  entries: Iterable<[string, T]>,
  toNumber: (value: T) => number,
): Record<string, number> {
  const result: Record<string, number> = Object.create(null);
  for (const [field, value] of entries) result[field] = toNumber(value);
  return result;
}

/** Highest first, ties ascending by member, `~other` last and not counted against `limit`. */
export function rank(entries: [string, number][], limit = Infinity): [string, number][] {
  const other = entries.find(([member]) => member === OTHER_FIELD);
  const ranked = entries
    .filter((entry) => entry !== other)
    .sort(([a, x], [b, y]) => y - x || compareText(a, b))
    .slice(0, limit);
  if (other !== undefined) ranked.push(other);
  return ranked;
}

function inflateRow(names: readonly string[], field: string, value: number): InflatedRow {
  const row: InflatedRow = Object.create(null);
  fieldParts(names, field).forEach((part, i) => row[names[i]] = part);
  row.value = value;
  return row;
}

/**
 * A field's value for each property of its pattern. One that was cut ends in `~#` and its hash, and
 * may lack the last ones; `~other` stands for each.
 */
export function fieldParts(names: readonly string[], field: string): string[] {
  if (field === OTHER_FIELD) return names.map(() => OTHER_FIELD);
  const parts = field.split("~");
  return names.map((_, i) => i < names.length - 1 ? parts[i] ?? "" : parts.slice(i).join("~"));
}
