import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type AddResult,
  type AdvResult,
  type Mapping,
  MemoryStorage,
  type Metric,
  type QueryResult,
  type TopResult,
  Traqq,
  type TraqqOptions,
} from "../mod.ts";
import { HyperLogLog } from "../src/sketch/hyperloglog.ts";
import {
  mergeCells,
  Model,
  type ModelCell,
  type ModelOptions,
  numberOf,
  rankedByWords,
} from "./_model.ts";

const MAX_FIELD_LENGTH = 9;
const MAX_VALUE_LENGTH = 6;

/** Names that any object inherits are names like others. */
const NAMES = [
  "event",
  "geo",
  "ip",
  "a b",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "at",
  "9",
];

const zones = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "America/St_Johns",
);

/** Around the ends of summer time in all of those zones, and far away. */
const times = fc.oneof(
  fc.constantFrom(
    "2026-03-29T01:00:00Z", // Berlin: 02:00 becomes 03:00
    "2026-10-25T01:00:00Z", // Berlin: 03:00 becomes 02:00
    "2026-03-08T07:00:00Z", // New York: 02:00 becomes 03:00
    "2025-11-02T06:00:00Z", // New York: 02:00 becomes 01:00
    "2026-04-04T15:00:00Z", // Lord Howe: 02:00 becomes 01:30
    "2025-10-04T15:30:00Z", // Lord Howe: 02:00 becomes 02:30
    "2009-11-01T02:31:00Z", // St. John's: 00:01 becomes 23:01
  ).chain((text) =>
    fc.integer({ min: -90_000, max: 90_000 }).map((off) => Date.parse(text) / 1000 + off)
  ),
  fc.integer({ min: 0, max: 1_780_000_000 }),
);

const patterns = (min = 1) =>
  fc.uniqueArray(fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }), {
    minLength: min,
    maxLength: 3,
    selector: (names) => names.toSorted().join("~"),
  }).map((all) => all.map((names) => names.join("~")));

const mappings: fc.Arbitrary<Mapping> = fc.record({
  bitmap: patterns(0),
  add: patterns(0),
  addValue: fc.uniqueArray(
    fc.record({
      key: patterns().map(([first]) => first),
      addKey: fc.constantFrom("amount", "geo", "constructor", "__proto__", "at"),
    }),
    {
      maxLength: 3,
      selector: ({ key, addKey }) => `${addKey}:${key.split("~").toSorted().join("~")}`,
    },
  ),
  top: patterns(0),
});

/** As JSON has them, so that -0, 1e999 and `__proto__` arrive as they would from outside. */
const jsonValues = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('"US"', '"DE"', '"x"', "1", "true", '"10"', "10") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...["null", "false", "0", "-0", "1e21", "0.1", "1e-7", "1E400", "-2.5", "99.99", "[]", "{}"],
      ...[
        '"0.1"',
        '"-500"',
        '"+200"',
        '"1e3"',
        '"0x10"',
        '"12abc"',
        '"1e999"',
        '"9007199254740993"',
      ],
      ...[
        '""',
        '" "',
        '"~"',
        '"~:~"',
        '" ~a: "',
        '"a~b:c"',
        '"a ~ "',
        '"__proto__"',
        '"constructor"',
      ],
      ...['"\\u0000"', '"a\\nb"', '"\\ud83d"', '"\\ude00x"', '"\\ud83d\\ude00\\ud83d\\ude00"'],
      ...[
        '"1234567890"',
        '"     indented"',
        '"12345~7"',
        '"abcde "',
        "9007199254740993",
        "0.0000005",
      ],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.string({ unit: fc.constantFrom("a", "~", ":", " ", "é", "😀", "\ud800", "\0") })
      .map((text) => JSON.stringify(text)),
  },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
);

const names = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('"view"', '"buy"', '"purchase of two"') },
  { weight: 1, arbitrary: jsonValues },
);

const eventTexts = fc.tuple(
  names,
  fc.array(fc.tuple(fc.constantFrom(...NAMES.slice(1), "amount", "unmapped"), jsonValues), {
    maxLength: 9,
  }),
).map(([name, others]) =>
  `{${
    [["event", name] as const, ...others].map(([key, value]) => `${JSON.stringify(key)}:${value}`)
      .join(",")
  }}`
);

