/**
 * The baseline: the same cells at the same keys, each written by a command of its own that is awaited,
 * without a checkpoint. It is what an adapter looks like that is written in an hour; it counts twice
 * when an answer is lost.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Cluster, Redis } from "ioredis";
import { microsToString } from "../../src/base/decimal.ts";
import { besideKey, Book, knownKey, metricKey, summaryKey } from "../../src/storage/redis/keys.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Cell, Chunk, CommitReport } from "../../src/storage/storage.ts";

/** A RedisStorage that commits this way. */
export async function openOneByOne(client: Redis | Cluster): Promise<RedisStorage> {
  const storage = await RedisStorage.open(client);
  const listed = new Set<string>();
  storage.commit = async ({ prefix, cells }: Chunk): Promise<CommitReport> => {
    for (const cell of cells) {
      await list(client, prefix, cell, listed);
      await write(client, prefix, cell);
    }
    return { outcome: "applied", refused: [], retries: 0 };
  };
  return storage;
}

async function write(client: Redis | Cluster, prefix: string, cell: Cell): Promise<void> {
  const key = metricKey(prefix, cell);
  switch (cell.kind) {
    case "count":
      if (cell.metric.type === "top") await client.call("ZINCRBY", key, cell.count, cell.field);
      else await client.call("HINCRBY", key, cell.field, cell.count);
      break;
    case "sum":
      await client.call("HINCRBYFLOAT", key, cell.field, microsToString(cell.sum));
      break;
    case "tally":
      await client.call("HINCRBY", summaryKey(key), "count", cell.count);
      break;
    case "sketch": {
      const other = besideKey(prefix, key, "tmp");
      await client.call("SET", other, Buffer.from(cell.sketch));
      await client.call("PFMERGE", key, other);
    }
  }
}

/** Makes a key findable, when it is first seen. */
async function list(
  client: Redis | Cluster,
  prefix: string,
  cell: Cell,
  listed: Set<string>,
): Promise<void> {
  const metric = metricKey(prefix, cell);
  const key = cell.kind === "tally" ? summaryKey(metric) : metric;
  if (listed.has(key)) return;
  listed.add(key);
  const { unit, start } = cell;
  const book = new Book(prefix);
  await client.call("SADD", knownKey(prefix, unit, start), key);
  await client.call("ZADD", book.starts(unit), start, start);
  await client.call("HSET", book.versions(unit), start, 1);
}
