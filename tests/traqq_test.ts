import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { MemoryStorage, Traqq, type TraqqOptions } from "../mod.ts";

const DAY = 86_400;
const AT = 1_773_532_800; // 2026-03-15T00:00:00Z
const RANGE = { from: AT, to: AT };

function open(options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({
    storage: new MemoryStorage(),
    ...options,
    flush: { intervalMs: 1_000_000, ...options.flush },
  });
}

Deno.test("Traqq counts events by name where no mapping is given", async () => {
  await using traqq = await open();
  await traqq.recordMany([{ event: "a" }, { event: "b" }, { event: "a" }], { at: AT });
  const result = await traqq.query(RANGE);
  assertEquals(result.buckets.map(({ results }) => results.map(({ type, key }) => [type, key])), [
    [["add", ["event"]]],
  ]);
  assertEquals({ ...result.merged("add/event").counts }, { a: 2, b: 1 });
});

Deno.test("Traqq answers for all four types, over patterns of any length", async () => {
  const storage = new MemoryStorage();
  const pattern = "event~geo~os~plan";
  await using traqq = await open({
    storage,
    mapping: {
      bitmap: [pattern, "user"],
      add: [pattern],
      addValue: [{ key: pattern, addKey: "amount" }],
      top: [pattern],
    },
  });
  const event = { event: "buy", geo: "US", os: "linux", plan: "pro", amount: 9.99 };
  await traqq.record({ ...event, user: 1 }, { at: AT });
  await traqq.record({ ...event, user: 2, amount: "0.01" }, { at: AT + DAY });
  await traqq.record({ ...event, user: 1, plan: undefined }, { at: AT });
  // Whoever asks needs no mapping, and may name the properties in any order.
  await traqq.flush();
  await using reader = await open({ storage, mapping: {} });
  const result = await reader.query({ from: AT, to: AT + DAY });
  const field = "buy~US~linux~pro";
  const key = ["plan", "os", "geo", "event"];
  assertEquals({ ...result.merged({ type: "add", key }).counts }, { [field]: 2 });
  assertEquals(result.merged({ type: "adv", key, addKey: "amount" }).sum, 10);
  assertEquals(result.merged({ type: "top", key }).ranked, [[field, 2]]);
  assertEquals(result.merged({ type: "bmp", key }).count, 1);
  assertEquals(result.find("bmp/user").map(({ count }) => count), [1, 1]);
  assertEquals(result.merged("bmp/user").count, 2);
});

Deno.test("Traqq unites uniques over a range, and never sums days", async () => {
  await using traqq = await open({ mapping: { bitmap: ["user"] } });
  for (let day = 0; day < 3; day++) {
    for (let user = 0; user < 200; user++) {
      await traqq.record({ event: "x", user }, { at: AT + day * DAY });
    }
  }
  const result = await traqq.query({ from: AT, to: AT + 2 * DAY });
  const counts = result.find("bmp/user").map(({ count }) => count);
  assertEquals(counts.length, 3);
  assertEquals(result.merged("bmp/user").count, counts[0], "the same users every day");
  assert(Math.abs(counts[0] - 200) <= 6, `${counts[0]}`);
});

Deno.test("Traqq.query() reads what accept and ignore let through", async () => {
  await using traqq = await open({
    mapping: {
      add: ["event", "geo"],
      top: ["geo"],
      addValue: [{ key: "geo", addKey: "n" }],
    },
  });
  await traqq.record({ event: "x", geo: "US", n: 1 }, { at: AT });
  const names = async (filter: Record<string, unknown>) =>
    (await traqq.query({ ...RANGE, ...filter })).buckets[0].results.map(({ type, key }) =>
      `${type}/${key}`
    );
  assertEquals(await names({}), ["add/event", "add/geo", "adv/geo", "top/geo"]);
  assertEquals(await names({ accept: "add:*" }), ["add/event", "add/geo"]);
  assertEquals(await names({ allow: ["adv:n:*", "top:geo"] }), ["adv/geo", "top/geo"]);
  assertEquals(await names({ accept: "*geo", ignore: "adv:*" }), ["add/geo", "top/geo"]);
  assertEquals(await names({ select: "adv/geo/n" }), ["adv/geo"]);
  const days = await traqq.queryDays(1, { accept: "add:event" });
  assertEquals(days.merged("add/geo").counts, Object.create(null));
});

