import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ConfigError, messageOf, StorageError } from "../src/base/errors.ts";
import type { TraqqOptions } from "../src/engine/config.ts";
import { DURABILITIES } from "../src/engine/journal_options.ts";
import type { EventLines } from "../src/journal/event_text.ts";
import { Traqq } from "../src/traqq.ts";
import { FaultyStorage } from "./_faulty_storage.ts";
import { Folder } from "./program/_program.ts";

const AT = Date.UTC(2026, 0, 1, 12) / 1000;
const MAPPING = {
  add: ["event", "event~geo"],
  bitmap: ["user"],
  addValue: [{ key: "event", addKey: "amount" }],
  top: ["geo"],
};

/** What a killed process leaves on the disk: the journal as it is now, and no lock. */
async function crash(folder: Folder, name: string): Promise<string> {
  const copy = folder.file(`crashed-${crypto.randomUUID()}`);
  await Deno.mkdir(copy);
  for await (const file of Deno.readDir(folder.file(name))) {
    if (file.name !== "lock") {
      await Deno.copyFile(`${folder.file(name)}/${file.name}`, `${copy}/${file.name}`);
    }
  }
  return copy;
}

/** What was told that no test asked for. */
const unexpected: string[] = [];

function open(directory: string, options: Partial<TraqqOptions> & { storage: FaultyStorage }) {
  return Traqq.open({
    mapping: MAPPING,
    flush: { intervalMs: 1_000_000, deadlineMs: 1000 },
    journal: { directory, durability: "every_write" },
    onError: (error) => {
      if (!/told to/.test(messageOf(error))) unexpected.push(messageOf(error));
    },
    ...options,
  });
}

async function totals(traqq: Traqq) {
  assertEquals(unexpected, []);
  const result = await traqq.query({ from: AT, to: AT });
  return {
    add: { ...result.merged("add/event~geo").counts },
    bmp: result.merged("bmp/user").count,
    adv: result.merged("adv/event/amount").sum,
    top: result.merged("top/geo").ranked,
  };
}

const EVENTS = Array.from({ length: 100 }, (_, i) => ({
  event: "buy",
  geo: ["US", "DE", "FR"][i % 3],
  user: `u${i % 40}`,
  amount: i / 10,
}));
const WANTED = {
  add: { "buy~US": 34, "buy~DE": 33, "buy~FR": 33 },
  bmp: 40,
  adv: 495,
  top: [["US", 34], ["DE", 33], ["FR", 33]] as [string, number][],
};

Deno.test("Traqq counts what a killed process had acknowledged, once", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const killed = await open(folder.file("journal"), { storage });
  await killed.recordMany(EVENTS, { at: AT });
  const copy = await crash(folder, "journal");
  const before = storage.commits;

  const traqq = await open(copy, { storage });
  assertEquals(traqq.stats().recovered, 100);
  assertEquals(await totals(traqq), WANTED);
  await traqq.close();
  assertEquals(storage.commits, before + 1);

  const again = await open(copy, { storage });
  assertEquals(again.stats().recovered, 0, "what is in storage is not counted again");
  assertEquals(await totals(again), WANTED);
  await again.close();
  storage.down = true;
  await killed.close().catch(() => {});
});

/** A process that is stopped while it flushes: storage has `parts` chunks of the cut. */
async function killedAfter(folder: Folder, storage: FaultyStorage, parts: number) {
  const flush = { intervalMs: 1_000_000, deadlineMs: 200 };
  const killed = await open(folder.file("journal"), { storage, flush, onError: () => {} });
  await killed.recordMany(EVENTS, { at: AT });
  const gone = Promise.withResolvers<void>();
  const commit = storage.commit.bind(storage);
  let left = parts;
  storage.commit = async (chunk) => {
    if (left-- > 0) return await commit(chunk);
    gone.resolve();
    return await new Promise(() => {});
  };
  killed.flush().catch(() => {});
  await gone.promise;
  const copy = await crash(folder, "journal");
  await killed.close().catch(() => {});
  storage.commit = commit;
  return copy;
}

Deno.test("Traqq counts once what was cut when it was killed, after any number of chunks", async () => {
  const chunks = new FaultyStorage(2);
  await using probe = new Folder();
  const whole = await open(probe.file("journal"), { storage: chunks });
  await whole.recordMany(EVENTS, { at: AT });
  await whole.close();
  for (let parts = 0; parts < chunks.applied.length; parts++) {
    await using folder = new Folder();
    const storage = new FaultyStorage(2);
    const copy = await killedAfter(folder, storage, parts);
    assertEquals(storage.applied.length, parts);
    const traqq = await open(copy, { storage });
    assertEquals(await totals(traqq), WANTED, `${parts} chunks`);
    assertEquals(storage.applied.length, chunks.applied.length, "as it was cut");
    await traqq.close();
  }
});

