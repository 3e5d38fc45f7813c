import { assertEquals, assertThrows } from "@std/assert";
import {
  addCell,
  addHolding,
  copyHolding,
  emptyHolding,
  type Holding,
} from "../../src/engine/holding.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import type { Cell, CellPlace } from "../../src/storage/storage.ts";

function sketchOf(...values: string[]): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(value);
  return sketch;
}

const PLACE: CellPlace = { metric: { type: "add", pattern: "event" }, unit: "d", start: 0 };
const CELLS: readonly Cell[] = [
  { kind: "count", ...PLACE, field: "__proto__", count: 2 },
  { kind: "sum", ...PLACE, field: "a", sum: -3n },
  { kind: "tally", ...PLACE, count: 4 },
  { kind: "sketch", ...PLACE, sketch: sketchOf("x", "y").toBytes() },
];
const TAKEN = { add: ["count"], top: ["count"], adv: ["sum", "tally"], bmp: ["sketch"] } as const;

Deno.test("addCell() takes the cells of the metric's type and no other", () => {
  for (const type of ["add", "top", "adv", "bmp"] as const) {
    const taken = CELLS.filter((cell) => {
      const holding = emptyHolding(type);
      try {
        addCell(holding, cell);
        return true;
      } catch (error) {
        assertEquals((error as Error).message.startsWith(`BUG: a ${cell.kind} cell`), true);
        return false;
      }
    });
    assertEquals(taken.map(({ kind }) => kind), [...TAKEN[type]]);
  }
});

Deno.test("addCell() adds to what is held", () => {
  const counts = emptyHolding("top");
  for (let i = 0; i < 2; i++) addCell(counts, CELLS[0]);
  assertEquals(counts, { kind: "count", fields: new Map([["__proto__", 4]]) });
  const sums = emptyHolding("adv");
  for (let i = 0; i < 2; i++) [CELLS[1], CELLS[2]].forEach((cell) => addCell(sums, cell));
  assertEquals(sums, { kind: "sum", fields: new Map([["a", -6n]]), count: 8 });
  const sketch = emptyHolding("bmp");
  for (let i = 0; i < 2; i++) addCell(sketch, CELLS[3]);
  assertEquals(sketch.kind === "sketch" && sketch.sketch.count(), 2);
});

Deno.test("addHolding() adds field by field, and copyHolding() goes its own way", () => {
  const pairs: [Holding, Holding][] = [
    [
      { kind: "count", fields: new Map([["a", 1], ["b", 2]]) },
      { kind: "count", fields: new Map([["b", 5], ["c", 1]]) },
    ],
    [
      { kind: "sum", fields: new Map([["a", -5n], ["b", 0n]]), count: 3 },
      { kind: "sum", fields: new Map([["a", 5n], ["c", 9n]]), count: 2 },
    ],
    [{ kind: "sketch", sketch: sketchOf("x") }, { kind: "sketch", sketch: sketchOf("x", "y") }],
  ];
  const shown = (holding: Holding): unknown =>
    holding.kind === "sketch"
      ? holding.sketch.count()
      : [[...holding.fields], holding.kind === "sum" && holding.count];
  const wanted: unknown[] = [
    [[["a", 1], ["b", 7], ["c", 1]], false],
    [[["a", 0n], ["b", 0n], ["c", 9n]], 5],
    2,
  ];
  for (const [i, [into, from]] of pairs.entries()) {
    const [before, other] = [shown(into), shown(from)];
    const copy = copyHolding(into);
    addHolding(copy, from);
    assertEquals(shown(copy), wanted[i]);
    assertEquals([shown(into), shown(from)], [before, other], "both are as they were");
  }
  assertThrows(
    () => addHolding(pairs[0][0], pairs[1][0]),
    Error,
    "BUG: one metric holds a count and a sum",
  );
});
