import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Calendar } from "../../src/engine/bucket.ts";
import type { Holding } from "../../src/engine/holding.ts";
import { OTHER_FIELD } from "../../src/engine/field.ts";
import {
  compareMetrics,
  location,
  QueryResult,
  rank,
  type Series,
} from "../../src/engine/result.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import type { Metric, Unit } from "../../src/storage/storage.ts";
import { rankedByWords } from "../_model.ts";

const DAY = 86_400;
const START = 1_773_532_800; // 2026-03-15T00:00:00Z
const ADD: Metric = { type: "add", pattern: "event~geo" };
const TOP: Metric = { type: "top", pattern: "geo" };
const BMP: Metric = { type: "bmp", pattern: "ip" };
const AMOUNT: Metric = { type: "adv", pattern: "event", addKey: "amount" };
const TAX: Metric = { type: "adv", pattern: "event", addKey: "tax" };

function counts(fields: Record<string, number>): Holding {
  return { kind: "count", fields: new Map(Object.entries(fields)) };
}

function sums(fields: Record<string, bigint>, count: number): Holding {
  return { kind: "sum", fields: new Map(Object.entries(fields)), count };
}

function unique(...values: string[]): Holding {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(value);
  return { kind: "sketch", sketch };
}

/** Each metric with what it holds on the first, second … day of the range. */
function result(
  all: [Metric, (Holding | undefined)[]][],
  options: { days?: number; unit?: Unit; timezone?: string } = {},
): QueryResult {
  const { days = 3, unit = "d", timezone = "UTC" } = options;
  const calendar = new Calendar(timezone);
  const from = calendar.bucketAt(unit, START).start;
  const buckets = calendar.buckets(unit, from, START + days * DAY - 1, 1000);
  const series = all.map(([metric, holdings]): Series => ({
    metric,
    holdings: new Map(
      holdings.flatMap((holding, i) => (holding ? [[buckets[i].start, holding] as const] : [])),
    ),
  }));
  return new QueryResult({ prefix: "app", unit, calendar, buckets }, series);
}

Deno.test("QueryResult.buckets holds every bucket of the range, empty ones too", () => {
  const it = result([[ADD, [counts({ "a~b": 1 }), undefined, counts({ "a~c": 2 })]]]);
  assertEquals(it.buckets.map(({ start, label, results }) => [start, label, results.length]), [
    [START, "2026-03-15", 1],
    [START + DAY, "2026-03-16", 0],
    [START + 2 * DAY, "2026-03-17", 1],
  ]);
  assertEquals(it.buckets[2].results[0].location, `app:add:d:${START + 2 * DAY}:event~geo`);
  assertStrictEquals(it.buckets, it.buckets, "made once");
  assertEquals([it.unit, it.timezone], ["d", "UTC"]);
});

Deno.test("QueryResult.buckets labels hours by RFC 3339 with the zone's offset", () => {
  const it = result([], { unit: "h", days: 1, timezone: "America/New_York" });
  assertEquals(it.buckets[0].label, "2026-03-14T20:00:00-04:00");
});

Deno.test("QueryResult.find() gives one result per bucket that has data, in order of time", () => {
  const it = result([
    [AMOUNT, [sums({ a: 1n }, 1), undefined, sums({ b: 2n }, 1)]],
    [TAX, [sums({ a: 3n }, 1)]],
  ]);
  const starts = (found: { location: string }[]) => found.map(({ location }) => location);
  assertEquals(starts(it.find("adv/event/amount")), [
    `app:adv:d:${START}:amount:event`,
    `app:adv:d:${START + 2 * DAY}:amount:event`,
  ]);
  assertEquals(it.find("adv/event").map(({ addKey }) => addKey), ["amount", "tax", "amount"]);
  assertEquals(it.find("adv/event/other"), []);
  assertEquals(it.find("add/event"), []);
  assertThrows(() => it.find("nonsense" as "add/x"), TypeError);
});

