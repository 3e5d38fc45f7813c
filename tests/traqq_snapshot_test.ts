import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { JournalError } from "../src/base/errors.ts";
import type { TraqqOptions } from "../src/engine/config.ts";
import { SNAPSHOT_NAME } from "../src/journal/names.ts";
import { MemoryStorage } from "../src/storage/memory.ts";
import { Traqq } from "../src/traqq.ts";
import { Folder } from "./program/_program.ts";

const AT = Date.UTC(2026, 0, 1, 12) / 1000;
const DAY = 86_400;

/** A traqq in memory with a journal, as a process would have it. */
function open(directory: string, options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({
    storage: new MemoryStorage(),
    mapping: {
      add: ["event"],
      bitmap: ["user"],
      addValue: [{ key: "event", addKey: "amount" }],
      top: ["geo"],
    },
    flush: { intervalMs: 1_000_000 },
    journal: { directory, replayMs: 1 },
    onError: (error) => {
      throw error;
    },
    ...options,
  });
}

/** A file that is gone is no error. */
function whereFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Kills it: what the process leaves is a copy of its directory, without the lock. */
async function kill(traqq: Traqq, directory: string): Promise<string> {
  const copy = await Deno.makeTempDir({ dir: `${directory}/..` });
  for await (const { name } of Deno.readDir(directory)) {
    if (name === "lock") continue;
    // Segments that are not needed any more go meanwhile.
    await Deno.copyFile(`${directory}/${name}`, `${copy}/${name}`).catch(whereFound);
  }
  await traqq.close();
  return copy;
}

async function record(traqq: Traqq, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({
    event: "buy",
    user: `u${i % 50}`,
    amount: 0.1,
    geo: i % 2 === 0 ? "US" : "DE",
  }));
  await traqq.recordMany(events, { at: AT });
}

async function totals(traqq: Traqq) {
  const result = await traqq.query({ from: AT, to: AT });
  return [
    result.merged("add/event").counts.buy ?? 0,
    result.merged("bmp/user").count,
    result.merged("adv/event/amount").sum,
    result.merged("top/geo").ranked,
  ];
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.endsWith(".segment")) continue;
    // One that goes while this looks at it has no bytes any more.
    bytes += (await Deno.stat(`${directory}/${name}`).catch(whereFound))?.size ?? 0;
  }
  return bytes;
}

Deno.test("Traqq with a journal keeps what a storage in memory held, over many restarts", async () => {
  await using folder = new Folder();
  let directory = folder.file("journal");
  for (let round = 0; round < 8; round++) {
    const traqq = await open(directory);
    const wanted = round * 300;
    assertEquals(await totals(traqq), [
      wanted,
      wanted === 0 ? 0 : 50,
      wanted / 10,
      wanted === 0 ? [] : [["DE", wanted / 2], ["US", wanted / 2]],
    ], `round ${round}`);
    await record(traqq, 200);
    if (round % 2 === 0) await traqq.flush();
    await record(traqq, 100);
    directory = await kill(traqq, directory);
  }
});

Deno.test("Traqq with a journal writes snapshots, and lets go of segments they cover", async () => {
  await using folder = new Folder();
  let directory = folder.file("journal");
  let traqq = await open(directory);
  await record(traqq, 20_000);
  directory = await kill(traqq, directory);
  const before = await bytesIn(directory);

  traqq = await open(directory);
  await traqq.flush();
  assert((await Deno.stat(`${directory}/${SNAPSHOT_NAME}`)).isFile);
  await record(traqq, 10);
  directory = await kill(traqq, directory);

  traqq = await open(directory);
  assertEquals((await totals(traqq))[0], 20_010);
  await traqq.close();
  traqq = await open(directory);
  assertEquals((await totals(traqq))[0], 20_010);
  const untilMs = Date.now() + 10_000;
  while (await bytesIn(directory) > before / 10 && Date.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert(await bytesIn(directory) < before / 10, "the segments of the first run are gone");
  await traqq.close();
});

Deno.test("Traqq.prune() with a storage in memory lasts over a restart", async () => {
  await using folder = new Folder();
  let directory = folder.file("journal");
  let traqq = await open(directory);
  await record(traqq, 10);
  await traqq.flush();
  const report = await traqq.prune(AT + 2 * DAY);
  assertEquals(report.buckets, 1);
  directory = await kill(traqq, directory);
  traqq = await open(directory);
  assertEquals((await totals(traqq))[0], 0);
  await traqq.close();
});

Deno.test("Traqq.open() says that a snapshot is damaged, and where it is", async () => {
  await using folder = new Folder();
  let directory = folder.file("journal");
  let traqq = await open(directory);
  await record(traqq, 10);
  directory = await kill(traqq, directory);
  traqq = await open(directory);
  await traqq.flush();
  await traqq.close();
  const path = `${directory}/${SNAPSHOT_NAME}`;
  const whole = await Deno.readTextFile(path);
  for (
    const damaged of [
      "",
      whole.replace('"buy","count":10', '"buy","count":11'),
      whole.replace(/"flush":\d+/, '"flush":99'),
      whole.replace('"version":1', '"version":2'),
      whole.slice(0, -20),
    ]
  ) {
    assert(damaged !== whole);
    await Deno.writeTextFile(path, damaged);
    const error = await assertRejects(() => open(directory), JournalError);
    assertStringIncludes(error.message, path);
    assertEquals(await Deno.readTextFile(path), damaged, "it is kept");
  }
  await Deno.writeTextFile(path, whole);
  traqq = await open(directory);
  assertEquals((await totals(traqq))[0], 10);
  await traqq.close();
});

Deno.test("Traqq writes no snapshot of a storage in memory that another journal shares", async () => {
  await using folder = new Folder();
  const storage = new MemoryStorage();
  const other = await open(folder.file("other"), { storage });
  await record(other, 10);
  await other.flush();
  const errors: string[] = [];
  const traqq = await open(folder.file("journal"), {
    storage,
    onError: ({ message }) => errors.push(message),
  });
  await record(traqq, 10);
  assertEquals((await traqq.prune(1)).buckets, 0);
  await traqq.prune(AT + 2 * DAY);
  assertStringIncludes(errors[0], "share");
  await assertRejects(() => Deno.stat(`${folder.file("journal")}/${SNAPSHOT_NAME}`));
  await traqq.close();
  await other.close();
});

Deno.test("Traqq goes on with a storage in memory that this process used before", async () => {
  await using folder = new Folder();
  const storage = new MemoryStorage();
  for (const wanted of [0, 10, 20]) {
    const traqq = await open(folder.file("journal"), { storage });
    assertEquals((await totals(traqq))[0], wanted);
    await record(traqq, 10);
    await traqq.close();
  }
});
