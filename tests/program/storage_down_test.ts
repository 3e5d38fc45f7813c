import { assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { serveTcp } from "../../src/server/tcp.ts";
import { Traqq } from "../../src/traqq.ts";
import { FaultyStorage } from "../_faulty_storage.ts";
import { cellsOf, Day, Load, MAPPING } from "./_load.ts";
import { Folder, within } from "./_program.ts";

/** Longer with `TRAQQ_DOWN_MS`. */
const DOWN_MS = Number(Deno.env.get("TRAQQ_DOWN_MS") ?? 2500);
const SAMPLE_MS = 20;
/** Far fewer than the load has. */
const MAX_CELLS = 1000;

/** Much at once, without waiting for replies: only the socket holds it back. */
const FLOOD = { batch: 1, window: 5000 };

Deno.test("serveTcp before a storage that fails for a while reads no more than memory may hold, loses nothing, and catches up", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage(300);
  const errors: string[] = [];
  await using traqq = await Traqq.open({
    storage,
    mapping: MAPPING,
    journal: { directory: folder.file("journal") },
    flush: { intervalMs: 20, maxCells: MAX_CELLS },
    onError: ({ message }) => errors.push(message),
  });
  await using server = serveTcp(traqq, { port: 0 });
  const day = new Day(0);
  let mostCells = 0, mostBytes = 0;
  const timer = setInterval(() => {
    const { pendingCells, journal } = traqq.stats();
    mostCells = Math.max(mostCells, pendingCells);
    mostBytes = Math.max(mostBytes, journal!.heldBytes);
  }, SAMPLE_MS);
  const loads: Load[] = [];
  try {
    const address = `127.0.0.1:${server.addr.port}`;
    // Enough for some flushes, not for all of it.
    loads.push(await Load.start(address, day, { batch: 1, window: 10 }));
    await until(() => traqq.stats().flushes > 1);
    storage.down = true;
    for (let i = 0; i < 3; i++) loads.push(await Load.start(address, day, FLOOD));
    await until(() => traqq.stats().failedFlushes > 0 && traqq.stats().slowed > 0);
    await pause(DOWN_MS / 2);
    const half = { bytesIn: server.stats().bytesIn, recorded: traqq.stats().recorded };
    await pause(DOWN_MS / 2);
    assertEquals(
      { bytesIn: server.stats().bytesIn, recorded: traqq.stats().recorded },
      half,
      "nothing is read meanwhile",
    );
    const sentBytes = loads.reduce((sum, load) => sum + load.sentBytes, 0);
    assertLess(half.bytesIn, sentBytes, "though there is something to read");
    assertLess(day.acknowledged, half.recorded + 1);

    const failed = traqq.stats().failedFlushes;
    storage.down = false;
    await within(Promise.all(loads.map(({ ended }) => ended)), "the rest of the load");
    assertGreater(failed, 2);
    assertEquals(day.acknowledged, day.sent);
    assertEquals(loads.flatMap(({ refused }) => refused), []);
    await traqq.flush();
    assertEquals(day.check(await cellsOf(storage, day)), []);
    assertEquals(day.counted, day.sent);
    // A delta that waits and one that is filled.
    assertLessOrEqual(mostCells, 2.1 * MAX_CELLS);
    assertLess(mostBytes, 16 << 20);
    assertEquals([...new Set(errors)], ["told to be down"]);
    console.log(JSON.stringify({ mostCells, mostBytes, slowed: traqq.stats().slowed, failed }));
  } finally {
    clearInterval(timer);
    storage.down = false;
    await Promise.all(loads.map((load) => load.stop().catch(() => {})));
  }
});

Deno.test("Traqq.recordMany before a storage that fails for a while waits, loses nothing, and catches up", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage(300);
  await using traqq = await Traqq.open({
    storage,
    mapping: MAPPING,
    journal: { directory: folder.file("journal"), durability: "every_write" },
    flush: { intervalMs: 20, maxCells: MAX_CELLS },
  });
  using _ = { [Symbol.dispose]: () => storage.down = false }; // else closing takes long
  const day = new Day(0);
  function* events() {
    for (;;) {
      const [n, end] = day.take(1);
      if (n === end) return;
      yield JSON.parse(day.event(n));
    }
  }
  await traqq.recordMany([JSON.parse(day.event(day.take(1)[0]))], { at: day.start });
  await traqq.flush();
  storage.down = true;
  const recording = traqq.recordMany(events(), { at: day.start });
  await until(() => traqq.stats().failedFlushes > 1 && traqq.stats().slowed > 0);
  const { recorded, pendingCells } = traqq.stats();
  assertLessOrEqual(pendingCells, 2.1 * MAX_CELLS);
  await until(() => traqq.stats().failedFlushes > 3);
  assertEquals(traqq.stats().recorded, recorded, "it waits");
  storage.down = false;
  assertEquals((await recording).recorded, day.sent - 1);
  day.acknowledge(0, day.sent);
  await traqq.flush();
  assertEquals(day.check(await cellsOf(storage, day)), []);
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error("until() waited 30 s in vain");
    await pause(5);
  }
}
