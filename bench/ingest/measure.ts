/**
 * One measurement of `main.ts` in a process of its own: V8 compiles the record path for the mapping
 * it sees, as it does in a server. Prints one line of JSON.
 *
 * @module
 */
import { yieldToEventLoop } from "../../src/base/yield.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { DEMO_OPTIONS } from "../../src/cli/demo_server.ts";
import { flightLines, QUICK_START, shopLines } from "../_events.ts";

/** Lines that are parsed before they are recorded, as the server does with what one read brings. */
const BATCH = 64;
const ROUNDS = 31;
const WARM_UP = 6;
/** Rounds with Deno KV last longer, so that each holds several flushes. */
const KV_ROUNDS = 5;
const KV_ROUND_MS = 3000;
const KV_PARSE_MS = 1000;

/** What one process found. */
export interface Measurement {
  /** Nanoseconds an event of `JSON.parse` alone; median of the rounds. */
  parseNs: number;
  /** Nanoseconds an event of what is measured. */
  ownNs: number;
  /** Own time divided by the time of `JSON.parse`, round by round; median. */
  ratio: number;
}

const [events, mode] = Deno.args;
const lines = events === "shop" ? shopLines(20_000) : await flightLines();
const { mapping, time } = events === "flights-demo"
  ? DEMO_OPTIONS
  : { mapping: QUICK_START, time: undefined };

if (mode === "kv") console.log(JSON.stringify(await measureKv()));
else console.log(JSON.stringify(await measureMemory(mode === "record")));

async function measureMemory(parsed: boolean): Promise<Measurement> {
  await using traqq = await Traqq.open({ storage: new MemoryStorage(), mapping, time });
  const objects = parsed ? lines.map((line) => JSON.parse(line)) : [];
  const own = parsed
    ? () => recordObjects(traqq, objects)
    : () => recordLines(traqq, 0, lines.length);
  const parse: number[] = [];
  const record: number[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    const parseMs = timed(parseAll);
    const ownMs = timed(own);
    await traqq.flush();
    if (round < WARM_UP) continue;
    parse.push(parseMs);
    record.push(ownMs);
  }
  check(traqq, (ROUNDS + WARM_UP) * lines.length);
  return summary(parse, record);
}

/** Rounds of several seconds with flushes going on, the last of them included. */
async function measureKv(): Promise<Measurement> {
  const directory = await Deno.makeTempDir({ prefix: "traqq_bench_" });
  try {
    await using storage = await KvStorage.open(`${directory}/bench.db`);
    await using traqq = await Traqq.open({ storage, mapping, time });
    const parse: number[] = [];
    const record: number[] = [];
    let recorded = 0;
    for (let round = 0; round <= KV_ROUNDS; round++) {
      const parseMs = parseFor(KV_PARSE_MS);
      const startMs = performance.now();
      let count = 0;
      for (
        let at = 0;
        performance.now() - startMs < KV_ROUND_MS;
        at = (at + BATCH) % lines.length
      ) {
        const last = recordLines(traqq, at, Math.min(at + BATCH, lines.length));
        count += Math.min(BATCH, lines.length - at);
        await last;
        // A server goes back to its sockets here.
        if (count % (BATCH * 16) === 0) await yieldToEventLoop();
      }
      await traqq.flush();
      recorded += count;
      if (round === 0) continue;
      parse.push(parseMs);
      record.push((performance.now() - startMs) / count * lines.length);
    }
    check(traqq, recorded);
    await checkStored(traqq, recorded);
    return summary(parse, record);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function parseAll(): void {
  for (const line of lines) JSON.parse(line);
}

/** Parses all lines again and again, as long as a round lasts: milliseconds for all of them once. */
function parseFor(durationMs: number): number {
  const startMs = performance.now();
  let passes = 0;
  for (; performance.now() - startMs < durationMs; passes++) parseAll();
  return (performance.now() - startMs) / passes;
}

function recordObjects(traqq: Traqq, objects: readonly unknown[]): void {
  for (const object of objects) traqq.record(object);
}

function recordLines(traqq: Traqq, from: number, to: number): Promise<void> {
  const batch: unknown[] = new Array(BATCH);
  let last = Promise.resolve();
  for (let at = from; at < to; at += BATCH) {
    const end = Math.min(at + BATCH, to);
    for (let i = at; i < end; i++) batch[i - at] = JSON.parse(lines[i]);
    for (let i = at; i < end; i++) last = traqq.record(batch[i - at]);
  }
  return last;
}

function check(traqq: Traqq, expected: number): void {
  const { recorded } = traqq.stats();
  if (recorded !== expected) throw new Error(`BUG: recorded ${recorded} of ${expected} events`);
}

async function checkStored(traqq: Traqq, expected: number): Promise<void> {
  const result = await traqq.query({ from: 0, to: Date.now() / 1000, select: "add/event" });
  const counted = Object.values(result.merged("add/event").counts).reduce((a, b) => a + b, 0);
  if (counted !== expected) throw new Error(`BUG: storage holds ${counted} of ${expected} events`);
}

function timed(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function summary(parse: readonly number[], own: readonly number[]): Measurement {
  const nsPerEvent = 1e6 / lines.length;
  return {
    parseNs: median(parse) * nsPerEvent,
    ownNs: median(own) * nsPerEvent,
    ratio: median(own.map((ms, i) => ms / parse[i])),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
