import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import fc from "fast-check";
import { EventError, type Mapping, StorageError, Traqq, type TraqqOptions } from "../mod.ts";
import { type Fault, FaultyStorage } from "./_faulty_storage.ts";

const AT = 1_773_532_800; // 2026-03-15T00:00:00Z
const RANGE = { from: AT, to: AT };
const MAPPING: Mapping = {
  add: ["event", "id"],
  bitmap: ["id"],
  addValue: [{ key: "event", addKey: "n" }],
  top: ["event"],
};

/** No timer of its own, unless a test wants one. */
function open(storage: FaultyStorage, options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({
    storage,
    mapping: MAPPING,
    ...options,
    flush: { intervalMs: 1_000_000, ...options.flush },
  });
}

/** Options with which the zone is claimed by the first flush, if that is what is to fail. */
function claimLate(method: string): Partial<TraqqOptions> {
  return method === "claimTimezone" ? { mapping: undefined } : {};
}

let ids = 0;

/** An event that no other is like. */
function event(name = "x") {
  return { event: name, id: ids++, n: "0.1" };
}

/** Closes what cannot flush, so that no timer outlives the test. */
async function abandon(traqq: Traqq, storage: FaultyStorage): Promise<void> {
  storage.down = false;
  storage.broken.clear();
  storage.faults = [];
  await traqq.close().catch(() => {});
}

/** How often each event was counted, having compared all metrics with each other. */
async function counted(storage: FaultyStorage): Promise<Record<string, number>> {
  await using reader = await Traqq.open({ storage });
  const result = await reader.query(RANGE);
  const { counts } = result.merged("add/event");
  const total = Object.values(counts).reduce((a, b) => a + b, 0);
  assertEquals(Object.fromEntries(result.merged("top/event").ranked), { ...counts });
  assertEquals(result.merged("adv/event/n").count, total);
  assertEquals(result.merged("adv/event/n").sum, total / 10);
  const { counts: byId } = result.merged("add/id");
  assert(Object.values(byId).every((count) => count === 1), "no event twice");
  assertEquals(Object.keys(byId).length, total);
  assert(Math.abs(result.merged("bmp/id").count - total) <= 1 + total / 50);
  return { ...counts };
}

/** Runs a test that no rejection may leave unhandled. */
function test(name: string, run: () => Promise<void>): void {
  Deno.test(name, async () => {
    const unhandled: unknown[] = [];
    const listen = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      unhandled.push(event.reason);
    };
    globalThis.addEventListener("unhandledrejection", listen);
    try {
      await run();
      await new Promise((resolve) => setTimeout(resolve, 0));
      assertEquals(unhandled, []);
    } finally {
      globalThis.removeEventListener("unhandledrejection", listen);
    }
  });
}

test("Traqq counts once when the answer to a commit is lost", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage);
  await traqq.record(event(), { at: AT });
  storage.faults = ["lose"];
  const error = await assertRejects(() => traqq.flush(), StorageError, "told to lose the answer");
  assertEquals(error.code, "unknown");
  assertEquals(await counted(storage), { x: 1 });
  let stats = traqq.stats();
  assertEquals([stats.pending, stats.flushes, stats.failedFlushes, stats.commits], [1, 0, 1, 0]);
  await traqq.record(event(), { at: AT });
  await traqq.flush();
  stats = traqq.stats();
  assertEquals([stats.pending, stats.flushes, stats.failedFlushes], [0, 2, 1]);
  assertEquals([stats.commits, stats.skipped], [1, 1]);
  assertEquals(await counted(storage), { x: 2 });
});

for (const fault of ["refuse", "throw"] as const) {
  test(`Traqq counts once when a commit fails before it is applied (${fault})`, async () => {
    const storage = new FaultyStorage();
    await using traqq = await open(storage);
    await traqq.record(event(), { at: AT });
    storage.faults = [fault, fault];
    const errors = [
      await assertRejects(() => traqq.flush()),
      await assertRejects(() => traqq.flush()),
    ];
    assertEquals(
      errors.map((error) => error instanceof StorageError),
      Array(2).fill(fault === "refuse"),
    );
    assertEquals(traqq.stats().pending, 1);
    await traqq.flush();
    assertEquals(await counted(storage), { x: 1 });
    assertEquals(traqq.stats().commits, 1);
  });
}

