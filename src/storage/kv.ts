/**
 * Storage in Deno KV: a file, memory, or the database of Deno Deploy.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { Committer } from "./kv/committer.ts";
import { Connection, DEFAULT_RETRIES, failureOf } from "./kv/connection.ts";
import {
  checkpointKey,
  checkpointsKey,
  encodedLength,
  foreignValue,
  leaseKey,
  metricOfKnownKey,
  timezoneKey,
} from "./kv/keys.ts";
import { inCommitOrder, pack, WRITER_ID_BYTES } from "./kv/limits.ts";
import { pruneBuckets } from "./kv/prune.ts";
import { readCells } from "./kv/reader.ts";
import { publicCheckpoint, type StoredCheckpoint, storedOf } from "./kv/writer_state.ts";
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

/** How a {@linkcode KvStorage} behaves. */
export interface KvStorageOptions {
  /**
   * How often an attempt is repeated when the file is locked by another process, the connection is
   * lost, or another writer changed the same sketch.
   *
   * @default {40}
   */
  readonly retries?: number;
}

interface Lease {
  readonly incarnation: string;
  /** By the clock of the holder, unix milliseconds. */
  readonly untilMs: number;
}

/** Deno KV takes no expiry of 0 milliseconds. */
const MIN_EXPIRE_MS = 1;

/**
 * Keeps everything in Deno KV. Needs Deno's `--unstable-kv`.
 *
 * Atomicity is per chunk: a commit stands with its checkpoint or not at all. Only where the database
 * refuses single cells for good, the others of the chunk come in several commits, each of which says
 * how far it came.
 *
 * @example
 * ```ts
 * import { KvStorage } from "@traqq/traqq";
 *
 * await using storage = await KvStorage.open(":memory:");
 * console.assert(await storage.timezone("app") === null);
 * ```
 */
export class KvStorage implements Storage, AsyncDisposable {
  /** A word for logs and test output. */
  readonly name: string = "kv";
  /** What this adapter promises beyond the interface. */
  readonly capabilities: Capabilities;

  readonly #connection: Connection;
  readonly #committer: Committer;
  readonly #owned: boolean;
  #closing: Promise<void> | null = null;

  private constructor(
    kv: Deno.Kv,
    where: string,
    owned: boolean,
    capabilities: Capabilities,
    options: KvStorageOptions,
  ) {
    this.#connection = new Connection(kv, where, options.retries ?? DEFAULT_RETRIES);
    this.#committer = new Committer(this.#connection);
    this.#owned = owned;
    this.capabilities = capabilities;
  }

  /**
   * Opens a database.
   *
   * @param source a path, `":memory:"`, the URL of a KV Connect server, nothing for Deno's own
   *   choice, or a `Deno.Kv` that stays open when this is closed
   * @throws {StorageError} if Deno runs without `--unstable-kv`, or the file cannot be opened
   */
  static async open(
    source?: string | Deno.Kv,
    options: KvStorageOptions = {},
  ): Promise<KvStorage> {
    if (typeof source === "object" && source !== null) {
      return new KvStorage(source, "the Deno KV given by the caller", false, {
        atomicity: "chunk",
        survivesProcess: true,
      }, options);
    }
    const where = source === undefined ? "the default Deno KV" : `the Deno KV ${quote(source)}`;
    const survivesProcess = source !== ":memory:";
    const kv = await openKv(source, where, options.retries ?? DEFAULT_RETRIES);
    return new KvStorage(kv, where, true, { atomicity: "chunk", survivesProcess }, options);
  }

  /** Cuts cells into lists that one {@linkcode KvStorage.commit} can carry. */
  split(prefix: string, cells: readonly Cell[]): Cell[][] {
    const ordered = inCommitOrder(cells);
    const checkpointBytes = encodedLength(checkpointKey(prefix, "")) + WRITER_ID_BYTES;
    return pack(prefix, ordered, 0, checkpointBytes)
      .map(([start, end]) => ordered.slice(start, end));
  }

  /** Applies all of a chunk or none, once. */
  async commit(chunk: Chunk): Promise<CommitReport> {
    this.#connection.assertOpen();
    return await this.#committer.commit(chunk);
  }

