import { assertGreaterOrEqual } from "@std/assert";
import { RedisStorage } from "../../src/storage/redis.ts";
import { RedisCluster, RedisServer, withRedis } from "../_redis.ts";
import { killAgainAndAgain, type KillPlace } from "./_kills.ts";
import { Folder } from "./_program.ts";

const KILLS = Number(Deno.env.get("TRAQQ_REDIS_KILLS") ?? 20);
const SEED = Number(Deno.env.get("TRAQQ_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);

await withRedis("traqq serve on Redis, killed under load", () => {
  Deno.test("traqq serve on one Redis counts every acknowledged event once, however often it is killed", async () => {
    await using redis = await RedisServer.start();
    await kill({
      flags: ["--storage", "redis", "--redis-url", redis.url],
      open: () => RedisStorage.open(redis.url),
    });
  });

  Deno.test("traqq serve on a Redis cluster counts every acknowledged event once, however often it is killed", async () => {
    await using cluster = await RedisCluster.start();
    await kill({
      flags: ["--storage", "redis", "--redis-url", cluster.urls.join()],
      open: () => RedisStorage.open(cluster.urls),
    });
  });
});

async function kill(place: KillPlace): Promise<void> {
  await using folder = new Folder();
  const started = performance.now();
  const report = await killAgainAndAgain(folder, { seed: SEED, kills: KILLS, place });
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ seed: SEED, seconds, ...report }));
  assertGreaterOrEqual(report.kills, KILLS);
  // About every third; few kills may be unlucky.
  assertGreaterOrEqual(report.inFlush, 1);
}
