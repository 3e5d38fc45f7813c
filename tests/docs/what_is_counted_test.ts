/** The claims of docs/what-is-counted.md that no other test holds the code to. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ConfigError, EventError, StorageError } from "../../src/base/errors.ts";
import { Client } from "../../src/client/client.ts";
import { ConnectionError, PartialRecordError } from "../../src/client/errors.ts";
import { readConfig, type TraqqOptions } from "../../src/engine/config.ts";
import { type Durability, readJournal } from "../../src/engine/journal_options.ts";
import { Directory, type SegmentFile } from "../../src/journal/directory.ts";
import { Journal } from "../../src/journal/journal.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { Folder } from "../program/_program.ts";
import { code, table } from "./_pages.ts";

const PAGE = "docs/what-is-counted.md";
/** Noon of the day that most tests use. */
const NOON = "2026-01-01T12:00:00Z";

function claim(name: string, run: () => Promise<void>): void {
  Deno.test(`what is counted: ${name}`, run);
}

function open(options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({ storage: new MemoryStorage(), ...options });
}

async function counts(traqq: Traqq, key = "event", at = NOON): Promise<Record<string, number>> {
  const result = await traqq.query({ from: at, to: at });
  return { ...result.merged(`add/${key}`).counts };
}

/** `YYYY-MM-DDThh:mm:ssZ`, so many days from now. */
function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}

claim("an event's time is at, else its property, else now", async () => {
  await using traqq = await open({ time: { property: "when" } });
  await traqq.record({ event: "at", when: "2026-01-02T00:00:00Z" }, { at: NOON });
  await traqq.record({ event: "property", when: "2026-01-02T00:00:00Z" });
  await traqq.record({ event: "now" });
  await traqq.record({ event: "now", when: null });
  const error = await assertRejects(
    () => traqq.record({ event: "refused", when: "yesterday" }),
    EventError,
  );
  assertEquals(error.reason, "invalid");
  assertStringIncludes(error.message, "when");
  assertEquals(await counts(traqq), { at: 1 });
  assertEquals(await counts(traqq, "event", "2026-01-02T12:00:00Z"), { property: 1 });
  // Two days, in case that midnight comes between.
  assertEquals({ ...(await traqq.queryDays(2)).merged("add/event").counts }, { now: 2 });
});

claim("the first event fixes the zone of a prefix", async () => {
  const storage = new MemoryStorage();
  {
    await using traqq = await open({ storage, time: { timezone: "Asia/Kolkata" } });
    await traqq.record({ event: "a" });
  }
  await assertRejects(() => open({ storage, time: { timezone: "UTC" } }), ConfigError);
  await using same = await open({ storage });
  assertEquals(same.timezone, "Asia/Kolkata");
  await using other = await open({ storage, prefix: "other" });
  assertEquals(other.timezone, "UTC");
});

claim("hours add up to their day, on a day of 25 hours too", async () => {
  await using traqq = await open({ time: { timezone: "Europe/Berlin", hourly: true } });
  const first = Date.UTC(2025, 9, 25, 22) / 1000; // midnight in Berlin
  for (let hour = 0; hour < 25; hour++) {
    await traqq.record({ event: "a" }, { at: first + hour * 3600 });
  }
  const range = { from: first, to: first + 25 * 3600 - 1 };
  const hours = (await traqq.query({ ...range, unit: "h" })).find("add/event");
  assertEquals(hours.map(({ counts }) => counts.a), new Array(25).fill(1));
  const days = (await traqq.query(range)).find("add/event");
  assertEquals(days.map(({ counts }) => counts.a), [25]);
});

claim("a query sees what its instance recorded, and every bucket of the range", async () => {
  await using traqq = await open();
  traqq.record({ event: "a" }, { at: NOON });
  const result = await traqq.query({ from: "2025-12-30T23:59:59Z", to: "2026-01-02T00:00:00Z" });
  assertEquals(result.buckets.map(({ label, results }) => [label, results.length]), [
    ["2025-12-30", 0],
    ["2025-12-31", 0],
    ["2026-01-01", 1],
    ["2026-01-02", 0],
  ]);
});

