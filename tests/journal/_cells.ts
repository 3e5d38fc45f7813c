/**
 * Random cells, for what is to give back what was put in.
 *
 * @module
 */
import fc from "fast-check";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import type { Cell, CellPlace } from "../../src/storage/storage.ts";

const NAMES = ["event", "event~geo", "__proto__", "constructor", "ключ", "a".repeat(200)];

const place: fc.Arbitrary<CellPlace> = fc.record({
  metric: fc.oneof(
    fc.record({
      type: fc.constantFrom("bmp" as const, "add" as const, "top" as const),
      pattern: fc.constantFrom(...NAMES),
    }),
    fc.record({
      type: fc.constant("adv" as const),
      pattern: fc.constantFrom(...NAMES),
      addKey: fc.constantFrom(...NAMES),
    }),
  ),
  unit: fc.constantFrom("d" as const, "h" as const),
  start: fc.constantFrom(0, 86_400, 1_767_225_600, -86_400, 1e12),
});

const field = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 100 }),
  fc.constantFrom("", "\0", "~other", "__proto__", "😀~😀", "x".repeat(1024), "é".repeat(500)),
);
const count = fc.oneof(fc.constantFrom(1, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const sum = fc.oneof(
  fc.constantFrom(0n, -1n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 10n ** 40n),
  fc.bigInt(-(10n ** 25n), 10n ** 25n),
);
const sketch = fc.array(fc.string(), { maxLength: 20 }).map((values) => {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(value);
  return sketch.toBytes();
});

export const anyCells: fc.Arbitrary<Cell[]> = fc.array(
  fc.oneof(
    fc.tuple(place, field, count).map(([place, field, count]): Cell => (
      { kind: "count", ...place, field, count }
    )),
    fc.tuple(place, field, sum).map(([place, field, sum]): Cell => (
      { kind: "sum", ...place, field, sum }
    )),
    fc.tuple(place, count).map(([place, count]): Cell => ({ kind: "tally", ...place, count })),
    fc.tuple(place, sketch).map(([place, sketch]): Cell => ({ kind: "sketch", ...place, sketch })),
  ),
  { maxLength: 12 },
);
