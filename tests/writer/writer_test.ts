import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { StorageError } from "../../src/base/errors.ts";
import type { Cell, Checkpoint, Chunk, RefusedCell, Storage } from "../../src/storage/storage.ts";
import { readJournal } from "../../src/engine/journal_options.ts";
import { Journal } from "../../src/journal/journal.ts";
import { Writer, type WriterEvents } from "../../src/writer/writer.ts";
import { contents, count, names, PREFIX, sketch, totals } from "../contract/kit.ts";
import { FaultyStorage } from "../_faulty_storage.ts";
import { Folder, within } from "../program/_program.ts";

interface Told extends WriterEvents {
  readonly errors: Error[];
  readonly refusals: RefusedCell[];
  timesBehind: number;
}

function listener(): Told {
  const told: Told = {
    errors: [],
    refusals: [],
    timesBehind: 0,
    error: (error) => void told.errors.push(error),
    refused: (refused) => void told.refusals.push(refused),
    behind: () => Promise.resolve(void told.timesBehind++),
  };
  return told;
}

async function flush(writer: Writer, cells: readonly Cell[]): Promise<void> {
  await writer.take(cells);
  await writer.commit();
}

const CELLS = names("f", 5).map((field) => count(field, 2));

Deno.test("Writer gives every chunk its place in the chain", async () => {
  const storage = new FaultyStorage(2);
  const chunks: Chunk[] = [];
  const commit = storage.commit.bind(storage);
  storage.commit = (chunk) => {
    chunks.push(chunk);
    return commit(chunk);
  };
  const writer = await Writer.open(storage, PREFIX, undefined, listener());
  await flush(writer, CELLS);
  await flush(writer, CELLS.slice(0, 3));
  assertEquals(chunks.map(({ checkpoint: { flush, part } }) => [flush, part]), [
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 0],
    [2, 1],
  ]);
  assertEquals(chunks[0].previous, null);
  for (let i = 1; i < chunks.length; i++) {
    assertEquals(chunks[i].previous, chunks[i - 1].checkpoint);
  }
  const ids = new Set(chunks.map(({ checkpoint }) => checkpoint.incarnation));
  assertEquals([ids.size, chunks[0].writer, chunks[0].durable], [1, writer.id, false]);
  assertEquals(await contents(storage), totals([...CELLS, ...CELLS.slice(0, 3)]));
  assertEquals([writer.stats.commits, writer.busy, writer.pendingCells], [5, false, 0]);
});

Deno.test("Writers have ids and incarnations of their own", async () => {
  const storage = new FaultyStorage();
  const [a, b] = [
    await Writer.open(storage, PREFIX, undefined, listener()),
    await Writer.open(storage, PREFIX, undefined, listener()),
  ];
  assert(a.id !== b.id);
  await flush(a, CELLS);
  await flush(b, CELLS);
  const [x, y] = [await storage.checkpoint(PREFIX, a.id), await storage.checkpoint(PREFIX, b.id)];
  assert(x!.incarnation !== y!.incarnation);
});

Deno.test("Writer.commit() goes on after each kind of failure with the same chunk", async () => {
  const storage = new FaultyStorage(2);
  const writer = await Writer.open(storage, PREFIX, undefined, listener());
  await writer.take(CELLS);
  storage.faults = ["refuse", "lose", "ok", "throw"];
  await assertRejects(() => writer.commit(), StorageError, "refuse");
  assertEquals([writer.busy, writer.pendingCells], [true, 5]);
  await assertRejects(() => writer.commit(), StorageError, "lose");
  assertEquals(writer.pendingCells, 5, "nothing is forgotten before it is confirmed");
  await assertRejects(() => writer.commit(), TypeError);
  assertEquals(writer.pendingCells, 3);
  await writer.commit();
  assertEquals(await contents(storage), totals(CELLS));
  assertEquals([writer.stats.commits, writer.stats.skipped], [2, 1]);
});

Deno.test("Writer.take() refuses a cut before the last one is committed", async () => {
  const writer = await Writer.open(new FaultyStorage(), PREFIX, undefined, listener());
  await writer.take(CELLS);
  await assertRejects(
    () => writer.take(CELLS),
    Error,
    "BUG: a cut before the last one was committed",
  );
});

