import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_RANK, REGISTER_COUNT, Registers } from "../../src/sketch/registers.ts";

/** Raises `count` registers, `stride` apart; strides of 2,048 and more meet in one slot. */
const bulk = fc.record({
  from: fc.nat(REGISTER_COUNT - 1),
  count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 500, max: 1600 })),
  stride: fc.constantFrom(1, 7, 16, 2048, 2049, 4096),
  rank: fc.integer({ min: 1, max: MAX_RANK }),
});
type Bulk = { from: number; count: number; stride: number; rank: number };

/** Does to the registers and to a plain array the same, and compares the answers. */
function apply(registers: Registers, model: Uint8Array, { from, count, stride, rank }: Bulk): void {
  for (let i = 0; i < count; i++) {
    const index = (from + i * stride) % REGISTER_COUNT;
    assertEquals(registers.raise(index, rank), model[index] < rank);
    model[index] = Math.max(model[index], rank);
  }
}

function listed(registers: Registers): [number, number][] {
  const pairs: [number, number][] = [];
  assert(registers.everyRaised((index, rank) => pairs.push([index, rank]) > 0));
  return pairs;
}

function assertSame(registers: Registers, model: Uint8Array): void {
  const pairs = [...model.entries()].filter(([, rank]) => rank > 0);
  assertEquals(listed(registers), pairs);
  assertEquals(Array.from(registers.ranks()), [...model]);
  const histogram = Array.from({ length: MAX_RANK + 1 }, () => 0);
  for (const rank of model) histogram[rank]++;
  assertEquals([...registers.histogram()], histogram);
  assertEquals(registers.byteLength === REGISTER_COUNT, pairs.length > 1536, `${pairs.length}`);
}

Deno.test("Registers behave like an array of 16,384 numbers, in both shapes", () => {
  fc.assert(
    fc.property(fc.array(bulk, { maxLength: 5 }), (steps) => {
      const registers = new Registers();
      const model = new Uint8Array(REGISTER_COUNT);
      for (const step of steps) apply(registers, model, step);
      assertSame(registers, model);
      assertSame(Registers.fromRanks(model.slice()), model);
    }),
    { numRuns: 40 },
  );
});

Deno.test("Registers.merge() takes the maximum of each register and leaves the other", () => {
  const steps = fc.array(bulk, { maxLength: 3 });
  fc.assert(
    fc.property(steps, steps, (one, two) => {
      const [a, b] = [new Registers(), new Registers()];
      const [modelA, modelB] = [new Uint8Array(REGISTER_COUNT), new Uint8Array(REGISTER_COUNT)];
      for (const step of one) apply(a, modelA, step);
      for (const step of two) apply(b, modelB, step);
      a.merge(b);
      assertSame(a, modelA.map((rank, i) => Math.max(rank, modelB[i])));
      assertSame(b, modelB);
    }),
    { numRuns: 40 },
  );
});

for (const raised of [0, 10, 1536, 1537]) {
  Deno.test(`Registers.clone() and merge() share nothing with the original of ${raised}`, () => {
    const original = new Registers();
    for (let i = 0; i < raised; i++) original.raise(i * 5, 3);
    const before = listed(original);
    const copy = original.clone();
    const merged = new Registers();
    merged.merge(original);
    for (const other of [copy, merged]) {
      assertEquals(listed(other), before);
      for (let i = 0; i < REGISTER_COUNT; i++) other.raise(i, 4);
      assertEquals(listed(original), before);
    }
    original.raise(1, MAX_RANK);
    assertEquals(copy.ranks()[1], 4);
    assertEquals(merged.ranks()[1], 4);
  });
}

Deno.test("Registers.byteLength is 64 up to 12 raised registers and at most doubles with them", () => {
  const registers = new Registers();
  const sizes: [number, number][] = [[0, registers.byteLength]];
  for (let i = 0; i < REGISTER_COUNT; i++) {
    registers.raise(i, 1);
    if (registers.byteLength !== sizes.at(-1)![1]) sizes.push([i + 1, registers.byteLength]);
  }
  assertEquals(sizes, [
    [0, 64],
    [13, 128],
    [25, 256],
    [49, 512],
    [97, 1024],
    [193, 2048],
    [385, 4096],
    [769, 8192],
    [1537, 16384],
  ]);
});

Deno.test("Registers.fromRanks() takes the shape that as many raised registers have", () => {
  for (const [raised, byteLength] of [[0, 64], [13, 128], [1536, 8192], [1537, 16_384]]) {
    const ranks = new Uint8Array(REGISTER_COUNT).fill(1, 0, raised);
    assertEquals(Registers.fromRanks(ranks).byteLength, byteLength);
  }
});

Deno.test("Registers.everyRaised() stops at the first false, in both shapes", () => {
  for (const raised of [10, 2000]) {
    const registers = new Registers();
    for (let i = 0; i < raised; i++) registers.raise(i, 1);
    let seen = 0;
    assertEquals(registers.everyRaised(() => ++seen < 4), false);
    assertEquals(seen, 4);
  }
});
