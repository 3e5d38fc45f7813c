import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisServer, until, withRedis } from "../_redis.ts";
import { counted, flushesWhenAsked } from "./_deaths.ts";
import { cellsOf, Day, FIELDS, Load, MAPPING, serveFlags } from "./_load.ts";
import { Folder, run, Server } from "./_program.ts";
import { type Fault, FaultLoad, type Target } from "./_redis_faults.ts";

/** Everything that was confirmed is on disk. */
const ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"];
/** It answers while it loads, and takes its time for that. */
const SLOW_START = ["--loading-process-events-interval-bytes", "1024", "--key-load-delay", "50"];

const JOURNAL = { directory: "journal", durability: "every_write" } as const;
const PATIENCE_MS = 30_000;

let days = 0;

await withRedis("traqq under faults of Redis", () => {
  test("is killed and comes back from its file", ALWAYS, (redis) => ({
    stalls: true,
    // deno-lint-ignore require-await
    hurt: async () => redis.kill(),
    heal: () => redis.restart("SIGKILL"),
  }));

  test("loses its scripts, again and again", [], (redis) => ({
    stalls: false,
    async hurt(load) {
      for (let i = 0; i < 10; i++) {
        await redis.cli("script", "flush");
        await load.more(200);
      }
    },
    heal: () => seen(redis, "NOSCRIPT"),
  }));

  test("is out of memory", [], (redis) => ({
    stalls: true,
    hurt: () => set(redis, "maxmemory", "1mb"),
    async heal() {
      await seen(redis, "OOM");
      await set(redis, "maxmemory", "0");
    },
  }));

  test("becomes a replica, and a master again", [], (redis) => ({
    stalls: true,
    async hurt() {
      await redis.cli("replicaof", "127.0.0.1", "1");
    },
    async heal() {
      await seen(redis, "READONLY");
      await redis.cli("replicaof", "no", "one");
    },
  }));

  test("loads for long", [...ALWAYS, ...SLOW_START], (redis) => ({
    stalls: false,
    hurt: () => redis.restart("SIGKILL"),
    heal: () => seen(redis, "LOADING"),
  }));

  test("is frozen for longer than a command may take", [], (redis) => ({
    stalls: true,
    // deno-lint-ignore require-await
    hurt: async () => redis.freeze(),
    async heal() {
      await new Promise((resolve) => setTimeout(resolve, 5500));
      redis.thaw();
    },
  }));

  test("wants another password for a while", ["--requirepass", "right"], (redis) => ({
    stalls: true,
    async hurt() {
      await redis.cli("-a", "right", "config", "set", "requirepass", "other");
      await redis.cli("-a", "other", "client", "kill", "type", "normal");
    },
    async heal() {
      await redis.cli("-a", "other", "config", "set", "requirepass", "right");
    },
  }));

  Deno.test("traqq serve that is killed while Redis is away has in its journal what it acknowledged", async () => {
    await using folder = new Folder();
    await using redis = await RedisServer.start({ args: ALWAYS });
    const flags = ["--storage", "redis", "--redis-url", redis.url, ...serveFlags(folder, JOURNAL)];
    const first = await Server.start(folder.path, ...flags);
    const day = new Day(days++);
    const load = await Load.start(first.address, day, { batch: 20, window: 10 });
    await until("some events", PATIENCE_MS, () => day.acknowledged > 1000);
    redis.kill();
    const before = day.acknowledged;
    await until("more events", PATIENCE_MS, () => day.acknowledged > before + 2000);
    await first.stop("SIGKILL");
    await load.ended;
    await redis.restart("SIGKILL");
    await using second = await Server.start(folder.path, ...flags);
    assertEquals((await second.stop()).code, 0);
    await using storage = await RedisStorage.open(redis.url);
    assertEquals(day.check(await cellsOf(storage, day)), []);
    assertGreaterOrEqual(day.counted, day.acknowledged);
  });

  Deno.test("traqq serve that dies with its Redis commits again what that had not on its disk", async () => {
    await using folder = new Folder();
    await using redis = await RedisServer.start();
    const flags = flushesWhenAsked(folder, [redis.url]);
    const first = await Server.start(folder.path, ...flags);
    const day = new Day(days++);
    await counted(first, day, 1000);
    assertEquals(await redis.cli("save"), "OK");
    for (let flush = 0; flush < 3; flush++) await counted(first, day, 300);
    redis.kill();
    await first.stop("SIGKILL");
    await redis.restart("SIGKILL");
    for (let i = 0; i < 2; i++) {
      const { code, err } = await (await Server.start(folder.path, ...flags)).stop();
      assertEquals(code, 0, err);
      await using storage = await RedisStorage.open(redis.url);
      assertEquals(day.check(await cellsOf(storage, day)), []);
      assertEquals([day.counted, day.acknowledged], [day.sent, day.sent]);
    }
  });

  Deno.test("traqq serve says which journal does not go on with a Redis that was emptied, and keeps it", async () => {
    await using folder = new Folder();
    await using redis = await RedisServer.start();
    const flags = ["--storage", "redis", "--redis-url", redis.url, ...serveFlags(folder, JOURNAL)];
    await using server = await Server.start(folder.path, ...flags);
    await using client = await Client.connect(server.address);
    await client.record({ event: "buy" });
    await client.queryDays(1);
    await redis.restart("SIGKILL");
    await client.record({ event: "buy" });
    await server.running.err.line(/Cannot go on with the journal in journal: .*was it emptied/);
    assertEquals((await server.stop()).code, 1);
    const again = await run({
      cwd: folder.path,
      allow: ["-A"],
      args: ["journal", "dump", "--journal", "journal"],
    });
    assertEquals(
      again.out.split("\n").filter((line) => line.includes('"buy"')).length,
      2,
      again.err,
    );
  });

  Deno.test("a Traqq without a journal commits again what an emptied Redis lost, and names what it keeps no more", async () => {
    await using redis = await RedisServer.start();
    await using storage = await RedisStorage.open(redis.url);
    const errors: string[] = [];
    await using traqq = await Traqq.open({
      storage,
      mapping: MAPPING,
      flush: { intervalMs: 1e6 },
      onError: ({ message }) => errors.push(message),
    });
    const [little, much] = [new Day(days++), new Day(days++)];
    for (const [day, flushes] of [[little, 5], [much, Infinity]] as const) {
      for (let i = 0; i < flushes && await recordSome(traqq, day, FIELDS); i++) await traqq.flush();
      await redis.restart("SIGKILL");
      const [tail] = [new Day(days++)];
      await recordSome(traqq, tail, 1);
      await traqq.flush();
      assertEquals(tail.check(await cellsOf(storage, tail)), []);
      const wrong = day.check(await cellsOf(storage, day));
      if (day === little) assertEquals([wrong, errors], [[], []]);
    }
    // 16 MiB of chunks are kept.
    assertEquals(errors.length, 1);
    const flush = Number(/no longer kept: from nothing to flush (\d+) part/.exec(errors[0])?.[1]);
    const lost = much.sent - much.counted;
    assertGreater(lost, 0);
    // Those of the first five flushes were other days'.
    assertLessOrEqual(lost, FIELDS * (flush - 6));
    assertGreaterOrEqual(lost, FIELDS * (flush - 7));
  });
});

