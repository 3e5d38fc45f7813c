/**
 * A storage that fails on demand: a real MemoryStorage underneath, which loses answers, refuses, hangs,
 * goes back in time, or dies.
 *
 * @module
 */
import { StorageError } from "../src/base/errors.ts";
import { MemoryStorage } from "../src/storage/memory.ts";
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
  WriterInfo,
} from "../src/storage/storage.ts";

/** What happens to a commit. */
export type Fault =
  /** Nothing. */
  | "ok"
  /** It fails before anything is applied. */
  | "refuse"
  /** It is applied, and the answer is lost. */
  | "lose"
  /** Nothing is applied, and there is never an answer. */
  | "hang"
  /** It is applied, and there is never an answer. */
  | "hang applied"
  /** An adapter's bug: an error that is no StorageError, before anything is applied. */
  | "throw";

/** See the top of this file. */
export class FaultyStorage implements Storage {
  readonly name = "faulty";
  readonly capabilities: Capabilities = { atomicity: "chunk", survivesProcess: true };
  /** What happens to the next commits, in order; afterwards all is well. */
  faults: Fault[] = [];
  /** While set, every method but `close` fails before it does anything. */
  down = false;
  /** While set, every commit waits for it before it does anything. */
  gate: Promise<void> | undefined;
  /** A fault by the name of a method other than `commit`. */
  readonly broken = new Map<string, "refuse" | "hang">();
  /** Cells of these fields are refused for good. */
  readonly poisoned = new Set<string>();
  /** How often `commit` was called, and for which checkpoints it was applied. */
  commits = 0;
  readonly applied: Checkpoint[] = [];
  /** Calls of every method, for tests that count them. */
  readonly calls = new Map<string, number>();
  readonly #chunkCells: number;
  #inner = new MemoryStorage();
  /** What it takes to make the same contents again. */
  #log: ((inner: MemoryStorage) => Promise<unknown>)[] = [];

  /** @param chunkCells cells that a chunk has at most */
  constructor(chunkCells = Infinity) {
    this.#chunkCells = chunkCells;
  }

  /** A point in time to go back to. */
  snapshot(): number {
    return this.#log.length;
  }

  /** Goes back: what came after the snapshot never happened. */
  async restore(snapshot: number): Promise<void> {
    this.#log.length = Math.min(this.#log.length, snapshot);
    const inner = new MemoryStorage();
    for (const step of this.#log) await step(inner);
    this.#inner = inner;
  }

  /** Chunks of at most so many cells. */
  split(_prefix: string, cells: readonly Cell[]): Cell[][] {
    const lists: Cell[][] = [];
    const size = Math.min(this.#chunkCells, Math.max(cells.length, 1));
    for (let i = 0; i < cells.length; i += size) lists.push(cells.slice(i, i + size));
    return lists;
  }

  async commit(chunk: Chunk): Promise<CommitReport> {
    this.commits++;
    await this.gate;
    await this.#before("commit");
    const fault = this.faults.shift() ?? "ok";
    if (fault === "refuse") throw new StorageError("unavailable", "told to refuse");
    if (fault === "throw") throw new TypeError("a bug of the adapter");
    if (fault === "hang") return await new Promise(() => {});
    const refused = chunk.cells.filter((cell) => "field" in cell && this.poisoned.has(cell.field))
      .map((cell): RefusedCell => ({ cell, error: new StorageError("refused", "told to refuse") }));
    const bad = new Set(refused.map(({ cell }) => cell));
    const good = { ...chunk, cells: chunk.cells.filter((cell) => !bad.has(cell)) };
    const report = await this.#inner.commit(good);
    if (report.outcome === "applied") {
      this.#log.push((inner) => inner.commit(good));
      this.applied.push(chunk.checkpoint);
    }
    if (fault === "hang applied") return await new Promise(() => {});
    if (fault === "lose") throw new StorageError("unknown", "told to lose the answer");
    return { ...report, refused };
  }

  async metrics(range: BucketRange): Promise<Metric[]> {
    await this.#before("metrics");
    return this.#inner.metrics(range);
  }

  async *read(metric: Metric, range: BucketRange): AsyncIterable<readonly Cell[]> {
    await this.#before("read");
    yield* this.#inner.read(metric, range);
  }

  async versions(range: BucketRange): Promise<Map<number, bigint>> {
    await this.#before("versions");
    return this.#inner.versions(range);
  }

  async checkpoint(prefix: string, writer: string): Promise<Checkpoint | null> {
    await this.#before("checkpoint");
    return this.#inner.checkpoint(prefix, writer);
  }

  async acquireWriter(
    prefix: string,
    writer: string,
    incarnation: string,
    ttlMs: number,
  ): Promise<boolean> {
    await this.#before("acquireWriter");
    return this.#inner.acquireWriter(prefix, writer, incarnation, ttlMs);
  }

  async releaseWriter(prefix: string, writer: string, incarnation: string): Promise<void> {
    await this.#before("releaseWriter");
    return this.#inner.releaseWriter(prefix, writer, incarnation);
  }

  async writers(prefix: string): Promise<WriterInfo[]> {
    await this.#before("writers");
    return this.#inner.writers(prefix);
  }

  async removeWriter(prefix: string, writer: string): Promise<boolean> {
    await this.#before("removeWriter");
    this.#log.push((inner) => inner.removeWriter(prefix, writer));
    return this.#inner.removeWriter(prefix, writer);
  }

  async timezone(prefix: string): Promise<string | null> {
    await this.#before("timezone");
    return this.#inner.timezone(prefix);
  }

  async claimTimezone(prefix: string, timezone: string): Promise<string> {
    await this.#before("claimTimezone");
    this.#log.push((inner) => inner.claimTimezone(prefix, timezone));
    return this.#inner.claimTimezone(prefix, timezone);
  }

  async prune(range: PruneRange): Promise<PruneReport> {
    await this.#before("prune");
    this.#log.push((inner) => inner.prune(range));
    return this.#inner.prune(range);
  }

  /** Keeps everything: a test may look at it afterwards. */
  async close(): Promise<void> {}

  async #before(method: string): Promise<void> {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    if (this.down) throw new StorageError("unavailable", "told to be down");
    const fault = this.broken.get(method);
    if (fault === "refuse") throw new StorageError("unavailable", `told to refuse ${method}`);
    if (fault === "hang") await new Promise(() => {});
  }
}
