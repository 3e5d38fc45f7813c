import { assertEquals } from "@std/assert";
import { Histogram } from "../../src/base/histogram.ts";

Deno.test("Histogram counts each duration under every bound that it does not pass", () => {
  const histogram = new Histogram();
  for (const milliseconds of [0, 1, 1.5, 2.5, 30_000, 30_001]) histogram.add(milliseconds);
  const { count, sumMs, atMostMs } = histogram.stats();
  assertEquals([count, sumMs], [6, 60_006]);
  assertEquals([atMostMs["1"], atMostMs["2.5"], atMostMs["10000"], atMostMs["30000"]], [
    2,
    4,
    4,
    5,
  ]);
});

Deno.test("Histogram.stats() is a copy", () => {
  const histogram = new Histogram();
  const before = histogram.stats();
  histogram.add(3);
  assertEquals([before.count, before.atMostMs["5"]], [0, 0]);
  assertEquals(histogram.stats().atMostMs["5"], 1);
});
