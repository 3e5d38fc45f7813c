/**
 * Results as rows: one per field of a metric, for tables, CSV and NDJSON.
 *
 * @module
 */
import {
  type AdvResult,
  type MetricResult,
  OTHER_FIELD,
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
      return result.ranked.map(([member, value]) => ({
        field: partsOf(result.key, member),
        value,
      }));
    case "add":
      return ranked(result.key, result.counts);
    case "adv":
      return ranked(result.key, result.sums);
  }
}

/** Sum by count, or undefined where nothing was summed. */
export function meanOf(result: AdvResult): number | undefined {
  return result.count === 0 ? undefined : result.sum / result.count;
}

function ranked(key: readonly string[], values: Record<string, number>): Row[] {
  const entries = Object.entries(values);
  entries.sort(([a, x], [b, y]) =>
    Number(a === OTHER_FIELD) - Number(b === OTHER_FIELD) || y - x || (a < b ? -1 : 1)
  );
  return entries.map(([field, value]) => ({ field: partsOf(key, field), value }));
}

/** A field's values by property; one that was cut may lack the last ones. */
function partsOf(key: readonly string[], field: string): string[] {
  if (field === OTHER_FIELD) return key.map(() => OTHER_FIELD);
  const parts = field.split("~");
  return key.map((_, i) => i < key.length - 1 ? parts[i] ?? "" : parts.slice(i).join("~"));
}