Deno.test("Traqq.queryDays() counts calendar days of the zone, today the last", async () => {
  using time = new FakeTime("2026-11-02T03:30:00Z"); // still the first in New York
  const traqq = await open({ time: { timezone: "America/New_York" } });
  await traqq.record({ event: "now" });
  await traqq.record({ event: "yesterday" }, { at: "2026-11-01T03:59:59Z" });
  const labels = async (days: number) =>
    (await traqq.queryDays(days)).buckets.map(({ label }) => label);
  assertEquals(await labels(1), ["2026-11-01"]);
  assertEquals(await labels(3), ["2026-10-30", "2026-10-31", "2026-11-01"]);
  assertEquals({ ...(await traqq.queryDays(1)).merged("add/event").counts }, { now: 1 });
  assertEquals((await traqq.queryDays(1, { unit: "h" })).buckets.length, 25, "summer time ends");
  time.tick(2 * 3_600_000);
  assertEquals(await labels(1), ["2026-11-02"]);
  await traqq.close();
});

Deno.test("Traqq.query() gives every bucket that holds an instant of the range", async () => {
  await using traqq = await open({ time: { hourly: true } });
  await traqq.record({ event: "x" }, { at: AT });
  const labels = async (from: number, to: number, unit: "d" | "h") =>
    (await traqq.query({ from, to, unit })).buckets.map(({ label }) => label);
  assertEquals(await labels(AT - 1, AT, "d"), ["2026-03-14", "2026-03-15"]);
  assertEquals(await labels(AT, AT + DAY - 1, "d"), ["2026-03-15"]);
  assertEquals(await labels(AT + 3599, AT + 3600, "h"), [
    "2026-03-15T00:00:00+00:00",
    "2026-03-15T01:00:00+00:00",
  ]);
  const [hour] = (await traqq.query({ from: AT + 5, to: AT + 5, unit: "h" })).find("add/event");
  assertEquals(hour.location, `traqq:add:h:${AT}:event`);
});

Deno.test("Traqq keeps hours only where it is told to", async () => {
  await using traqq = await open();
  await traqq.record({ event: "x" }, { at: AT });
  assertEquals((await traqq.query({ ...RANGE, unit: "h" })).find("add/event"), []);
});

Deno.test("Traqq keeps prefixes apart", async () => {
  const storage = new MemoryStorage();
  await using a = await open({ storage, prefix: "a" });
  await using b = await open({ storage, prefix: "b" });
  await a.record({ event: "x" }, { at: AT });
  await a.flush();
  assertEquals([a.prefix, b.prefix], ["a", "b"]);
  assertEquals((await b.query(RANGE)).find("add/event"), []);
  assertEquals((await a.query(RANGE)).find("add/event")[0].location, `a:add:d:${AT}:event`);
});

Deno.test("Traqq commits what was recorded after flush.intervalMs by itself", async () => {
  using time = new FakeTime();
  const storage = new MemoryStorage();
  const traqq = await open({ storage, flush: { intervalMs: 700 } });
  await traqq.record({ event: "x" }, { at: AT });
  await time.tickAsync(400);
  await traqq.record({ event: "x" }, { at: AT });
  await time.tickAsync(299);
  assertEquals(traqq.stats().pending, 2);
  await time.tickAsync(1);
  await time.runMicrotasks();
  assertEquals([traqq.stats().pending, traqq.stats().flushes], [0, 1]);
  await time.tickAsync(10_000);
  assertEquals(traqq.stats().flushes, 1, "nothing to do, nothing done");
  await traqq.close();
});

Deno.test("Traqq coalesces: a thousand events of one kind are one cell", async () => {
  const storage = new MemoryStorage();
  await using traqq = await open({ storage });
  let cells = 0;
  const commit = storage.commit.bind(storage);
  storage.commit = (chunk) => {
    cells += chunk.cells.length;
    return commit(chunk);
  };
  await traqq.recordMany(Array(1000).fill({ event: "x" }), { at: AT });
  await traqq.flush();
  assertEquals([cells, traqq.stats().commits], [1, 1]);
});

Deno.test("Traqq.record() without a journal resolves at once, with one promise for all", async () => {
  await using traqq = await open();
  const promise = traqq.record({ event: "x" }, { at: AT });
  assertStrictEquals(traqq.record({ event: "y" }, { at: AT }), promise);
  assertEquals(await promise, undefined);
});