test("Traqq goes on in the middle of a flush that failed half-way", async () => {
  const storage = new FaultyStorage(2);
  await using traqq = await open(storage);
  for (let i = 0; i < 5; i++) await traqq.record(event(), { at: AT });
  storage.faults = ["ok", "lose", "refuse"];
  await assertRejects(() => traqq.flush(), StorageError, "lose");
  await assertRejects(() => traqq.flush(), StorageError, "refuse");
  const done = storage.applied.length;
  assertEquals(done, 2);
  await traqq.record(event("y"), { at: AT });
  await traqq.flush();
  assertEquals(await counted(storage), { x: 5, y: 1 });
  const checkpoints = storage.applied.map(({ flush, part }) => `${flush}.${part}`);
  assertEquals(new Set(checkpoints).size, checkpoints.length, "no chunk was applied twice");
});

for (const method of ["claimTimezone", "read"]) {
  test(`Traqq counts once when ${method}() fails before the cut is handed over`, async () => {
    const storage = new FaultyStorage(2);
    const options = claimLate(method);
    await using traqq = await open(storage, { ...options, limits: { maxFields: 2 } });
    for (let i = 0; i < 4; i++) await traqq.record({ event: `e${i}` }, { at: AT });
    storage.broken.set(method, "refuse");
    await assertRejects(() => traqq.flush(), StorageError, `told to refuse ${method}`);
    await assertRejects(() => traqq.flush(), StorageError, `told to refuse ${method}`);
    assertEquals(storage.commits, 0);
    storage.broken.clear();
    await traqq.flush();
    const { counts } = (await traqq.query(RANGE)).merged("add/event");
    assertEquals({ ...counts }, { e0: 1, e1: 1, "~other": 2 });
    const { overflowed } = traqq.stats();
    assertEquals(overflowed, "mapping" in options ? 2 : 4, "two of add, two of top");
  });
}

test("Traqq limits each group of a cut once, though reading fails between them", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage, { limits: { maxFields: 2 } });
  for (let i = 0; i < 5; i++) await traqq.record({ event: `e${i}`, n: 1 }, { at: AT });
  const read = storage.read.bind(storage);
  let reads = 0;
  storage.read = (metric, range) => {
    // The first group is read twice: its bound first, then its fields.
    if (++reads % 3 === 0) throw new StorageError("unavailable", "every third read fails");
    return read(metric, range);
  };
  let failures = 0;
  while (traqq.stats().pending > 0) await traqq.flush().catch(() => failures++);
  storage.read = read;
  assertGreater(failures, 1);
  assertEquals(traqq.stats().overflowed, 3 * 3, "three fields of add, top and adv");
  const { counts } = (await traqq.query(RANGE)).merged("add/event");
  assertEquals({ ...counts }, { e0: 1, e1: 1, "~other": 3 });
});

test("Traqq commits again what a storage lost that went back in time", async () => {
  const storage = new FaultyStorage(3);
  const errors: Error[] = [];
  await using traqq = await open(storage, { onError: (error) => errors.push(error) });
  await traqq.record(event(), { at: AT });
  await traqq.flush();
  const before = storage.snapshot();
  for (let i = 0; i < 3; i++) {
    await traqq.record(event(), { at: AT });
    await traqq.flush();
  }
  const commits = traqq.stats().commits;
  await storage.restore(before);
  assertEquals(await counted(storage), { x: 1 });
  await traqq.record(event("y"), { at: AT });
  await traqq.flush();
  assertEquals(await counted(storage), { x: 4, y: 1 });
  assertEquals(errors, []);
  assertGreater(traqq.stats().replayed, 0);
  assertEquals(traqq.stats().commits, commits + traqq.stats().replayed + 2);
});

test("Traqq commits everything again to a storage that lost everything, its zone too", async () => {
  const storage = new FaultyStorage(2);
  await using traqq = await open(storage, { time: { timezone: "Europe/Berlin" } });
  for (let i = 0; i < 4; i++) {
    await traqq.record(event(), { at: AT });
    if (i < 3) await traqq.flush();
  }
  await storage.restore(0);
  await traqq.flush();
  await traqq.record(event(), { at: AT });
  await traqq.flush();
  assertEquals(await counted(storage), { x: 5 });
  assertEquals(await storage.timezone("traqq"), "Europe/Berlin");
});

