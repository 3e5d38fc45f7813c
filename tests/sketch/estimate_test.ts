import { assert, assertEquals } from "@std/assert";
import { estimate } from "../../src/sketch/estimate.ts";
import { MAX_RANK, REGISTER_COUNT } from "../../src/sketch/registers.ts";
import { RANKS } from "./_redis_vectors.ts";

function histogramOf(registers: number, rank: (index: number) => number): number[] {
  const counts = Array.from({ length: MAX_RANK + 1 }, () => 0);
  for (let i = 0; i < registers; i++) counts[rank(i)]++;
  counts[0] += REGISTER_COUNT - registers;
  return counts;
}

Deno.test("estimate() is 0 where no register was raised", () => {
  assertEquals(estimate(histogramOf(0, () => 0)), 0);
});

Deno.test("estimate() equals PFCOUNT of redis 7.0.15 for given registers", () => {
  for (const { registers, rank, count } of RANKS) {
    assertEquals(estimate(histogramOf(registers, rank)), count);
  }
});

Deno.test("estimate() is at most 2^64, the number of hashes", () => {
  assertEquals(estimate(histogramOf(REGISTER_COUNT, () => MAX_RANK)), 2 ** 64);
  assertEquals(estimate(histogramOf(REGISTER_COUNT, (i) => MAX_RANK - i % 2)), 2 ** 64);
});

Deno.test("estimate() grows with every register", () => {
  let before = 0;
  for (let registers = 0; registers <= REGISTER_COUNT; registers += 128) {
    const now = estimate(histogramOf(registers, () => 5));
    assert(now >= before && Number.isInteger(now), `${now} after ${before}`);
    before = now;
  }
});
