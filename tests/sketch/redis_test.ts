/** Sketches are Redis's: one real server and this code agree on the same values and the same bytes. */
import { assertEquals } from "@std/assert";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import { RedisServer, withRedis } from "../_redis.ts";
import { clientOf } from "../_redis_client.ts";

const SIZES = [1, 2, 10, 100, 1000, 10_000, 100_000, 1_000_000];
/** Values of one PFADD. */
const BATCH = 10_000;
const STALE = 0x80;

type Client = Awaited<ReturnType<typeof clientOf>>;

/** Random, and the same for the same seed. */
function randomOf(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

async function add(redis: Client, key: string, values: readonly string[]): Promise<void> {
  for (let i = 0; i < values.length; i += BATCH) {
    await redis.pfadd(key, ...values.slice(i, i + BATCH));
  }
}

function sketchOf(values: Iterable<string>): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(value);
  return sketch;
}

async function bytesOf(redis: Client, key: string): Promise<Uint8Array> {
  return new Uint8Array((await redis.getBuffer(key))!);
}

/** The same registers give the same bytes once they were read and written again. */
function sameRegisters(theirs: Uint8Array, ours: HyperLogLog, what: string): void {
  assertEquals(HyperLogLog.fromBytes(theirs).toBytes().toHex(), ours.toBytes().toHex(), what);
}

await withRedis("sketches beside Redis", () => {
  Deno.test("HyperLogLog and Redis count the same and read each other, at 1 to 10^6 values", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const ours = new HyperLogLog();
    let size = 0;
    for (const wanted of SIZES) {
      const values: string[] = [];
      for (; size < wanted; size++) values.push(`user ${size} ü`);
      for (const value of values) ours.add(value);
      await add(redis, "theirs", values);
      const fresh = await bytesOf(redis, "theirs");
      sameRegisters(fresh, ours, `fresh ${wanted}`);
      // Dense and sparse at least once each.
      assertEquals(fresh[4], wanted <= 1000 ? 1 : 0, `encoding at ${wanted}`);

      const count = await redis.pfcount("theirs");
      assertEquals(ours.count(), count, `${wanted}`);
      const cached = await bytesOf(redis, "theirs");
      assertEquals(cached[15] & STALE, 0, "PFCOUNT has cached its count");
      sameRegisters(cached, ours, `cached ${wanted}`);
      assertEquals(HyperLogLog.fromBytes(cached).count(), count);

      await redis.set("ours", Buffer.from(ours.toBytes()));
      assertEquals(await redis.pfcount("ours"), count, `ours ${wanted}`);
      // What counts nothing new must raise nothing.
      assertEquals(await redis.pfadd("ours", ...values.slice(0, BATCH)), 0);
      await redis.pfmerge("merged", "ours");
      assertEquals(
        (await bytesOf(redis, "merged")).subarray(16).toHex(),
        ours.toBytes().subarray(16).toHex(),
        `PFMERGE of ours ${wanted}`,
      );
      await redis.del("merged");
    }
  });

  Deno.test("HyperLogLog.merge() is PFMERGE, for random sets of either encoding", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const random = randomOf(20261122);
    const largest = [3, 200, 1500, 1700, 30_000];
    for (let round = 0; round < 60; round++) {
      await redis.flushall();
      const union = new HyperLogLog();
      const keys: string[] = [];
      for (let set = 0; set < 2 + round % 3; set++) {
        const length = 1 + Math.floor(random() * largest[Math.floor(random() * largest.length)]);
        const from = Math.floor(random() * 20_000);
        const values = Array.from({ length }, (_, i) => `v${from + i}`);
        const ours = sketchOf(values);
        union.merge(ours);
        keys.push(`set ${set}`);
        // Some come from us as bytes, some from PFADD.
        if (random() < 0.5) await redis.set(keys[set], Buffer.from(ours.toBytes()));
        else await add(redis, keys[set], values);
        if (random() < 0.5) await redis.pfcount(keys[set]);
      }
      const what = `round ${round}`;
      assertEquals(await redis.pfcount(...keys), union.count(), what);
      await redis.pfmerge("union", ...keys);
      sameRegisters(await bytesOf(redis, "union"), union, what);
      assertEquals(await redis.pfcount("union"), union.count(), what);
      // Merged into one that stands already, and what was added after that.
      await redis.pfmerge(keys[0], "union");
      await add(redis, keys[0], ["one more", `and ${round}`]);
      union.merge(sketchOf(["one more", `and ${round}`]));
      sameRegisters(await bytesOf(redis, keys[0]), union, what);
      const read = await Promise.all(keys.slice(1).map((key) => bytesOf(redis, key)));
      const again = HyperLogLog.fromBytes(await bytesOf(redis, keys[0]));
      for (const bytes of read) again.merge(HyperLogLog.fromBytes(bytes));
      assertEquals(again.toBytes().toHex(), union.toBytes().toHex(), what);
    }
  });

  Deno.test("HyperLogLog reads what Redis makes where it turns dense, and the other way round", async () => {
    for (const limit of [0, 1000, 3000, 15_000]) {
      await using server = await RedisServer.start({
        args: ["--hll-sparse-max-bytes", `${limit}`],
      });
      await using redis = await clientOf(server);
      const ours = new HyperLogLog();
      const encodings = new Set<number>();
      for (let i = 0; i < 6000; i += 100) {
        const values = Array.from({ length: 100 }, (_, j) => `${limit} ${i + j}`);
        for (const value of values) ours.add(value);
        await redis.pfadd("theirs", ...values);
        const bytes = await bytesOf(redis, "theirs");
        encodings.add(bytes[4]);
        sameRegisters(bytes, ours, `${limit} ${i}`);
        await redis.set("ours", Buffer.from(ours.toBytes()));
        assertEquals(await redis.pfcount("ours"), ours.count(), `${limit} ${i}`);
      }
      assertEquals(
        [...encodings].sort(),
        limit === 0 ? [0] : limit > 3000 ? [1] : [0, 1],
        `${limit}`,
      );
    }
  });

  Deno.test("HyperLogLog hashes bytes as PFADD does, of every length and value", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const random = randomOf(7);
    const ours = new HyperLogLog();
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, () => Math.floor(random() * 256));
      ours.addBytes(bytes);
      await redis.pfadd("theirs", Buffer.from(bytes));
      sameRegisters(await bytesOf(redis, "theirs"), ours, `${length} bytes`);
    }
    for (const text of ["", "\0", "ü", "👩‍👩‍👧", "\ufeff", "a".repeat(100_000)]) {
      ours.add(text);
      await redis.pfadd("theirs", text);
      sameRegisters(await bytesOf(redis, "theirs"), ours, JSON.stringify(text.slice(0, 9)));
    }
  });
});
