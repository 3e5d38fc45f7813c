/**
 * Storage in this process's memory: the reference that every other adapter is compared with.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { HyperLogLog } from "../sketch/hyperloglog.ts";
import { malformed, refusal } from "./cells.ts";
import { verdict } from "./checkpoint.ts";
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
  RefusedCell,
  Storage,
  Unit,
  WriterInfo,
} from "./storage.ts";

/** Cells a batch of {@linkcode MemoryStorage.read} has at most. */
const READ_BATCH = 500;

interface Bucket {
  /** Counts of `add` and `top`. Maps, not objects: `__proto__` is a field like any other. */
  readonly counts: Map<string, number>;
  /** Sums of `adv` in millionths. */
  readonly sums: Map<string, bigint>;
  tally: number;
  sketch: HyperLogLog | null;
}

interface Series {
  readonly metric: Metric;
  readonly buckets: Map<number, Bucket>;
  /** The keys of `buckets`, ascending, so that a range costs what it holds. */
  readonly starts: number[];
}

interface Lease {
  readonly incarnation: string;
  readonly untilMs: number;
}

interface StoredCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly durable: boolean;
}

interface Space {
  readonly series: Readonly<Record<Unit, Map<string, Series>>>;
  readonly versions: Readonly<Record<Unit, Map<number, bigint>>>;
  readonly checkpoints: Map<string, StoredCheckpoint>;
  readonly leases: Map<string, Lease>;
  timezone: string | null;
}

/**
 * Keeps everything in memory, for tests and for programs that need their numbers only while they run.
 * Several Traqq instances may share one; what it holds ends with the process.
 *
 * @example
 * ```ts
 * import { MemoryStorage } from "@traqq/traqq";
 *
 * await using storage = new MemoryStorage();
 * console.assert(await storage.timezone("app") === null);
 * ```
 */
export class MemoryStorage implements Storage, AsyncDisposable {
  /** A word for logs and test output. */
  readonly name: string = "memory";
  /** What this adapter promises beyond the interface. */
  readonly capabilities: Capabilities = { atomicity: "chunk", survivesProcess: false };

  readonly #spaces = new Map<string, Space>();
  /** Of all buckets together, so that a bucket that was pruned and comes back has a new number. */
  #version = 0n;
  #closed = false;

  /** One list of all cells: a process has no limit on what it changes at once. */
  split(_prefix: string, cells: readonly Cell[]): Cell[][] {
    return cells.length === 0 ? [] : [[...cells]];
  }

  /** Applies all of a chunk or none, once. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async commit(chunk: Chunk): Promise<CommitReport> {
    this.#assertOpen();
    const space = this.#space(chunk.prefix);
    const stored = space.checkpoints.get(chunk.writer);
    const todo = verdict(stored?.checkpoint ?? null, chunk);
    if (todo.skip) return { outcome: "skipped", refused: [], retries: 0 };

    const refused: RefusedCell[] = [];
    const touched = new Set<string>();
    for (const cell of chunk.cells) {
      const error = malformed(cell) ?? this.#add(space, cell);
      if (error !== null) {
        refused.push({ cell, error });
        continue;
      }
      const bucket = `${cell.unit}${cell.start}`;
      if (touched.has(bucket)) continue;
      touched.add(bucket);
      space.versions[cell.unit].set(cell.start, ++this.#version);
    }
    const { checkpoint, durable } = chunk;
    space.checkpoints.set(chunk.writer, { checkpoint: { ...checkpoint }, durable });
    return { outcome: "applied", refused, retries: 0 };
  }

  /** The metrics that may hold something in the range. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async metrics(range: BucketRange): Promise<Metric[]> {
    this.#assertOpen();
    const all = this.#spaces.get(range.prefix)?.series[range.unit].values() ?? [];
    return [...all].filter((series) => startsIn(series, range.from, range.to).length > 0)
      .map((series) => ({ ...series.metric }));
  }

  /** The cells of one metric in the range, in batches with ascending start. */
  async *read(metric: Metric, range: BucketRange): AsyncIterable<readonly Cell[]> {
    this.#assertOpen();
    const series = this.#spaces.get(range.prefix)?.series[range.unit].get(seriesId(metric));
    if (series === undefined) return;
    let batch: Cell[] = [];
    for (const start of startsIn(series, range.from, range.to)) {
      const bucket = series.buckets.get(start);
      if (bucket === undefined) continue; // pruned while a consumer looked at the last batch
      for (const cell of cellsOf(series.metric, range.unit, start, bucket)) {
        batch.push(cell);
        if (batch.length < READ_BATCH) continue;
        yield batch;
        batch = [];
        this.#assertOpen();
      }
    }
    if (batch.length > 0) yield batch;
  }

