import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { EventError, MemoryStorage, Traqq, type TraqqOptions } from "../mod.ts";

const DAY = 86_400;
const NOW = 1_773_576_000; // 2026-03-15T12:00:00Z
const TODAY = NOW - DAY / 2;

function open(options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({
    storage: new MemoryStorage(),
    ...options,
    flush: { intervalMs: 1_000_000, ...options.flush },
  });
}

/** The first seconds of the buckets that hold something, counted in units from `TODAY`. */
async function held(traqq: Traqq, unit: "d" | "h" = "d"): Promise<number[]> {
  const from = unit === "d" ? TODAY - 400 * DAY : TODAY - 30 * DAY;
  const result = await traqq.query({ from, to: NOW, unit });
  return result.find("add/event").map(({ location }) =>
    (Number(location.split(":")[3]) - TODAY) / (unit === "d" ? DAY : 3600)
  );
}

Deno.test("an event past its retention is refused as late, one at its edge is counted", async () => {
  using time = new FakeTime(NOW * 1000);
  const traqq = await open({ retention: { d: "2d" } });
  // Two days ago it was noon of the 13th: that day ended later, the 12th earlier.
  await traqq.record({ event: "x" }, { at: TODAY - 2 * DAY });
  const error = await assertRejects(
    () => traqq.record({ event: "x" }, { at: TODAY - 2 * DAY - 1 }),
    EventError,
    `its bucket is past its retention`,
  );
  assertEquals(error.reason, "late");
  const report = await traqq.recordMany([1, 2, 3].map((days) => ({ event: "x", days })), {
    at: (_event, index) => TODAY - (index + 1) * DAY,
  });
  assertEquals([report.recorded, report.rejected.map(({ index }) => index)], [2, [2]]);
  const { recorded, rejected, late } = traqq.stats();
  assertEquals([recorded, rejected, late], [3, 0, 2]);
  assertEquals(await held(traqq), [-2, -1]);
  await traqq.close();
  time.tick(1);
});

Deno.test("without retention nothing is late", async () => {
  await using traqq = await open();
  await traqq.record({ event: "x" }, { at: "0001-01-01T00:00:00Z" });
  await traqq.record({ event: "x" }, { at: -1e11 });
  assertEquals(traqq.stats().recorded, 2);
});

Deno.test("an event of a past hour counts in its day while days are kept longer", async () => {
  using _time = new FakeTime(NOW * 1000);
  const traqq = await open({ retention: { d: "30d", h: "24h" }, time: { hourly: true } });
  await traqq.record({ event: "x" }, { at: NOW - 5 * DAY });
  await traqq.record({ event: "x" }, { at: NOW - 3600 });
  assertEquals([await held(traqq), await held(traqq, "h")], [[-5, 0], [11]]);
  await assertRejects(() => traqq.record({ event: "x" }, { at: NOW - 32 * DAY }), EventError);
  await traqq.close();
});

Deno.test("buckets past their retention are removed by themselves, by what is recorded later", async () => {
  using time = new FakeTime((NOW + 1800) * 1000);
  const storage = new MemoryStorage();
  const traqq = await open({ storage, retention: { d: "3d", h: "5h" }, time: { hourly: true } });
  const another = await open({ storage, prefix: "another" });
  await another.record({ event: "x" }, { at: NOW });
  for (let hours = 0; hours < 72; hours++) {
    await traqq.record({ event: "x" }, { at: NOW - hours * 3600 });
  }
  await traqq.flush();
  assertEquals(await held(traqq), [-3, -2, -1, 0]);
  assertEquals(await held(traqq, "h"), [7, 8, 9, 10, 11, 12], "06:00 ended more than 5 hours ago");

  // Less than an hour later it does not look again, though 07:00 has ended long enough ago.
  time.tick(3_599_000);
  await traqq.record({ event: "x" }, { at: NOW });
  await traqq.flush();
  await time.runMicrotasks();
  assertEquals(await held(traqq, "h"), [7, 8, 9, 10, 11, 12]);

  time.tick(1000);
  await traqq.record({ event: "x" }, { at: NOW });
  await traqq.flush();
  await time.runMicrotasks();
  assertEquals(await held(traqq, "h"), [8, 9, 10, 11, 12]);

  time.tick(10 * DAY * 1000);
  await traqq.record({ event: "x" });
  await traqq.close(); // It waits for the pruning.
  const reader = await open({ storage });
  const left = await reader.query({ from: TODAY - 10 * DAY, to: TODAY + 20 * DAY });
  assertEquals(left.find("add/event").length, 1);
  await another.close();
  assertEquals(await another.query({ from: NOW, to: NOW }).catch(() => "closed"), "closed");
  const other = await open({ storage, prefix: "another" });
  assertEquals((await other.query({ from: NOW, to: NOW })).merged("add/event").counts.x, 1);
});

