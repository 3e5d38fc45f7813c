/**
 * Who commits: gives every chunk its place in the writer's chain of checkpoints, commits chunk after
 * chunk, and goes on where a failure stopped it. Nothing that was handed over is forgotten before
 * storage has confirmed it, and nothing is applied twice.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { Histogram } from "../base/histogram.ts";
import type { Journal } from "../journal/journal.ts";
import { compareCheckpoints, isBeforeFirst, sameCheckpoint } from "../storage/checkpoint.ts";
import type { Cell, Checkpoint, Chunk, RefusedCell, Storage } from "../storage/storage.ts";
import { type ChunkLog, MemoryChunkLog } from "./chunk_log.ts";

/** Storage forgets the checkpoint of a writer without a journal after 7 days. */
const CHECKPOINT_IDLE_MS = 6 * 24 * 3600_000;
/** How long the right to a fixed writer id lasts without being renewed. */
const LEASE_MS = 30_000;

/** What a writer is told about what it commits. */
export interface WriterEvents {
  /** A cell that storage refuses for good. */
  refused(refused: RefusedCell): void;
  /** Something went wrong that no caller waits for. */
  error(error: Error): void;
  /** Storage went back in time. Runs before what it lost is committed again. */
  behind(): Promise<void>;
}

/** Counters of a writer. */
export interface WriterStats {
  /** Chunks that storage confirmed. */
  commits: number;
  /** Chunks that were in storage already: the answer to an earlier commit had been lost. */
  skipped: number;
  /** Attempts that storage repeated. */
  retries: number;
  /** Chunks that were committed again after storage had gone back in time. */
  replayed: number;
  /** Cells that storage refused for good. */
  refusedCells: number;
}

/** Commits the cuts of one engine. */
export class Writer {
  /** The id under which storage keeps the checkpoint. */
  readonly id: string;
  /** How long storage took for those that it confirmed. */
  readonly commitTimes: Histogram = new Histogram();
  readonly stats: WriterStats = {
    commits: 0,
    skipped: 0,
    retries: 0,
    replayed: 0,
    refusedCells: 0,
  };
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #events: WriterEvents;
  readonly #incarnation: string;
  readonly #log: ChunkLog;
  /** Whether the checkpoint never expires. */
  readonly #durable: boolean;
  #flush = 0;
  /** The checkpoint of the last chunk that was handed over. */
  #last: Checkpoint | null = null;
  #pending: Chunk[] = [];
  #confirmedAtMs = Date.now();
  #lease: ReturnType<typeof setInterval> | undefined;