Deno.test("Traqq commits an unfinished cut as it stands, and plans what follows with today's mapping", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage(2);
  const copy = await killedAfter(folder, storage, 1);
  const traqq = await open(copy, {
    storage,
    mapping: { add: ["user"] },
    time: { hourly: true },
    limits: { maxValueLength: 1 },
  });
  await traqq.record({ event: "x", user: "long" }, { at: AT });
  assertEquals(await totals(traqq), WANTED);
  const result = await traqq.query({ from: AT, to: AT });
  assertEquals({ ...result.merged("add/user").counts }, { l: 1 });
  await traqq.close();
});

Deno.test("Traqq plans events that were not cut with today's mapping", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const killed = await open(folder.file("journal"), { storage });
  await killed.recordMany(EVENTS, { at: AT });
  const copy = await crash(folder, "journal");
  storage.down = true;
  await killed.close().catch(() => {});
  storage.down = false;
  const traqq = await open(copy, { storage, mapping: { add: ["user"] } });
  const result = await traqq.query({ from: AT, to: AT });
  const counts = Object.values(result.merged("add/user").counts);
  assertEquals(counts.reduce((sum, count) => sum + count, 0), 100);
  await traqq.close();
});

Deno.test("Traqq takes what storage lost from the journal, while it runs and between runs", async () => {
  for (const between of [false, true]) {
    await using folder = new Folder();
    const storage = new FaultyStorage(2);
    let traqq = await open(folder.file("journal"), { storage });
    await traqq.recordMany(EVENTS.slice(0, 40), { at: AT });
    await traqq.flush();
    const past = storage.snapshot();
    await traqq.recordMany(EVENTS.slice(40, 70), { at: AT });
    await traqq.flush();
    await storage.restore(past);
    if (between) {
      await traqq.close();
      traqq = await open(folder.file("journal"), { storage });
    }
    await traqq.recordMany(EVENTS.slice(70), { at: AT });
    assertEquals(await totals(traqq), WANTED);
    await traqq.close();
  }
});

Deno.test("Traqq.open() stops where storage has no checkpoint though one was confirmed", async () => {
  await using folder = new Folder();
  const first = await open(folder.file("journal"), { storage: new FaultyStorage() });
  await first.recordMany(EVENTS, { at: AT });
  await first.close();
  for (let round = 0; round < 2; round++) {
    const error = await assertRejects(
      () => open(folder.file("journal"), { storage: new FaultyStorage() }),
      StorageError,
      "storage has no checkpoint of it",
    );
    assertEquals(error.code, "refused");
  }
});

Deno.test("Traqq.open() rejects where storage is down, loses nothing, and tries no more", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const killed = await open(folder.file("journal"), { storage });
  await killed.recordMany(EVENTS, { at: AT });
  const copy = await crash(folder, "journal");
  storage.down = true;
  await killed.close().catch(() => {});
  await assertRejects(() => open(copy, { storage }), StorageError);
  storage.down = false;
  // Down in the middle of the recovery, which is more than memory may hold.
  const flush = { intervalMs: 1_000_000, deadlineMs: 300, maxCells: 8 };
  storage.broken.set("acquireWriter", "refuse");
  await assertRejects(() => open(copy, { storage, flush }), StorageError);
  storage.broken.clear();
  for (let commits = 0; commits < 3; commits++) {
    storage.faults = [...Array(commits).fill("ok"), ...Array(1000).fill("refuse")];
    await assertRejects(() => open(copy, { storage, flush, onError: () => {} }), StorageError);
    const { commits: tried } = storage;
    await new Promise((resolve) => setTimeout(resolve, 250)); // a second attempt would come within
    assertEquals(storage.commits, tried, "nobody is left who commits");
  }
  storage.faults = [];
  const traqq = await open(copy, { storage, flush });
  assertEquals(await totals(traqq), WANTED);
  await traqq.close();
});

Deno.test("Traqq.close() leaves in the journal what storage does not take", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const flush = { intervalMs: 1_000_000, deadlineMs: 100 };
  const first = await open(folder.file("journal"), { storage, flush, onError: () => {} });
  await first.recordMany(EVENTS, { at: AT });
  storage.down = true;
  await assertRejects(() => first.close(), StorageError, "in the journal");
  storage.down = false;
  const traqq = await open(folder.file("journal"), { storage });
  assertEquals(await totals(traqq), WANTED);
  await traqq.close();
});

