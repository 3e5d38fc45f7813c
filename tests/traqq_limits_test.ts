import { assert, assertEquals, assertRejects } from "@std/assert";
import { EventError, MemoryStorage, type QueryResult, Traqq, type TraqqOptions } from "../mod.ts";
import { hashHex } from "../src/sketch/murmur.ts";

const AT = 1_773_532_800; // 2026-03-15T00:00:00Z
const DAY = 86_400;
const RANGE = { from: AT, to: AT };

function open(options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({
    storage: new MemoryStorage(),
    ...options,
    flush: { intervalMs: 1_000_000, ...options.flush },
  });
}

function counts(result: QueryResult): Record<string, number> {
  return { ...result.merged("add/event").counts };
}

Deno.test("limits.maxFields holds over flushes, buckets and another opening of the storage", async () => {
  const options: Partial<TraqqOptions> = {
    storage: new MemoryStorage(),
    limits: { maxFields: 3 },
    mapping: {
      add: ["event"],
      top: ["event"],
      addValue: [{ key: "event", addKey: "n" }],
      bitmap: ["event"],
    },
    time: { hourly: true },
  };
  const record = async (traqq: Traqq, names: string, at: number) => {
    for (const event of names) await traqq.record({ event, n: "1.5" }, { at });
  };
  const first = await open(options);
  await record(first, "aab", AT);
  await first.flush();
  await record(first, "bcde", AT);
  await record(first, "fgh", AT + DAY);
  await first.flush();
  await record(first, "aef", AT);
  await first.close();

  await using second = await open(options);
  await record(second, "abxyz", AT);
  await record(second, "fz", AT + DAY);
  for (const unit of ["d", "h"] as const) {
    const result = await second.query({ from: AT, to: AT + DAY, unit });
    const [one, two] = result.find("add/event");
    assertEquals({ ...one.counts }, { a: 4, b: 3, c: 1, "~other": 7 });
    assertEquals({ ...two.counts }, { f: 2, g: 1, h: 1, "~other": 1 });
    assertEquals(result.find("top/event")[0].ranked, [["a", 4], ["b", 3], ["c", 1], ["~other", 7]]);
    const { sums, sum, count } = result.find("adv/event/n")[0];
    assertEquals([{ ...sums }, sum, count], [{ a: 6, b: 4.5, c: 1.5, "~other": 10.5 }, 22.5, 15]);
    assertEquals(result.find("bmp/event")[0].count, 9, "a sketch has no fields: a to f, x to z");
    assertEquals(result.merged("top/event").ranked.at(-1), ["~other", 8], "last, though not least");
  }
  assertEquals(
    second.stats().overflowed,
    2 * 3 * (3 + 1),
    "x, y and z on one day, z on the next: two units, three metrics",
  );
});

Deno.test("limits.maxFields counts from what storage holds, also after a prune", async () => {
  await using traqq = await open({ limits: { maxFields: 2 } });
  const record = async (names: string) => {
    for (const event of names) await traqq.record({ event }, { at: AT });
    await traqq.flush();
  };
  await record("abc");
  assertEquals(counts(await traqq.query(RANGE)), { a: 1, b: 1, "~other": 1 });
  await traqq.prune(AT + DAY);
  await record("xyz");
  assertEquals(counts(await traqq.query(RANGE)), { x: 1, y: 1, "~other": 1 });
  await traqq.prune(AT + DAY, { dryRun: true });
  await record("xyw");
  assertEquals(counts(await traqq.query(RANGE)), { x: 2, y: 2, "~other": 2 });
});

Deno.test("a leaderboard has 250 members, ties ascending also at the cut", async () => {
  await using traqq = await open({ mapping: { top: ["event"] } });
  const name = (i: number) => `e${String(i).padStart(3, "0")}`;
  await traqq.recordMany(Array.from({ length: 300 }, (_, i) => ({ event: name(299 - i) })), {
    at: AT,
  });
  await traqq.record({ event: name(299) }, { at: AT });
  const { ranked } = (await traqq.query(RANGE)).merged("top/event");
  assertEquals(ranked.length, 250);
  assertEquals(ranked[0], [name(299), 2]);
  assertEquals(
    ranked.slice(1).map(([member]) => member),
    Array.from({ length: 249 }, (_, i) => name(i)),
  );
});

