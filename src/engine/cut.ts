/**
 * Groups of a delta as the cells that storage takes.
 *
 * @module
 */
import type { Cell } from "../storage/storage.ts";
import type { CellGroup } from "./delta.ts";

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
