/**
 * How many events a second come into Redis, and with how many round trips: see README.
 *
 *     deno task bench:redis
 *
 * @module
 */
import { Cluster, Redis } from "ioredis";
import type { Mapping } from "../../src/engine/config.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisCluster, RedisServer } from "../../tests/_redis.ts";
import { QUICK_START, shopLines } from "../_events.ts";
import { openOneByOne } from "./one_by_one.ts";

const ROUNDS = 5;
const WARM_UP = 1;
/** Events of a flush: what comes in a second or less. */
const FLUSH_EVENTS = 5000;
const FLUSHES = 4;
const AT = 1_767_225_600;
/** 20,000 events with few cells, and with as many as there are users and pages. */
const MAPPINGS: Record<string, Mapping> = {
  "quick start": QUICK_START,
  "many cells": { ...QUICK_START, add: ["event", "event~geo", "page"], top: ["user"] },
};

interface Contender {
  readonly name: string;
  /** The one that it is compared with. */
  readonly baseline?: string;
  readonly storage: Storage;
  /** Commands that were sent so far. */
  readonly commands: () => number;
}

const events = shopLines(FLUSH_EVENTS).map((line) => JSON.parse(line));

for (const [name, mapping] of Object.entries(MAPPINGS)) await compare(name, mapping);

async function compare(name: string, mapping: Mapping): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await RedisServer.start());
  const cluster = stack.use(await RedisCluster.start());
  const contenders: Contender[] = [];
  const add = (name: string, storage: Storage, more: Partial<Contender> = {}) => {
    stack.defer(() => storage.close());
    contenders.push({ name, storage, commands: () => 0, ...more });
  };
  add("memory", new MemoryStorage());
  add("Deno KV in memory", await KvStorage.open(":memory:"));
  const folder = await Deno.makeTempDir({ prefix: "traqq_bench_" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  add("Deno KV on disk", await KvStorage.open(`${folder}/traqq.db`));
  for (const place of ["Redis", "Redis cluster"]) {
    const client = () => {
      const made = place === "Redis"
        ? new Redis(server.port)
        : new Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
      stack.defer(() => made.disconnect());
      return { client: made, commands: counting(made) };
    };
    const baseline = `${place}, one by one`;
    const slow = client();
    add(baseline, await openOneByOne(slow.client), { commands: slow.commands });
    const own = client();
    add(place, await RedisStorage.open(own.client), { commands: own.commands, baseline });
  }

  const seconds = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  const commands = new Map<string, number>();
  let cells = 0;
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const { name, storage, commands: count } of contenders) {
      const prefix = prefixOf(name);
      await using traqq = await Traqq.open({
        storage,
        prefix,
        mapping,
        flush: { intervalMs: 1e6 },
      });
      const before = count();
      const startMs = performance.now();
      for (let flush = 0; flush < FLUSHES; flush++) {
        const { recorded } = await traqq.recordMany(events, { at: AT });
        if (recorded !== events.length) throw new Error("BUG: not all events were recorded");
        await traqq.flush();
      }
      const ms = performance.now() - startMs;
      commands.set(name, (count() - before) / FLUSHES);
      if (round >= WARM_UP) seconds.get(name)!.push(ms / 1000);
    }
  }
  for (const { name, storage } of contenders) cells = await check(storage, prefixOf(name));

  console.log(`${name}: ${FLUSH_EVENTS} events a flush, ${cells} cells`);
  console.log(
    "storage                     events/s  commands a flush  times as fast as one by one",
  );
  for (const { name, baseline } of contenders) {
    const own = seconds.get(name)!;
    const ratio = baseline && median(own.map((time, i) => seconds.get(baseline)![i] / time));
    console.log(
      name.padEnd(26) +
        (FLUSHES * FLUSH_EVENTS / median(own)).toFixed(0).padStart(10) +
        (commands.get(name) || "").toString().padStart(18) +
        (ratio === undefined ? "" : `${Number(ratio).toFixed(1)}`.padStart(29)),
    );
  }
}

/** Counts the commands that go through a client; a RedisStorage uses nothing else of it. */
function counting(client: Redis | Cluster): () => number {
  let count = 0;
  const call = client.call.bind(client) as (...args: unknown[]) => Promise<unknown>;
  client.call = ((...args: unknown[]) => {
    count++;
    return call(...args);
  }) as typeof client.call;
  return () => count;
}

/** Holds that every event was counted once; gives how many cells there are. */
async function check(storage: Storage, prefix: string): Promise<number> {
  await using traqq = await Traqq.open({ storage, prefix });
  const result = await traqq.query({ from: AT, to: AT });
  const wanted = (ROUNDS + WARM_UP) * FLUSHES * FLUSH_EVENTS;
  const { counts } = result.merged("add/event");
  const counted = Object.values(counts).reduce((a, b) => a + b, 0);
  const { count, sums } = result.merged("adv/event~geo/amount");
  if (counted !== wanted || count !== wanted) {
    throw new Error(`BUG: ${prefix} has ${counted} and ${count} of ${wanted} events`);
  }
  let cells = Object.keys(sums).length + 2; // the tally and the sketch
  for (const selector of ["add/event", "add/event~geo", "add/page"] as const) {
    cells += Object.keys(result.merged(selector).counts).length;
  }
  for (const selector of ["top/geo", "top/user"] as const) {
    const { ranked } = result.merged(selector);
    // Only 250 are shown.
    if (ranked.length > 0) cells += new Set(events.map((it) => it[selector.slice(4)])).size;
  }
  return cells;
}

function prefixOf(name: string): string {
  return name.toLowerCase().replaceAll(/\W+/g, "-");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