  /** A number per bucket of the range, which grows with each commit that touches it. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async versions(range: BucketRange): Promise<Map<number, bigint>> {
    this.#assertOpen();
    const all = this.#spaces.get(range.prefix)?.versions[range.unit] ?? [];
    return new Map([...all].filter(([start]) => start >= range.from && start <= range.to));
  }

  /** The last chunk of a writer that is in storage, or null. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async checkpoint(prefix: string, writer: string): Promise<Checkpoint | null> {
    this.#assertOpen();
    const stored = this.#spaces.get(prefix)?.checkpoints.get(writer);
    return stored === undefined ? null : { ...stored.checkpoint };
  }

  /** Takes, or keeps, the sole right to commit as a writer. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async acquireWriter(
    prefix: string,
    writer: string,
    incarnation: string,
    ttlMs: number,
  ): Promise<boolean> {
    this.#assertOpen();
    const { leases } = this.#space(prefix);
    const lease = leases.get(writer);
    if (lease && lease.incarnation !== incarnation && lease.untilMs > Date.now()) return false;
    leases.set(writer, { incarnation, untilMs: Date.now() + ttlMs });
    return true;
  }

  /** Gives that right up, if this incarnation holds it. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async releaseWriter(prefix: string, writer: string, incarnation: string): Promise<void> {
    this.#assertOpen();
    const leases = this.#spaces.get(prefix)?.leases;
    if (leases?.get(writer)?.incarnation === incarnation) leases.delete(writer);
  }

  /** The writers whose checkpoint never expires. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async writers(prefix: string): Promise<WriterInfo[]> {
    this.#assertOpen();
    const space = this.#spaces.get(prefix);
    return [...space?.checkpoints ?? []].filter(([, { durable }]) => durable)
      .map(([writer, { checkpoint }]) => ({
        writer,
        checkpoint: { ...checkpoint },
        held: isHeld(space!, writer),
      }));
  }

  /** Removes such a checkpoint, unless a live instance holds the writer. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async removeWriter(prefix: string, writer: string): Promise<boolean> {
    this.#assertOpen();
    const space = this.#spaces.get(prefix);
    if (!space?.checkpoints.get(writer)?.durable || isHeld(space, writer)) return false;
    return space.checkpoints.delete(writer);
  }

  /** The IANA time zone of the prefix, or null. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async timezone(prefix: string): Promise<string | null> {
    this.#assertOpen();
    return this.#spaces.get(prefix)?.timezone ?? null;
  }

  /** Sets the time zone unless one is set; gives the one that stands. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async claimTimezone(prefix: string, timezone: string): Promise<string> {
    this.#assertOpen();
    return this.#space(prefix).timezone ??= timezone;
  }

  /** Removes whole buckets. */
  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async prune(range: PruneRange): Promise<PruneReport> {
    this.#assertOpen();
    const space = this.#spaces.get(range.prefix);
    const buckets = new Set<number>();
    let cells = 0;
    for (const [id, series] of space?.series[range.unit] ?? []) {
      const starts = series.starts.slice(0, lowerBound(series.starts, range.before));
      for (const start of starts) {
        const bucket = series.buckets.get(start)!;
        cells += bucket.counts.size + bucket.sums.size + Number(bucket.tally > 0) +
          Number(bucket.sketch !== null);
        buckets.add(start);
        if (!range.dryRun) series.buckets.delete(start);
      }
      if (range.dryRun) continue;
      series.starts.splice(0, starts.length);
      if (series.starts.length === 0) space!.series[range.unit].delete(id);
    }
    if (!range.dryRun) {
      const versions = space?.versions[range.unit];
      for (const start of [...versions?.keys() ?? []]) {
        if (start < range.before) versions!.delete(start);
      }
    }
    return { buckets: buckets.size, cells };
  }