Deno.test("Traqq replays each event at its own time, and judges none again", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const options = { storage, mapping: { add: ["event"] }, time: { property: "time" } };
  const killed = await open(folder.file("journal"), options);
  const now = Math.floor(Date.now() / 1000), day = 86_400;
  const events = [
    { event: "property", time: now - 2 * day },
    { event: "date", time: new Date((now - 3 * day) * 1000) },
    { event: "future", time: now + day - 60 },
  ];
  await killed.recordMany(events, { lines: inBytes([JSON.stringify(events[0])]) });
  await killed.record({ event: "at", time: now }, { at: now - day });
  const line = { cmd: "record", event: { event: "command", time: now - 4 * day }, at: 5 };
  await killed.recordMany([line.event], {
    lines: inBytes([`\ufeff${JSON.stringify(line)}`]),
  });
  const copy = await crash(folder, "journal");
  storage.down = true;
  await killed.close().catch(() => {});
  storage.down = false;
  const traqq = await open(copy, { ...options, limits: { maxFutureMs: 1 } });
  const wanted = { property: -2, date: -3, future: 1, at: -1, command: -4 };
  for (const [event, days] of Object.entries(wanted)) {
    const at = event === "future" ? now + day - 60 : now + days * day;
    const result = await traqq.query({ from: at, to: at });
    assertEquals(result.merged("add/event").counts[event], 1, event);
  }
  await traqq.close();
});

Deno.test("Traqq.recordMany() has done with the bytes of its lines when it resolves, in every mode", async () => {
  for (const durability of DURABILITIES) {
    await using folder = new Folder();
    const storage = new FaultyStorage();
    const killed = await open(folder.file("journal"), {
      storage,
      journal: { directory: folder.file("journal"), durability },
      mapping: { add: ["event"] },
    });
    const bytes = new Uint8Array(10_000);
    const wanted: Record<string, number> = {};
    for (let round = 0; round < 20; round++) {
      const events = Array.from({ length: round }, (_, i) => ({ event: `é${i % 7}`, round }));
      // Every third does not follow the one before.
      const texts = events.map((event, i) => JSON.stringify(event) + (i % 3 === 2 ? "\n\n" : ""));
      const lines = inBytes(texts, bytes);
      const { recorded } = await killed.recordMany(events, { lines, at: AT });
      bytes.fill(0x7a);
      assertEquals(recorded, round);
      for (const { event } of events) wanted[event] = (wanted[event] ?? 0) + 1;
    }
    // What is only in memory is no longer the caller's.
    await killed.record({ event: "last" }, { at: AT });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const copy = await crash(folder, "journal");
    storage.down = true;
    await killed.close().catch(() => {});
    storage.down = false;
    const traqq = await open(copy, { storage, mapping: { add: ["event"] } });
    const result = await traqq.query({ from: AT, to: AT });
    assertEquals(result.merged("add/event").counts, { ...wanted, last: 1 });
    await traqq.close();
  }
});

Deno.test("Traqq.recordMany() refuses lines that are not there, and counts nothing of them", async () => {
  await using folder = new Folder();
  await using traqq = await open(folder.file("journal"), { storage: new FaultyStorage() });
  for (const [start, end] of [[-1, 2], [0, 4], [2, 1], [NaN, 1]]) {
    const lines = { bytes: new Uint8Array(3), starts: [start], ends: [end] };
    await assertRejects(() => traqq.recordMany([{ event: "a" }], { lines }), RangeError, "line");
  }
  assertEquals(traqq.stats().recorded, 0);
});

Deno.test("Traqq says which events cannot be counted again, and counts the others", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const killed = await open(folder.file("journal"), { storage });
  await killed.record({ event: "old", geo: "US" }, { at: AT - 400 * 86_400 });
  const now = Math.floor(Date.now() / 1000);
  await killed.record({ event: "new", geo: "US" }, { at: now });
  const copy = await crash(folder, "journal");
  storage.down = true;
  await killed.close().catch(() => {});
  storage.down = false;
  const errors: string[] = [];
  const onError = (error: Error) => void errors.push(error.message);
  const traqq = await open(copy, { storage, retention: { d: "30d" }, onError });
  assertEquals(errors.length, 1);
  assert(errors[0].includes("event 1 of the journal"), errors[0]);
  const result = await traqq.query({ from: now, to: now });
  assertEquals({ ...result.merged("add/event").counts }, { new: 1 });
  await traqq.close();
});

Deno.test("Traqq with durability storage resolves record when storage has it, and journals it too", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const traqq = await open(folder.file("journal"), { storage, durability: "storage" });
  await Promise.all(EVENTS.map((event) => traqq.record(event, { at: AT })));
  assertEquals(storage.applied.length > 0, true);
  assertEquals(await totals(traqq), WANTED);
  assert(traqq.stats().journal!.bytes > 0);
  await traqq.close();
});

