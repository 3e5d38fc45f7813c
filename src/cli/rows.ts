/**
 * Results as rows: one per field of a metric, for tables, CSV and NDJSON.
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

/** `add/event~geo`, `adv/event~geo/amount`. */
export function pathOf(result: MetricResult): string {
  const path = `${result.type}/${result.key.join("~")}`;
  return result.type === "adv" ? `${path}/${result.addKey}` : path;
}

/** What the numbers of a metric are. */
export function valueName(result: Pick<MetricResult, "type">): string {
  return { bmp: "unique", add: "count", adv: "sum", top: "score" }[result.type];
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