claim("any order of events gives the same numbers", async () => {
  const events = Array.from({ length: 60 }, (_, i) => ({
    event: "a",
    geo: ["US", "DE", "FR"][i % 3],
    amount: (i * 7919) % 13 / 10 - 0.55,
    at: Date.parse("2026-01-01T00:00:00Z") / 1000 + i * 5 * 3600,
  }));
  const orders = [events, events.toReversed(), events.toSorted((a, b) => a.amount - b.amount)];
  const seen: unknown[] = [];
  for (const order of orders) {
    await using traqq = await open({
      mapping: {
        add: ["event~geo"],
        bitmap: ["amount"],
        top: ["geo"],
        addValue: [{ key: "geo", addKey: "amount" }],
      },
      flush: { maxCells: 5 },
    });
    for (const event of order) await traqq.record(event, { at: event.at });
    const result = await traqq.query({ from: events[0].at, to: events[59].at });
    seen.push(
      result.buckets.map(({ results }) =>
        results.map((one) =>
          "sums" in one
            ? { ...one, sums: sorted(one.sums) }
            : "counts" in one
            ? { ...one, counts: sorted(one.counts) }
            : one
        )
      ),
    );
  }
  assertEquals(seen[1], seen[0]);
  assertEquals(seen[2], seen[0]);
});

function sorted(record: Record<string, number>): [string, number][] {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1);
}

claim("an event past its retention is refused as late", async () => {
  await using traqq = await open({
    time: { hourly: true },
    retention: { d: "30d", h: "48h" },
  });
  const error = await assertRejects(
    () => traqq.record({ event: "a" }, { at: daysFromNow(-40) }),
    EventError,
  );
  assertEquals(error.reason, "late");
  const old = daysFromNow(-10);
  await traqq.record({ event: "b" }, { at: old });
  assertEquals((await traqq.query({ from: old, to: old })).merged("add/event").counts.b, 1);
  const hours = await traqq.query({ from: old, to: old, unit: "h" });
  assertEquals(hours.find("add/event"), []);
  assertEquals(traqq.stats().late, 1);
  assertEquals(traqq.stats().recorded, 1);
});

claim("an event too far in the future is refused", async () => {
  await using traqq = await open();
  await traqq.record({ event: "a" }, { at: daysFromNow(0.9) });
  const error = await assertRejects(
    () => traqq.record({ event: "a" }, { at: daysFromNow(1.1) }),
    EventError,
  );
  assertEquals(error.reason, "future");
  assertEquals([traqq.stats().recorded, traqq.stats().future], [1, 1]);
});

claim("the same event twice counts twice", async () => {
  await using traqq = await open();
  const event = { event: "a", id: 7 };
  await traqq.record(event, { at: NOON });
  await traqq.record(event, { at: NOON });
  assertEquals(await counts(traqq), { a: 2 });
});

claim("a client sends a command once", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  // Answers the first line of each connection, then takes what comes and hangs up.
  const hangsUp = async () => {
    using conn = await listener.accept();
    const lines: string[] = [];
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(1 << 16);
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return lines;
      lines.push(...decoder.decode(buffer.subarray(0, count)).trimEnd().split("\n"));
      if (lines.length > 1) return lines;
      await conn.write(new TextEncoder().encode('{"success":true}\n'));
    }
  };

  const one = hangsUp();
  await using first = await Client.connect(`127.0.0.1:${port}`);
  const lost = await assertRejects(() => first.record({ event: "a" }), ConnectionError);
  assertEquals(lost.unanswered, 1);
  assertEquals((await one).filter((line) => line.includes("record")).length, 1);

  const two = hangsUp();
  await using second = await Client.connect(`127.0.0.1:${port}`);
  const partial = await assertRejects(
    () => second.recordMany([{ event: "a" }, { event: "b" }]),
    PartialRecordError,
  );
  assertEquals(partial.unanswered, 2);
  assertEquals(partial.report, { recorded: 0, rejected: [] });
  assertEquals((await two).filter((line) => line.includes("record")).length, 1);
});