Deno.test("QueryResult.merged() adds counts, sums and scores, and unites sketches", () => {
  const it = result([
    [BMP, [unique("x", "y"), unique("y", "z"), unique("x")]],
    [ADD, [counts({ "a~b": 1, "c~d": 2 }), undefined, counts({ "a~b": 4 })]],
    [AMOUNT, [sums({ a: 500_000n, b: -1n }, 3), sums({ a: 1n }, 1)]],
    [TOP, [counts({ DE: 2, US: 3 }), counts({ DE: 2 })]],
  ]);
  assertEquals(it.merged("bmp/ip"), { type: "bmp", key: ["ip"], location: "", count: 3 });
  const { counts: added, ...rest } = it.merged("add/geo~event");
  assertEquals([{ ...added }, rest], [
    { "a~b": 5, "c~d": 2 },
    { type: "add", key: ["event", "geo"], location: "" },
  ]);
  const { sums: summed, ...others } = it.merged("adv/event/amount");
  assertEquals([{ ...summed }, others], [
    { a: 0.500001, b: -0.000001 },
    { type: "adv", key: ["event"], location: "", addKey: "amount", sum: 0.5, count: 4 },
  ]);
  assertEquals(it.merged("top/geo"), {
    type: "top",
    key: ["geo"],
    location: "",
    ranked: [["DE", 4], ["US", 3]],
  });
  // Merging changes nothing of what was read.
  assertEquals(it.merged("bmp/ip").count, 3);
  assertEquals(it.find("bmp/ip").map(({ count }) => count), [2, 2, 1]);
  assertEquals(it.find("top/geo")[0].ranked, [["US", 3], ["DE", 2]]);
});

Deno.test("QueryResult.merged() is zero, {} or [] where there is nothing", () => {
  const it = result([[ADD, []]]);
  assertEquals(it.merged("bmp/ip").count, 0);
  assertEquals(it.merged({ type: "add", key: ["geo", "event"] }).key, ["event", "geo"]);
  assertEquals(Object.keys(it.merged("add/event~geo").counts), []);
  assertEquals(it.merged("top/geo").ranked, []);
  const { sums, sum, count, addKey } = it.merged("adv/event/amount");
  assertEquals([Object.keys(sums), sum, count, addKey], [[], 0, 0, "amount"]);
  assertEquals(it.merged("adv/event").addKey, "");
  assertEquals([it.inflate("add/event~geo"), it.inflate("bmp/ip")], [[], [{ value: 0 }]]);
  assertEquals(it.mergedAll("adv/event"), []);
});

Deno.test("QueryResult.merged() without an addKey is for one sum; with several it names them", () => {
  const both: [Metric, Holding[]][] = [[AMOUNT, [sums({ a: 1n }, 1)]], [TAX, [sums({ a: 2n }, 1)]]];
  assertEquals(result([both[0]]).merged("adv/event").addKey, "amount");
  const error = assertThrows(() => result(both).merged("adv/event"), RangeError);
  assertEquals(
    error.message,
    'Cannot merge adv/event: it has sums of amount, tax; name one: "adv/event/amount"',
  );
  assertThrows(() => result(both).inflate("adv/event"), RangeError);
  const all = result(both).mergedAll("adv/event");
  assertEquals(all.map((one) => one.type === "adv" && [one.addKey, one.sum]), [
    ["amount", 0.000001],
    ["tax", 0.000002],
  ]);
  // A metric that holds nothing in the range is none of several.
  assertEquals(result([both[0], [TAX, []]]).merged("adv/event").addKey, "amount");
});