Deno.test("Traqq.prune() removes the buckets that end at or before a point in time", async () => {
  const removed = async (before: number, unit: "d" | "h") => {
    await using traqq = await open({ time: { hourly: true } });
    await traqq.record({ event: "x" }, { at: TODAY - DAY });
    await traqq.record({ event: "x" }, { at: TODAY - 1 });
    await traqq.record({ event: "y" }, { at: TODAY });
    const dry = await traqq.prune(before, { dryRun: true });
    assertEquals(await held(traqq), [-1, 0], "nothing was removed yet");
    const wet = await traqq.prune(before);
    assertEquals(dry, wet);
    assertEquals(await traqq.prune(before), { buckets: 0, cells: 0 });
    return [await held(traqq, unit), wet];
  };
  assertEquals(await removed(TODAY, "d"), [[0], { buckets: 3, cells: 3 }]);
  assertEquals(await removed(TODAY - 1, "d"), [[-1, 0], { buckets: 1, cells: 1 }]);
  assertEquals(await removed(TODAY - 1, "h"), [[-1, 0], { buckets: 1, cells: 1 }]);
  assertEquals(await removed(TODAY - DAY, "h"), [[-24, -1, 0], { buckets: 0, cells: 0 }]);
  assertEquals(await removed(TODAY - DAY + 3599, "h"), [[-24, -1, 0], { buckets: 0, cells: 0 }]);
  assertEquals(await removed(TODAY - DAY + 3600, "h"), [[-1, 0], { buckets: 1, cells: 1 }]);
  assertEquals(await removed(TODAY + 3600, "h"), [[], { buckets: 4, cells: 4 }]);
});

Deno.test("Traqq.prune() follows the days of the zone", async () => {
  await using traqq = await open({ time: { timezone: "America/New_York" } });
  const midnight = Date.parse("2026-03-15T04:00:00Z") / 1000;
  await traqq.record({ event: "x" }, { at: midnight - 1 });
  assertEquals(await traqq.prune("2026-03-15T03:59:59Z"), { buckets: 0, cells: 0 });
  assertEquals(await traqq.prune("2026-03-15T04:00:00Z"), { buckets: 1, cells: 1 });
});

Deno.test("Traqq.prune() flushes first, and takes a time in any form", async () => {
  await using traqq = await open();
  await traqq.record({ event: "x" }, { at: TODAY - 1 });
  assertEquals(await traqq.prune(new Date(TODAY * 1000)), { buckets: 1, cells: 1 });
  assertEquals(traqq.stats().pending, 0);
  for (const bad of ["yesterday", NaN, TODAY * 1000, undefined, null]) {
    await assertRejects(() => traqq.prune(bad as number), TypeError, "Cannot read before:");
  }
});

Deno.test("late events come back into a bucket that was pruned", async () => {
  await using traqq = await open();
  for (let i = 0; i < 2; i++) {
    await traqq.record({ event: "x" }, { at: TODAY - 1 });
    assertEquals(await held(traqq), [-1]);
    await traqq.prune(TODAY);
    assertEquals(await held(traqq), []);
  }
});