  /** Forgets everything; then each method throws a StorageError with code `closed`. */
  // deno-lint-ignore require-await -- as the interface has it
  async close(): Promise<void> {
    this.#closed = true;
    this.#spaces.clear();
  }

  /** The same as {@linkcode MemoryStorage.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Adds a cell to what is there; an error if that cannot be done. */
  #add(space: Space, cell: Cell): StorageError | null {
    let sketch: HyperLogLog | null = null;
    if (cell.kind === "sketch") {
      try {
        sketch = HyperLogLog.fromBytes(cell.sketch);
      } catch (error) {
        return refusal(cell, messageOf(error), error);
      }
    }
    const bucket = bucketOf(space, cell);
    switch (cell.kind) {
      case "count":
        bucket.counts.set(cell.field, (bucket.counts.get(cell.field) ?? 0) + cell.count);
        break;
      case "sum":
        bucket.sums.set(cell.field, (bucket.sums.get(cell.field) ?? 0n) + cell.sum);
        break;
      case "tally":
        bucket.tally += cell.count;
        break;
      case "sketch":
        if (bucket.sketch === null) bucket.sketch = sketch;
        else bucket.sketch.merge(sketch!);
    }
    return null;
  }

  #space(prefix: string): Space {
    let space = this.#spaces.get(prefix);
    if (space === undefined) {
      space = {
        series: { d: new Map(), h: new Map() },
        versions: { d: new Map(), h: new Map() },
        checkpoints: new Map(),
        leases: new Map(),
        timezone: null,
      };
      this.#spaces.set(prefix, space);
    }
    return space;
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new StorageError("closed", "Cannot use the memory storage: it was closed");
  }
}

function isHeld(space: Space, writer: string): boolean {
  return (space.leases.get(writer)?.untilMs ?? 0) > Date.now();
}

function seriesId(metric: Metric): string {
  return JSON.stringify([metric.type, metric.pattern, metric.addKey]);
}

function bucketOf(space: Space, cell: Cell): Bucket {
  const id = seriesId(cell.metric);
  let series = space.series[cell.unit].get(id);
  if (series === undefined) {
    series = { metric: { ...cell.metric }, buckets: new Map(), starts: [] };
    space.series[cell.unit].set(id, series);
  }
  let bucket = series.buckets.get(cell.start);
  if (bucket === undefined) {
    bucket = { counts: new Map(), sums: new Map(), tally: 0, sketch: null };
    series.buckets.set(cell.start, bucket);
    series.starts.splice(lowerBound(series.starts, cell.start), 0, cell.start);
  }
  return bucket;
}

function* cellsOf(metric: Metric, unit: Unit, start: number, bucket: Bucket): Iterable<Cell> {
  for (const [field, count] of bucket.counts) {
    yield { kind: "count", metric, unit, start, field, count };
  }
  for (const [field, sum] of bucket.sums) yield { kind: "sum", metric, unit, start, field, sum };
  if (bucket.tally > 0) yield { kind: "tally", metric, unit, start, count: bucket.tally };
  if (bucket.sketch !== null) {
    yield { kind: "sketch", metric, unit, start, sketch: bucket.sketch.toBytes() };
  }
}

/** A copy: a commit may add buckets while a reader is under way. */
function startsIn(series: Series, from: number, to: number): number[] {
  const { starts } = series;
  const first = lowerBound(starts, from);
  let end = lowerBound(starts, to);
  if (starts[end] === to) end++;
  return starts.slice(first, end);
}

/** Index of the first start that is not below `value`. */
function lowerBound(starts: readonly number[], value: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