test("Traqq says which commits are lost when storage goes back further than is kept", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const errors: Error[] = [];
  const traqq = await open(storage, { onError: (error) => errors.push(error) });
  const flush = async (name: string) => {
    await traqq.record(event(name), { at: AT });
    await traqq.flush();
  };
  await flush("kept by storage");
  const before = storage.snapshot();
  await flush("lost");
  time.tick(10 * 60_000 + 1);
  await flush("again 1");
  await flush("again 2");
  await storage.restore(before);
  await flush("new");
  assertEquals(await counted(storage), {
    "kept by storage": 1,
    "again 1": 1,
    "again 2": 1,
    new: 1,
  });
  assertEquals(errors.length, 1);
  const [error] = errors;
  assertInstanceOf(error, StorageError);
  assertEquals(error.code, "behind");
  assertStringIncludes(error.message, "from flush 1 part 0 to flush 2 part 0");
  await traqq.close();
});

for (const fault of ["hang", "hang applied"] as const) {
  test(`Traqq gives up a commit that hangs, and counts it once later (${fault})`, async () => {
    using time = new FakeTime();
    const storage = new FaultyStorage(3);
    const traqq = await open(storage, { flush: { deadlineMs: 5000 } });
    await traqq.record(event(), { at: AT });
    storage.faults = ["ok", fault];
    const flush = traqq.flush();
    const rejected = assertRejects(
      () => flush,
      StorageError,
      "Storage did not confirm within flush.deadlineMs = 5000 ms; what was recorded is kept",
    );
    await time.tickAsync(4999);
    assertEquals(traqq.stats().pending, 1);
    await time.tickAsync(1);
    assertEquals((await rejected).code, "unavailable");
    await time.runMicrotasks();
    await traqq.record(event(), { at: AT });
    await traqq.flush();
    assertEquals(await counted(storage), { x: 2 });
    await traqq.close();
  });
}

for (const method of ["claimTimezone", "read", "metrics"]) {
  test(`Traqq gives up waiting for ${method}() after flush.deadlineMs`, async () => {
    using time = new FakeTime();
    const storage = new FaultyStorage();
    const traqq = await open(storage, { ...claimLate(method), flush: { deadlineMs: 5000 } });
    await traqq.record(event(), { at: AT });
    storage.broken.set(method, "hang");
    const rejected = assertRejects(() => traqq.query(RANGE), StorageError, "deadlineMs = 5000 ms");
    await time.tickAsync(5000);
    await time.runMicrotasks();
    await rejected;
    storage.broken.clear();
    assertEquals({ ...(await traqq.query(RANGE)).merged("add/event").counts }, { x: 1 });
    await traqq.close();
  });
}

test("Traqq.query() sees what was recorded while a flush was running", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage);
  const gate = Promise.withResolvers<void>();
  storage.gate = gate.promise;
  await traqq.record(event(), { at: AT });
  const first = traqq.flush();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(storage.commits, 1);
  await traqq.record(event(), { at: AT });
  const query = traqq.query(RANGE);
  const flushes = [first, traqq.flush(), traqq.flush()];
  await traqq.record(event(), { at: AT });
  assertEquals(traqq.stats().pending, 3);
  gate.resolve();
  await Promise.all(flushes);
  assertEquals((await query).merged("add/event").counts.x, 3);
  assertEquals(traqq.stats().flushes, 2, "three waited for two flushes");
});

test("Traqq.record() waits when it is full, until storage has taken the rest", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage, { flush: { maxCells: 20 } });
  const gate = Promise.withResolvers<void>();
  storage.gate = gate.promise;
  const waits: boolean[] = [];
  // The first delta goes into the flush that hangs; the second one fills up.
  let waiting: Promise<void> | undefined;
  for (let i = 0; waiting === undefined && i < 100; i++) {
    const recorded = traqq.record(event(), { at: AT });
    const waited = await Promise.race([
      recorded.then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 5)),
    ]);
    waits.push(waited);
    if (waited) waiting = recorded;
  }
  assert(waiting !== undefined, "it waits at last");
  const { pendingCells, recorded } = traqq.stats();
  assert(pendingCells < 80, `${pendingCells} cells are held`);
  gate.resolve();
  await waiting;
  await traqq.flush();
  assertEquals(await counted(storage), { x: recorded });
});

