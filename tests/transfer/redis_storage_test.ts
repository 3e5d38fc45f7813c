/** What our own storage keeps in Redis is imported like the Rust traqq's, and is a target like others. */
import { assertEquals } from "@std/assert";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { RedisSource } from "../../src/transfer/redis_source.ts";
import { timezoneIn } from "../../src/transfer/redis_survey.ts";
import { TRAQQ_LAYOUT } from "../../src/transfer/redis_traqq.ts";
import { TRK_LAYOUT } from "../../src/transfer/redis_trk.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisCluster, RedisServer, withRedis } from "../_redis.ts";
import { clientOf } from "../_redis_client.ts";
import { contents } from "../contract/kit.ts";
import { importRedis, recordAsTrk, told } from "./_redis_writers.ts";

const MAPPING = {
  bitmap: ["ip"],
  add: ["event", "event~geo"],
  addValue: [{ key: "geo", addKey: "amount" }],
  top: ["geo"],
};

/** Two days and their hours, written by a Traqq whose journal-less checkpoint stands beside them. */
async function record(storage: Storage, prefix: string): Promise<void> {
  await using traqq = await Traqq.open({
    storage,
    prefix,
    mapping: MAPPING,
    time: { timezone: "Europe/Berlin", hourly: true },
    limits: { maxFutureMs: 1e15 },
  });
  for (let i = 0; i < 300; i++) {
    await traqq.record({
      event: i % 3 === 0 ? "buy" : "view",
      ip: `10.0.0.${i}`,
      geo: ["US", "ü ~", "__proto__"][i % 3],
      amount: i * 0.01 - 1,
    }, { at: Date.parse("2026-03-28T12:00:00Z") / 1000 + i * 600 });
  }
}

async function imports(url: string, storage: Storage, prefix: string): Promise<void> {
  await record(storage, prefix);
  const wanted = await contents(storage, prefix);
  await using source = await RedisSource.open(url);
  const timezone = await timezoneIn(source, TRAQQ_LAYOUT, prefix) ?? "none";
  assertEquals(timezone, "Europe/Berlin");
  for (const target of [new MemoryStorage(), storage]) {
    const to = target === storage ? "copy" : prefix;
    const { findings } = await importRedis(url, TRAQQ_LAYOUT, target, { prefix, timezone, to });
    assertEquals(findings.map(told), []);
    assertEquals(await contents(target, to), wanted);
  }
}

await withRedis("the import of our own storage", () => {
  for (const prefix of ["app", "my:app", "{app}"]) {
    Deno.test(`TRAQQ_LAYOUT reads what RedisStorage keeps, prefix ${prefix}`, async () => {
      await using server = await RedisServer.start();
      const storage = await RedisStorage.open(server.url);
      try {
        await imports(server.url, storage, prefix);
      } finally {
        await storage.close();
      }
    });
  }

  Deno.test("TRAQQ_LAYOUT reads what RedisStorage keeps on a cluster", async () => {
    await using cluster = await RedisCluster.start();
    const storage = await RedisStorage.open(cluster.urls);
    try {
      for (const prefix of ["app", "{tag}"]) {
        await imports(cluster.urls[0], storage, prefix);
        await storage.prune({ prefix: "copy", unit: "d", before: 1e12 });
        await storage.prune({ prefix: "copy", unit: "h", before: 1e12 });
      }
    } finally {
      await storage.close();
    }
  });

  Deno.test("TRK_LAYOUT goes into RedisStorage, beside what it is read from", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const day = 86_400;
    for (const amount of [99, -20]) {
      await recordAsTrk(redis, "app", day, {
        bmp: ["ip"],
        add: ["event"],
        addv: [{ key: "event", value: "amount" }],
        top: ["event"],
      }, { event: "buy", ip: "1.1.1.1", amount });
    }
    const storage = await RedisStorage.open(server.url);
    try {
      const from = { prefix: "app", timezone: "UTC" };
      await importRedis(server.url, TRK_LAYOUT, storage, from);
      const memory = new MemoryStorage();
      const { findings } = await importRedis(server.url, TRK_LAYOUT, memory, from);
      assertEquals(await contents(storage, "app"), await contents(memory, "app"));
      // What was written under the same prefix is of another layout, and told.
      assertEquals(new Set(findings.map(({ kind }) => kind)), new Set(["unknown"]));
    } finally {
      await storage.close();
    }
  });
});
