import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Procession, QuantileSketch, type WindowStats } from "../../procession.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

function procession() {
  const clock = { nowMs: START_MS };
  return { clock, p: new Procession({ now: () => clock.nowMs }) };
}

const NUMBERS = ["count", "sum", "rate", "min", "max", "mean", "latest"] as const;

function numbers(stats: WindowStats | null): unknown {
  return stats === null ? null : NUMBERS.map((name) => stats[name]);
}

Deno.test("summarize(): a counter is what it rose by, and stands at its level", () => {
  const { p, clock } = procession();
  const hits = p.counter("hits");
  hits.increment(2);
  clock.nowMs += 1000;
  hits.absolute(10); // rises by 8
  clock.nowMs += 1000;
  hits.absolute(3); // what counts has begun anew: rises by 3
  const [all] = p.summarize();
  assertEquals(numbers(all), [3, 13, 6.5, 2, 8, 13 / 3, 3]);
  const [last] = p.summarize({ from: START_MS + 1, to: START_MS + 11_000 });
  assertEquals(numbers(last), [2, 11, 1.1, 3, 8, 5.5, 3].map((n, i) => i === 2 ? 11 / 10.999 : n));
});

Deno.test("summarize(): a gauge is what it stands at after each event, whatever was before the window", () => {
  const { p, clock } = procession();
  const depth = p.gauge("depth", { queue: "a" });
  depth.set(10);
  for (const by of [5, -20, 1]) {
    clock.nowMs += 100_000; // a chunk of its own
    depth.increment(by);
  }
  clock.nowMs += 1;
  depth.decrement(6);
  const [all] = p.summarize();
  assertEquals([all.kind, all.name, all.labels], ["gauge", "depth", { queue: "a" }]);
  assertEquals(numbers(all), [5, 10 + 15 - 5 - 4 - 10, 5 / 300.001, -10, 15, 1.2, -10]);
  const [end] = p.summarize({ from: START_MS + 300_000 });
  assertEquals([end.count, end.min, end.max, end.latest], [2, -10, -4, -10]);
});

Deno.test("summarize(): a histogram has its quantiles; sums lose nothing to rounding", () => {
  const { p, clock } = procession();
  const latency = p.histogram("latency");
  for (let i = 1; i <= 1000; i++) {
    latency.record(i / 10);
    clock.nowMs++;
  }
  const [all] = p.summarize();
  assertEquals([all.count, all.sum, all.min, all.max, all.latest], [1000, 50_050, 0.1, 100, 100]);
  const exact: [number | undefined, number][] = [
    [all.p50, 50],
    [all.p90, 90],
    [all.p95, 95],
    [all.p99, 99],
    [all.p999, 99.9],
    [all.sketch.quantile(0.25), 25],
  ];
  for (const [given, wanted] of exact) assert(Math.abs(given! - wanted) <= 0.0101 * wanted + 0.1);
  const tenths = procession();
  for (let i = 0; i < 10; i++) tenths.p.histogram("h").record(0.1);
  assertEquals(tenths.p.summarize()[0].sum, 1);
  const large = procession();
  for (const value of [1, 1e100, 1, -1e100]) large.p.histogram("h").record(value);
  assertEquals(large.p.summarize()[0].sum, 2);
  assertEquals(tenths.p.summarize()[0].rate, undefined);
});

Deno.test("summarize(): NaN is counted and has no part in the rest; infinities have", () => {
  const { p } = procession();
  const h = p.histogram("h");
  h.record(NaN);
  assertEquals(numbers(p.summarize()[0]), [1, 0, undefined, undefined, undefined, undefined, NaN]);
  h.record(2);
  h.record(NaN);
  assertEquals(numbers(p.summarize()[0]), [3, 2, undefined, 2, 2, 2, NaN]);
  h.record(Infinity);
  assertEquals(numbers(p.summarize()[0]), [
    4,
    Infinity,
    undefined,
    2,
    Infinity,
    Infinity,
    Infinity,
  ]);
});

Deno.test("summarize(): sketches of two processions merge to that of both", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ noNaN: true })),
    fc.array(fc.double({ noNaN: true })),
    (some, others) => {
      const sketches = [some, others, [...some, ...others]].map((values) => {
        const { p } = procession();
        for (const value of values) p.histogram("h").record(value);
        return p.summarize()[0]?.sketch ?? new QuantileSketch();
      });
      sketches[0].merge(sketches[1]);
      for (const q of [0, 0.5, 0.99, 1]) {
        assertEquals(sketches[0].quantile(q), sketches[2].quantile(q));
      }
    },
  ));
});

