/**
 * What a delta comes to when it is cut: groups by metric and bucket, and their cells for storage.
 *
 * @module
 */
import type { HyperLogLog } from "../sketch/hyperloglog.ts";
import type { Cell, Metric, Unit } from "../storage/storage.ts";

/** What one metric holds in one bucket of a delta. */
export type CellGroup =
  | {
    kind: "count";
    metric: Metric;
    unit: Unit;
    start: number;
    fields: Map<string, number>;
  }
  | {
    kind: "sum";
    metric: Metric;
    unit: Unit;
    start: number;
    fields: Map<string, bigint>;
    count: number;
  }
  | { kind: "sketch"; metric: Metric; unit: Unit; start: number; sketch: HyperLogLog };

/** The cells of a group; a sum's tally stands last. */
export function cellsOf(group: CellGroup): Cell[] {
  const { metric, unit, start } = group;
  switch (group.kind) {
    case "count":
      return Array.from(
        group.fields,
        ([field, count]) => ({ kind: "count", metric, unit, start, field, count }),
      );
    case "sum": {
      const cells: Cell[] = Array.from(
        group.fields,
        ([field, sum]) => ({ kind: "sum", metric, unit, start, field, sum }),
      );
      cells.push({ kind: "tally", metric, unit, start, count: group.count });
      return cells;
    }
    case "sketch":
      return [{ kind: "sketch", metric, unit, start, sketch: group.sketch.toBytes() }];
  }
}

/** The group as one of another bucket, with contents of its own. */
export function copyGroup(group: CellGroup, unit: Unit, start: number): CellGroup {
  switch (group.kind) {
    case "count":
      return { ...group, unit, start, fields: new Map(group.fields) };
    case "sum":
      return { ...group, unit, start, fields: new Map(group.fields) };
    case "sketch":
      return { ...group, unit, start, sketch: group.sketch.clone() };
  }
}

/** Adds what `from` holds; both are of the same metric. */
export function addGroup(into: CellGroup, from: CellGroup): void {
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
    throw new Error("BUG: the groups of one metric differ in kind");
  }
}