Deno.test("Writer takes a cut without cells", async () => {
  const storage = new FaultyStorage();
  const writer = await Writer.open(storage, PREFIX, undefined, listener());
  await flush(writer, []);
  await flush(writer, CELLS);
  assertEquals(await contents(storage), totals(CELLS));
  assertEquals(storage.commits, 1);
});

Deno.test("Writer adds up what storage reports", async () => {
  const storage = new FaultyStorage();
  storage.poisoned.add("f1");
  const commit = storage.commit.bind(storage);
  storage.commit = async (chunk) => ({ ...await commit(chunk), retries: 3 });
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  await flush(writer, CELLS);
  await flush(writer, CELLS);
  assertEquals(writer.stats, { commits: 2, skipped: 0, retries: 6, replayed: 0, refusedCells: 2 });
  assertEquals(told.refusals.map(({ cell }) => cell), [CELLS[1], CELLS[1]]);
});

Deno.test("Writer replays from where storage went back to, wherever that is", async () => {
  const flushes = [CELLS, CELLS.slice(1), [sketch(["a", "b"])], CELLS.slice(0, 4)];
  // Every point at which it can have been, also in the middle of a flush.
  for (let applied = 0;; applied++) {
    const storage = new FaultyStorage(2);
    const told = listener();
    const writer = await Writer.open(storage, PREFIX, undefined, told);
    const snapshots = [storage.snapshot()];
    const commit = storage.commit.bind(storage);
    storage.commit = async (chunk) => {
      const report = await commit(chunk);
      snapshots.push(storage.snapshot());
      return report;
    };
    for (const cells of flushes) await flush(writer, cells);
    if (applied >= snapshots.length - 1) break;
    const done = snapshots.length - 1;
    await storage.restore(snapshots[applied]);
    await flush(writer, CELLS);
    assertEquals(
      await contents(storage),
      totals([...flushes.flat(), ...CELLS]),
      `after ${applied}`,
    );
    assertEquals([writer.stats.replayed, told.errors, told.timesBehind], [done - applied, [], 1]);
  }
});

Deno.test("Writer replays a second time when storage goes back while it replays", async () => {
  const storage = new FaultyStorage(1);
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  for (const cell of CELLS) await flush(writer, [cell]);
  await storage.restore(1);
  let commits = 0;
  const commit = storage.commit.bind(storage);
  storage.commit = async (chunk) => {
    if (++commits === 4) await storage.restore(1);
    return commit(chunk);
  };
  await flush(writer, CELLS);
  assertEquals(await contents(storage), totals([...CELLS, ...CELLS]));
  assertEquals([told.errors, told.timesBehind], [[], 2]);
});

Deno.test("Writer replays nothing of a storage that ends with its process", async () => {
  const storage = new FaultyStorage();
  Object.assign(storage, { capabilities: { atomicity: "chunk", survivesProcess: false } });
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  await flush(writer, CELLS);
  await storage.restore(0);
  await flush(writer, CELLS);
  assertEquals(await contents(storage), totals(CELLS));
  assertEquals([writer.stats.replayed, told.errors.length], [0, 1]);
});

Deno.test("Writer keeps chunks for ten minutes, and names the gap beyond", async () => {
  for (const [ms, replayed] of [[10 * 60_000, 2], [10 * 60_000 + 1, 1]]) {
    using time = new FakeTime();
    const storage = new FaultyStorage();
    const told = listener();
    const writer = await Writer.open(storage, PREFIX, undefined, told);
    await flush(writer, CELLS);
    time.tick(ms);
    await flush(writer, CELLS);
    await storage.restore(0);
    await flush(writer, CELLS);
    assertEquals([writer.stats.replayed, told.errors.length], [replayed, 2 - replayed]);
    assertEquals(await contents(storage), totals(Array(replayed + 1).fill(CELLS).flat()));
    for (const error of told.errors) {
      assert(error instanceof StorageError && error.code === "behind");
      assert(error.message.includes("from nothing to flush 1 part 0"), error.message);
    }
  }
});

