/**
 * The storage interface, in traqq's words: commit a chunk, read the cells of a metric, list what is
 * known, read a checkpoint, prune. Adapters in this folder implement it and never import each other;
 * `tests/contract` holds every adapter to it.
 *
 * @module
 */
import type { StorageError } from "../base/errors.ts";

/** `bmp` unique counts, `add` counters, `adv` sums of a number, `top` leaderboards. */
export type MetricType = "bmp" | "add" | "adv" | "top";

/** A day or an hour of the configured time zone. */
export type Unit = "d" | "h";

/** What is measured: a type, the sorted property names joined by `~`, and for `adv` what is summed. */
export interface Metric {
  /** How it is counted. */
  readonly type: MetricType;
  /** Sorted property names joined by `~`: `"event~geo"`. */
  readonly pattern: string;
  /** The property that is summed; only on `adv`. */
  readonly addKey?: string;
}

/** Where a cell belongs. */
export interface CellPlace {
  /** What is measured. */
  readonly metric: Metric;
  /** Whether the bucket is a day or an hour. */
  readonly unit: Unit;
  /** First unix second of the bucket. */
  readonly start: number;
}

/** How often a field was seen in a bucket; `count` is added to what is stored. */
export interface CountCell extends CellPlace {
  /** Tells the kinds of cells apart. */
  readonly kind: "count";
  /** The event's values for the pattern, joined by `~`. */
  readonly field: string;
  /** Whole and positive, below 2^53. */
  readonly count: number;
}

/** The sum of an `adv` metric for one field in a bucket; `sum` is added to what is stored. */
export interface SumCell extends CellPlace {
  /** Tells the kinds of cells apart. */
  readonly kind: "sum";
  /** The event's values for the pattern, joined by `~`. */
  readonly field: string;
  /** Millionths, exact, of either sign. */
  readonly sum: bigint;
}

/** How many events an `adv` metric summed in a bucket, over all its fields. */
export interface TallyCell extends CellPlace {
  /** Tells the kinds of cells apart. */
  readonly kind: "tally";
  /** Whole and positive, below 2^53. */
  readonly count: number;
}

/** The unique values of a `bmp` metric in a bucket; merged into what is stored. */
export interface SketchCell extends CellPlace {
  /** Tells the kinds of cells apart. */
  readonly kind: "sketch";
  /** A HyperLogLog as Redis stores it (`src/sketch`). */
  readonly sketch: Uint8Array;
}

/** One number or one sketch: metric, bucket and field. */
export type Cell = CountCell | SumCell | TallyCell | SketchCell;

/** How far a writer's cuts are in storage. Ordered by `flush`, then `part`, within one incarnation. */
export interface Checkpoint {
  /** Random for each time the writer was opened. */
  readonly incarnation: string;
  /** Number of the flush, from 1; 0 where storage was set back to before the first. */
  readonly flush: number;
  /** Number of the chunk within the flush, from 0. */
  readonly part: number;
  /** Set while only the first `applied` cells of the part are in storage (a refused cell split it). */
  readonly applied?: number;
}

/** A part of a delta that one atomic commit can carry. */
export interface Chunk {
  /** Whose data it is. */
  readonly prefix: string;
  /** Who commits: the checkpoint is kept under this id. */
  readonly writer: string;
  /** Whether the checkpoint must never expire (the writer has a journal); others go after 7 days. */
  readonly durable: boolean;
  /** What stands as the writer's checkpoint once the chunk is applied. */
  readonly checkpoint: Checkpoint;
  /** The checkpoint that must stand before this chunk is applied; null for a writer's first. */
  readonly previous: Checkpoint | null;
  /** As given by {@linkcode Storage.split}. */
  readonly cells: readonly Cell[];
}

/** A cell that a storage refuses for good, and why. */
export interface RefusedCell {
  /** What was not applied. */
  readonly cell: Cell;
  /** What the storage says; its code is `refused`. */
  readonly error: StorageError;
}

/** What became of a chunk. */
export interface CommitReport {
  /** `skipped`: the checkpoint said that the chunk is in storage already. */
  readonly outcome: "applied" | "skipped";
  /** Cells that the storage refuses for good; all others of the chunk are applied. */
  readonly refused: readonly RefusedCell[];
  /** How often an attempt had to be repeated. */
  readonly retries: number;
}

/** Buckets of one unit of one prefix, by their first unix seconds, both ends inclusive. */
export interface BucketRange {
  /** Whose data it is. */
  readonly prefix: string;
  /** Days or hours. */
  readonly unit: Unit;
  /** First unix second of the first bucket. */
  readonly from: number;
  /** Buckets that start later are not meant. */
  readonly to: number;
}

/** What {@linkcode Storage.prune} removes, or would remove. */
export interface PruneRange {
  /** Whose data it is. */
  readonly prefix: string;
  /** Days or hours. */
  readonly unit: Unit;
  /** Buckets whose first unix second lies before this are removed. */
  readonly before: number;
  /** Only count. */
  readonly dryRun?: boolean;
}