Deno.test("Traqq.recordMany() takes any iterable, and a time for all or for each", async () => {
  await using traqq = await open({ time: { property: "when" } });
  const events = [{ event: "x", when: AT }, { event: "x", when: AT + DAY }];
  async function* stream() {
    yield* events;
  }
  for (
    const all of [events, new Set(events), events.values(), stream(), ReadableStream.from(events)]
  ) {
    assertEquals(await traqq.recordMany(all), { recorded: 2, rejected: [] });
  }
  await traqq.recordMany(events, { at: new Date(AT * 1000) });
  const seen: unknown[] = [];
  await traqq.recordMany(events, {
    at: (event, index) => {
      seen.push([event, index]);
      return index === 0 ? undefined : AT;
    },
  });
  assertEquals(seen, events.map((event, i) => [event, i]));
  const counts = (await traqq.query({ from: AT, to: AT + DAY })).find("add/event");
  assertEquals(counts.map(({ counts }) => counts.x), [5 + 2 + 2, 5]);
});

Deno.test("Traqq.recordMany() lets others run in between", async () => {
  await using traqq = await open();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  // So slow an event that 256 of them take longer than a turn may.
  const slow = Array.from({ length: 2560 }, () => ({
    get event() {
      const until = performance.now() + 0.05;
      while (performance.now() < until);
      return "x";
    },
  }));
  await traqq.recordMany(slow, { at: AT });
  clearInterval(timer);
  assert(turns > 2, `${turns} turns of the event loop`);
});

Deno.test("Traqq.stats() starts at zero and counts by reason", async () => {
  using _time = new FakeTime(AT * 1000);
  const traqq = await open({ retention: { d: "10d" } });
  const { commitTimes, ...zero } = traqq.stats();
  assertEquals(new Set(Object.values(zero)), new Set([0]));
  assertEquals(new Set(Object.values(commitTimes.atMostMs)), new Set([0]));
  assertEquals(Object.keys(zero).sort(), [
    "commits",
    "failedFlushes",
    "flushes",
    "future",
    "late",
    "overflowed",
    "overloaded",
    "pending",
    "pendingCells",
    "recorded",
    "recovered",
    "refusedCells",
    "rejected",
    "rejectedValues",
    "replayed",
    "retries",
    "skipped",
    "slowed",
  ]);
  const report = await traqq.recordMany([{ event: "x" }, {}, { event: "x" }, { event: "x" }], {
    at: (_event, index) => [AT, AT, AT - 20 * DAY, AT + 2 * DAY][index],
  });
  assertEquals([report.recorded, report.rejected.length], [1, 3]);
  const stats = traqq.stats();
  const { recorded, rejected, late, future, pending } = stats;
  assertEquals([recorded, rejected, late, future, pending], [1, 1, 1, 1, 1]);
  assert(stats.pendingCells > 0);
  await traqq.flush();
  const { pending: left, pendingCells, flushes, commits } = traqq.stats();
  assertEquals([left, pendingCells, flushes, commits], [0, 0, 1, 1]);
  assertEquals(stats.pending, 1, "what was given does not change");
  await traqq.close();
});

Deno.test("Traqq.flush() brings all that was recorded before it, and does nothing without", async () => {
  const storage = new MemoryStorage();
  await using traqq = await open({ storage });
  await traqq.flush();
  assertEquals(traqq.stats().flushes, 0);
  traqq.record({ event: "x" }, { at: AT });
  await traqq.flush();
  await using reader = await open({ storage });
  assertEquals((await reader.query(RANGE)).merged("add/event").counts.x, 1);
});

Deno.test("Traqq.close() flushes and leaves the storage open", async () => {
  const storage = new MemoryStorage();
  {
    await using traqq = await open({ storage });
    traqq.record({ event: "x" }, { at: AT });
  }
  await using reader = await open({ storage });
  assertEquals((await reader.query(RANGE)).merged("add/event").counts.x, 1);
});

Deno.test("a result does not change when more is recorded", async () => {
  await using traqq = await open();
  await traqq.record({ event: "x" }, { at: AT });
  const before = await traqq.query(RANGE);
  await traqq.record({ event: "x" }, { at: AT });
  const after = await traqq.query(RANGE);
  assertEquals([before, after].map((result) => result.merged("add/event").counts.x), [1, 2]);
});
