import { KvStorage } from "../src/storage/kv.ts";
import { MemoryStorage } from "../src/storage/memory.ts";
import type { Storage } from "../src/storage/storage.ts";
import { Traqq } from "../src/traqq.ts";

// A year of one metric with 50 fields, read by an instance that has read nothing before.

const DAYS = 365;
const FIELDS = 50;
const FROM = Date.UTC(2025, 0, 1) / 1000;
const TO = FROM + DAYS * 86_400 - 1;

const directory = Deno.makeTempDirSync({ prefix: "traqq_bench_" });
addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

const path = `${directory}/query.db`;
const memory = new MemoryStorage();
await fill(memory);
{
  await using kv = await KvStorage.open(path);
  await fill(kv);
}

Deno.bench({ name: "find, 50 fields x 365 days, memory", group: "find" }, async () => {
  // Deno awaits only what is written as an async function.
  await find(memory);
});

Deno.bench({
  name: "find, 50 fields x 365 days, Deno KV on disk, opened anew",
  group: "find",
  baseline: true,
}, async () => {
  await using kv = await KvStorage.open(path);
  await find(kv);
});

async function find(storage: Storage): Promise<void> {
  await using traqq = await Traqq.open({ storage });
  const result = await traqq.query({ from: FROM, to: TO, select: "add/page" });
  const days = result.find("add/page");
  const total = Object.values(result.merged("add/page").counts).reduce((a, b) => a + b, 0);
  if (days.length !== DAYS || total !== DAYS * FIELDS) throw new Error("BUG: events are missing");
}

async function fill(storage: Storage): Promise<void> {
  await using traqq = await Traqq.open({ storage, mapping: { add: ["page", "event"] } });
  for (let day = 0; day < DAYS; day++) {
    const events = Array.from(
      { length: FIELDS },
      (_, i) => ({ event: "view", page: `/page/${i}` }),
    );
    await traqq.recordMany(events, { at: FROM + day * 86_400 });
  }
}
