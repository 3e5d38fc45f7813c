/**
 * Reading a Redis that others write to, one server or a cluster: its keys by SCAN, and each key in
 * batches, so that no answer is longer than one of them. Nothing is ever written.
 *
 * @module
 */
import type { Cluster, Redis, RedisOptions } from "ioredis";
import { ConfigError, messageOf, StorageError } from "../base/errors.ts";
import { handled, withDeadline } from "../base/promises.ts";
import { loadRedis } from "../base/redis_client.ts";

/** Keys or fields that one command is asked for. */
const BATCH = 1000;
const CONNECT_MS = 5000;
const CLUSTER_MS = 10_000;
const ANSWER_MS = 30_000;
/** For a question with all its repetitions. */
const LAST_MS = 90_000;
/** How often a lost connection is opened again, and a command sent again; they only read. */
const RETRIES = 5;
const RETRY_MS = 200;

/** Slots of a cluster, each of which has a master. */
const SLOTS = 16_384;

/** A field and its value, or a member and its score, as the bytes they are. */
export type Entry = readonly [name: Uint8Array, value: string];

/** A Redis that is only read. */
export class RedisSource implements AsyncDisposable {
  /** `127.0.0.1:6379`, for messages; never the password. */
  readonly address: string;
  readonly #client: Redis | Cluster;
  readonly #closed: { error: Error | undefined };

  private constructor(
    address: string,
    client: Redis | Cluster,
    closed: { error: Error | undefined },
  ) {
    this.address = address;
    this.#client = client;
    this.#closed = closed;
  }

  /**
   * Connects. Whether it is a cluster, the server says.
   *
   * @param url `redis://:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS
   * @throws {ConfigError} if that is no such URL; it is not shown, for it may hold the password
   * @throws {StorageError} `unavailable` if nobody answers, `refused` if the server wants no such guest
   */
  static async open(url: string): Promise<RedisSource> {
    const { address, options } = readRedisUrl(url);
    // Imported late: only who reads from Redis needs it.
    const { Cluster, Redis } = await loadRedis();
    const failed: { error: Error | undefined } = { error: undefined };
    const client = new Redis({ ...options, lazyConnect: true });
    try {
      client.on("error", (error) => failed.error = error);
      await client.connect();
      // ioredis goes on with database 0 where this one is not there.
      await client.select(options.db ?? 0);
      const isCluster = /^cluster_enabled:1/m.test(await client.info("cluster"));
      if (!isCluster) return new RedisSource(address, client, failed);
    } catch (error) {
      client.disconnect();
      throw explained(failed.error ?? error, address);
    }
    client.disconnect();
    const { host, port, ...redisOptions } = options;
    const cluster = new Cluster([{ host, port }], {
      redisOptions,
      lazyConnect: true,
      // Names of nodes are for TLS certificates too; they are not looked up here.
      dnsLookup: (name, done) => done(null, name),
      clusterRetryStrategy: retryAfterMs,
      slotsRefreshTimeout: CONNECT_MS,
    });
    try {
      // What a node says is more than that not all of them could be asked, or that it is closed.
      cluster.on("node error", (error) => {
        const isMore = failed.error === undefined || isClosed(failed.error) || !isClosed(error);
        if (isMore) failed.error = error;
      });
      cluster.on("error", (error) => failed.error ??= error);
      const ended = new Promise<never>((_, reject) =>
        cluster.once("end", () => reject(failed.error ?? new Error("no node answers")))
      );
      // Where a node cannot be reached, connect() may never be settled.
      await withDeadline(
        Promise.race([cluster.connect(), handled(ended)]),
        CLUSTER_MS,
        () => failed.error ?? new Error(`no answer within ${CLUSTER_MS} ms`),
      );
      return new RedisSource(address, cluster, failed);
    } catch (error) {
      cluster.disconnect();
      throw explained(failed.error ?? error, address);
    }
  }

