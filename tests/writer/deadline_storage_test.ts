import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { StorageError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { storageContract } from "../contract/mod.ts";
import { DeadlineStorage } from "../../src/writer/deadline_storage.ts";
import type { Cell, Chunk, Storage } from "../../src/storage/storage.ts";

storageContract({
  name: "DeadlineStorage of MemoryStorage",
  capabilities: { atomicity: "chunk", survivesProcess: false },
  open: () => Promise.resolve(new DeadlineStorage(new MemoryStorage(), 10_000)),
  skip: [
    { needs: "place", capability: "survivesProcess", reason: "it ends with its process" },
    { needs: "faults", capability: "survivesProcess", reason: "no connection that could break" },
  ],
});

/** A storage of which no call ever comes back. */
function deaf(): Storage {
  const never = () => new Promise<never>(() => {});
  return {
    name: "deaf",
    capabilities: { atomicity: "metric", survivesProcess: true },
    split: (_prefix, cells) => [[...cells]],
    commit: never,
    metrics: never,
    async *read() {
      yield await never();
    },
    versions: never,
    checkpoint: never,
    verify: never,
    acquireWriter: never,
    releaseWriter: never,
    writers: never,
    removeWriter: never,
    timezone: never,
    claimTimezone: never,
    prune: never,
    close: () => Promise.resolve(),
  };
}

const RANGE = { prefix: "p", unit: "d", from: 0, to: 1 } as const;
const METRIC = { type: "add", pattern: "event" } as const;

Deno.test("DeadlineStorage rejects a call that takes longer than the deadline", async () => {
  using time = new FakeTime();
  const storage = new DeadlineStorage(deaf(), 3000);
  assertEquals(storage.name, "deaf");
  assertEquals(storage.capabilities, { atomicity: "metric", survivesProcess: true });
  const calls: Record<string, () => Promise<unknown>> = {
    commit: () => storage.commit({} as Chunk),
    metrics: () => storage.metrics(RANGE),
    read: () => Array.fromAsync(storage.read(METRIC, RANGE)),
    versions: () => storage.versions(RANGE),
    checkpoint: () => storage.checkpoint("p", "w"),
    acquireWriter: () => storage.acquireWriter("p", "w", "i", 1),
    releaseWriter: () => storage.releaseWriter("p", "w", "i"),
    writers: () => storage.writers("p"),
    removeWriter: () => storage.removeWriter("p", "w"),
    timezone: () => storage.timezone("p"),
    claimTimezone: () => storage.claimTimezone("p", "UTC"),
  };
  for (const [name, call] of Object.entries(calls)) {
    let settled = false;
    const promise = call().finally(() => settled = true);
    promise.catch(() => {});
    await time.tickAsync(2999);
    await time.runMicrotasks();
    assertEquals(settled, false, name);
    await time.tickAsync(1);
    const error = await assertRejects(
      () => promise,
      StorageError,
      "Storage did not answer within flush.deadlineMs = 3000 ms",
    );
    assertEquals(error.code, "unknown", name);
  }
});

Deno.test("DeadlineStorage.prune() and verify() may take their time", async () => {
  using time = new FakeTime();
  let settled = 0;
  const storage = new DeadlineStorage(deaf(), 3000);
  storage.prune({ ...RANGE, before: 1 }).finally(() => settled++);
  storage.verify("p", "w", nothing()).finally(() => settled++);
  await time.tickAsync(1_000_000);
  await time.runMicrotasks();
  assertEquals(settled, 0);
});

Deno.test("DeadlineStorage.verify() asks for no chunk where the storage has no such method", async () => {
  await new DeadlineStorage(new MemoryStorage(), 3000).verify("p", "w", nothing());
});

// deno-lint-ignore require-yield
async function* nothing(): AsyncGenerator<Chunk> {
  throw await Promise.reject(new Error("it was asked for"));
}

Deno.test("DeadlineStorage.read() gives each batch the whole deadline, and ends what is left", async () => {
  using time = new FakeTime();
  let ended = 0;
  const slow = deaf();
  slow.read = async function* () {
    try {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        yield [] as Cell[];
      }
    } finally {
      ended++;
    }
  };
  const storage = new DeadlineStorage(slow, 3000);
  const all = Array.fromAsync(storage.read(METRIC, RANGE));
  for (let i = 0; i < 6; i++) await time.tickAsync(2000);
  assertEquals([(await all).length, ended], [5, 1]);

  const some = (async () => {
    for await (const _ of storage.read(METRIC, RANGE)) break;
  })();
  for (let i = 0; i < 2; i++) await time.tickAsync(2000);
  await some;
  await time.runMicrotasks();
  assertEquals(ended, 2, "a reader that stops early stops the storage too");
});
