/**
 * How long `open` takes with a journal of a given size that a killed process left. Prints one line of
 * JSON.
 *
 * `events`: storage was away, so there is no cut, and every event is planned anew. `cuts`: storage is
 * one flush behind, so the events are passed over and a cut is committed.
 *
 * @module
 */
import { Journal } from "../../src/journal/journal.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { QUICK_START, shopLines } from "../_events.ts";

/** What came out. */
export interface Recovery {
  /** Bytes of the journal. */
  bytes: number;
  events: number;
  /** From `open` until the numbers are there. */
  seconds: number;
  /** The most memory that the process had meanwhile, MiB. */
  megabytes: number;
}

const AT = 1_767_225_600;
const [kind, size] = Deno.args;
const lines = shopLines(20_000);
const directory = await Deno.makeTempDir({ prefix: "traqq_bench_" });
try {
  console.log(JSON.stringify(await measure()));
} finally {
  await Deno.remove(directory, { recursive: true });
}

async function measure(): Promise<Recovery> {
  const { events, bytes } = await fill();
  let megabytes = 0;
  const timer = setInterval(() => {
    megabytes = Math.max(megabytes, Deno.memoryUsage().rss / 2 ** 20);
  }, 5);
  const startMs = performance.now();
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    mapping: QUICK_START,
    journal: { directory },
  });
  const result = await traqq.query({ from: AT, to: AT });
  const seconds = (performance.now() - startMs) / 1000;
  clearInterval(timer);
  const counted = Object.values(result.merged("add/event").counts).reduce((a, b) => a + b, 0);
  if (counted !== events) throw new Error(`BUG: ${counted} of ${events} events came back`);
  return { bytes, events, seconds, megabytes };
}

/** Writes a journal such as a killed process leaves. */
async function fill(): Promise<{ events: number; bytes: number }> {
  const settings = {
    directory,
    durability: "os_default",
    syncIntervalMs: 100,
    replayMs: 600_000,
    retainMs: 0,
  } as const;
  const owner = { prefix: "traqq", writer: undefined, forgets: true, onError: console.error };
  const journal = await Journal.open(settings, owner);
  let events = 0;
  while (journal.stats().bytes < Number(size)) {
    for (let i = 0; i < 1000; i++) journal.append(AT, lines[events++ % lines.length]);
    await journal.accepted;
  }
  if (kind === "cuts") {
    const metric = { type: "add", pattern: "event" } as const;
    const checkpoint = { incarnation: journal.incarnation, flush: 1, part: 0 };
    await journal.cut({ ...checkpoint, covers: events, previous: null }, [{
      prefix: "traqq",
      writer: journal.writer,
      durable: true,
      checkpoint,
      previous: null,
      cells: [{ kind: "count", metric, unit: "d", start: AT, field: "view", count: events }],
    }]);
  }
  const { bytes } = journal.stats();
  await journal.close(60_000);
  return { events, bytes };
}