claim("the table of values", async () => {
  const rows = table(PAGE, "sanitizing");
  assert(rows.length > 15);
  for (const [json, counted] of rows) {
    const value = JSON.parse(code(json));
    await using traqq = await open({
      mapping: { add: ["value"], bitmap: ["value"], top: ["value"] },
    });
    if (counted === "the event is refused") {
      await assertRejects(
        () => traqq.record({ event: "a", value }, { at: NOON }),
        EventError,
        '"value"',
        json,
      );
      continue;
    }
    await traqq.record({ event: "a", value }, { at: NOON });
    const wanted = counted === "absent" ? [] : [JSON.parse(code(counted))];
    assertEquals(Object.keys(await counts(traqq, "value")), wanted, json);
    const result = await traqq.query({ from: NOON, to: NOON });
    assertEquals(result.merged("top/value").ranked.map(([member]) => member), wanted, json);
    assertEquals(result.merged("bmp/value").count, wanted.length, json);
  }
  await using traqq = await open({ limits: { maxFieldLength: 3 } });
  await traqq.record({ event: "👍👍👍👍" }, { at: NOON });
  assertEquals(await counts(traqq), { "👍👍👍": 1 });
});

claim("properties that no mapping names are ignored", async () => {
  await using traqq = await open();
  const circular: Record<string, unknown> = { event: "a", big: 1n, infinite: Infinity };
  circular.self = circular;
  await traqq.record(circular, { at: NOON });
  for (let i = 0; i < 5000; i++) circular[`p${i}`] = i;
  await traqq.record(circular, { at: NOON });
  assertEquals(await counts(traqq), { a: 2 });
});

claim("a pattern is sorted, and needs all of its properties", async () => {
  await using traqq = await open({ mapping: { add: ["event", "geo~event"] } });
  await traqq.record({ event: "a", geo: "US" }, { at: NOON });
  await traqq.record({ event: "a" }, { at: NOON });
  await traqq.record({ event: "b", geo: "~x~y:" }, { at: NOON });
  assertEquals(await counts(traqq), { a: 2, b: 1 });
  assertEquals(await counts(traqq, "event~geo"), { "a~US": 1, "b~x_y": 1 });
  assertThrows(() => readConfig({ mapping: { add: ["a~b", "b~a"] } }), ConfigError);
  readConfig({ mapping: { add: ["a~b"], top: ["b~a"] } });
});