Deno.test("limits.maxFieldLength and maxValueLength count code points", async () => {
  await using traqq = await open({
    mapping: { add: ["event", "geo"] },
    limits: { maxFieldLength: 3, maxValueLength: 2 },
  });
  await traqq.record({ event: "😀é\u{1f680}x", geo: "😀😀😀" }, { at: AT });
  await traqq.record({ event: "😀é\u{1f680}", geo: "😀😀" }, { at: AT });
  const result = await traqq.query(RANGE);
  assertEquals(counts(result), { "😀é🚀": 2 });
  assertEquals({ ...result.merged("add/geo").counts }, { "😀😀": 2 });
});

Deno.test("the default lengths are 128 for the name and 512 for other values", async () => {
  await using traqq = await open({ mapping: { add: ["event", "geo"] } });
  await traqq.record({ event: "a".repeat(600), geo: "b".repeat(600) }, { at: AT });
  const result = await traqq.query(RANGE);
  assertEquals(Object.keys(result.merged("add/event").counts), ["a".repeat(128)]);
  assertEquals(Object.keys(result.merged("add/geo").counts), ["b".repeat(512)]);
});

Deno.test("a field over 1,024 bytes is cut, ends in ~# and its hash, and loses no count", async () => {
  await using traqq = await open({
    mapping: { add: ["a~b~c"], top: ["a~b~c"], addValue: [{ key: "a~b~c", addKey: "n" }] },
  });
  const event = (c: string) => ({ event: "x", a: "日".repeat(200), b: "é".repeat(200), c, n: 1 });
  for (const c of ["1", "2", "2"]) await traqq.record(event(c), { at: AT });
  await traqq.record(event("x".repeat(23)), { at: AT }); // 600 + 1 + 400 + 1 + 22 bytes would fit
  const result = await traqq.query(RANGE);
  const { counts } = result.merged("add/a~b~c");
  const whole = (c: string) => `${"日".repeat(200)}~${"é".repeat(200)}~${c}`;
  const cut = whole("x".repeat(23));
  assertEquals(Object.entries(counts).sort(([, x], [, y]) => y - x), [
    [whole("2"), 2],
    [whole("1"), 1],
    [`${whole("xxxx")}~#${hashHex(cut)}`, 1],
  ]);
  assertEquals(result.merged("top/a~b~c").ranked.length, 3);
  assertEquals(result.merged("adv/a~b~c/n").sum, 4);
});