test("Traqq.record() refuses as overloaded what nobody waits for, and takes more later", async () => {
  const storage = new FaultyStorage();
  const errors: Error[] = [];
  await using traqq = await open(storage, {
    flush: { maxCells: 20 },
    onError: (error) => errors.push(error),
  });
  storage.down = true;
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    traqq.record(event(), { at: AT }).catch((error) => {
      assertInstanceOf(error, EventError);
      assertEquals(error.reason, "overloaded");
      refused++;
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  const stats = traqq.stats();
  assertGreater(refused, 50);
  assertEquals([stats.overloaded, stats.recorded, stats.rejected], [refused, 200 - refused, 0]);
  assertEquals(errors.filter((error) => error instanceof EventError).length, refused);
  assert(stats.pendingCells < 250, `${stats.pendingCells} cells`);
  storage.down = false;
  await traqq.flush();
  await traqq.record(event("after"), { at: AT });
  await traqq.flush();
  assertEquals(await counted(storage), { x: 200 - refused, after: 1 });
});

test("Traqq.recordMany() waits rather than being refused as overloaded", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage, { flush: { maxCells: 20 } });
  storage.down = true;
  for (let i = 0; i < 200; i++) traqq.record(event(), { at: AT }).catch(() => {});
  const { recorded } = traqq.stats();
  const many = traqq.recordMany(Array.from({ length: 300 }, () => event("many")), { at: AT });
  async function* slowly() {
    for (let i = 0; i < 30; i++) {
      if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      yield event("stream");
    }
  }
  const stream = traqq.recordMany(slowly(), { at: AT });
  storage.down = false;
  await traqq.flush();
  assertEquals(await many, { recorded: 300, rejected: [] });
  assertEquals(await stream, { recorded: 30, rejected: [] });
  await traqq.flush();
  assertEquals(await counted(storage), { x: recorded, many: 300, stream: 30 });
});

test("Traqq is not overloaded for ever by events that are refused", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage, { flush: { maxCells: 20 } });
  for (let i = 0; i < 1000; i++) {
    const error = await assertRejects(() => traqq.record(event(), { at: "never" }), EventError);
    assertEquals(error.reason, "invalid");
  }
  assert(traqq.stats().pendingCells < 100, `${traqq.stats().pendingCells} cells`);
  await traqq.record(event(), { at: AT });
  await traqq.flush();
  assertEquals(await counted(storage), { x: 1 });
  assertEquals([traqq.stats().rejected, traqq.stats().overloaded], [1000, 0]);
});

test("Traqq flushes what was counted when refused events fill up its memory", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage, { flush: { maxCells: 20 } });
  await traqq.record(event(), { at: AT });
  for (let i = 0; i < 1000; i++) {
    const error = await assertRejects(() => traqq.record(event(), { at: "never" }), EventError);
    assertEquals(error.reason, "invalid");
  }
  assert(traqq.stats().pendingCells < 100, `${traqq.stats().pendingCells} cells`);
  const report = await traqq.recordMany(
    [event(), ...Array.from({ length: 600 }, () => event()), event()],
    { at: (_, index) => index % 601 === 0 ? AT : "never" },
  );
  assertEquals([report.recorded, report.rejected.length], [2, 600]);
  await traqq.flush();
  assertEquals(await counted(storage), { x: 3 });
  assertEquals(traqq.stats().overloaded, 0);
});

test("Traqq.record() with durability storage resolves when the commit is confirmed", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const traqq = await open(storage, { durability: "storage" });
  const gate = Promise.withResolvers<void>();
  storage.gate = gate.promise;
  storage.faults = ["lose", "refuse"];
  const settled: string[] = [];
  const [a, b] = [traqq.record(event(), { at: AT }), traqq.record(event(), { at: AT })];
  assertStrictEquals(a, b, "one promise for a commit group");
  a.then(() => settled.push("a"), () => settled.push("rejected"));
  await time.delay(2);
  traqq.record(event(), { at: AT }).then(() => settled.push("later"));
  assertEquals([storage.commits, settled], [1, []]);
  gate.resolve();
  await time.delay(2);
  assertEquals([await counted(storage), settled], [{ x: 2 }, []], "applied, and not yet confirmed");
  for (let i = 0; i < 10 && settled.length < 2; i++) {
    await time.tickAsync(10_000);
    await time.delay(2);
  }
  assertEquals(settled, ["a", "later"]);
  assertEquals(await counted(storage), { x: 3 });
  await traqq.close();
});

