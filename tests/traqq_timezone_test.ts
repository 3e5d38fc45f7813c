import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError, MemoryStorage, StorageError, Traqq, type TraqqOptions } from "../mod.ts";
import { FaultyStorage } from "./_faulty_storage.ts";

const AT = 1_773_532_800; // 2026-03-15T00:00:00Z, 01:00 in Berlin

function open(storage: TraqqOptions["storage"], timezone?: string): Promise<Traqq> {
  return Traqq.open({ storage, time: { timezone }, flush: { intervalMs: 1_000_000 } });
}

async function record(traqq: Traqq): Promise<void> {
  await traqq.record({ event: "x" }, { at: AT });
  await traqq.flush();
}

Deno.test("the first event fixes the zone of a prefix; opening alone does not", async () => {
  const storage = new MemoryStorage();
  await (await open(storage, "Europe/Berlin")).close();
  assertEquals(await storage.timezone("traqq"), null);
  const traqq = await open(storage, "Asia/Tokyo");
  await record(traqq);
  assertEquals(await storage.timezone("traqq"), "Asia/Tokyo");
  await traqq.close();
});

Deno.test("who is going to record fixes the zone when it opens, so no event is cut in another", async () => {
  const storage = new MemoryStorage();
  const mapping = { add: ["event"] };
  const early = await Traqq.open({ storage, mapping });
  assertEquals(await storage.timezone("traqq"), "UTC");
  await assertRejects(
    () => Traqq.open({ storage, mapping, time: { timezone: "Europe/Berlin" } }),
    ConfigError,
    "its buckets are those of UTC",
  );
  await record(early);
  await early.close();
});

Deno.test("opening a prefix in another zone is a ConfigError, without one takes the stored", async () => {
  const storage = new MemoryStorage();
  const first = await open(storage, "Europe/Berlin");
  await record(first);
  await first.close();
  await assertRejects(
    () => open(storage, "Asia/Tokyo"),
    ConfigError,
    'Cannot open prefix "traqq" in time zone Asia/Tokyo: its buckets are those of Europe/Berlin; ' +
      "leave timezone out, or use another prefix",
  );
  await using same = await open(storage);
  assertEquals(same.timezone, "Europe/Berlin");
  const day = await same.queryDays(1);
  assertEquals(day.timezone, "Europe/Berlin");
  const [bucket] = (await same.query({ from: AT, to: AT })).buckets;
  assertEquals([bucket.start, bucket.label], [AT - 3600, "2026-03-15"]);
  // Other names of the same zone are no other zone, and other prefixes have zones of their own.
  await (await open(storage, "europe/berlin")).close();
  await (await Traqq.open({ storage, prefix: "other", time: { timezone: "Asia/Tokyo" } })).close();
});

Deno.test("the names of one zone are one zone", async () => {
  const storage = new MemoryStorage();
  const first = await open(storage, "Asia/Calcutta");
  await record(first);
  await using second = await open(storage, "Asia/Kolkata");
  await record(second);
  assertEquals((await second.query({ from: AT, to: AT })).merged("add/event").counts.x, 2);
  await first.close();
});

Deno.test("an instance without a zone takes the one that another has set since", async () => {
  const storage = new MemoryStorage();
  await using reader = await open(storage);
  assertEquals([reader.timezone, (await reader.queryDays(1)).timezone], ["UTC", "UTC"]);
  await using writer = await open(storage, "Europe/Berlin");
  await record(writer);
  assertEquals((await reader.queryDays(1)).timezone, "Europe/Berlin");
  assertEquals(reader.timezone, "Europe/Berlin");
  // Half past midnight in Berlin is another day than in UTC.
  await reader.record({ event: "x" }, { at: AT - 1800 });
  const result = await reader.query({ from: AT, to: AT });
  assertEquals([result.buckets[0].start, result.merged("add/event").counts.x], [AT - 3600, 2]);
});

Deno.test("of two that start on nothing with two zones, one wins and the other is told", async () => {
  const storage = new MemoryStorage();
  const berlin = await open(storage, "Europe/Berlin");
  const tokyo = await open(storage, "Asia/Tokyo");
  for (const traqq of [berlin, tokyo]) await traqq.record({ event: "x" }, { at: AT });
  const results = await Promise.allSettled([berlin.flush(), tokyo.flush()]);
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected"]);
  const message =
    'Cannot open prefix "traqq" in time zone Asia/Tokyo: its buckets are those of Europe/Berlin';
  await assertRejects(() => tokyo.flush(), ConfigError, message);
  await assertRejects(() => tokyo.query({ from: AT, to: AT }), ConfigError, message);
  assertEquals(tokyo.stats().pending, 1, "kept, as nothing else can be done with it");
  assertEquals((await berlin.query({ from: AT, to: AT })).merged("add/event").counts.x, 1);
  await berlin.close();
  const error = await assertRejects(() => tokyo.close(), StorageError, "Closed with 1 events");
  assertEquals(error.cause instanceof ConfigError, true);
});

Deno.test("one that loses the race with nothing recorded is told when it queries", async () => {
  const storage = new MemoryStorage();
  await using berlin = await open(storage, "Europe/Berlin");
  await using tokyo = await open(storage, "Asia/Tokyo");
  await record(berlin);
  await assertRejects(
    () => tokyo.queryDays(1),
    ConfigError,
    "its buckets are those of Europe/Berlin",
  );
});

Deno.test("a zone whose claim was lost half-way stands all the same", async () => {
  const storage = new FaultyStorage();
  const claim = storage.claimTimezone.bind(storage);
  let lost = false;
  storage.claimTimezone = async (prefix, timezone) => {
    const stands = await claim(prefix, timezone);
    if (lost) return stands;
    lost = true;
    throw new StorageError("unknown", "the answer was lost");
  };
  await using traqq = await open(storage, "Europe/Berlin");
  await traqq.record({ event: "x" }, { at: AT });
  await assertRejects(() => traqq.flush(), StorageError, "the answer was lost");
  await traqq.flush();
  assertEquals(await storage.timezone("traqq"), "Europe/Berlin");
});

Deno.test("a stored zone that this machine does not know is an error, and no writer id is kept", async () => {
  const storage = new MemoryStorage();
  await storage.claimTimezone("traqq", "Mars/Olympus");
  for (let i = 0; i < 2; i++) {
    await assertRejects(() => Traqq.open({ storage, writer: "w" }), ConfigError, '"Mars/Olympus"');
  }
  assertEquals(await storage.acquireWriter("traqq", "w", "me", 1000), true);
});

Deno.test("Traqq.open() refuses a writer id that another live instance holds", async () => {
  const storage = new MemoryStorage();
  const first = await Traqq.open({ storage, writer: "w" });
  const error = await assertRejects(
    () => Traqq.open({ storage, writer: "w" }),
    StorageError,
    "Cannot open writer w: another live instance holds it",
  );
  assertEquals(error.code, "held");
  await (await Traqq.open({ storage, writer: "other" })).close();
  await record(first);
  await first.close();
  const second = await Traqq.open({ storage, writer: "w" });
  await record(second);
  assertEquals((await second.query({ from: AT, to: AT })).merged("add/event").counts.x, 2);
  await second.close();
});
