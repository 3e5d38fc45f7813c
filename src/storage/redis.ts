/**
 * Storage in Redis: one server, the master that Sentinels name, or a cluster.
 *
 * @module
 */
import { metricsIn, versionsIn } from "./redis/buckets.ts";
import { ClusterCommitter } from "./redis/cluster_committer.ts";
import { removeFromCluster } from "./redis/cluster_prune.ts";
import { readCheckpoint } from "./redis/checkpoints.ts";
import { connect, type Opened } from "./redis/connect.ts";
import type { Connection } from "./redis/connection.ts";
import { assertPrefix, Book } from "./redis/keys.ts";
import type { RedisStorageOptions, RedisTarget } from "./redis/options.ts";
import { pruneBuckets, removeFromServer } from "./redis/prune.ts";
import { signed } from "./redis/prune_signs.ts";
import { readCells } from "./redis/reader.ts";
import { commitToServer } from "./redis/server_committer.ts";
import { settingsWarnings } from "./redis/server_settings.ts";
import { splitCells } from "./redis/split.ts";
import { acquireWriter, listWriters, releaseWriter, removeWriter } from "./redis/writers.ts";
import type {
  BucketRange,
  Capabilities,
  Cell,
  Checkpoint,
  Chunk,
  CommitReport,
  Metric,
  PruneRange,
  PruneReport,
  Storage,
  WriterInfo,
} from "./storage.ts";

export type {
  RedisClient,
  RedisStorageOptions,
  RedisTarget,
  RedisTlsOptions,
} from "./redis/options.ts";

/**
 * Keeps everything in Redis, in the layout of the Rust traqq (src/storage/redis/keys.ts).
 *
 * On one server atomicity is per chunk: a script applies it with its checkpoint. On a cluster it is
 * per key: each has a checkpoint of its own, so that a chunk whose commit broke off goes on where it
 * was.
 *
 * @example
 * ```ts ignore
 * import { RedisStorage, Traqq } from "@traqq/traqq";
 *
 * await using storage = await RedisStorage.open("redis://127.0.0.1:6379");
 * await using traqq = await Traqq.open({ storage });
 * ```
 */
export class RedisStorage implements Storage, AsyncDisposable {
  /** A word for logs and test output. */
  readonly name: string = "redis";
  /** What this adapter promises beyond the interface. */
  readonly capabilities: Capabilities;

  readonly #connection: Connection;
  readonly #owned: boolean;
  /** Null on one server. */
  readonly #cluster: ClusterCommitter | null;
  readonly #replicas: number;
  #closing: Promise<void> | null = null;

  private constructor(
    { connection, owned, cluster }: Opened,
    replicas: number,
    warn: (message: string) => void,
  ) {
    this.#connection = connection;
    this.#owned = owned;
    this.#replicas = replicas;
    this.#cluster = cluster ? new ClusterCommitter(connection, warn) : null;
    this.capabilities = { atomicity: cluster ? "metric" : "chunk", survivesProcess: true };
  }

  /**
   * Connects to Redis.
   *
   * @param target a URL, several for a cluster, or a client of ioredis; undefined with
   *   `options.sentinels`
   * @throws {StorageError} `refused` if that can never work, `unavailable` if there is no answer
   */
  static async open(
    target: RedisTarget | undefined,
    options: RedisStorageOptions = {},
  ): Promise<RedisStorage> {
    const opened = await connect(target, options);
    const warn = options.onWarning ?? ((message: string) => console.warn(message));
    for (const warning of await settingsWarnings(opened.connection)) warn(warning);
    return new RedisStorage(opened, options.waitForReplicas ?? 0, warn);
  }

  /** Cuts cells into lists that one {@linkcode RedisStorage.commit} can carry. */
  split(prefix: string, cells: readonly Cell[]): Cell[][] {
    return splitCells(prefix, cells);
  }

