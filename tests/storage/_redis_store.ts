/**
 * A Redis behind proxies, as the storage contract disturbs it.
 *
 * @module
 */
import { metricKey, summaryKey } from "../../src/storage/redis/keys.ts";
import { RedisStorage, type RedisStorageOptions } from "../../src/storage/redis.ts";
import type { Cell, Storage } from "../../src/storage/storage.ts";
import type { FaultyStore } from "../contract/mod.ts";
import type { RedisServer } from "../_redis.ts";
import { Faults, RedisProxy } from "./_redis_proxy.ts";

/** Enough to outlast two failures and a new connection, few enough to give up soon. */
export const RETRIES = 8;

/** One server, or the nodes of a cluster, behind proxies. */
export interface Disturbed extends FaultyStore {
  readonly faults: Faults;
  /** Cuts all connections. */
  cut(): void;
}

/** @param cli runs a command where a key lies */
export async function disturb(
  nodes: readonly RedisServer[],
  cli: (key: string, ...args: string[]) => Promise<string>,
  options: RedisStorageOptions = {},
): Promise<Disturbed> {
  const faults = new Faults();
  const proxies = nodes.map(({ port }) => new RedisProxy(port, faults));
  const opened: Storage[] = [];
  const cluster = nodes.length > 1;
  const again = async () => {
    const storage = await RedisStorage.open(proxies[0].url, {
      retries: RETRIES,
      cluster,
      ...cluster ? { natMap: natMap(nodes, proxies) } : {},
      ...options,
    });
    opened.push(storage);
    return storage;
  };
  let open = true;
  return {
    faults,
    storage: await again(),
    again,
    cut: () => proxies.forEach((proxy) => proxy.cut()),
    loseAnswers: (times) => faults.loseAnswers = times,
    failWrites: (times) => faults.failWrites = times,
    dieAfter: (writes) => faults.dieAfter = writes,
    heal: () => faults.heal(),
    async poison(prefix, cell) {
      const [key, field] = placeOf(prefix, cell);
      await cli(key, ...field === null ? ["set", key, "no"] : ["hset", key, field, "no"]);
    },
    async cure(prefix, cell) {
      const [key, field] = placeOf(prefix, cell);
      await cli(key, ...field === null ? ["del", key] : ["hdel", key, field]);
    },
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      for (const storage of opened) await storage.close();
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    },
  };
}

function natMap(nodes: readonly RedisServer[], proxies: readonly RedisProxy[]) {
  return Object.fromEntries(nodes.map(({ address }, i) => [
    address,
    { host: "127.0.0.1", port: proxies[i].port },
  ]));
}

function placeOf(prefix: string, cell: Cell): [key: string, field: string | null] {
  const key = metricKey(prefix, cell);
  if (cell.kind === "sketch") return [key, null];
  return cell.kind === "tally" ? [summaryKey(key), "count"] : [key, cell.field];
}
