import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Columns, SumColumn } from "../../src/engine/columns.ts";

Deno.test("Columns.increment() gives the former size for a new cell, and counts", () => {
  const columns = new Columns(0);
  assertEquals([columns.increment(0, 5), columns.increment(1, 5), columns.increment(0, 5)], [
    0,
    1,
    0,
  ]);
  assertEquals([columns.count(0), columns.count(1)], [2, 1]);
  assertEquals([columns.cells.first(1), columns.cells.second(1)], [1, 5]);
});

Deno.test("Columns keep counts and sums through growth", () => {
  const columns = new Columns(2);
  for (let round = 1; round <= 3; round++) {
    for (let node = 0; node < 1000; node++) {
      const cell = columns.increment(node % 7, node);
      columns.sums[0].add(cell, { whole: node, micros: 5 });
      if (node % 2 === 0) columns.sums[1].add(cell, { whole: -1, micros: -1 });
    }
  }
  for (let node = 0; node < 1000; node++) {
    assertEquals(columns.count(node), 3);
    assertEquals([columns.sums[0].count(node), columns.sums[1].count(node)], [3, node % 2 ? 0 : 3]);
    assertEquals(columns.sums[0].total(node), BigInt(node) * 3_000_000n + 15n);
    assertEquals(columns.sums[1].total(node), node % 2 ? 0n : -3_000_003n);
  }
});

Deno.test("SumColumn is exact across ±2^53", () => {
  const big = 2 ** 53;
  for (
    const wholes of [
      [big, 1],
      [big, big, big],
      [big - 1, 1, 1],
      [-big, -1, -1],
      [big, -1, 1, 1, 1],
      [-big, -big, big, big, 1],
      [-0, 0],
    ]
  ) {
    const column = new SumColumn();
    for (const whole of wholes) column.add(0, { whole, micros: 0 });
    assertEquals(column.total(0), wholes.reduce((sum, n) => sum + BigInt(n), 0n) * 1_000_000n);
  }
});

Deno.test("SumColumn agrees with bigint sums", () => {
  const value = fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.maxSafeInteger(),
    fc.constantFrom(2 ** 53, -(2 ** 53)),
  );
  const all = fc.array(fc.tuple(value, fc.integer({ min: 0, max: 999_999 })), { maxLength: 30 });
  fc.assert(fc.property(all, (values) => {
    const column = new SumColumn();
    let model = 0n;
    for (const [whole, size] of values) {
      const micros = whole < 0 ? -size : size;
      column.add(3, { whole, micros });
      model += BigInt(whole) * 1_000_000n + BigInt(micros);
    }
    assertEquals([column.total(3), column.count(3)], [model, values.length]);
  }));
});