/** What a prune removed, or would remove. */
export interface PruneReport {
  /** Distinct buckets that held something. */
  readonly buckets: number;
  /** Cells in them. */
  readonly cells: number;
}

/** A writer whose checkpoint never expires: one with a journal. */
export interface WriterInfo {
  /** The id under which it commits. */
  readonly writer: string;
  /** Its last chunk that is in storage. */
  readonly checkpoint: Checkpoint;
  /** Whether a live instance holds the right to commit as this writer. */
  readonly held: boolean;
}

/** What an adapter promises beyond the interface. */
export interface Capabilities {
  /** Whether all-or-none holds for a whole chunk, or only for the cells of each metric and bucket. */
  readonly atomicity: "chunk" | "metric";
  /** Whether what was committed survives the process. */
  readonly survivesProcess: boolean;
}

/**
 * Where cells live. Every method may be called concurrently with every other; after `close` each
 * throws a {@linkcode StorageError} with code `closed`. Failures are StorageErrors; one with code
 * `unavailable` or `unknown` may be tried again with the same arguments and never counts twice.
 */
export interface Storage {
  /** A word for logs and test output: `memory`, `kv`, `redis`. */
  readonly name: string;
  /** What the adapter promises beyond this interface. */
  readonly capabilities: Capabilities;

  /**
   * Cuts cells into lists that one {@linkcode Storage.commit} can carry, in order, none empty.
   * Pure: the same cells give the same lists.
   */
  split(prefix: string, cells: readonly Cell[]): Cell[][];

  /**
   * Applies all of a chunk or none, and remembers its checkpoint in the same step. The chunk is
   * applied only if the writer's checkpoint equals `previous`; it is skipped if the same incarnation
   * is already at or past `checkpoint`.
   *
   * @throws {StorageError} `behind` if the checkpoint is missing or older than `previous`, `foreign`
   *   if it is of another incarnation, `unavailable` or `unknown` after bounded retries
   */
  commit(chunk: Chunk): Promise<CommitReport>;

  /** The metrics that may hold something in the range; never scans cells. Order is not defined. */
  metrics(range: BucketRange): Promise<Metric[]>;

  /**
   * The cells of one metric in the range, streamed in batches with ascending `start`; a bucket may
   * span batches and holds each field once. Costs what it returns. Nothing stored: nothing yielded.
   */
  read(metric: Metric, range: BucketRange): AsyncIterable<readonly Cell[]>;

  /**
   * A number per bucket of the range that holds something, which grows whenever a commit touches the
   * bucket: what was read before may be kept for as long as the number stands.
   */
  versions(range: BucketRange): Promise<Map<number, bigint>>;

  /** The last chunk of a writer that is in storage, or null. */
  checkpoint(prefix: string, writer: string): Promise<Checkpoint | null>;

  /**
   * Only where atomicity is `metric`: a metric may have lost commits while the writer's checkpoint stands
   * past them. Asks every metric for what it got of chunks that were committed by processes before this
   * one, and sets the writer's checkpoint back to before the first that is missing, so that all from
   * there on can be committed again; who has a chunk skips it. Buckets that were pruned since have lost
   * nothing. Called by who holds the writer, before it commits.
   *
   * @param kept the last chunks of the writer, in order, without repetition; those behind its checkpoint
   *   are left out of account
   */
  verify?(prefix: string, writer: string, kept: AsyncIterable<Chunk>): Promise<void>;

  /**
   * Takes, or keeps, the sole right to commit as `writer` for `ttlMs` milliseconds. False if another
   * incarnation holds it and its time is not over.
   */
  acquireWriter(
    prefix: string,
    writer: string,
    incarnation: string,
    ttlMs: number,
  ): Promise<boolean>;

  /** Gives the right up, if this incarnation holds it. */
  releaseWriter(prefix: string, writer: string, incarnation: string): Promise<void>;

  /**
   * The writers whose checkpoint never expires (the last chunk was `durable`). Checkpoints of others
   * are left out: they go by themselves. Order is not defined.
   */
  writers(prefix: string): Promise<WriterInfo[]>;

  /**
   * Removes a checkpoint that never expires, for a writer that is gone. False, and nothing is removed,
   * if there is none, if it expires by itself, or if a live instance holds the writer; also if the
   * writer was taken, or committed, while this looked.
   */
  removeWriter(prefix: string, writer: string): Promise<boolean>;

  /** The IANA time zone of the prefix's buckets, or null while none is set. */
  timezone(prefix: string): Promise<string | null>;

  /** Sets the time zone unless one is set; gives the one that stands afterwards. */
  claimTimezone(prefix: string, timezone: string): Promise<string>;

  /** Removes whole buckets, at a cost proportional to what is removed. */
  prune(range: PruneRange): Promise<PruneReport>;

  /** Releases what the adapter opened itself. Closing twice is fine. */
  close(): Promise<void>;
}