Deno.test("Writer keeps 16 MiB of chunks at most", async () => {
  const storage = new FaultyStorage();
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  const many = names("f", 30_000).map((field) => count(field, 1)); // 4.5 MB as it counts them
  for (let i = 0; i < 5; i++) await flush(writer, many);
  await storage.restore(0);
  await flush(writer, CELLS);
  assertEquals([writer.stats.replayed, told.errors.length], [3, 1]);
});

Deno.test("Writer reads its checkpoint again where it may have expired", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  await flush(writer, CELLS);
  time.tick(6 * 24 * 3_600_000 + 1);
  await storage.restore(0); // as if it had been removed
  storage.broken.set("checkpoint", "refuse");
  await assertRejects(() => writer.take(CELLS), StorageError);
  assertEquals(writer.busy, false, "what was not taken is still the caller's");
  storage.broken.clear();
  await flush(writer, CELLS);
  assertEquals(await contents(storage), totals(CELLS));
  assertEquals([told.errors, told.timesBehind], [[], 0]);
});

Deno.test("Writer replays nothing where its checkpoint expired while storage was away", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  await flush(writer, CELLS);
  storage.down = true;
  await assertRejects(() => flush(writer, CELLS), StorageError);
  time.tick(7 * 24 * 3_600_000);
  storage.down = false;
  await storage.restore(0); // as if it had been removed
  await writer.commit();
  assertEquals(await contents(storage), totals(CELLS), "the first was counted a week ago");
  assertEquals([writer.stats.replayed, told.errors], [0, []]);
  await flush(writer, CELLS);
  assertEquals(await contents(storage), totals([...CELLS, ...CELLS]));
});

Deno.test("Writer with a fixed id goes on from the checkpoint of the last holder", async () => {
  const storage = new FaultyStorage();
  const first = await Writer.open(storage, PREFIX, "w", listener());
  await flush(first, CELLS);
  await first.close();
  const second = await Writer.open(storage, PREFIX, "w", listener());
  assertEquals(second.id, "w");
  await flush(second, CELLS);
  assertEquals(await contents(storage), totals([...CELLS, ...CELLS]));
  assertEquals((await storage.checkpoint(PREFIX, "w"))?.flush, 1, "of another incarnation");
  await second.close();
});

Deno.test("Writer.open() refuses an id that a live instance holds, until it is closed or dead", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const told = listener();
  const first = await Writer.open(storage, PREFIX, "w", told);
  const held = async () => {
    const error = await assertRejects(
      () => Writer.open(storage, PREFIX, "w", listener()),
      StorageError,
      "Cannot open writer w: another live instance holds it",
    );
    assertEquals(error.code, "held");
  };
  await held();
  // It renews its right, so it stays held.
  for (let i = 0; i < 10; i++) await time.tickAsync(10_000);
  await held();
  await (await Writer.open(storage, "another prefix", "w", listener())).close();
  await first.close();
  const second = await Writer.open(storage, PREFIX, "w", listener());

  // One whose process sleeps loses it, and says so when it wakes.
  storage.broken.set("acquireWriter", "refuse");
  await time.tickAsync(31_000);
  await time.runMicrotasks();
  storage.broken.clear();
  const third = await Writer.open(storage, PREFIX, "w", listener());
  await flush(third, CELLS);
  const error = await assertRejects(() => flush(second, CELLS), StorageError);
  assertEquals(error.code, "foreign");
  await second.close();
  await held();
  await third.close();
  assertEquals(told.errors, []);
});

Deno.test("Writer tells of an id that was taken over", async () => {
  using time = new FakeTime();
  const storage = new FaultyStorage();
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, "w", told);
  await storage.restore(0); // A restored storage knows no leases.
  await storage.acquireWriter(PREFIX, "w", "somebody else", 60_000);
  await time.tickAsync(10_000);
  await time.runMicrotasks();
  assertEquals(told.errors.length, 1);
  assert(told.errors[0].message.includes("Writer w was taken over"), told.errors[0].message);
  await writer.close();
  assertEquals(await storage.acquireWriter(PREFIX, "w", "a third", 1), false, "not given away");
});

Deno.test("Writer.open() that fails gives the id up again", async () => {
  const storage = new FaultyStorage();
  storage.broken.set("checkpoint", "refuse");
  await assertRejects(
    () => Writer.open(storage, PREFIX, "w", listener()),
    StorageError,
    "told to refuse",
  );
  storage.broken.clear();
  await (await Writer.open(storage, PREFIX, "w", listener())).close();
});

