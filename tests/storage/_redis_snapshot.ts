/**
 * Keys of a cluster that go back in time, as those of a replica that lacked the last writes.
 *
 * @module
 */
import { Cluster } from "ioredis";
import type { RedisCluster } from "../_redis.ts";

/** Copies keys as they are; gives what puts them back. What was not there goes. */
export async function snapshotOf(
  cluster: RedisCluster,
  keys: readonly string[],
): Promise<() => Promise<void>> {
  const connect = () => new Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
  const client = connect();
  const dumps = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
  client.disconnect();
  return async () => {
    const client = connect();
    for (const [i, key] of keys.entries()) {
      const dump = dumps[i] as unknown as Uint8Array | null;
      await client.del(key);
      if (dump !== null) await client.call("RESTORE", key, 0, dump as never);
    }
    client.disconnect();
  };
}
