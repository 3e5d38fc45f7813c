/** The contract on a real server, and on a real cluster. */
import { RedisStorage } from "../../src/storage/redis.ts";
import { RedisCluster, RedisServer, withRedis } from "../_redis.ts";
import { storageContract } from "../contract/mod.ts";
import { disturb } from "./_redis_store.ts";

await withRedis("RedisStorage's contract", async () => {
  const server = await RedisServer.start();
  storageContract({
    name: "RedisStorage",
    capabilities: { atomicity: "chunk", survivesProcess: true },
    async open() {
      await server.cli("flushall");
      return await RedisStorage.open(server.url);
    },
    async place() {
      await server.cli("flushall");
      return {
        open: () => RedisStorage.open(server.url),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
    async faults() {
      await server.cli("flushall");
      return await disturb([server], (_key, ...args) => server.cli(...args));
    },
  });

  const cluster = await RedisCluster.start();
  const cli = async (key: string, ...args: string[]) =>
    await (await cluster.masterOf(key)).cli(...args);
  storageContract({
    name: "RedisStorage on a cluster",
    capabilities: { atomicity: "metric", survivesProcess: true },
    async open() {
      await cluster.flush();
      return await RedisStorage.open(cluster.urls);
    },
    async place() {
      await cluster.flush();
      return {
        open: () => RedisStorage.open(cluster.urls[0], { cluster: true }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
    async faults() {
      await cluster.flush();
      return await disturb(cluster.nodes, cli);
    },
  });
});