test("Traqq.recordMany() with durability storage resolves when all is confirmed", async () => {
  const storage = new FaultyStorage();
  await using traqq = await open(storage, { durability: "storage", flush: { maxCells: 10 } });
  const report = await traqq.recordMany(
    [...Array.from({ length: 100 }, () => event()), null],
    { at: AT },
  );
  assertEquals([report.recorded, report.rejected.map(({ index }) => index)], [100, [100]]);
  assertEquals(traqq.stats().pending, 0);
  assertEquals(await counted(storage), { x: 100 });
});

test("Traqq tries again by itself, ever more slowly, and tells onError", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const errors: Error[] = [];
  const traqq = await open(storage, {
    flush: { intervalMs: 1000 },
    onError: (error) => errors.push(error),
  });
  storage.down = true;
  await traqq.record(event(), { at: AT });
  const attempts: number[] = [];
  let seen = 0;
  for (let ms = 0; ms < 60_000; ms += 100) {
    await time.tickAsync(100);
    if (traqq.stats().failedFlushes > seen) attempts.push(ms);
    seen = traqq.stats().failedFlushes;
  }
  assert(attempts.length >= 8 && attempts.length <= 20, `${attempts}`);
  assert(attempts.at(-1)! - attempts.at(-2)! <= 10_200, `${attempts}`);
  assertEquals(errors.length, seen);
  assertInstanceOf(errors[0], StorageError);
  storage.down = false;
  await time.tickAsync(10_100);
  await time.runMicrotasks();
  await time.runMicrotasks();
  assertEquals(traqq.stats().pending, 0);
  assertEquals(await counted(storage), { x: 1 });
  await traqq.record(event(), { at: AT });
  await time.tickAsync(1000);
  await time.runMicrotasks();
  assertEquals(await counted(storage), { x: 2 });
  await traqq.close();
});

test("Traqq reports a cell that storage refuses for good, and commits the others", async () => {
  const storage = new FaultyStorage();
  const errors: Error[] = [];
  await using traqq = await open(storage, { onError: (error) => errors.push(error) });
  storage.poisoned.add("bad");
  await traqq.record({ event: "bad" }, { at: AT });
  await traqq.record({ event: "good" }, { at: AT });
  await traqq.flush();
  const result = await traqq.query(RANGE);
  assertEquals({ ...result.merged("add/event").counts }, { good: 1 });
  assertEquals([traqq.stats().refusedCells, traqq.stats().pending], [2, 0]);
  assertEquals(errors.map((error) => error instanceof StorageError && error.code), [
    "refused",
    "refused",
  ]);
  const { cell } = errors[0].cause as { cell: { field: string; count: number } };
  assertEquals([cell.field, cell.count], ["bad", 1]);
});

test("Traqq.close() under failure says how much is not confirmed, and settles every promise", async () => {
  using time = new FakeTime();
  for (const durability of ["storage", undefined] as const) {
    const storage = new FaultyStorage();
    const traqq = await open(storage, { durability, flush: { deadlineMs: 3000, maxCells: 10 } });
    storage.down = true;
    const records = Array.from({ length: 8 }, () => traqq.record(event(), { at: AT }));
    const many = traqq.recordMany(Array.from({ length: 50 }, () => event()), { at: AT });
    const settled = Promise.allSettled([...records, many]);
    const closed = traqq.close();
    const failed = assertRejects(() => closed, StorageError, "events that are not confirmed");
    for (let i = 0; i < 100; i++) await time.tickAsync(100);
    assertStringIncludes((await failed).message, `${traqq.stats().pending} events`);
    const states = (await settled).map(({ status }) => status);
    if (durability === "storage") assertEquals(states, Array(9).fill("rejected"));
    assertEquals(states[8], "rejected", "recordMany could not record all");
    assertStrictEquals(traqq.close(), closed);
    assertEquals(await counted(Object.assign(storage, { down: false })), {});
  }
});