  /** The metrics that may hold something in the range. */
  async metrics(range: BucketRange): Promise<Metric[]> {
    this.#connection.assertOpen();
    const metrics: Metric[] = [];
    const selector = { prefix: [range.prefix, "k", range.unit] };
    for await (const { key } of this.#connection.list("list the known metrics", selector)) {
      metrics.push(metricOfKnownKey(key));
    }
    return metrics;
  }

  /** The cells of one metric in the range, in batches with ascending start. */
  async *read(metric: Metric, range: BucketRange): AsyncIterable<readonly Cell[]> {
    this.#connection.assertOpen();
    yield* readCells(this.#connection, metric, range);
  }

  /** The numbers are versionstamps: a bucket that was pruned and comes back has a greater one. */
  async versions(range: BucketRange): Promise<Map<number, bigint>> {
    this.#connection.assertOpen();
    const versions = new Map<number, bigint>();
    const first = Math.ceil(range.from);
    const last = Math.floor(range.to);
    if (!(first <= last)) return versions;
    const key = [range.prefix, "v", range.unit];
    const selector = { start: [...key, first + 0], end: [...key, last + 1] };
    for await (const entry of this.#connection.list("list versions", selector)) {
      const start = entry.key[key.length];
      if (entry.key.length !== key.length + 1 || typeof start !== "number") {
        throw foreignValue(entry.key, "a bucket's version");
      }
      versions.set(start, BigInt(`0x${entry.versionstamp}`));
    }
    return versions;
  }

  /** The last chunk of a writer that is in storage, or null. */
  async checkpoint(prefix: string, writer: string): Promise<Checkpoint | null> {
    this.#connection.assertOpen();
    const entry = await this.#get("read a checkpoint", checkpointKey(prefix, writer));
    return publicCheckpoint(storedOf(entry).value);
  }

  /** Takes, or keeps, the sole right to commit as a writer. */
  async acquireWriter(
    prefix: string,
    writer: string,
    incarnation: string,
    ttlMs: number,
  ): Promise<boolean> {
    this.#connection.assertOpen();
    const { kv } = this.#connection;
    const key = leaseKey(prefix, writer);
    // Repeated until no one was faster: each round someone gets it, so it ends.
    for (;;) {
      const entry = await this.#get("read a writer's lease", key);
      const lease = leaseOf(entry);
      if (lease && lease.incarnation !== incarnation && lease.untilMs > Date.now()) return false;
      const wanted: Lease = { incarnation, untilMs: Date.now() + ttlMs };
      const { ok } = await this.#connection.patiently(
        "take a writer's lease",
        () =>
          kv.atomic().check(entry)
            .set(key, wanted, { expireIn: Math.max(MIN_EXPIRE_MS, Math.ceil(ttlMs)) }).commit(),
      );
      if (ok) return true;
    }
  }