  /** All keys that match a pattern of SCAN; a key may come twice. On a cluster those of every master. */
  async *keys(pattern: string): AsyncGenerator<string[]> {
    for (const node of await this.#masters()) {
      let cursor = "0";
      do {
        const [next, keys] = await this.#ask(() =>
          node.scan(cursor, "MATCH", pattern, "COUNT", BATCH)
        );
        yield keys;
        cursor = next;
      } while (cursor !== "0");
    }
  }

  /** The servers that have keys; all of them, or those of a lost one would be missing silently. */
  async #masters(): Promise<Redis[]> {
    const client = this.#client;
    if (!("nodes" in client)) return [client];
    const slots = await this.#ask(() => client.cluster("SLOTS"));
    const served = slots.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    const masters = new Set(slots.map(([, , [host, port]]) => `${host}:${port}`));
    const nodes = client.nodes("master");
    if (served === SLOTS && nodes.length === masters.size) return nodes;
    throw new StorageError(
      "unavailable",
      `Cannot read from Redis at ${this.address}: only ${nodes.length} of the cluster's ` +
        `${masters.size} masters can be reached, which serve ${served} of ${SLOTS} slots` +
        (this.#closed.error === undefined ? "" : ` (${messageOf(this.#closed.error)})`),
    );
  }

  /** `string`, `hash`, `set`, `zset`, or another type; `none` if there is no such key. */
  async type(key: string): Promise<string> {
    return await this.#ask(() => this.#client.type(key));
  }

  /** The value of a string. */
  async bytes(key: string): Promise<Uint8Array | null> {
    return await this.#ask(() => this.#client.getBuffer(key));
  }

  /** The members of a set; one may come twice. */
  async *members(key: string): AsyncGenerator<string[]> {
    let cursor = "0";
    do {
      const [next, members] = await this.#ask(() =>
        this.#client.sscan(key, cursor, "COUNT", BATCH)
      );
      yield members;
      cursor = next;
    } while (cursor !== "0");
  }

  /** The fields of a hash with their values; one may come twice. */
  fields(key: string): AsyncGenerator<Entry[]> {
    return this.#entries((cursor) => this.#client.hscanBuffer(key, cursor, "COUNT", BATCH));
  }

  /** The members of a sorted set with their scores; one may come twice. */
  scores(key: string): AsyncGenerator<Entry[]> {
    return this.#entries((cursor) => this.#client.zscanBuffer(key, cursor, "COUNT", BATCH));
  }

  async *#entries(
    scan: (cursor: string) => Promise<[Uint8Array, Uint8Array[]]>,
  ): AsyncGenerator<Entry[]> {
    const text = new TextDecoder();
    let cursor = "0";
    do {
      const [next, flat] = await this.#ask(() => scan(cursor));
      const entries: Entry[] = [];
      for (let i = 0; i < flat.length; i += 2) entries.push([flat[i], text.decode(flat[i + 1])]);
      yield entries;
      cursor = text.decode(next);
    } while (cursor !== "0");
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await withDeadline(
        question(),
        LAST_MS,
        () => this.#closed.error ?? new Error(`no answer within ${LAST_MS} ms`),
      );
    } catch (error) {
      // "Connection is closed." does not say why, nor that a node of a cluster is not there.
      const isLost = /connection is closed|max retries|too many cluster redirections/i
        .test(messageOf(error));
      throw explained(isLost ? this.#closed.error ?? error : error, this.address);
    }
  }

  // deno-lint-ignore require-await -- disconnecting waits for nothing
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.disconnect();
  }
}

/** Where a Redis is and how to talk to it. @throws {ConfigError} that does not show the URL */
export function readRedisUrl(
  url: string,
): { address: string; hostname: string; port: number; options: RedisOptions } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isRedis = parsed !== undefined && /^rediss?:$/.test(parsed.protocol) &&
    parsed.hostname !== "" && /^\/?\d*$/.test(parsed.pathname);
  if (!isRedis) {
    throw new ConfigError(
      "Cannot use the URL of Redis: wanted redis://HOST:PORT, with a password " +
        "redis://:PASSWORD@HOST:PORT and for TLS rediss://; a password's special characters are " +
        "percent-encoded",
    );
  }
  const hostname = parsed.hostname;
  const port = Number(parsed.port || 6379);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const options: RedisOptions = {
    host,
    port,
    username: decoded(parsed.username),
    password: decoded(parsed.password),
    db: Number(parsed.pathname.slice(1) || 0),
    ...parsed.protocol === "rediss:" ? { tls: { servername: host } } : {},
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    maxRetriesPerRequest: RETRIES,
    retryStrategy: retryAfterMs,
  };
  return { address: `${hostname}:${port}`, hostname, port, options };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined;
  } catch {
    return text;
  }
}

function retryAfterMs(attempt: number): number | null {
  return attempt > RETRIES ? null : attempt * RETRY_MS;
}

/**
 * What a failure of ioredis means, and what to do. The failure itself is no cause of it: the one of AUTH
 * has the password in it.
 */
function isClosed(error: Error): boolean {
  return /connection is closed/i.test(error.message);
}

function explained(error: unknown, address: string): Error {
  if (error instanceof StorageError) return error;
  const said = messageOf(error);
  if (/WRONGPASS|NOAUTH|invalid (username|password)/i.test(said)) {
    return new StorageError(
      "refused",
      `Cannot read from Redis at ${address}: it does not take this password, or wants one; give it ` +
        "in the URL, redis://:PASSWORD@HOST:PORT",
    );
  }
  if (/NOPERM/.test(said)) {
    return new StorageError(
      "refused",
      `Cannot read from Redis at ${address}: ${said}; let the user read all keys of the prefix, SCAN ` +
        "and INFO too",
    );
  }
  const isAnswer = error instanceof Error && error.name === "ReplyError";
  return new StorageError(
    isAnswer ? "refused" : "unavailable",
    isAnswer
      ? `Cannot read from Redis at ${address}: it says ${said}`
      : `Cannot reach Redis at ${address}: ${said}; is it running, is this its address, and can all ` +
        "nodes be reached if it is a cluster?",
  );
}