Deno.test("fields that begin alike and are cut stay apart, over flushes too", async () => {
  await using traqq = await open({ mapping: { add: ["a~b~c"] } });
  const long = "x".repeat(512);
  for (let flush = 0; flush < 2; flush++) {
    for (const c of ["1", "2"]) await traqq.record({ event: "e", a: long, b: long, c }, { at: AT });
    await traqq.flush();
  }
  const { counts } = (await traqq.query(RANGE)).merged("add/a~b~c");
  assertEquals(Object.values(counts), [2, 2]);
  assert(Object.keys(counts).every((field) => /~#[0-9a-f]{16}$/.test(field)));
});

Deno.test("sums are exact: decimals, refunds, and totals across ±2^53", async () => {
  await using traqq = await open({ mapping: { addValue: [{ key: "event", addKey: "n" }] } });
  const record = async (event: string, ...numbers: unknown[]) => {
    for (const n of numbers) {
      await traqq.record({ event, n }, { at: AT });
      await traqq.flush();
    }
  };
  await record("refund", -500, 200);
  await record("tenths", 0.1, 0.2, "0.3", -0.6);
  await record("cents", ...Array(10).fill(0.01));
  await record("big", 2 ** 53, "1", "-9007199254740992", 0.000001);
  await record("rounded", "0.0000005", "-0.0000005", 1e-7);
  const { sums, count } = (await traqq.query(RANGE)).merged("adv/event/n");
  assertEquals({ ...sums }, { refund: -300, tenths: 0, cents: 0.1, big: 1.000001, rounded: 0 });
  assertEquals([count, traqq.stats().rejectedValues], [23, 0]);
});

Deno.test("an adv value beyond ±2^53 is a rejected value, its event is kept", async () => {
  await using traqq = await open({
    mapping: { add: ["event"], addValue: [{ key: "event", addKey: "n" }] },
  });
  const bad = [2 ** 53 + 2, -(2 ** 53) - 2, "9007199254740993", 1e300, "1e999", Infinity];
  for (const n of [...bad, 2 ** 53]) await traqq.record({ event: "x", n }, { at: AT });
  const result = await traqq.query(RANGE);
  assertEquals(counts(result), { x: 7 });
  assertEquals([result.merged("adv/event/n").sum, result.merged("adv/event/n").count], [
    2 ** 53,
    1,
  ]);
  assertEquals([traqq.stats().rejectedValues, traqq.stats().rejected], [6, 0]);
});

Deno.test("limits.maxMetricsPerEvent refuses the event, and the others are counted", async () => {
  await using traqq = await open({
    mapping: { add: ["event", "a", "b", "c"] },
    limits: { maxMetricsPerEvent: 3 },
  });
  const report = await traqq.recordMany(
    [{ event: "x", a: 1, b: 1 }, { event: "x", a: 1, b: 1, c: 1 }, { event: "x", c: 1 }],
    { at: AT },
  );
  assertEquals([report.recorded, report.rejected.map(({ index }) => index)], [2, [1]]);
  assert(report.rejected[0].error instanceof EventError);
  assertEquals(counts(await traqq.query(RANGE)), { x: 2 });
});

Deno.test("limits.maxFutureMs refuses a time that is probably a typo", async () => {
  await using traqq = await open({ limits: { maxFutureMs: 1000 } });
  const error = await assertRejects(
    () => traqq.record({ event: "x" }, { at: new Date(Date.now() + 5000) }),
    EventError,
    "more than limits.maxFutureMs = 1000 ms in the future",
  );
  assertEquals([error.reason, traqq.stats().future, traqq.stats().rejected], ["future", 1, 0]);
  await traqq.record({ event: "x" }, { at: new Date() });
});

Deno.test("limits.maxBuckets refuses a range of 100 years of hours, and names itself", async () => {
  await using traqq = await open({ time: { hourly: true } });
  const century = { from: "1926-01-01T00:00:00Z", to: "2025-12-31T00:00:00Z" };
  await assertRejects(
    () => traqq.query({ ...century, unit: "h" }),
    RangeError,
    "Cannot list the hours of a range: at most 50000 (limits.maxBuckets)",
  );
  assertEquals((await traqq.query(century)).buckets.length, 36_525);
  await assertRejects(
    () => traqq.query({ from: "0001-01-01T00:00:00Z", to: "9999-01-01T00:00:00Z" }),
    RangeError,
    "limits.maxBuckets",
  );
  await using few = await open({ limits: { maxBuckets: 2 } });
  assertEquals((await few.query({ from: AT, to: AT + 2 * DAY - 1 })).buckets.length, 2);
  await assertRejects(() => few.query({ from: AT, to: AT + 2 * DAY }), RangeError, "at most 2");
  await assertRejects(() => few.queryDays(3), RangeError, "at most 2");
});

Deno.test("limits.maxResultCells refuses a query that reads more, and accept makes it fit", async () => {
  await using traqq = await open({
    mapping: { add: ["event", "geo"] },
    limits: { maxResultCells: 10 },
  });
  for (let i = 0; i < 10; i++) await traqq.record({ event: `e${i}`, geo: i }, { at: AT });
  await assertRejects(() => traqq.query(RANGE), RangeError, "limits.maxResultCells = 10 cells");
  assertEquals(
    Object.keys(counts(await traqq.query({ ...RANGE, accept: "add:event" }))).length,
    10,
  );
});

Deno.test("a delta that is full starts a flush by itself, by cells or by bytes", async () => {
  for (const flush of [{ maxCells: 100 }, { maxBytes: 20_000 }]) {
    await using traqq = await open({ flush });
    for (let i = 0; i < 2000; i++) await traqq.record({ event: `event number ${i}` }, { at: AT });
    const { flushes, pendingCells } = traqq.stats();
    assert(flushes > 5, `${flushes} flushes`);
    assert(pendingCells < 1000, `${pendingCells} cells`);
    assertEquals(Object.keys(counts(await traqq.query(RANGE))).length, 2000);
  }
});