claim("a field over 1,024 bytes is cut and stays apart", async () => {
  await using traqq = await open({ mapping: { add: ["a~b~c"], bitmap: ["a~b~c"] } });
  const long = "日".repeat(512);
  for (const c of ["1", "2", "2"]) {
    await traqq.record({ event: "e", a: long, b: long, c }, { at: NOON });
  }
  const found = await counts(traqq, "a~b~c");
  const fields = Object.keys(found);
  assertEquals(Object.values(found).sort(), [1, 2]);
  for (const field of fields) {
    assert(/^日+~#[0-9a-f]{16}$/.test(field), field);
    assert(new TextEncoder().encode(field).length <= 1024);
  }
  const result = await traqq.query({ from: NOON, to: NOON });
  assertEquals(result.merged("bmp/a~b~c").count, 2);
});

claim("a leaderboard is exact, cut at 250, ties by member, ~other last", async () => {
  await using traqq = await open({ mapping: { top: ["m"] }, limits: { maxFields: 300 } });
  const next = "2026-01-02T12:00:00Z";
  const members = Array.from({ length: 310 }, (_, i) => `m${String(i).padStart(3, "0")}`);
  // The last come first, so the first ten are beyond the limit; all that are kept tie.
  for (const at of [NOON, next]) {
    await traqq.recordMany(members.toReversed().map((m) => ({ event: "a", m })), { at });
  }
  await traqq.record({ event: "a", m: "m309" }, { at: next });
  const day = (await traqq.query({ from: NOON, to: NOON })).merged("top/m").ranked;
  assertEquals(day.map(([member]) => member), [...members.slice(10, 260), "~other"]);
  assertEquals(day.at(-1), ["~other", 10]);
  // Not among the 250 of the first day, and yet it leads both.
  const both = (await traqq.query({ from: NOON, to: next })).merged("top/m").ranked;
  assertEquals(both[0], ["m309", 3]);
  assertEquals(both.length, 251);
  assertEquals(both.at(-1), ["~other", 20]);
});

claim("the table of decimals", async () => {
  const rows = table(PAGE, "decimals");
  assert(rows.length > 15);
  for (const [json, summed] of rows) {
    await using traqq = await open({
      mapping: { add: ["event"], addValue: [{ key: "event", addKey: "value" }] },
    });
    await traqq.record({ event: "a", value: JSON.parse(code(json)) }, { at: NOON });
    const found = (await traqq.query({ from: NOON, to: NOON })).find("adv/event/value");
    const isNumber = summed !== "rejected" && summed !== "absent";
    assertEquals(
      found.map(({ sum, count }) => [sum, count]),
      isNumber ? [[Number(summed), 1]] : [],
    );
    assertEquals(traqq.stats().rejectedValues, summed === "rejected" ? 1 : 0, json);
    assertEquals(await counts(traqq), { a: 1 }, json);
  }
});

claim("sums are exact, in any order", async () => {
  await using traqq = await open({ mapping: { addValue: [{ key: "event", addKey: "n" }] } });
  for (let i = 0; i < 1000; i++) {
    await traqq.record({ event: "a", n: 0.1 }, { at: NOON });
    await traqq.record({ event: "b", n: i % 2 === 0 ? 2 ** 53 : -(2 ** 53) }, { at: NOON });
  }
  await traqq.record({ event: "b", n: 0.25 }, { at: NOON });
  const { sums, sum, count } = (await traqq.query({ from: NOON, to: NOON })).merged("adv/event/n");
  assertEquals({ ...sums }, { a: 100, b: 0.25 });
  assertEquals([sum, count], [100.25, 2001]);
});

claim("fields beyond maxFields are ~other, and totals stay right", async () => {
  const storage = new MemoryStorage();
  await using traqq = await open({ storage, limits: { maxFields: 2 } });
  for (const event of ["a", "b", "c", "d", "c"]) await traqq.record({ event }, { at: NOON });
  assertEquals(await counts(traqq), { a: 1, b: 1, "~other": 3 });
  assertEquals(traqq.stats().overflowed, 2);
  await traqq.record({ event: "b" }, { at: NOON });
  await traqq.record({ event: "e" }, { at: NOON });
  assertEquals(await counts(traqq), { a: 1, b: 2, "~other": 4 });
  // Another bucket has fields of its own; another instance counts what is stored.
  await using later = await open({ storage, limits: { maxFields: 2 } });
  await later.record({ event: "f" }, { at: NOON });
  await later.record({ event: "f" }, { at: "2026-01-02T12:00:00Z" });
  assertEquals(await counts(later), { a: 1, b: 2, "~other": 5 });
  assertEquals(await counts(later, "event", "2026-01-02T12:00:00Z"), { f: 1 });
});

claim("maxFields is per writer", async () => {
  const storage = new MemoryStorage();
  const limits = { maxFields: 2 };
  await using one = await open({ storage, limits });
  await using two = await open({ storage, limits });
  await one.record({ event: "a" }, { at: NOON });
  await one.flush();
  await two.record({ event: "b" }, { at: NOON });
  await two.flush();
  await one.record({ event: "c" }, { at: NOON });
  assertEquals(await counts(one), { a: 1, b: 1, c: 1 });
});

claim("limits refuse, and say which", async () => {
  assertThrows(
    () => readConfig({ mapping: { add: ["a", "b"] }, limits: { maxCombinations: 1 } }),
    ConfigError,
    "limits.maxCombinations is 1",
  );
  await using traqq = await open({
    mapping: { add: ["event", "a"] },
    time: { hourly: true },
    limits: { maxMetricsPerEvent: 3, maxBuckets: 2, maxResultCells: 1 },
  });
  const many = { event: "e", a: 1 };
  await assertRejects(() => traqq.record(many), EventError, "4 cells: limits.maxMetricsPerEvent");
  await traqq.record({ event: "e" }, { at: NOON });
  const range = { from: NOON, to: "2026-01-03T12:00:00Z" };
  await assertRejects(() => traqq.query(range), RangeError, "limits.maxBuckets");
  await traqq.record({ event: "f" }, { at: NOON });
  const day = { from: NOON, to: NOON };
  await assertRejects(() => traqq.query(day), RangeError, "limits.maxResultCells");
});

claim("a crash loses what was not committed", async () => {
  using kv = await Deno.openKv(":memory:");
  const crashed = await open({ storage: await KvStorage.open(kv), flush: { intervalMs: 100_000 } });
  await crashed.record({ event: "committed" }, { at: NOON });
  await crashed.flush();
  await crashed.record({ event: "in memory" }, { at: NOON });
  // Another process sees what a crash now would leave.
  await using reader = await open({ storage: await KvStorage.open(kv) });
  assertEquals(await counts(reader), { committed: 1 });
  assertEquals(crashed.stats().pending, 1);
  await crashed.close();
  assertEquals(await counts(reader), { committed: 1, "in memory": 1 });
});

claim('durability "storage" resolves when the commit stands', async () => {
  using kv = await Deno.openKv(":memory:");
  await using writer = await open({ storage: await KvStorage.open(kv), durability: "storage" });
  await Promise.all([
    writer.record({ event: "a" }, { at: NOON }),
    writer.record({ event: "a" }, { at: NOON }),
  ]);
  await using reader = await open({ storage: await KvStorage.open(kv) });
  assertEquals(await counts(reader), { a: 2 });
});

/** Files of which it is known how much of them is on the disk. */
class Disk extends Directory {
  readonly #synced = new Map<string, number>();

  override async create(name: string): Promise<SegmentFile> {
    const file = await super.create(name);
    let written = 0;
    return {
      write: async (bytes) => {
        const count = await file.write(bytes);
        written += count;
        return count;
      },
      syncData: async () => {
        const length = written;
        await file.syncData();
        this.#synced.set(name, length);
      },
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  }

  /** How many events there are after the process is killed, or with a `power` failure. */
  async eventsAfter(what: "kill" | "power"): Promise<number> {
    await using left = new Folder();
    for (const name of await this.names()) {
      const bytes = await this.read(name);
      const length = what === "kill" ? Infinity : this.#synced.get(name) ?? 0;
      if (name.endsWith(".segment")) left.write(name, bytes!.subarray(0, length));
    }
    const tail = new JournalTail({ directory: left.path, onDamage: () => {} });
    return (await Array.fromAsync(tail.read())).flat().length;
  }
}

async function onDisk(
  durability: Durability,
  run: (journal: Journal, disk: Disk, record: (count: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  await using folder = new Folder();
  const disk = new Disk(folder.path);
  const settings = readJournal({ directory: folder.path, durability, syncIntervalMs: 20 });
  const journal = await Journal.open(settings, {
    prefix: "p",
    writer: undefined,
    forgets: false,
    onError: (error) => {
      throw error;
    },
    directory: disk,
  });
  try {
    await run(journal, disk, async (count) => {
      for (let i = 0; i < count; i++) journal.append(0, '{"event":"e"}');
      await journal.accepted;
    });
  } finally {
    await journal.close(5000);
  }
}

claim("every_write loses nothing in a power failure", async () => {
  await onDisk("every_write", async (_journal, disk, record) => {
    for (const count of [1, 40, 2]) await record(count);
    assertEquals(await disk.eventsAfter("power"), 43);
  });
});

claim("periodic loses at most what came since its last sync in a power failure", async () => {
  await onDisk("periodic", async (journal, disk, record) => {
    const { syncs } = journal.stats();
    await record(5);
    assertEquals(await disk.eventsAfter("kill"), 5);
    // Nobody asks for it: it comes by itself.
    while (journal.stats().syncs === syncs) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(await disk.eventsAfter("power"), 5);
  });
});

claim("os_default loses at most what came since the last flush in a power failure", async () => {
  await onDisk("os_default", async (journal, disk, record) => {
    await record(5);
    const cut = { incarnation: journal.incarnation, flush: 1, covers: 5, previous: null };
    await journal.cut(cut, []);
    await record(3);
    assertEquals(await disk.eventsAfter("kill"), 8);
    assertEquals(await disk.eventsAfter("power"), 5);
  });
});

claim("none waits for nothing", async () => {
  await onDisk("none", async (journal, disk, record) => {
    await record(5);
    assertEquals([journal.accepted, await disk.eventsAfter("power")], [undefined, 0]);
    while (await disk.eventsAfter("kill") < 5); // soon
  });
});

claim("an event of a journal counts at its second, as today's options say", async () => {
  await using folder = new Folder();
  const path = folder.file("traqq.db");
  const options = (directory: string) => ({
    flush: { intervalMs: 1_000_000 },
    journal: { directory: folder.file(directory) },
  });
  const killed = await open({ storage: await KvStorage.open(path), ...options("journal") });
  await killed.record({ event: "old", geo: "US" }, { at: NOON });
  await killed.record({ event: "new", geo: "DE" });
  await Deno.mkdir(folder.file("copy"));
  for await (const { name } of Deno.readDir(folder.file("journal"))) {
    if (name === "lock") continue;
    await Deno.copyFile(folder.file(`journal/${name}`), folder.file(`copy/${name}`));
  }
  const said: string[] = [];
  await using storage = await KvStorage.open(folder.file("other.db"));
  await using next = await open({
    storage,
    ...options("copy"),
    mapping: { add: ["event~geo"] },
    retention: { d: "2d" },
    onError: (error) => said.push(error.message),
  });
  assertEquals(next.stats().recovered, 1);
  assertEquals({ ...(await next.queryDays(2)).merged("add/event~geo").counts }, { "new~DE": 1 });
  assertEquals(said.length, 1);
  assertStringIncludes(said[0], "Cannot count event 1 of the journal again");
  await killed.close();
});

claim("writers add up", async () => {
  using kv = await Deno.openKv(":memory:");
  const mapping = {
    add: ["event"],
    bitmap: ["user"],
    addValue: [{ key: "event", addKey: "n" }],
  };
  const writers = await Promise.all(
    [1, 2, 3].map(async () => open({ storage: await KvStorage.open(kv), mapping })),
  );
  await Promise.all(writers.map(async (writer, i) => {
    for (let k = 0; k < 5; k++) {
      await writer.record({ event: "a", user: k + i, n: -0.1 }, { at: NOON });
      await writer.flush();
    }
  }));
  const result = await writers[0].query({ from: NOON, to: NOON });
  assertEquals({ ...result.merged("add/event").counts }, { a: 15 });
  assertEquals(result.merged("adv/event/n").sum, -1.5);
  assertEquals(result.merged("bmp/user").count, 7);
  for (const writer of writers) await writer.close();
});

claim("a fixed writer has one live holder", async () => {
  const storage = new MemoryStorage();
  const first = await open({ storage, writer: "server-1" });
  const error = await assertRejects(() => open({ storage, writer: "server-1" }), StorageError);
  assertEquals(error.code, "held");
  await first.close();
  await using _second = await open({ storage, writer: "server-1" });
});

claim("prune removes whole buckets that end at or before a time", async () => {
  await using traqq = await open({ time: { hourly: true } });
  for (const day of ["01", "02", "03"]) {
    await traqq.record({ event: "a" }, { at: `2026-01-${day}T12:00:00Z` });
  }
  const labels = async (unit: "d" | "h") =>
    (await traqq.query({ from: "2026-01-01T00:00:00Z", to: "2026-01-03T23:00:00Z", unit }))
      .buckets.filter(({ results }) => results.length > 0).map(({ label }) => label);
  // 2026-01-02 ends after this, but its hour of noon does not.
  const at = "2026-01-02T13:00:00Z";
  assertEquals(await traqq.prune(at, { dryRun: true }), { buckets: 3, cells: 3 });
  assertEquals((await labels("d")).length, 3);
  assertEquals(await traqq.prune(at), { buckets: 3, cells: 3 });
  assertEquals(await labels("d"), ["2026-01-02", "2026-01-03"]);
  assertEquals(await labels("h"), ["2026-01-03T12:00:00+00:00"]);
  await traqq.record({ event: "b" }, { at: NOON });
  assertEquals(await counts(traqq), { b: 1 });
});
