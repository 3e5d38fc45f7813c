/**
 * Results as rows: one per field of a metric, for tables, CSV, NDJSON and spreadsheets.
 *
 * @module
 */
import {
  type AdvResult,
  fieldParts,
  type MetricResult,
  rank,
  type ResultBucket,
} from "../engine/result.ts";
import type { ReadSelector } from "../engine/selector.ts";

/** A row. */
export interface Row {
  /** The values of the pattern's properties, in the order of its names; none for `bmp`. */
  readonly field: readonly string[];
  /** A count, an estimate, a sum or a score. */
  readonly value: number;
}

/** A metric of a bucket, or of a whole range, with its rows: highest first, `~other` last. */
export interface Entry {
  /** The bucket; undefined where a range was merged. */
  readonly bucket: ResultBucket | undefined;
  readonly result: MetricResult;
}

/** What was asked and what came. */
export interface Answer {
  /** The buckets of the range; none where it was merged. */
  readonly buckets: readonly ResultBucket[];
  /** What was found, in the order of the buckets. */
  readonly entries: readonly Entry[];
  /** The metric that was asked for: its properties are columns then. */
  readonly find: ReadSelector | undefined;
}

/** An answer bucket by bucket. */
export function answerOf(
  buckets: readonly ResultBucket[],
  find: ReadSelector | undefined,
): Answer {
  const entries = buckets.flatMap((bucket) => bucket.results.map((result) => ({ bucket, result })));
  return { buckets, entries, find };
}

/** An answer in which the range is one. */
export function mergedAnswer(results: readonly MetricResult[], find: ReadSelector): Answer {
  return { buckets: [], entries: results.map((result) => ({ bucket: undefined, result })), find };
}

/** `add/event~geo`, `adv/event~geo/amount`. */
export function pathOf(result: MetricResult): string {
  const path = `${result.type}/${result.key.join("~")}`;
  return result.type === "adv" ? `${path}/${result.addKey}` : path;
}

/** What the numbers of a metric are. */
export function valueName(result: Pick<MetricResult, "type">): string {
  return { bmp: "unique", add: "count", adv: "sum", top: "score" }[result.type];
}

/**
 * The columns in which {@linkcode cellsOf} puts a row's field: one for each property where one metric
 * was asked for, else the metric and its field.
 *
 * @param taken names that other columns have: a property that is called like one gets a `_`
 */
export function fieldColumns({ find }: Answer, taken: readonly string[]): string[] {
  if (!isOne(find)) return ["metric", "field"];
  return find.type === "bmp" ? [] : uniqueNames(find.pattern.split("~"), taken);
}

/** The cells of a row in {@linkcode fieldColumns}. */
export function cellsOf({ find }: Answer, { result }: Entry, { field }: Row): readonly string[] {
  return isOne(find) ? field : [pathOf(result), field.join("~")];
}

/** The rows of a metric, highest value first. */
export function rowsOf(result: MetricResult): Row[] {
  switch (result.type) {
    case "bmp":
      return [{ field: [], value: result.count }];
    case "top":
      return rows(result.key, result.ranked);
    case "add":
      return rows(result.key, rank(Object.entries(result.counts)));
    case "adv":
      return rows(result.key, rank(Object.entries(result.sums)));
  }
}

/** Sum by count, or undefined where nothing was summed. */
export function meanOf(result: AdvResult): number | undefined {
  return result.count === 0 ? undefined : result.sum / result.count;
}

function rows(key: readonly string[], ranked: readonly [string, number][]): Row[] {
  return ranked.map(([field, value]) => ({ field: fieldParts(key, field), value }));
}

/** Without the summed property several metrics may come. */
function isOne(find: ReadSelector | undefined): find is ReadSelector {
  return find !== undefined && (find.type !== "adv" || find.addKey !== undefined);
}

/** Column names for properties, which may be called like a column of ours. */
function uniqueNames(key: readonly string[], taken: readonly string[]): string[] {
  const used = new Set(taken);
  return key.map((name) => {
    while (used.has(name)) name += "_";
    used.add(name);
    return name;
  });
}