Deno.test("Writer with a random id asks nothing of storage before it commits", async () => {
  const storage = new FaultyStorage();
  const writer = await Writer.open(storage, PREFIX, undefined, listener());
  await writer.close();
  assertEquals([...storage.calls], []);
});

// A storage may have applied only the first cells of a chunk before it went back.
Deno.test("Writer replays the chunk that storage stands in the middle of", async () => {
  const committed: Checkpoint[] = [];
  let stored: Checkpoint | null = null;
  const storage = Object.assign(new FaultyStorage(1), {
    commit: (chunk: Chunk) => {
      const same = (a: Checkpoint | null, b: Checkpoint | null) =>
        JSON.stringify(a) === JSON.stringify(b);
      const { applied: _, ...whole } = stored ?? { applied: 0 };
      if (!same(stored, chunk.previous) && !same(whole as Checkpoint, chunk.checkpoint)) {
        return Promise.reject(new StorageError("behind", "older than it was"));
      }
      stored = chunk.checkpoint;
      committed.push(chunk.checkpoint);
      return Promise.resolve({ outcome: "applied", refused: [], retries: 0 } as const);
    },
    checkpoint: () => Promise.resolve(stored),
  }) as Storage;
  const told = listener();
  const writer = await Writer.open(storage, PREFIX, undefined, told);
  for (const cell of CELLS.slice(0, 3)) await flush(writer, [cell]);
  const second = committed[1];
  stored = { ...second, applied: 1 };
  committed.length = 0;
  await flush(writer, [CELLS[3]]);
  assertEquals(committed.map(({ flush }) => flush), [2, 3, 4], "the second again, then the others");
  assertEquals([told.errors, writer.stats.replayed], [[], 2]);
});

/** A journal in a folder. */
function openJournal(folder: Folder, onError: (error: Error) => void): Promise<Journal> {
  const settings = readJournal({ directory: folder.file("journal"), durability: "every_write" });
  return Journal.open(settings, { prefix: PREFIX, writer: undefined, forgets: false, onError });
}

Deno.test("Writer with a journal gives up, and does not try for ever, where someone else commits under its id", async () => {
  await using folder = new Folder();
  const told = listener();
  const journal = await openJournal(folder, told.error);
  const storage = new FaultyStorage();
  const writer = await Writer.open(storage, PREFIX, undefined, told, journal);
  await flush(writer, CELLS);
  await storage.commit({
    prefix: PREFIX,
    writer: writer.id,
    durable: true,
    checkpoint: { incarnation: "another copy of the journal", flush: 1, part: 0 },
    previous: await storage.checkpoint(PREFIX, writer.id),
    cells: CELLS,
  });
  await writer.take(CELLS);
  const before = storage.commits;
  const committed = within(writer.commit(), "the writer to give up");
  const error = await assertRejects(() => committed, StorageError);
  assertEquals([error.code, storage.commits - before], ["foreign", 1]);
  assert(writer.busy, "what is pending is kept");
  await writer.close();
  await journal.close(1000);
});

Deno.test("Writer keeps a pending cut that its journal cannot read any more", async () => {
  await using folder = new Folder();
  const told = listener();
  const journal = await openJournal(folder, told.error);
  const storage = new FaultyStorage();
  const writer = await Writer.open(storage, PREFIX, undefined, told, journal);
  await flush(writer, CELLS);
  const before = storage.snapshot();
  await flush(writer, CELLS);
  await writer.take(CELLS);
  // Storage goes back, and the disk loses all of the journal meanwhile.
  await storage.restore(before);
  const directory = folder.file("journal");
  for await (const { name } of Deno.readDir(directory)) {
    if (name.endsWith(".segment")) {
      const path = `${directory}/${name}`;
      const bytes = await Deno.readFile(path);
      await Deno.writeFile(path, bytes.map((byte, i) => i < 400 ? byte : 0));
    }
  }
  await writer.commit();
  assertEquals(storage.applied.map(({ flush }) => flush), [1, 2, 3], "the third is not dropped");
  assertEquals(told.errors.filter(({ message }) => /too low/.test(message)).length, 1);
  await writer.close();
  await journal.close(1000).catch(() => {});
});
