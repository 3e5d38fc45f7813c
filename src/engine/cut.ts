/**
 * What a delta comes to when it is cut: groups by metric and bucket, and their cells for storage.
 *
 * @module
 */
import type { Cell, CellPlace, Unit } from "../storage/storage.ts";
import { copyHolding, type Holding } from "./holding.ts";

/** What one metric holds in one bucket of a delta. */
export type CellGroup = CellPlace & Holding;

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
  return { metric: group.metric, unit, start, ...copyHolding(group) };
}