test("Traqq.close() settles those who wait for room, and what came after the cut that is stuck", async () => {
  using time = new FakeTime();
  for (const durability of ["storage", undefined] as const) {
    const storage = new FaultyStorage();
    const traqq = await open(storage, { durability, flush: { deadlineMs: 3000, maxCells: 10 } });
    storage.down = true;
    const first = traqq.record(event(), { at: AT });
    await assertRejects(() => traqq.flush(), StorageError);
    // That one is cut; these fill the next delta.
    const later = Array.from({ length: 5 }, () => traqq.record(event(), { at: AT }));
    const many = traqq.recordMany([event(), event()], { at: AT });
    const settled = Promise.allSettled([first, ...later, many]);
    const failed = assertRejects(() => traqq.close(), StorageError, "Closed with 6 events");
    for (let i = 0; i < 100; i++) await time.tickAsync(100);
    await failed;
    const states = (await settled).map(({ status }) => status);
    if (durability === "storage") assertEquals(states, Array(7).fill("rejected"));
    assertEquals(states[6], "rejected");
    const { commits, calls } = storage;
    const before = [commits, ...calls.values()];
    for (let i = 0; i < 20; i++) await time.tickAsync(10_000_000);
    assertEquals([storage.commits, ...calls.values()], before, "nothing goes on after close");
  }
});

test("Traqq.close() tries again until its deadline", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const traqq = await open(storage, { flush: { deadlineMs: 5000 } });
  await traqq.record(event(), { at: AT });
  storage.faults = ["refuse", "lose", "refuse"];
  const closed = traqq.close();
  for (let i = 0; i < 20; i++) await time.tickAsync(200);
  await closed;
  assertEquals(await counted(storage), { x: 1 });
});

for (const fault of ["refuse", "hang"] as const) {
  test(`Traqq.close() keeps to its deadline when the writer id cannot be given up (${fault})`, async () => {
    using time = new FakeTime();
    const storage = new FaultyStorage();
    const errors: Error[] = [];
    const traqq = await open(storage, {
      writer: "w1",
      flush: { deadlineMs: 3000 },
      onError: (error) => errors.push(error),
    });
    await traqq.record(event(), { at: AT });
    storage.broken.set("releaseWriter", fault);
    const closed = traqq.close();
    for (let i = 0; i < 10; i++) await time.tickAsync(500);
    await closed; // Everything is in storage, and the id is free soon by itself.
    assertEquals(await counted(storage), { x: 1 });
    assertEquals(errors.length, 1);
  });

  test(`Traqq.close() names what is lost rather than what failed next (${fault})`, async () => {
    using time = new FakeTime();
    const storage = new FaultyStorage();
    const options = { ...claimLate("claimTimezone"), writer: "w1", flush: { deadlineMs: 3000 } };
    const traqq = await open(storage, options);
    await traqq.record(event(), { at: AT });
    storage.broken.set("claimTimezone", fault);
    storage.broken.set("releaseWriter", fault);
    const failed = assertRejects(() => traqq.close(), StorageError, "Closed with 1 events");
    for (let i = 0; i < 20; i++) await time.tickAsync(500);
    await failed;
  });
}

test("Traqq.close() and flush() do not wait for a prune that hangs", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const traqq = await open(storage, { retention: { d: "3650d" }, flush: { deadlineMs: 3000 } });
  storage.broken.set("prune", "hang");
  await traqq.record(event(), { at: AT });
  await traqq.flush();
  await traqq.record(event(), { at: AT });
  await traqq.flush();
  assertEquals(storage.calls.get("prune"), 1);
  const closed = traqq.close();
  for (let i = 0; i < 20; i++) await time.tickAsync(500);
  await closed;
  assertEquals(await counted(storage), { x: 2 });
});