Deno.test("summarize() over any window is what a plain list gives", () => {
  const step = fc.record({
    by: fc.integer({ min: -50, max: 50 }),
    ms: fc.nat(30_000),
    op: fc.nat(2),
  });
  fc.assert(fc.property(fc.array(step), fc.nat(200_000), fc.nat(200_000), (steps, from, length) => {
    const { p, clock } = procession();
    const gauge = p.gauge("g");
    const window = { from: START_MS + from, to: START_MS + from + length };
    let level = 0;
    const levels: number[] = [];
    for (const { by, ms, op } of steps) {
      clock.nowMs += ms;
      if (op === 0) gauge.increment(by);
      else if (op === 1) gauge.decrement(by);
      else gauge.set(by);
      level = op === 0 ? level + by : op === 1 ? level - by : by;
      if (clock.nowMs >= window.from && clock.nowMs <= window.to) levels.push(level);
    }
    for (const one of [p, Procession.fromBytes(p.toBytes())]) {
      const summaries = one.summarize(window);
      if (levels.length === 0) {
        assertEquals(summaries, []);
        continue;
      }
      const sum = levels.reduce((total, one) => total + one, 0);
      assertEquals(numbers(summaries[0]), [
        levels.length,
        sum,
        length === 0 ? undefined : levels.length / (length / 1000),
        Math.min(...levels),
        Math.max(...levels),
        sum / levels.length,
        levels.at(-1),
      ]);
    }
  }));
});

Deno.test("resample(): a step without an event is a gap", () => {
  const { p, clock } = procession();
  const hits = p.counter("hits");
  const depth = p.gauge("depth");
  clock.nowMs += 300;
  hits.increment();
  hits.increment(3);
  depth.set(7);
  clock.nowMs += 2900; // 3,200
  depth.increment();
  const series = p.resample({ stepMs: 1000 });
  assertEquals(series.map(({ name, startMs, stepMs }) => [name, startMs, stepMs]), [
    ["hits", START_MS, 1000],
    ["depth", START_MS, 1000],
  ]);
  assertEquals(series[0].points.map(numbers), [[2, 4, 4, 1, 3, 2, 4], null, null, null]);
  assertEquals(series[1].points.map(numbers), [[1, 7, 1, 7, 7, 7, 7], null, null, [
    1,
    8,
    1,
    8,
    8,
    8,
    8,
  ]]);
  // Steps begin where the window does, and end with it.
  const narrow = p.resample({
    stepMs: 1000,
    from: START_MS + 300,
    to: START_MS + 1299,
    name: "hits",
  });
  assertEquals(narrow.map(({ startMs, points }) => [startMs, points.length]), [[
    START_MS + 300,
    1,
  ]]);
  const wide = p.resample({ stepMs: 1000, from: START_MS - 2000, to: START_MS + 10_000 });
  assertEquals(wide[0].points.map((point) => point?.count ?? 0), [0, 0, 2, ...Array(10).fill(0)]);
});

Deno.test("resample(): all steps together are the window", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(5000), fc.nat(9)), { minLength: 1 }),
    fc.integer({ min: 1, max: 7000 }),
    (events, stepMs) => {
      const { p, clock } = procession();
      for (const [ms, by] of events) {
        clock.nowMs += ms;
        p.counter("hits").increment(by);
      }
      const [{ points, startMs }] = p.resample({ stepMs });
      assertEquals(startMs % stepMs, 0);
      assertEquals(points.reduce((sum, point) => sum + (point?.sum ?? 0), 0), p.summarize()[0].sum);
      assertEquals(points.reduce((sum, point) => sum + (point?.count ?? 0), 0), events.length);
    },
  ));
});

Deno.test("resample() refuses steps that are none, and too many of them", () => {
  const { p, clock } = procession();
  assertEquals(p.resample({ stepMs: 1000 }), []);
  p.counter("hits").increment();
  for (const stepMs of [0, -1, 0.5, NaN, Infinity, "1s"]) {
    assertThrows(() => p.resample({ stepMs: stepMs as number }), RangeError, "stepMs");
  }
  clock.nowMs += 2e9;
  p.counter("hits").increment();
  assertThrows(() => p.resample({ stepMs: 1 }), RangeError, "use a longer step");
});