/** Records events of a day; false if there are none left. */
async function recordSome(traqq: Traqq, day: Day, most: number): Promise<boolean> {
  const [from, to] = day.take(most);
  const events = Array.from({ length: to - from }, (_, i) => JSON.parse(day.event(from + i)));
  await traqq.recordMany(events, { at: day.start });
  day.acknowledge(from, to);
  return from < to;
}

/** A server, and a Traqq in this process, while something happens to the one Redis of both. */
function test(what: string, args: readonly string[], faultOf: (redis: RedisServer) => Fault): void {
  Deno.test(`traqq serve and Traqq count exactly when Redis ${what}`, async () => {
    await using redis = await RedisServer.start({ args });
    const password = args.includes("--requirepass") ? ":right@" : "";
    const url = `redis://${password}${redis.address}`;
    const target: Target = {
      flags: ["--redis-url", url],
      open: () => RedisStorage.open(url),
    };
    await FaultLoad.run(target, [new Day(days++), new Day(days++)], faultOf(redis));
  });
}

/** Holds that Redis has given an error, so that the fault was one. */
async function seen(redis: RedisServer, word: string): Promise<void> {
  const text = await redis.cli("info", "errorstats");
  assertGreater(Number(new RegExp(`errorstat_${word}:count=(\\d+)`).exec(text)?.[1]), 0, text);
}

async function set(redis: RedisServer, name: string, value: string): Promise<void> {
  assert((await redis.cli("config", "set", name, value)).startsWith("OK"));
}