test("Traqq refuses work after close(), twice closed or not", async () => {
  const storage = new FaultyStorage();
  const errors: Error[] = [];
  const traqq = await open(storage, { onError: (error) => errors.push(error) });
  await traqq.record(event(), { at: AT });
  const closed = traqq.close();
  const bad = async (work: () => Promise<unknown>) => {
    const error = await assertRejects(work, StorageError, "Cannot use a traqq that was closed");
    assertEquals(error.code, "closed");
  };
  await bad(() => traqq.record(event(), { at: AT }));
  await closed;
  await traqq.close();
  await traqq[Symbol.asyncDispose]();
  await bad(() => traqq.record(event(), { at: AT }));
  await bad(() => traqq.recordMany([event()], { at: AT }));
  await bad(() => traqq.query(RANGE));
  await bad(() => traqq.queryDays(1));
  await bad(() => traqq.prune(AT));
  await traqq.flush();
  assertEquals([traqq.stats().recorded, traqq.stats().pending], [1, 0]);
  assertEquals(await counted(storage), { x: 1 });
  traqq.record(event()); // Nobody waits: no rejection is left unhandled.
  assertEquals(errors.length, 3);
});

test("Traqq survives an onError that throws, or rejects, and rejections nobody awaits", async () => {
  for (
    const onError of [
      () => {
        throw new Error("of onError");
      },
      // deno-lint-ignore require-await
      async () => {
        throw new Error("of an async onError");
      },
    ]
  ) {
    const storage = new FaultyStorage();
    const traqq = await open(storage, { onError, flush: { intervalMs: 1 } });
    storage.poisoned.add("bad");
    traqq.record(null);
    traqq.record({ event: "bad" }, { at: AT });
    storage.faults = ["refuse", "throw"];
    traqq.flush();
    await new Promise((resolve) => setTimeout(resolve, 5));
    traqq.record({ event: "good" }, { at: AT });
    traqq.flush();
    await traqq.flush();
    await traqq.flush();
    assertEquals([traqq.stats().rejected, traqq.stats().refusedCells], [1, 2]);
    assertEquals(traqq.stats().pending, 0);
    await abandon(traqq, storage);
  }
});

test("Traqq instances on one storage count each event once, flushing at once", async () => {
  const storage = new FaultyStorage(2);
  const instances = await Promise.all([1, 2, 3].map(() => open(storage)));
  for (let round = 0; round < 5; round++) {
    await Promise.all(instances.map(async (traqq) => {
      await traqq.recordMany(Array.from({ length: 4 }, () => event()), { at: AT });
      await traqq.flush();
    }));
  }
  assertEquals(await counted(storage), { x: 60 });
  await Promise.all(instances.map((traqq) => traqq.close()));
});

test("Traqq counts every event exactly once, whatever happens to storage", async () => {
  const faults = fc.constantFrom<Fault>("ok", "ok", "refuse", "lose", "throw");
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ record: fc.constantFrom(0, 1), many: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        flush: fc.constantFrom(0, 1),
        faults: fc.array(faults, { maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant("snapshot" as const) },
    { weight: 1, arbitrary: fc.constant("restore" as const) },
    {
      weight: 1,
      arbitrary: fc.record({ fail: fc.constantFrom("read", "claimTimezone", "checkpoint") }),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 40 }),
      fc.constantFrom(1, 3, 1000),
      async (actions, chunkCells) => {
        const storage = new FaultyStorage(chunkCells);
        const errors: Error[] = [];
        const onError = (error: Error) => errors.push(error);
        const instances = [await open(storage, { onError }), await open(storage, { onError })];
        let recorded = 0;
        let snapshot = 0;
        for (const one of actions) {
          if (one === "snapshot") snapshot = storage.snapshot();
          else if (one === "restore") await storage.restore(snapshot);
          else if ("fail" in one) {
            storage.broken.set(one.fail, "refuse");
          } else if ("record" in one) {
            for (let i = 0; i < one.many; i++) {
              await instances[one.record].record(event(), { at: AT });
              recorded++;
            }
          } else {
            storage.faults = [...one.faults];
            await instances[one.flush].flush().catch(() => {});
            storage.faults = [];
            storage.broken.clear();
          }
        }
        storage.broken.clear();
        // Only the next commit shows that storage went back.
        for (const traqq of instances) {
          await traqq.record(event(), { at: AT });
          recorded++;
          await traqq.flush();
          assertEquals(traqq.stats().pending, 0);
        }
        assertEquals((await counted(storage)).x, recorded);
        assertEquals(errors, []);
        for (const traqq of instances) await traqq.close();
      },
    ),
    { numRuns: 200 },
  );
});