Deno.test("Traqq.open() wants a directory for each prefix, and the writer that it belongs to", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const traqq = await open(folder.file("journal"), { storage, writer: "w" });
  await assertRejects(() => open(folder.file("journal"), { storage }), StorageError, "has it open");
  await traqq.close();
  const refused = (options: { prefix?: string; writer?: string }) =>
    assertRejects(() => open(folder.file("journal"), { storage, ...options }), ConfigError);
  await refused({ prefix: "other" });
  await refused({ writer: "v" });
  await (await open(folder.file("journal"), { storage, writer: "w" })).close();
});

Deno.test("Traqq.open() with a journal and no mapping fixes the zone: what is acknowledged can be stored", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const traqq = await open(folder.file("journal"), { storage, mapping: undefined });
  assertEquals(await storage.timezone("traqq"), "UTC");
  await traqq.close();
});

Deno.test("Traqq misses segments of the journal only if storage has not got what was in them", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const errors: string[] = [];
  const onError = (error: Error) => errors.push(error.message);
  const directory = folder.file("journal");
  const segments = (path: string) =>
    [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name.endsWith(".segment"));
  for (let start = 0; start < 3; start++) {
    const journal = { directory, replayMs: 1 };
    const traqq = await open(directory, { storage, onError, journal });
    await traqq.record(EVENTS[start], { at: AT });
    await traqq.flush();
    // It removes what it does not need any more, and is not surprised next time.
    while (segments(directory).length > 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await traqq.close();
  }
  assertEquals(errors, []);

  const first = await open(directory, { storage, onError });
  await first.record(EVENTS[3], { at: AT });
  const second = await crash(folder, "journal");
  const lost = segments(second).sort().at(-1)!;
  const killed = await open(second, { storage, onError });
  assertEquals(killed.stats().recovered, 1);
  const third = await crash(folder, second.slice(folder.path.length + 1));
  await Deno.remove(`${third}/${lost}`);
  const traqq = await open(third, { storage, onError });
  assertEquals(traqq.stats().recovered, 0);
  assertEquals(errors.length, 1);
  assertMatch(errors[0], /missing/);
  await traqq.close();
  await Promise.all([first, killed].map((each) => each.close().catch(() => {})));
});

/** A storage as one process sees it: once that is dead, it asks for nothing any more. */
function seenBy(process: { dead: boolean }, storage: FaultyStorage): FaultyStorage {
  return new Proxy(storage, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (process.dead && name !== "split") throw new Error("told to be dead");
      return value.bind(target);
    },
  });
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

Deno.test("Traqq counts every event once, whatever happens to storage and whenever it is killed", async () => {
  let crashes = 0, lost = 0, replayed = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomFrom(seed);
    await using folder = new Folder();
    const storage = new FaultyStorage(3);
    const dead: Traqq[] = [];
    let directory = "journal";
    let life = { dead: false };
    const start = () =>
      open(folder.file(directory), { storage: seenBy(life, storage), onError: () => {} });
    let traqq = await start();
    let snapshot = 0;
    let recorded = 0;
    for (let step = 0; step < 30; step++) {
      const dice = random();
      if (dice < 0.4) {
        const events = EVENTS.slice(0, 1 + Math.floor(random() * 20));
        await traqq.recordMany(events, { at: AT });
        recorded += events.length;
      } else if (dice < 0.55) {
        storage.faults.push(random() < 0.5 ? "lose" : "refuse");
        lost++;
      } else if (dice < 0.75) {
        await traqq.flush().catch(() => {});
      } else if (dice < 0.83) {
        // Without a checkpoint it would be another storage, which is refused.
        if (storage.applied.length > 0) snapshot = storage.snapshot();
      } else if (dice < 0.88) {
        if (snapshot > 0) await storage.restore(snapshot);
      } else {
        crashes++;
        directory = (await crash(folder, directory)).slice(folder.path.length + 1);
        life.dead = true;
        dead.push(traqq);
        storage.faults = [];
        life = { dead: false };
        traqq = await start();
      }
    }
    storage.faults = [];
    await traqq.flush();
    const { add } = await totals(traqq);
    const counted = Object.values(add).reduce((sum, count) => sum + count, 0);
    assertEquals(counted, recorded, `seed ${seed}`);
    replayed += traqq.stats().replayed;
    await traqq.close();
    await Promise.all(dead.map((each) => each.close().catch(() => {})));
  }
  assert(crashes > 30 && lost > 30 && replayed > 10, `${crashes} ${lost} ${replayed}`);
});

/** Lines, and where they stand. */
function inBytes(texts: readonly string[], room?: Uint8Array): EventLines {
  const encoder = new TextEncoder();
  const bytes = room ?? new Uint8Array(encoder.encode(texts.join("\n")).length);
  const starts: number[] = [], ends: number[] = [];
  let at = 0;
  for (const text of texts) {
    starts.push(at);
    bytes.set(encoder.encode(text), at);
    ends.push(at + encoder.encode(text.trimEnd()).length);
    at += encoder.encode(text).length + 1;
  }
  return { bytes, starts, ends };
}
