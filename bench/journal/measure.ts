/**
 * One measurement of `main.ts` in a process of its own. Prints one line of JSON.
 *
 * @module
 */
import { yieldToEventLoop } from "../../src/base/yield.ts";
import type { Durability } from "../../src/engine/journal_options.ts";
import { LineSplitter } from "../../src/protocol/lines.ts";
import { okLine } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { QUICK_START, shopLines } from "../_events.ts";

/** Events that are recorded together: what one read of a busy socket brings. */
const BATCH = 256;
const ROUND_MS = 400;
const ROUNDS = 11;
const WARM_UP = 3;
const SHOP_EVENTS = 80 * BATCH;
const REPLIES = okLine(undefined, undefined).repeat(BATCH);

/** Segments go soon, so that the page cache is not filled with pages that were never used before. */
const REPLAY_MS = 100;

/** Memory that claims to survive its process, so that the journal lets go of what is in it. */
class LastingStorage extends MemoryStorage {
  override readonly capabilities = { atomicity: "chunk", survivesProcess: true } as const;
}

/** What one process found. */
export interface Measurement {
  /** Nanoseconds an event without a journal; median of the rounds. */
  plainNs: number;
  /** Nanoseconds an event with it. */
  ownNs: number;
  /** The speed with the journal divided by that without, round by round; median. */
  ratio: number;
  /** Megabytes of journal a second. */
  megabytes: number;
}

const [mode, path, connections] = Deno.args;
const lines = shopLines(SHOP_EVENTS).map((event) => `{"cmd":"record","event":${event}}`);
const objects = lines.map((line) => JSON.parse(line).event);
const batches = Array.from({ length: SHOP_EVENTS / BATCH }, (_, i) => {
  const batch = lines.slice(i * BATCH, (i + 1) * BATCH);
  return new TextEncoder().encode(batch.map((line) => `${line}\n`).join(""));
});
const directory = await Deno.makeTempDir({ prefix: "traqq_bench_" });
try {
  console.log(JSON.stringify(await measure(mode as Durability)));
} finally {
  await Deno.remove(directory, { recursive: true });
}

async function measure(durability: Durability): Promise<Measurement> {
  const options = { mapping: QUICK_START };
  await using plain = await Traqq.open({ ...options, storage: new MemoryStorage() });
  await using kept = await Traqq.open({
    ...options,
    storage: new LastingStorage(),
    journal: { directory, durability, replayMs: REPLAY_MS },
  });
  const plainNs: number[] = [];
  const ownNs: number[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    const a = await timed(plain);
    const b = await timed(kept);
    if (round < WARM_UP) continue;
    plainNs.push(a);
    ownNs.push(b);
  }
  const { journal, recorded } = kept.stats();
  return {
    plainNs: median(plainNs),
    ownNs: median(ownNs),
    ratio: median(plainNs.map((ns, i) => ns / ownNs[i])),
    megabytes: journal!.bytes / recorded / median(ownNs) * 1000,
  };
}

/** Nanoseconds an event, over a round. */
async function timed(traqq: Traqq): Promise<number> {
  const before = traqq.stats().recorded;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: Number(connections) }, async (_, i) => {
      const record = path === "line" ? lineRecorder(traqq) : objectRecorder(traqq);
      for (let at = i * BATCH; performance.now() - startMs < ROUND_MS; at += BATCH) {
        await record(at % SHOP_EVENTS);
        // A server goes back to its sockets here.
        await yieldToEventLoop();
      }
    }),
  );
  const ms = performance.now() - startMs;
  const count = traqq.stats().recorded - before;
  await traqq.flush();
  return ms * 1e6 / count;
}

/** As a connection of the server does: bytes → lines → events → replies. */
function lineRecorder(traqq: Traqq): (at: number) => Promise<void> {
  const splitter = new LineSplitter();
  const session = new Session(traqq);
  return async (at) => {
    splitter.feed(batches[at / BATCH]);
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
      if (!session.push(line, splitter.lineStart, splitter.lineEnd)) throw new Error("BUG: full");
    }
    const replies = await session.settle(splitter.bytes);
    if (replies.length !== REPLIES.length) throw new Error(`BUG: not all recorded: ${replies}`);
  };
}

function objectRecorder(traqq: Traqq): (at: number) => Promise<void> {
  return async (at) => {
    const { recorded } = await traqq.recordMany(objects.slice(at, at + BATCH));
    if (recorded !== BATCH) throw new Error("BUG: not all events were recorded");
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