  private constructor(
    storage: Storage,
    prefix: string,
    id: string,
    events: WriterEvents,
    journal: Journal | undefined,
  ) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.id = id;
    this.#events = events;
    this.#incarnation = journal?.incarnation ?? crypto.randomUUID();
    this.#log = journal ?? new MemoryChunkLog(storage.capabilities.survivesProcess);
    this.#durable = journal !== undefined;
  }

  /**
   * @param id a fixed id, or undefined for a random one; with a journal, its own
   * @param journal where cuts stand before they are committed; what it holds is {@linkcode recover}ed
   * @throws {StorageError} `held` if another live instance commits under the fixed id
   */
  static async open(
    storage: Storage,
    prefix: string,
    id: string | undefined,
    events: WriterEvents,
    journal?: Journal,
  ): Promise<Writer> {
    const fixed = journal?.writer ?? id;
    const writer = new Writer(storage, prefix, fixed ?? crypto.randomUUID(), events, journal);
    // Whoever has the journal's directory knows that its former holders are gone.
    for (const past of journal?.pastIncarnations ?? []) {
      await storage.releaseWriter(prefix, writer.id, past);
    }
    if (fixed !== undefined) await writer.#hold();
    return writer;
  }

  /** Whether something was handed over that storage has not confirmed. */
  get busy(): boolean {
    return this.#pending.length > 0;
  }

  /** Cells that were handed over and not confirmed. */
  get pendingCells(): number {
    return this.#pending.reduce((sum, { cells }) => sum + cells.length, 0);
  }

  /**
   * Takes a cut over; {@linkcode commit} brings it to storage.
   *
   * @param covers number of the last event in it; only with a journal
   */
  async take(cells: readonly Cell[], covers = 0): Promise<void> {
    if (this.busy) throw new Error("BUG: a cut before the last one was committed");
    if (this.#last !== null && this.#hasExpired()) {
      this.#last = await this.#storage.checkpoint(this.#prefix, this.id);
    }
    const flush = this.#flush + 1;
    let previous = this.#last;
    const chunks = this.#storage.split(this.#prefix, cells).map((cells, part): Chunk => {
      const checkpoint = { incarnation: this.#incarnation, flush, part };
      const chunk = {
        prefix: this.#prefix,
        writer: this.id,
        durable: this.#durable,
        checkpoint,
        previous,
        cells,
      };
      previous = checkpoint;
      return chunk;
    });
    const cut = { incarnation: this.#incarnation, flush, covers, previous: this.#last };
    await this.#log.cut(cut, chunks);
    this.#flush = flush;
    this.#pending = [...chunks];
    this.#last = previous;
  }

  /**
   * Commits what was handed over, from where it stopped. After a failure it may be called again.
   *
   * @throws {StorageError}
   */
  async commit(): Promise<void> {
    for (let behind: StorageError | undefined; this.busy;) {
      try {
        if (behind === undefined) {
          await this.#commit(this.#pending[0]);
          this.#pending.shift();
        } else {
          await this.#events.behind();
          await this.#replay(behind);
          behind = undefined;
        }
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        // A foreign checkpoint may be that of an earlier process: the journal is asked once, and knows.
        const mayBeOwn = error.code === "foreign" && this.#durable && behind === undefined;
        if (error.code !== "behind" && !mayBeOwn) throw error;
        behind = error;
      }
    }
    this.#log.confirm();
  }

  /**
   * Brings the cuts of earlier processes, which stand in the journal, to storage: those behind its
   * checkpoint, and those that it lost in part.
   *
   * @returns number of the last event that is in storage then
   * @throws {StorageError} also if journal and storage do not belong together
   */
  async recover(journal: Journal): Promise<number> {
    await this.#storage.verify?.(this.#prefix, this.id, journal.keptChunks());
    const covered = journal.covered(await this.#replay(undefined));
    journal.confirm();
    return covered;
  }

  /** Gives up the right to a fixed id. */
  async close(): Promise<void> {
    if (this.#lease === undefined) return;
    clearInterval(this.#lease);
    this.#lease = undefined;
    await this.#storage.releaseWriter(this.#prefix, this.id, this.#incarnation);
  }

  async #hold(): Promise<void> {
    const acquire = () =>
      this.#storage.acquireWriter(this.#prefix, this.id, this.#incarnation, LEASE_MS);
    if (!await acquire()) {
      throw new StorageError(
        "held",
        `Cannot open writer ${this.id}: another live instance holds it; close that one, or leave ` +
          `the writer option out (after a crash the id is free ${LEASE_MS / 1000} s later)`,
      );
    }
    try {
      this.#last = await this.#storage.checkpoint(this.#prefix, this.id);
    } catch (error) {
      await this.#storage.releaseWriter(this.#prefix, this.id, this.#incarnation).catch(() => {});
      throw error;
    }
    this.#lease = setInterval(() => {
      acquire().then((held) => {
        if (held) return;
        throw new StorageError("held", `Writer ${this.id} was taken over by another instance`);
      }).catch((error) => this.#events.error(error));
    }, LEASE_MS / 3);
    Deno.unrefTimer(this.#lease as unknown as number);
  }

  async #commit(chunk: Chunk): Promise<void> {
    const begunMs = performance.now();
    const report = await this.#storage.commit(chunk);
    this.commitTimes.add(performance.now() - begunMs);
    this.stats[report.outcome === "skipped" ? "skipped" : "commits"]++;
    this.stats.retries += report.retries;
    for (const refused of report.refused) {
      this.stats.refusedCells++;
      this.#events.refused(refused);
    }
    this.#confirmedAtMs = Date.now();
  }

  /**
   * Commits what is kept behind the checkpoint in storage, and so all that is pending; gives where
   * storage stood.
   */
  async #replay(cause: StorageError | undefined): Promise<Checkpoint | null> {
    const stored = await this.#storage.checkpoint(this.#prefix, this.id);
    if (stored === null && this.#hasExpired()) {
      // What it stood for is in storage.
      this.#pending[0] = { ...this.#pending[0], previous: null };
      return null;
    }
    const pendingFrom = this.#pending[0]?.checkpoint;
    let last = stored;
    for await (const chunk of this.#log.chunksAfter(stored)) {
      await this.#commit(this.#joined(chunk, last, cause));
      last = chunk.checkpoint;
      if (pendingFrom === undefined || isBefore(last, pendingFrom)) this.stats.replayed++;
    }
    // Usually none: the log gave them too, unless its record of them is damaged.
    this.#pending = this.#pending.filter(({ checkpoint }) =>
      last === null || isBefore(last, checkpoint)
    );
    if (this.#pending.length > 0) this.#pending[0] = this.#joined(this.#pending[0], last, cause);
    this.#last = this.#pending.at(-1)?.checkpoint ?? last;
    return stored;
  }

  /** The chunk as it can follow on `last`; reports what is missing between them. */
  #joined(chunk: Chunk, last: Checkpoint | null, cause: StorageError | undefined): Chunk {
    if (sameCheckpoint(chunk.previous, last) || continues(chunk, last)) return chunk;
    if (chunk.previous === null && isBeforeFirst(last)) return { ...chunk, previous: last };
    this.#events.error(
      new StorageError(
        "behind",
        `Storage lost commits of writer ${this.id} that are no longer kept: from ` +
          `${name(last)} to ${name(chunk.previous)}; counts of that time are too low`,
        { cause },
      ),
    );
    return { ...chunk, previous: last };
  }

  #hasExpired(): boolean {
    return !this.#durable && Date.now() - this.#confirmedAtMs > CHECKPOINT_IDLE_MS;
  }
}

function isBefore(a: Checkpoint, b: Checkpoint): boolean {
  return a.incarnation !== b.incarnation || compareCheckpoints(a, b) < 0;
}

/** Whether storage stands in the middle of this very chunk. */
function continues({ checkpoint }: Chunk, stored: Checkpoint | null): boolean {
  return stored?.applied !== undefined && checkpoint.incarnation === stored.incarnation &&
    compareCheckpoints(checkpoint, stored) === 0;
}

function name(checkpoint: Checkpoint | null): string {
  return checkpoint === null ? "nothing" : `flush ${checkpoint.flush} part ${checkpoint.part}`;
}