const steps = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        text: fc.oneof(
          { weight: 20, arbitrary: eventTexts },
          {
            weight: 1,
            arbitrary: fc.constantFrom("{}", "[]", "null", '"event"', "7", '{"geo":"US"}'),
          },
        ),
        seconds: times,
        by: fc.constantFrom(0, 1),
      }),
    },
    { weight: 1, arbitrary: fc.record({ flush: fc.constantFrom(0, 1) }) },
  ),
  { maxLength: 60 },
);

const EVERYTHING = { from: 0, to: 1_800_000_000 };

Deno.test("Traqq gives back what was recorded, as a simple model counts it", async () => {
  await fc.assert(
    fc.asyncProperty(mappings, zones, fc.boolean(), steps, async (mapping, zone, hourly, all) => {
      const model = new Model(modelOptions(mapping, zone, hourly));
      await using storage = new MemoryStorage();
      const options = traqqOptions(storage, mapping, zone, hourly);
      await using a = await Traqq.open(options);
      await using b = await Traqq.open(options);
      const instances = [a, b];
      for (const step of all) {
        if ("flush" in step) {
          await instances[step.flush].flush();
          continue;
        }
        const counted = model.record(JSON.parse(step.text), step.seconds);
        const recorded = await instances[step.by].record(JSON.parse(step.text), {
          at: step.seconds,
        }).then(() => true, () => false);
        assertEquals(recorded, counted, step.text);
      }
      await a.flush();
      await b.flush();

      assertEquals(a.stats().recorded + b.stats().recorded, model.recorded);
      assertEquals(a.stats().rejected + b.stats().rejected, model.rejected);
      assertEquals(a.stats().rejectedValues + b.stats().rejectedValues, model.rejectedValues);

      // Whoever only asks needs neither mapping nor zone.
      await using reader = await Traqq.open({
        storage,
        limits: { maxBuckets: 1_000_000 },
      });
      const days = await reader.query(EVERYTHING);
      for (const metric of model.metrics) compare(days, metric, model.find(metric, "d"));
      assertEquals(
        days.buckets.reduce((sum, { results }) => sum + results.length, 0),
        [...model.cells.values()].filter(({ unit }) => unit === "d").length,
        "and nothing else is there",
      );
      const hours = [...model.cells.values()].filter(({ unit }) => unit === "h");
      const start = hours[0]?.start ?? 0;
      const near = await a.query({ unit: "h", from: start - 100_000, to: start + 100_000 });
      const starts = new Set(near.buckets.map(({ start }) => start));
      for (const metric of model.metrics) {
        compare(near, metric, model.find(metric, "h").filter(({ start }) => starts.has(start)));
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("Traqq.query() reads exactly the buckets that a range touches", async () => {
  await fc.assert(
    fc.asyncProperty(
      zones,
      fc.array(times, { minLength: 1, maxLength: 30 }),
      times,
      times,
      fc.boolean(),
      async (zone, seconds, one, other, hourly) => {
        const mapping = { add: ["event"] };
        const model = new Model(modelOptions(mapping, zone, hourly));
        await using traqq = await Traqq.open(
          traqqOptions(new MemoryStorage(), mapping, zone, hourly),
        );
        for (const at of seconds) {
          model.record({ event: "x" }, at);
          await traqq.record({ event: "x" }, { at });
        }
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const metric: Metric = { type: "add", pattern: "event" };
        for (
          const unit of hourly && to - from < 40_000 * 3600 ? ["d", "h"] as const : ["d"] as const
        ) {
          const result = await traqq.query({ from, to, unit });
          // A bucket holds an instant of the range if it starts in it, or holds its first one.
          const frame = new Model(modelOptions(mapping, zone, hourly));
          frame.record({ event: "x" }, from);
          const first = frame.find(metric, unit)[0].start;
          assertEquals(result.buckets[0].start, first);
          compare(
            result,
            metric,
            model.find(metric, unit).filter(({ start }) => start >= first && start <= to),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("Traqq takes an event's time from a property, and `at` beats it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(times, fc.option(times, { nil: undefined })), { maxLength: 20 }),
      zones,
      async (all, zone) => {
        const mapping = { add: ["event"] };
        const model = new Model(modelOptions(mapping, zone, true));
        const options = traqqOptions(new MemoryStorage(), mapping, zone, true);
        options.time!.property = "when";
        await using traqq = await Traqq.open(options);
        for (const [when, at] of all) {
          model.record({ event: "x" }, at ?? when);
          const form = when % 2 === 0 ? when : new Date(when * 1000).toISOString();
          await traqq.record({ event: "x", when: form }, { at });
        }
        const metric: Metric = { type: "add", pattern: "event" };
        compare(await traqq.query(EVERYTHING), metric, model.find(metric, "d"));
      },
    ),
    // The clock shows yesterday again.
    { numRuns: 40, examples: [[[[1_257_042_660, undefined]], "America/St_Johns"]] },
  );
});

function modelOptions(mapping: Mapping, timezone: string, hourly: boolean): ModelOptions {
  return {
    mapping,
    timezone,
    hourly,
    maxFieldLength: MAX_FIELD_LENGTH,
    maxValueLength: MAX_VALUE_LENGTH,
  };
}

function traqqOptions(
  storage: MemoryStorage,
  mapping: Mapping,
  timezone: string,
  hourly: boolean,
): TraqqOptions {
  return {
    storage,
    mapping,
    time: { timezone, hourly },
    limits: { maxFieldLength: MAX_FIELD_LENGTH, maxValueLength: MAX_VALUE_LENGTH },
    flush: { intervalMs: 1_000_000 },
  };
}

/** Compares all that a result says of a metric with the model's cells. */
function compare(result: QueryResult, metric: Metric, cells: readonly ModelCell[]): void {
  const selector = { type: metric.type, key: metric.pattern, addKey: metric.addKey };
  const found = result.find(selector);
  assertEquals(found.length, cells.length, `buckets of ${JSON.stringify(metric)}`);
  found.forEach((one, i) => {
    const { start, unit } = cells[i];
    const addKey = metric.addKey === undefined ? "" : `${metric.addKey}:`;
    assertEquals(one.location, `traqq:${metric.type}:${unit}:${start}:${addKey}${metric.pattern}`);
    compareOne(one, metric, cells[i]);
  });
  const merged = mergeCells(metric, cells);
  const whole = result.merged(selector);
  assertEquals(whole.location, "");
  compareOne(whole, metric, merged);
  const rows = result.inflate(selector);
  if (metric.type === "bmp") {
    assertEquals(rows.length, 1);
    return;
  }
  assertEquals(
    rows.length,
    metric.type === "top" ? Math.min(merged.fields.size, 250) : merged.fields.size,
  );
  const keys = metric.pattern.split("~");
  for (const row of rows) {
    const field = keys.map((key) => row[key]).join("~");
    const value = merged.fields.get(field);
    assert(value !== undefined, `a row of ${field}`);
    assertEquals(row.value, metric.type === "adv" ? numberOf(value) : Number(value));
  }
}

function compareOne(
  one: ReturnType<QueryResult["find"]>[number],
  metric: Metric,
  cell: ModelCell,
): void {
  assertEquals(one.type, metric.type);
  assertEquals(one.key, metric.pattern.split("~"));
  const numbers = (of: (value: bigint) => number) =>
    new Map([...cell.fields].map(([field, value]) => [field, of(value)]));
  switch (metric.type) {
    case "bmp": {
      const sketch = new HyperLogLog();
      for (const field of cell.fields.keys()) sketch.add(field);
      assertEquals("count" in one && one.count, sketch.count());
      break;
    }
    case "add":
      assertEquals(new Map(Object.entries((one as AddResult).counts)), numbers(Number));
      break;
    case "adv": {
      const { addKey, sums, sum, count } = one as AdvResult;
      assertEquals(addKey, metric.addKey);
      assertEquals(new Map(Object.entries(sums)), numbers(numberOf));
      assertEquals(sum, numberOf([...cell.fields.values()].reduce((a, b) => a + b, 0n)));
      assertEquals(count, cell.summed);
      break;
    }
    case "top":
      assertEquals((one as TopResult).ranked, rankedByWords(cell.fields));
  }
}
