/**
 * A storage that is not waited for without end. Where a connection dies without an error, a call may
 * never come back; without a deadline the flush that waits for it would be the last one.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { handled, withDeadline } from "../base/promises.ts";
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
} from "../storage/storage.ts";

/**
 * The storage it is given, but a call that takes longer than the deadline rejects with `unknown`. It
 * may happen all the same, even after it was repeated: the checkpoints see to it that a chunk counts
 * once. Only `prune` and `verify` may take their time, for they have much to do, and no flush waits for
 * them.
 */
export class DeadlineStorage implements Storage {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly #storage: Storage;
  readonly #deadlineMs: number;

  /** @param deadlineMs for each call, and for each batch of {@linkcode Storage.read} */
  constructor(storage: Storage, deadlineMs: number) {
    this.name = storage.name;
    this.capabilities = storage.capabilities;
    this.#storage = storage;
    this.#deadlineMs = deadlineMs;
  }

  split(prefix: string, cells: readonly Cell[]): Cell[][] {
    return this.#storage.split(prefix, cells);
  }

  commit(chunk: Chunk): Promise<CommitReport> {
    return this.#soon(this.#storage.commit(chunk));
  }

  metrics(range: BucketRange): Promise<Metric[]> {
    return this.#soon(this.#storage.metrics(range));
  }

  async *read(metric: Metric, range: BucketRange): AsyncIterable<readonly Cell[]> {
    const batches = this.#storage.read(metric, range)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#soon(batches.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      // Not awaited: it would wait for a batch that does not come.
      if (batches.return !== undefined) handled(batches.return());
    }
  }

  versions(range: BucketRange): Promise<Map<number, bigint>> {
    return this.#soon(this.#storage.versions(range));
  }

  checkpoint(prefix: string, writer: string): Promise<Checkpoint | null> {
    return this.#soon(this.#storage.checkpoint(prefix, writer));
  }

  async verify(prefix: string, writer: string, kept: AsyncIterable<Chunk>): Promise<void> {
    await this.#storage.verify?.(prefix, writer, kept);
  }

  acquireWriter(
    prefix: string,
    writer: string,
    incarnation: string,
    ttlMs: number,
  ): Promise<boolean> {
    return this.#soon(this.#storage.acquireWriter(prefix, writer, incarnation, ttlMs));
  }

  releaseWriter(prefix: string, writer: string, incarnation: string): Promise<void> {
    return this.#soon(this.#storage.releaseWriter(prefix, writer, incarnation));
  }

  writers(prefix: string): Promise<WriterInfo[]> {
    return this.#soon(this.#storage.writers(prefix));
  }

  removeWriter(prefix: string, writer: string): Promise<boolean> {
    return this.#soon(this.#storage.removeWriter(prefix, writer));
  }

  timezone(prefix: string): Promise<string | null> {
    return this.#soon(this.#storage.timezone(prefix));
  }

  claimTimezone(prefix: string, timezone: string): Promise<string> {
    return this.#soon(this.#storage.claimTimezone(prefix, timezone));
  }

  prune(range: PruneRange): Promise<PruneReport> {
    return this.#storage.prune(range);
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  #soon<T>(work: Promise<T>): Promise<T> {
    return withDeadline(work, this.#deadlineMs, () =>
      new StorageError(
        "unknown",
        `Storage did not answer within flush.deadlineMs = ${this.#deadlineMs} ms`,
      ));
  }
}
