import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { handledResolvers } from "../../src/base/promises.ts";
import type { Durability } from "../../src/engine/journal_options.ts";
import { Appender, type AppenderOptions, type Level } from "../../src/journal/appender.ts";
import { findFrames, framed } from "../../src/journal/frame.ts";
import { segmentName } from "../../src/journal/names.ts";
import { segmentsIn } from "../../src/journal/segments.ts";
import { FaultyDirectory, TempFolder } from "./_faulty_directory.ts";

/** Records are texts; that of number n begins with `n `. Heads say `head` and what they follow. */
class Bench implements Disposable {
  readonly folder = new TempFolder();
  readonly directory = new FaultyDirectory(this.folder.path);
  readonly errors: Error[] = [];
  readonly appender: Appender;
  #count = 0;

  constructor(durability: Durability, options: Partial<AppenderOptions> = {}) {
    this.appender = new Appender({
      directory: this.directory,
      durability,
      syncIntervalMs: 1_000_000,
      maxSegmentBytes: 1 << 20,
      firstSegment: 1,
      reach: { event: 0, cut: 0 },
      head: (_, { event }) => framed(encode(`head ${event}`)),
      beforeWrite: () => {},
      afterSegment: () => {},
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  put(text = ""): string {
    const record = `${++this.#count} ${text}`;
    this.appender.append(framed(encode(record)), { event: this.#count });
    return record;
  }

  wait(level: Level): Promise<void> {
    const resolvers = handledResolvers();
    this.appender.wait(level, resolvers);
    return resolvers.promise;
  }

  /** By segment, what a reader finds; `torn` and `damage` as such. */
  files(): string[][] {
    const names = [...Deno.readDirSync(this.folder.path)].map(({ name }) => name);
    return segmentsIn(names).map((number) => {
      const bytes = Deno.readFileSync(this.directory.pathOf(segmentName(number)));
      return [...findFrames(bytes)].map((found) =>
        found.kind === "record"
          ? new TextDecoder().decode(found.payload)
          : found.isTorn
          ? "torn"
          : "damage"
      );
    });
  }

  /** What a reader finds in all segments, each once; in the order of their numbers. */
  events(): string[] {
    let last = 0;
    return this.files().flat().filter((text) => {
      const number = Number(/^\d+/.exec(text)?.[0] ?? 0);
      if (number <= last) return false;
      assertEquals(number, last + 1, "none is missing");
      last = number;
      return true;
    });
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => settled = true;
  promise.then(note, note);
  await null;
  return settled;
}

function gate(then: "ok" | "fail" = "ok") {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { fault: { until: promise, then } as const, open: resolve };
}

const MODES: Durability[] = ["every_write", "periodic", "os_default", "none"];

Deno.test("Appender writes records in order, in every mode", async () => {
  for (const mode of MODES) {
    using bench = new Bench(mode);
    await bench.appender.start();
    const wanted = Array.from({ length: 500 }, (_, i) => bench.put("x".repeat(i)));
    await bench.wait("written");
    wanted.push(bench.put());
    await bench.appender.close(5000);
    assertEquals(bench.files(), [["head 0", ...wanted]], mode);
    assertEquals(bench.appender.stats().heldBytes, 0, mode);
    assertEquals(bench.errors, [], mode);
  }
});

Deno.test("Appender lets many who wait share a sync", async () => {
  using bench = new Bench("every_write");
  await bench.appender.start();
  const waits = Array.from({ length: 300 }, () => (bench.put(), bench.wait("synced")));
  await Promise.all(waits);
  assertEquals(bench.appender.stats().syncs, 1);
  const held = gate();
  bench.directory.faults.syncData = [held.fault];
  const first = (bench.put(), bench.wait("synced"));
  await bench.directory.called("syncData", 3);
  const later = Array.from({ length: 300 }, () => (bench.put(), bench.wait("synced")));
  held.open();
  await first;
  assertEquals(await isSettled(later[0]), false, "it came behind the sync that was under way");
  await Promise.all(later);
  assertEquals(bench.appender.stats().syncs, 3);
  await bench.appender.close(5000);
});

Deno.test("Appender resolves when the mode says", async () => {
  using written = new Bench("os_default");
  await written.appender.start();
  const held = gate();
  written.directory.faults.write = [held.fault];
  const waits = (written.put(), written.wait("written"));
  await written.directory.called("write", 2);
  assertEquals(await isSettled(waits), false);
  held.open();
  await waits;
  assertEquals(written.appender.stats().syncs, 0);

  const sync = gate();
  written.directory.faults.syncData = [sync.fault];
  const synced = (written.put(), written.wait("synced"));
  await written.directory.called("syncData", 2);
  assertEquals(await isSettled(synced), false);
  sync.open();
  await synced;
  await written.appender.close(5000);

  using none = new Bench("none");
  await none.appender.start();
  none.put();
  await none.wait("synced");
  assertEquals(none.appender.stats().syncs, 0);
  assertEquals(none.appender.stats().heldBytes, 0, "what is written is let go of");
  await none.appender.close(5000);
  assertEquals(none.directory.calls.get("syncData"), 2, "its beginning and its end");
});

Deno.test("Appender syncs by itself where it is told to", async () => {
  using bench = new Bench("periodic", { syncIntervalMs: 5 });
  await bench.appender.start();
  for (let round = 0; round < 3; round++) {
    bench.put();
    await bench.directory.called("syncData", 2 + round);
  }
  await bench.appender.close(5000);
});

Deno.test("Appender begins another segment where one would grow too large", async () => {
  for (const mode of MODES) {
    let finished = 0;
    using bench = new Bench(mode, { maxSegmentBytes: 300, afterSegment: () => finished++ });
    await bench.appender.start();
    const wanted: string[] = [];
    for (let i = 0; i < 10; i++) {
      wanted.push(bench.put("x".repeat(100)));
      await bench.wait("written");
    }
    await bench.appender.close(5000);
    assertEquals(bench.events(), wanted);
    const [head] = bench.files()[1];
    assert(head === "head 2" || (head === "head 0" && mode !== "none"), "what is synced before it");
    assertEquals(bench.files().length, 5);
    assertEquals(finished, 4);
    for (const number of [1, 2, 3, 4]) {
      assertEquals(bench.appender.reaches.get(number)?.event, number * 2);
    }
  }
});

Deno.test("Appender writes on in the next segment while the full one is synced", async () => {
  using bench = new Bench("periodic", { maxSegmentBytes: 300 });
  await bench.appender.start();
  const slow = gate();
  bench.directory.faults.syncData = [slow.fault];
  const wanted: string[] = [];
  for (let i = 0; i < 6; i++) {
    wanted.push(bench.put("x".repeat(100)));
    await bench.wait("written");
  }
  let isSynced = false;
  const synced = bench.wait("synced").then(() => isSynced = true);
  assertEquals(bench.files().length, 3);
  assertEquals(bench.events(), wanted);
  assertEquals([isSynced, bench.appender.stats().syncs], [false, 0]);
  slow.open();
  await synced;
  assertEquals(bench.appender.stats().heldBytes, 0);
  await bench.appender.close(5000);
  assertEquals(bench.events(), wanted);
});

Deno.test("Appender writes all again that stands in several segments where the sync of one fails", async () => {
  for (const failing of [0, 1, 2]) {
    using bench = new Bench("os_default", { maxSegmentBytes: 300 });
    await bench.appender.start();
    const first = gate(failing === 0 ? "fail" : "ok");
    bench.directory.faults.syncData = [first.fault, "ok", "ok"];
    if (failing > 0) bench.directory.faults.syncData[failing] = "fail";
    const wanted: string[] = [];
    const write = async () => {
      wanted.push(bench.put("x".repeat(100)));
      await bench.wait("written");
    };
    for (let i = 0; i < 6; i++) await write();
    first.open();
    await bench.wait("synced");
    assertEquals(bench.errors.length, 1, `${failing}`);
    assertEquals(bench.appender.stats().heldBytes, 0);
    await write();
    await bench.appender.close(5000);
    assertEquals(bench.events(), wanted, "each once: what was given up is cut at what was synced");
    assertEquals(bench.files().flat().filter((it) => it === "torn" || it === "damage"), []);
  }
});

Deno.test("Appender keeps what stands in a full segment where the next one cannot be made", async () => {
  using bench = new Bench("periodic", { maxSegmentBytes: 300 });
  await bench.appender.start();
  const wanted = [bench.put("x".repeat(100)), bench.put("x".repeat(100))];
  await bench.wait("written");
  bench.directory.faults.create = ["fail", "fail"];
  wanted.push(bench.put("x".repeat(100)));
  await bench.wait("synced");
  await bench.appender.close(5000);
  assertEquals(bench.events(), wanted);
  assertEquals(bench.files().map((it) => it.length), [3, 2]);
});

Deno.test("Appender writes records that are longer than a block, and keeps none of that memory", async () => {
  using bench = new Bench("os_default", { maxSegmentBytes: 1 << 30 });
  await bench.appender.start();
  const wanted: string[] = [];
  for (const size of [10, 1 << 18, (1 << 20) + 7, 5, 1 << 19]) {
    wanted.push(bench.put("y".repeat(size)));
  }
  await bench.wait("synced");
  const { bytes } = bench.appender.reserve(1).room;
  assertEquals(bytes.length, 1 << 18);
  wanted.push(bench.put());
  await bench.appender.close(5000);
  assertEquals(bench.events(), wanted);
});

Deno.test("Appender loses nothing of what comes while it writes, syncs and reuses blocks", async () => {
  for (const mode of MODES) {
    using bench = new Bench(mode, { maxSegmentBytes: 3 << 20, syncIntervalMs: 1 });
    await bench.appender.start();
    const wanted: string[] = [];
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 7; i++) wanted.push(bench.put(String(i).repeat(20_000)));
      if (round % 3 === 0) await bench.wait("written");
      if (round % 7 === 0) await bench.wait("synced");
      if (round % 5 === 0) await Promise.resolve();
    }
    await bench.appender.close(20_000);
    assertEquals(bench.events(), wanted, mode);
    assert(bench.appender.stats().heldBytes === 0);
  }
});

Deno.test("Appender loses no wake-up: what came is written, whenever it came", async () => {
  using bench = new Bench("os_default");
  await bench.appender.start();
  for (let turns = 0; turns < 40; turns++) {
    bench.put();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    bench.put();
    await bench.wait("written");
  }
  await bench.appender.close(5000);
  assertEquals(bench.events().length, 80);
});

Deno.test("Appender goes on in another segment after a write that failed or was short", async () => {
  for (const mode of MODES) {
    for (const fault of ["fail", "short"] as const) {
      for (const truncates of [true, false]) {
        const what = `${mode} ${fault} ${truncates}`;
        using bench = new Bench(mode);
        await bench.appender.start();
        const wanted = [bench.put("first")];
        await bench.wait("synced");
        wanted.push(bench.put("second"));
        await bench.wait("written");
        if (!truncates) bench.directory.down.add("truncate").add("cut");
        bench.directory.faults.write = [fault];
        wanted.push(bench.put("third"));
        await bench.wait("written");
        const [, next] = bench.files();
        assertEquals(next, ["head 2", wanted[2]], `${what}: what was written is synced first`);
        wanted.push(bench.put("fourth"));
        await bench.appender.close(5000);
        assertEquals(bench.events(), wanted, what);
        if (truncates) {
          assertEquals(
            bench.files()[0],
            ["head 0", ...wanted.slice(0, 2)],
            `${what}: ends at its last good byte`,
          );
        }
        assertEquals(bench.errors.length, 1, what);
        assert(bench.errors[0] instanceof StorageError);
        assertEquals(bench.appender.stats().failures, 1);
      }
    }
  }
});

Deno.test("Appender writes what is not synced again, at once, after a sync that failed", async () => {
  for (const mode of ["every_write", "periodic", "os_default"] as const) {
    using bench = new Bench(mode, { syncIntervalMs: 1 });
    await bench.appender.start();
    const wanted = [bench.put("first")];
    await bench.wait("synced");
    bench.directory.faults.syncData = ["fail"];
    wanted.push(bench.put("second"));
    // Nobody waits for the periodic one.
    if (mode !== "periodic") await bench.wait("synced");
    await bench.directory.called("cut", 1);
    await bench.wait("written");
    assertEquals(bench.files(), [["head 0", wanted[0]], ["head 1", wanted[1]]], mode);
    await bench.appender.close(5000);
    assertEquals(bench.events(), wanted);
  }
});

Deno.test("Appender does not take a sync for good that follows one that failed", async () => {
  using bench = new Bench("periodic", { syncIntervalMs: 1 });
  await bench.appender.start();
  const held = gate("fail");
  bench.directory.faults.syncData = [held.fault];
  const wanted = [bench.put("first")];
  await bench.directory.called("syncData", 2);
  wanted.push(bench.put("second"));
  const synced = bench.wait("synced");
  await bench.directory.called("write", 3);
  held.open();
  await synced;
  assertEquals(bench.files().at(-1), ["head 0", ...wanted], "all of it is in the new segment");
  await bench.appender.close(5000);
});

Deno.test("Appender syncs nothing for good while it writes again what a segment lost", async () => {
  using bench = new Bench("periodic", { syncIntervalMs: 20 });
  await bench.appender.start();
  const wanted = [bench.put("a".repeat(1 << 18)), bench.put("b".repeat(1 << 18))];
  await bench.wait("written");
  const held = gate("fail");
  // The third record fails, and so does the sync of the others; the head and the first are written
  // again, and then the disk is gone.
  bench.directory.faults.syncData = ["fail"];
  bench.directory.faults.write = ["fail", "ok", "ok", held.fault];
  wanted.push(bench.put("third"));
  await bench.directory.called("write", 7);
  await new Promise((resolve) => setTimeout(resolve, 60)); // a sync that was due would run now
  assertEquals(bench.appender.stats().syncs, 0);
  held.open();
  await bench.wait("synced");
  await bench.appender.close(5000);
  assertEquals(bench.events(), wanted);
});

Deno.test("Appender leaves what is on the disk there until another segment has it", async () => {
  using bench = new Bench("os_default");
  await bench.appender.start();
  const wanted = [bench.put("first")];
  await bench.wait("written");
  bench.directory.down.add("create");
  bench.directory.faults.write = ["short"];
  wanted.push(bench.put("second"));
  await bench.directory.called("create", 4);
  assertEquals(bench.files(), [["head 0", wanted[0]]], "a process killed now has lost nothing");
  assertEquals(bench.errors.map(({ message }) => /told to fail: \w+/.exec(message)?.[0]), [
    "told to fail: write",
    "told to fail: create",
  ], "a failure that lasts is reported once");
  bench.directory.down.clear();
  await bench.wait("written");
  assertEquals(bench.files(), [["head 0", wanted[0]], ["head 1", wanted[1]]]);
  await bench.appender.close(5000);
});

Deno.test("Appender survives a name that it cannot have", async () => {
  using bench = new Bench("os_default", { maxSegmentBytes: 10 });
  await bench.appender.start();
  Deno.writeTextFileSync(bench.directory.pathOf(segmentName(2)), "");
  const wanted = [bench.put(), bench.put()];
  await bench.wait("synced");
  await bench.appender.close(5000);
  assertEquals(bench.files(), [["head 0"], [], ["head 0", ...wanted]]);
});

Deno.test("Appender does not make segment after segment where syncs fail", async () => {
  using bench = new Bench("periodic", { syncIntervalMs: 1 });
  await bench.appender.start();
  bench.directory.down.add("syncData");
  bench.put();
  await bench.directory.called("syncData", 4);
  assert(bench.errors.length <= 2, `${bench.errors.length} reports`);
  bench.directory.down.clear();
  await bench.wait("synced");
  await bench.appender.close(5000);
  assertEquals(bench.events().length, 1);
});

Deno.test("Appender.isFull() and room: memory is bounded for those who wait", async () => {
  using bench = new Bench("os_default");
  await bench.appender.start();
  const held = gate();
  bench.directory.faults.write = [held.fault];
  const big = "z".repeat(1 << 20);
  assertEquals(bench.appender.isFull(), false);
  for (let i = 0; i < 8; i++) bench.put(big);
  assertEquals(bench.appender.isFull(), true);
  assertEquals(bench.appender.isFull(2), false);
  const { room } = bench.appender;
  assertEquals(await isSettled(room), false);
  held.open();
  await room;
  while (bench.appender.isFull()) await bench.appender.room;
  await bench.appender.close(20_000);
  assertEquals(bench.events().length, 8);
});

Deno.test("Appender.start() fails where the disk does, and leaves no file", async () => {
  for (const operation of ["create", "write", "syncData"] as const) {
    using bench = new Bench("none");
    bench.directory.faults[operation] = ["fail"];
    await assertRejects(() => bench.appender.start(), StorageError, "told to fail");
    assertEquals(bench.files(), [], operation);
  }
});

Deno.test("Appender.close() rejects within its time where the disk does not come back", async () => {
  using bench = new Bench("every_write");
  await bench.appender.start();
  bench.directory.down.add("syncData");
  bench.put();
  const waits = bench.wait("synced");
  const before = Date.now();
  await assertRejects(() => bench.appender.close(300), StorageError, "closed before the disk took");
  assert(Date.now() - before < 5000);
  await assertRejects(() => waits, StorageError);
  await assertRejects(() => bench.wait("written"), StorageError, "closed", "later ones too");
});

Deno.test("Appender.close() rejects those who wait where the disk does not answer", async () => {
  using bench = new Bench("every_write");
  await bench.appender.start();
  const held = gate();
  bench.directory.faults.write = [held.fault];
  bench.put();
  const waits = bench.wait("synced");
  await bench.directory.called("write", 2);
  const closed = bench.appender.close(20);
  await assertRejects(() => waits, StorageError, "closed before the disk took");
  assertEquals(await isSettled(closed), false, "it is not at rest");
  held.open();
  await assertRejects(() => closed, StorageError);
  assertEquals(bench.directory.calls.get("syncData"), 1, "nothing is promised afterwards");
});

Deno.test("Appender.close() waits for a sync that is under way", async () => {
  using bench = new Bench("periodic", { syncIntervalMs: 1 });
  await bench.appender.start();
  const held = gate();
  bench.directory.faults.syncData = [held.fault];
  bench.put();
  await bench.directory.called("syncData", 2);
  bench.put();
  const closed = bench.appender.close(5000);
  assertEquals(await isSettled(closed), false);
  held.open();
  await closed;
  assertEquals(bench.appender.stats().heldBytes, 0);
});

Deno.test("Appender syncs what came while a sync was under way, without another write", async () => {
  using bench = new Bench("periodic", { syncIntervalMs: 5 });
  await bench.appender.start();
  const held = gate();
  bench.directory.faults.syncData = [held.fault];
  bench.put();
  await bench.directory.called("syncData", 2);
  bench.put();
  await bench.wait("written");
  await new Promise((resolve) => setTimeout(resolve, 30)); // its own sync is due meanwhile
  held.open();
  await bench.directory.called("syncData", 3);
  await bench.appender.close(5000);
});

Deno.test("Appender leaves no timer behind where somebody waits beside a sync", {
  sanitizeOps: true,
}, async () => {
  using bench = new Bench("periodic");
  await bench.appender.start();
  const held = gate();
  bench.directory.faults.syncData = [held.fault];
  const first = (bench.put(), bench.wait("synced"));
  await bench.directory.called("syncData", 2);
  const second = (bench.put(), bench.wait("synced"));
  await bench.wait("written");
  held.open();
  await Promise.all([first, second]);
  await bench.appender.close(5000);
});

Deno.test("Appender.close() lets those go who wait for room", async () => {
  using bench = new Bench("none");
  await bench.appender.start();
  bench.directory.down.add("write");
  const { room } = bench.appender;
  bench.put();
  await assertRejects(() => bench.appender.close(20), StorageError);
  assert(await isSettled(room));
});