  /** Applies all of a chunk or none, once; on a cluster all or none of each key. */
  async commit(chunk: Chunk): Promise<CommitReport> {
    this.#check(chunk.prefix);
    const report = this.#cluster === null
      ? await commitToServer(this.#connection, chunk)
      : await this.#cluster.commit(chunk);
    if (this.#replicas > 0) await this.#connection.awaitReplicas(this.#replicas);
    return report;
  }

  /** The metrics that may hold something in the range. */
  async metrics(range: BucketRange): Promise<Metric[]> {
    this.#check(range.prefix);
    return await metricsIn(this.#connection, range);
  }

  /** The cells of one metric in the range, in batches with ascending start. */
  async *read(metric: Metric, range: BucketRange): AsyncIterable<readonly Cell[]> {
    this.#check(range.prefix);
    yield* readCells(this.#connection, metric, range);
  }

  /** The numbers are times of the server: a bucket that was pruned and comes back has a greater one. */
  async versions(range: BucketRange): Promise<Map<number, bigint>> {
    this.#check(range.prefix);
    return await versionsIn(this.#connection, range);
  }

  /** The last chunk of a writer that is in storage, or null. */
  async checkpoint(prefix: string, writer: string): Promise<Checkpoint | null> {
    this.#check(prefix);
    return (await readCheckpoint(this.#connection, prefix, writer))?.checkpoint ?? null;
  }

  /** On a cluster, has what keys lack of earlier processes' chunks committed again. */
  async verify(prefix: string, writer: string, kept: AsyncIterable<Chunk>): Promise<void> {
    this.#check(prefix);
    await this.#cluster?.verify(prefix, writer, kept);
  }

  /** Takes, or keeps, the sole right to commit as a writer. */
  async acquireWriter(
    prefix: string,
    writer: string,
    incarnation: string,
    ttlMs: number,
  ): Promise<boolean> {
    this.#check(prefix);
    return await acquireWriter(this.#connection, prefix, writer, incarnation, ttlMs);
  }

  /** Gives that right up, if this incarnation holds it. */
  async releaseWriter(prefix: string, writer: string, incarnation: string): Promise<void> {
    this.#check(prefix);
    await releaseWriter(this.#connection, prefix, writer, incarnation);
  }

  /** The writers whose checkpoint never expires. */
  async writers(prefix: string): Promise<WriterInfo[]> {
    this.#check(prefix);
    return await listWriters(this.#connection, prefix);
  }

  /** Removes such a checkpoint, unless a live instance holds the writer. */
  async removeWriter(prefix: string, writer: string): Promise<boolean> {
    this.#check(prefix);
    return await removeWriter(this.#connection, prefix, writer);
  }

  /** The IANA time zone of the prefix, or null. */
  async timezone(prefix: string): Promise<string | null> {
    this.#check(prefix);
    const key = new Book(prefix).timezone;
    return await this.#connection.command("read the time zone", "GET", key) as string | null;
  }

  /** Sets the time zone unless one is set; gives the one that stands. */
  async claimTimezone(prefix: string, timezone: string): Promise<string> {
    this.#check(prefix);
    const key = new Book(prefix).timezone;
    await this.#connection.command("set the time zone", "SET", key, timezone, "NX");
    return await this.timezone(prefix) ?? timezone;
  }

  /** Removes whole buckets. */
  async prune(range: PruneRange): Promise<PruneReport> {
    this.#check(range.prefix);
    const cluster = this.#cluster;
    if (cluster === null) {
      return await pruneBuckets(
        this.#connection,
        range,
        removeFromServer(this.#connection, range),
      );
    }
    const remove = removeFromCluster(this.#connection, range, (keys) => cluster.forget(keys));
    const prune = () => pruneBuckets(this.#connection, range, remove);
    return range.dryRun ? await prune() : await signed(this.#connection, range, prune);
  }

  /** Waits for what is under way, which stops at its next attempt. */
  close(): Promise<void> {
    this.#connection.markClosed();
    return this.#closing ??= this.#idle().then(() => {
      if (this.#owned) this.#connection.client.disconnect();
    });
  }

  /** The same as {@linkcode RedisStorage.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #idle(): Promise<void> {
    await this.#cluster?.idle();
    await this.#connection.idle();
  }

  #check(prefix: string): void {
    this.#connection.assertOpen();
    assertPrefix(prefix);
  }
}
