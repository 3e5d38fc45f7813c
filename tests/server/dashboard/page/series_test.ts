import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { metricFilter } from "../../../../src/engine/query.ts";
import { fieldParts, rank as rankOfEngine } from "../../../../src/engine/result.ts";
import { bucketsToWire, toWire } from "../../../../src/protocol/replies.ts";
import {
  canBeFound,
  globOf,
  type Metric,
  partsOf,
  rank,
  readSeries,
  valueOf,
} from "../../../../src/server/dashboard/page/series.js";
import { MemoryStorage, Traqq } from "../../../../mod.ts";

/** Names that a mapping takes, with what means something in globs. */
const name = fc.string({
  unit: fc.constantFrom(..."ab*?[]()!+@|#\\/. "),
  minLength: 1,
  maxLength: 6,
})
  .filter((text) => text.trim() === text);

/** As globs see it: slashes are one, and none at the end. */
function withoutSlashes(text: string): string {
  return text.replace(/\/+/g, "/").replace(/\/$/, "");
}

Deno.test("globOf() means its metric, and others only where they differ by slashes", () => {
  fc.assert(fc.property(name, name, (one, other) => {
    const metric: Metric = { type: "add", key: [one] };
    const accepts = metricFilter({ accept: globOf(metric) });
    assertEquals(accepts({ type: "add", pattern: one }), true, one);
    if (withoutSlashes(one) !== withoutSlashes(other)) {
      assertEquals(accepts({ type: "add", pattern: other }), false, other);
    }
    const summed: Metric = { type: "adv", key: [one], addKey: other };
    const acceptsSum = metricFilter({ accept: globOf(summed) });
    assertEquals(acceptsSum({ type: "adv", pattern: one, addKey: other }), true);
  }));
});

Deno.test("partsOf() and rank() are those of the engine", () => {
  const field = fc.string({ unit: fc.constantFrom("a", "b", "~"), maxLength: 6 });
  fc.assert(fc.property(fc.array(fc.tuple(field, fc.integer({ min: 1, max: 3 }))), (entries) => {
    const values = new Map([...entries, ["~other", 2] as const]);
    assertEquals(rank(values), rankOfEngine([...values].map(([field, value]) => [field, value])));
    for (const names of [["x"], ["x", "y"], ["x", "y", "z"]]) {
      for (const text of values.keys()) assertEquals(partsOf(names, text), fieldParts(names, text));
    }
  }));
});

Deno.test("readSeries() reads all four types as the engine counts them", async () => {
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    mapping: {
      add: ["geo"],
      bitmap: ["geo"],
      addValue: [{ key: "geo", addKey: "amount" }, { key: "geo", addKey: "a/b" }],
      top: ["geo"],
    },
  });
  const event = { event: "a", amount: 0.1, "a/b": -0.2 };
  await traqq.recordMany(
    ["US", "US", "DE", "US"].map((geo, i) => ({ ...event, geo, [`n${i}`]: i })),
    { at: (_, i) => `2026-01-0${1 + i % 2}T00:00:00Z` },
  );
  const result = await traqq.query({ from: "2026-01-01T00:00:00Z", to: "2026-01-03T00:00:00Z" });
  const read = (metric: Metric) => {
    const { type, key, addKey } = metric;
    const selector = addKey === undefined ? { type, key } : { type, key, addKey };
    const merged = result.mergedAll(selector).flatMap(toWire);
    const isAsked = type !== "add" && canBeFound(metric);
    return readSeries(
      metric,
      JSON.parse(JSON.stringify(bucketsToWire(result.buckets))),
      isAsked ? JSON.parse(JSON.stringify(merged)) : undefined,
    );
  };
  const totals = (metric: Metric) => {
    const { points, merged } = read(metric);
    return [points.map(({ total }) => total), merged.total, merged.count, [...merged.values]];
  };
  const key = ["geo"];
  const members: [string, number][] = [["US", 3], ["DE", 1]];
  assertEquals(totals({ type: "add", key }), [[2, 2, 0], 4, 0, members]);
  assertEquals(totals({ type: "bmp", key }), [[2, 1, 0], 2, 0, []]);
  assertEquals(totals({ type: "top", key }), [[2, 2, 0], 4, 0, members]);
  const sums = (metric: Metric) => {
    const [buckets, total, count, values] = totals(metric);
    return [buckets, total, count, (values as [string, number][]).sort()];
  };
  assertEquals(sums({ type: "adv", key, addKey: "amount" }), [
    [0.2, 0.2, 0],
    0.4,
    4,
    [["DE", 0.1], ["US", 0.3]],
  ]);
  assertEquals(
    sums({ type: "adv", key, addKey: "a/b" }),
    [[-0.4, -0.4, 0], -0.8, 4, [["DE", -0.2], ["US", -0.6]]],
    "added up without the server, and without an error",
  );
});

Deno.test("readSeries() reads no other metric than its own", () => {
  const result = (metric_type: string, name: string, count: number) => ({
    metric_type,
    key: [name],
    add_key: null,
    result: { Hash: { x: count } },
  });
  const results = [result("add", "*/", 1), result("add", "*", 2), result("top", "*", 4)];
  const { points, merged } = readSeries({ type: "add", key: ["*"] }, [
    { date: "2026-01-01", timestamp: 0, results },
  ]);
  assertEquals([points[0].total, merged.total], [2, 2]);
});

Deno.test("readSeries() does not know what a leaderboard of 250 leaves out", () => {
  const ranked = (count: number) => Array.from({ length: count }, (_, i) => [`m${i}`, 1]);
  const bucket = (timestamp: number, Ranked: unknown[]) => ({
    date: "2026-01-01",
    timestamp,
    results: [{ metric_type: "top", key: ["geo"], add_key: null, result: { Ranked } }],
  });
  const { points } = readSeries({ type: "top", key: ["geo"] }, [
    bucket(0, [...ranked(249), ["~other", 5]]),
    bucket(1, ranked(250)),
    bucket(2, [...ranked(250), ["~other", 5]]),
  ], []);
  assertEquals(points.map(({ total }) => total), [254, null, null]);
  assertEquals(points.map((point) => valueOf(point, "m0")), [1, 1, 1]);
  assertEquals(points.map((point) => valueOf(point, "none")), [0, null, null]);
});
