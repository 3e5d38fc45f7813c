import { assertEquals } from "@std/assert";
import { type CellGroup, cellsOf, copyGroup } from "../../src/engine/cut.ts";
import { addHolding } from "../../src/engine/holding.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import type { Metric } from "../../src/storage/storage.ts";

const ADD: Metric = { type: "add", pattern: "event" };
const ADV: Metric = { type: "adv", pattern: "event", addKey: "n" };
const BMP: Metric = { type: "bmp", pattern: "event" };
const AT = { unit: "h", start: 3600 } as const;

function groups(): [count: CellGroup, sum: CellGroup, sketch: CellGroup] {
  const sketch = new HyperLogLog();
  sketch.add("x");
  return [
    { kind: "count", metric: ADD, ...AT, fields: new Map([["a", 1], ["b", 2]]) },
    { kind: "sum", metric: ADV, ...AT, fields: new Map([["a", -5n], ["b", 0n]]), count: 3 },
    { kind: "sketch", metric: BMP, ...AT, sketch },
  ];
}

Deno.test("cellsOf() gives the cells of a group, the tally of a sum last", () => {
  const [count, sum, sketch] = groups();
  assertEquals(cellsOf(count), [
    { kind: "count", metric: ADD, ...AT, field: "a", count: 1 },
    { kind: "count", metric: ADD, ...AT, field: "b", count: 2 },
  ]);
  assertEquals(cellsOf(sum), [
    { kind: "sum", metric: ADV, ...AT, field: "a", sum: -5n },
    { kind: "sum", metric: ADV, ...AT, field: "b", sum: 0n },
    { kind: "tally", metric: ADV, ...AT, count: 3 },
  ]);
  const [cell] = cellsOf(sketch);
  assertEquals(cell.kind === "sketch" && HyperLogLog.fromBytes(cell.sketch).count(), 1);
});

Deno.test("copyGroup() makes a group of another bucket that goes its own way", () => {
  for (const [i, group] of groups().entries()) {
    const copy = copyGroup(group, "d", 0);
    assertEquals([copy.unit, copy.start, copy.kind, copy.metric], [
      "d",
      0,
      group.kind,
      group.metric,
    ]);
    assertEquals(cellsOf(copy).length, cellsOf(group).length);
    addHolding(copy, copyGroup(group, "h", 7200));
    if (copy.kind === "sketch") copy.sketch.add("y");
    assertEquals(cellsOf(group), cellsOf(groups()[i]), "the first is as it was");
  }
});