Deno.test("QueryResult sums decimals, never floats", () => {
  const fields = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f${i}`, 100_000n]));
  const big = 2n ** 53n * 1_000_000n;
  assertEquals(result([[AMOUNT, [sums(fields, 10)]]]).merged("adv/event").sum, 1);
  const cancelled = result([[AMOUNT, [sums({ a: big, b: 100_000n }, 2), sums({ a: -big }, 1)]]]);
  assertEquals(cancelled.merged("adv/event").sum, 0.1);
  assertEquals(cancelled.find("adv/event")[0].sums.a, 2 ** 53);
});

Deno.test("QueryResult keeps fields such as __proto__ apart from prototypes", () => {
  const odd = new Map([["__proto__", 1], ["constructor", 2], ["toString", 3]]);
  const metric: Metric = { type: "add", pattern: "event" };
  const it = result([[metric, [{ kind: "count", fields: odd }]]]);
  const added = it.merged("add/event").counts;
  assertEquals(Object.getPrototypeOf(added), null);
  assertEquals(new Map(Object.entries(added)), odd);
  assertEquals(it.inflate("add/event").map(({ event, value }) => [event, value]), [
    ["toString", 3],
    ["constructor", 2],
    ["__proto__", 1],
  ]);
  const named: Metric = { type: "add", pattern: "__proto__" };
  const [row] = result([[named, [counts({ x: 1 })]]]).inflate("add/__proto__");
  assertEquals(Object.entries(row), [["__proto__", "x"], ["value", 1]]);
});

Deno.test("QueryResult.inflate() gives a row per field, highest first, a property a column", () => {
  const it = result([
    [ADD, [counts({ "a~x": 1, "b~x": 3, [OTHER_FIELD]: 9, "a~y": 3 })]],
    [TOP, [counts({ DE: 2, US: 3 })]],
    [AMOUNT, [sums({ a: -500_000n, b: 1_000_000n }, 2)]],
    [BMP, [unique("x", "y")]],
  ]);
  const rows = (all: Record<string, unknown>[]) => all.map((row) => ({ ...row }));
  assertEquals(rows(it.inflate("add/event~geo")), [
    { event: "a", geo: "y", value: 3 },
    { event: "b", geo: "x", value: 3 },
    { event: "a", geo: "x", value: 1 },
    { event: "~other", geo: "~other", value: 9 },
  ]);
  assertEquals(rows(it.inflate("top/geo")), [{ geo: "US", value: 3 }, { geo: "DE", value: 2 }]);
  assertEquals(rows(it.inflate("adv/event/amount")), [{ event: "b", value: 1 }, {
    event: "a",
    value: -0.5,
  }]);
  assertEquals(rows(it.inflate("bmp/ip")), [{ value: 2 }]);
});

Deno.test("QueryResult.inflate() keeps the hash of a field that was cut in the last column", () => {
  const cut = `a~${"b".repeat(20)}~#0123456789abcdef`;
  const short = "a~#0123456789abcdef";
  const it = result([[ADD, [counts({ [cut]: 2, [short]: 1 })]]]);
  assertEquals(it.inflate("add/event~geo").map(({ event, geo }) => [event, geo]), [
    ["a", `${"b".repeat(20)}~#0123456789abcdef`],
    ["a", "#0123456789abcdef"],
  ]);
});

Deno.test("QueryResult ranks 250 members, ties ascending also at the cut, ~other beyond them", () => {
  const names = Array.from({ length: 300 }, (_, i) => `m${String(i).padStart(3, "0")}`);
  const scores = Object.fromEntries(names.toReversed().map((name) => [name, 1]));
  const { ranked } = result([[TOP, [counts({ ...scores, zz: 2, [OTHER_FIELD]: 5 })]]]).merged(
    "top/geo",
  );
  assertEquals(ranked.length, 251);
  assertEquals(ranked[0], ["zz", 2]);
  assertEquals(ranked.slice(1, 250).map(([name]) => name), names.slice(0, 249));
  assertEquals(ranked[250], [OTHER_FIELD, 5]);
});

Deno.test("QueryResult ranks over all days, not over the best of each", () => {
  const first = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`a${i}`, 3]));
  const second = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`b${i}`, 3]));
  const it = result([[TOP, [counts({ ...first, steady: 2 }), counts({ ...second, steady: 2 })]]]);
  assertEquals(it.find("top/geo")[0].ranked.some(([name]) => name === "steady"), false);
  assertEquals(it.merged("top/geo").ranked[0], ["steady", 4]);
});

Deno.test("rank() orders as the words say", () => {
  const fields = fc.dictionary(
    fc.string({ unit: fc.constantFrom("a", "B", "é", "😀", "\uffff", "1"), maxLength: 3 }),
    fc.integer({ min: 1, max: 4 }),
  );
  fc.assert(fc.property(fields, (all) => {
    const entries = Object.entries(all);
    const want = rankedByWords(new Map(entries.map(([field, n]) => [field, BigInt(n)])));
    assertEquals(rank(entries, 250), want);
  }));
});

Deno.test("compareMetrics() orders by type, pattern and what is summed", () => {
  const sorted: Metric[] = [
    BMP,
    { type: "add", pattern: "B" },
    { type: "add", pattern: "a" },
    AMOUNT,
    TAX,
    TOP,
  ];
  fc.assert(fc.property(fc.shuffledSubarray(sorted, { minLength: 6 }), (mixed) => {
    assertEquals(mixed.toSorted(compareMetrics), sorted);
  }));
});

Deno.test("location() is the seeds' key", () => {
  assertEquals(location("p", ADD, "h", 3600), "p:add:h:3600:event~geo");
  assertEquals(location("p", AMOUNT, "d", 0), "p:adv:d:0:amount:event");
});

Deno.test("QueryResult does not change when more is recorded", () => {
  const holding = counts({ a: 1 });
  const it = result([[TOP, [holding]]]);
  const before = it.merged("top/geo");
  before.ranked.push(["mine", 1]);
  assertEquals(it.merged("top/geo").ranked, [["a", 1]]);
  assert(holding.kind === "count" && holding.fields.size === 1);
});