  /** Gives that right up, if this incarnation holds it. */
  async releaseWriter(prefix: string, writer: string, incarnation: string): Promise<void> {
    this.#connection.assertOpen();
    const { kv } = this.#connection;
    const key = leaseKey(prefix, writer);
    const entry = await this.#get("read a writer's lease", key);
    if (leaseOf(entry)?.incarnation !== incarnation) return;
    await this.#connection.patiently(
      "give up a writer's lease",
      () => kv.atomic().check(entry).delete(key).commit(),
    );
  }

  /** The writers whose checkpoint never expires. */
  async writers(prefix: string): Promise<WriterInfo[]> {
    this.#connection.assertOpen();
    const infos: WriterInfo[] = [];
    const selector = { prefix: checkpointsKey(prefix) };
    for await (const entry of this.#connection.list("list the writers", selector)) {
      const writer = entry.key[selector.prefix.length];
      if (entry.key.length !== selector.prefix.length + 1 || typeof writer !== "string") {
        throw foreignValue(entry.key, "a writer's checkpoint");
      }
      const value = storedOf(entry).value as StoredCheckpoint;
      if (value.durable !== true) continue;
      const lease = await this.#get("read a writer's lease", leaseKey(prefix, writer));
      infos.push({ writer, checkpoint: publicCheckpoint(value)!, held: isHeld(lease) });
    }
    return infos;
  }

  /** Removes such a checkpoint, unless a live instance holds the writer. */
  async removeWriter(prefix: string, writer: string): Promise<boolean> {
    this.#connection.assertOpen();
    const { kv } = this.#connection;
    const lease = await this.#get("read a writer's lease", leaseKey(prefix, writer));
    const checkpoint = await this.#get("read a checkpoint", checkpointKey(prefix, writer));
    if (isHeld(lease) || storedOf(checkpoint).value?.durable !== true) return false;
    // Whoever took the writer or committed since has changed one of the two.
    const { ok } = await this.#connection.patiently(
      "remove a checkpoint",
      () => kv.atomic().check(lease).check(checkpoint).delete(checkpoint.key).commit(),
    );
    if (ok) return true;
    // Or the answer to an attempt that was applied got lost.
    const now = await this.#get("read a checkpoint", checkpointKey(prefix, writer));
    return now.versionstamp === null;
  }

  /** The IANA time zone of the prefix, or null. */
  async timezone(prefix: string): Promise<string | null> {
    this.#connection.assertOpen();
    const entry = await this.#get("read the time zone", timezoneKey(prefix));
    if (entry.versionstamp === null) return null;
    if (typeof entry.value !== "string") throw foreignValue(entry.key, "a time zone");
    return entry.value;
  }

  /** Sets the time zone unless one is set; gives the one that stands. */
  async claimTimezone(prefix: string, timezone: string): Promise<string> {
    this.#connection.assertOpen();
    const { kv } = this.#connection;
    const key = timezoneKey(prefix);
    const { ok } = await this.#connection.patiently(
      "set the time zone",
      () => kv.atomic().check({ key, versionstamp: null }).set(key, timezone).commit(),
    );
    return ok ? timezone : await this.timezone(prefix) ?? timezone;
  }

  /** Removes whole buckets. */
  async prune(range: PruneRange): Promise<PruneReport> {
    this.#connection.assertOpen();
    const { prefix, unit, before } = range;
    const metrics = await this.metrics({ prefix, unit, from: -Infinity, to: before });
    return await pruneBuckets(this.#connection, metrics, range);
  }

  /** Waits for commits that are under way, which stop at their next attempt. */
  close(): Promise<void> {
    this.#connection.markClosed();
    return this.#closing ??= this.#committer.idle().then(() => {
      if (this.#owned) this.#connection.kv.close();
    });
  }

  /** The same as {@linkcode KvStorage.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #get(doing: string, key: Deno.KvKey): Promise<Deno.KvEntryMaybe<unknown>> {
    const { kv } = this.#connection;
    return this.#connection.patiently(doing, () => kv.get<unknown>(key));
  }
}

function isHeld(entry: Deno.KvEntryMaybe<unknown>): boolean {
  return (leaseOf(entry)?.untilMs ?? 0) > Date.now();
}

function leaseOf(entry: Deno.KvEntryMaybe<unknown>): Lease | null {
  if (entry.versionstamp === null) return null;
  const lease = entry.value as Partial<Lease> | null;
  const wellFormed = typeof lease === "object" && lease !== null &&
    typeof lease.incarnation === "string" && typeof lease.untilMs === "number";
  if (!wellFormed) throw foreignValue(entry.key, "a writer's lease");
  return lease as Lease;
}

async function openKv(
  path: string | undefined,
  where: string,
  retries: number,
): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    throw new StorageError(
      "refused",
      `Cannot open ${where}: wanted Deno.openKv, which Deno has only with --unstable-kv; ` +
        `pass that flag, or put "unstable": ["kv"] in deno.json`,
    );
  }
  for (let attempt = 0;; attempt++) {
    try {
      return await Deno.openKv(path);
    } catch (error) {
      const failure = failureOf(error);
      const passes = failure === "locked" || failure === "lost";
      if (passes && attempt < retries) {
        await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 50));
        continue;
      }
      throw new StorageError(
        passes ? "unavailable" : "refused",
        `Cannot open ${where}: wanted a Deno KV file that this process may read and write: ` +
          messageOf(error),
        { cause: error },
      );
    }
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
