import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { QuantileSketch, RELATIVE_ERROR } from "../../src/sketch/quantiles.ts";

const SHARES = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1];

function sketchOf(values: Iterable<number>): QuantileSketch {
  const sketch = new QuantileSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

function quantiles(sketch: QuantileSketch): (number | undefined)[] {
  return [sketch.count, sketch.min, sketch.max, ...SHARES.map((q) => sketch.quantile(q))];
}

/** Holds each quantile to that of the sorted values. */
function verify(sketch: QuantileSketch, values: readonly number[]): void {
  const sorted = Float64Array.from(values).sort();
  assertEquals(sketch.count, sorted.length);
  for (const q of SHARES) {
    const exact = sorted[Math.floor(q * (sorted.length - 1))];
    const given = sketch.quantile(q)!;
    const allowed = RELATIVE_ERROR * Math.abs(exact) * (1 + 1e-9) + 1e-320;
    assert(given === exact || Math.abs(given - exact) <= allowed, `${q}: ${given} for ${exact}`);
  }
}

const number = fc.double({ noNaN: true });

Deno.test("QuantileSketch.quantile() is within 1 % of the exact one, for any numbers", () => {
  fc.assert(fc.property(fc.array(number, { minLength: 1 }), (values) => {
    verify(sketchOf(values), values);
  }));
  const long = Array.from({ length: 10_000 }, (_, i) => 1 / (1 - (i * 7919 % 10_000) / 10_000));
  verify(sketchOf(long), long);
});

Deno.test("QuantileSketch.merge() gives what one sketch of all values is, negative ones too", () => {
  fc.assert(fc.property(fc.array(fc.array(number)), (lists) => {
    const merged = new QuantileSketch();
    for (const list of lists) {
      const other = sketchOf(list);
      const before = quantiles(other);
      merged.merge(other);
      assertEquals(quantiles(other), before);
    }
    assertEquals(quantiles(merged), quantiles(sketchOf(lists.flat())));
  }));
});

Deno.test("QuantileSketch.merge() of negative values only has their median", () => {
  const one = sketchOf([-1, -2, -3]);
  one.merge(sketchOf([-4, -5, -6, -7]));
  verify(one, [-1, -2, -3, -4, -5, -6, -7]);
});

Deno.test("QuantileSketch.merge() with itself counts everything twice", () => {
  const one = sketchOf([-1, 0, 5]);
  one.merge(one);
  verify(one, [-1, -1, 0, 0, 5, 5]);
});

Deno.test("QuantileSketch leaves NaN out, and is empty at first", () => {
  const sketch = sketchOf([NaN]);
  assertEquals(quantiles(sketch), [0, undefined, undefined, ...SHARES.map(() => undefined)]);
  assertThrows(() => sketch.quantile(1.5), RangeError, "from 0 to 1");
  assertThrows(() => sketch.quantile(NaN), RangeError);
});

Deno.test("QuantileSketch stays small", () => {
  // Microseconds to an hour: 9.6 factors of ten.
  const sketch = new QuantileSketch();
  for (let i = 0; i < 100_000; i++) sketch.add(10 ** (-6 + 9.6 * (i / 100_000)));
  assert(sketch.byteLength < 8 * 1300, `${sketch.byteLength}`);
});
