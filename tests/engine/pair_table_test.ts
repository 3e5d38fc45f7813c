import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { grown, PairTable } from "../../src/engine/pair_table.ts";

Deno.test("PairTable.find() gives what insert() gave, and -1 for all else", () => {
  const table = new PairTable();
  assertEquals(table.find(0, 0), -1);
  assertEquals([table.insert(0, 0), table.insert(0, 1), table.insert(1, 0)], [0, 1, 2]);
  assertEquals([table.find(0, 0), table.find(0, 1), table.find(1, 0), table.find(1, 1)], [
    0,
    1,
    2,
    -1,
  ]);
  assertEquals([table.first(2), table.second(2), table.size], [1, 0, 3]);
});

Deno.test("PairTable agrees with a Map through growth and collisions", () => {
  const numbers = fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  );
  fc.assert(fc.property(fc.array(fc.tuple(numbers, numbers), { maxLength: 200 }), (pairs) => {
    const table = new PairTable();
    const model = new Map<string, number>();
    for (const [a, b] of pairs) {
      const key = `${a},${b}`;
      assertEquals(table.find(a, b), model.get(key) ?? -1);
      if (!model.has(key)) model.set(key, table.insert(a, b));
      assertEquals(table.find(a, b), model.get(key)!);
    }
    assertEquals(table.size, model.size);
    for (const [key, index] of model) {
      assertEquals(`${table.first(index)},${table.second(index)}`, key);
    }
  }));
});

Deno.test("PairTable holds a hundred thousand neighbours", () => {
  const table = new PairTable();
  for (let i = 0; i < 100_000; i++) table.insert(i % 317, (i / 317) | 0);
  for (let i = 0; i < 100_000; i++) {
    if (table.find(i % 317, (i / 317) | 0) !== i) throw new Error(`pair ${i} is lost`);
  }
  assertEquals([table.size, table.find(317, 0)], [100_000, -1]);
});

Deno.test("grown() doubles an array of the same kind", () => {
  assertEquals(grown(new Int32Array([1, 2])), new Int32Array([1, 2, 0, 0]));
  assertEquals(grown(new Float64Array([0.5])), new Float64Array([0.5, 0]));
});
