/**
 * What a metric holds in a bucket: of a delta that is cut, or of a result. Counters and leaderboards
 * hold the same; they differ in how they are shown.
 *
 * @module
 */
import { HyperLogLog } from "../sketch/hyperloglog.ts";
import type { Cell, MetricType } from "../storage/storage.ts";

/** Values by field, or a sketch. `count` is how many values were summed. */
export type Holding =
  | { kind: "count"; fields: Map<string, number> }
  | { kind: "sum"; fields: Map<string, bigint>; count: number }
  | { kind: "sketch"; sketch: HyperLogLog };

/** What a metric holds before anything was recorded. */
export function emptyHolding(type: MetricType): Holding {
  switch (type) {
    case "bmp":
      return { kind: "sketch", sketch: new HyperLogLog() };
    case "adv":
      return { kind: "sum", fields: new Map(), count: 0 };
    case "add":
    case "top":
      return { kind: "count", fields: new Map() };
  }
}

/** The same with contents of its own. */
export function copyHolding(holding: Holding): Holding {
  switch (holding.kind) {
    case "count":
      return { kind: "count", fields: new Map(holding.fields) };
    case "sum":
      return { kind: "sum", fields: new Map(holding.fields), count: holding.count };
    case "sketch":
      return { kind: "sketch", sketch: holding.sketch.clone() };
  }
}

/** Adds what `from` holds, which stays as it is; both are of the same metric. */
export function addHolding(into: Holding, from: Holding): void {
  if (into.kind === "count" && from.kind === "count") {
    for (const [field, count] of from.fields) {
      into.fields.set(field, (into.fields.get(field) ?? 0) + count);
    }
  } else if (into.kind === "sum" && from.kind === "sum") {
    for (const [field, sum] of from.fields) {
      into.fields.set(field, (into.fields.get(field) ?? 0n) + sum);
    }
    into.count += from.count;
  } else if (into.kind === "sketch" && from.kind === "sketch") {
    into.sketch.merge(from.sketch);
  } else {
    throw new Error(`BUG: one metric holds a ${into.kind} and a ${from.kind}`);
  }
}

/** Adds a cell of the same metric. */
export function addCell(into: Holding, cell: Cell): void {
  if (into.kind === "count" && cell.kind === "count") {
    into.fields.set(cell.field, (into.fields.get(cell.field) ?? 0) + cell.count);
  } else if (into.kind === "sum" && cell.kind === "sum") {
    into.fields.set(cell.field, (into.fields.get(cell.field) ?? 0n) + cell.sum);
  } else if (into.kind === "sum" && cell.kind === "tally") {
    into.count += cell.count;
  } else if (into.kind === "sketch" && cell.kind === "sketch") {
    into.sketch.merge(HyperLogLog.fromBytes(cell.sketch));
  } else {
    throw new Error(`BUG: a ${cell.kind} cell in a metric that holds a ${into.kind}`);
  }
}
