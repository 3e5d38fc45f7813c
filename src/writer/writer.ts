/**
 * Who commits: gives every chunk its place in the writer's chain of checkpoints, commits chunk after
 * chunk, and goes on where a failure stopped it. Nothing that was handed over is forgotten before
 * storage has confirmed it, and nothing is applied twice.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { compareCheckpoints, sameCheckpoint } from "../storage/checkpoint.ts";
import type { Cell, Checkpoint, Chunk, RefusedCell, Storage } from "../storage/storage.ts";

/** How long a committed chunk is kept, in case that storage goes back in time. */
const REPLAY_MS = 10 * 60_000;
/** Bytes of committed chunks that are kept at most, so that memory stays bounded. */
const MAX_REPLAY_BYTES = 16 << 20;
/** About what a cell costs in memory, a sketch aside. */
const CELL_BYTES = 150;
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
  readonly #incarnation = crypto.randomUUID();
  #flush = 0;
  /** The checkpoint of the last chunk that was handed over. */
  #last: Checkpoint | null = null;
  #pending: Chunk[] = [];
  /** Confirmed chunks, oldest first. */
  #kept: { chunk: Chunk; atMs: number; bytes: number }[] = [];
  #keptBytes = 0;
  #confirmedAtMs = Date.now();
  #lease: ReturnType<typeof setInterval> | undefined;

  private constructor(storage: Storage, prefix: string, id: string, events: WriterEvents) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.id = id;
    this.#events = events;
  }

  /**
   * @param id a fixed id, or undefined for a random one
   * @throws {StorageError} `held` if another live instance commits under the fixed id
   */
  static async open(
    storage: Storage,
    prefix: string,
    id: string | undefined,
    events: WriterEvents,
  ): Promise<Writer> {
    const writer = new Writer(storage, prefix, id ?? crypto.randomUUID(), events);
    if (id !== undefined) await writer.#hold();
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

  /** Takes a cut over; {@linkcode commit} brings it to storage. */
  async take(cells: readonly Cell[]): Promise<void> {
    if (this.busy) throw new Error("BUG: a cut before the last one was committed");
    const now = Date.now();
    if (this.#last !== null && now - this.#confirmedAtMs > CHECKPOINT_IDLE_MS) {
      this.#last = await this.#storage.checkpoint(this.#prefix, this.id);
    }
    const flush = ++this.#flush;
    let previous = this.#last;
    this.#pending = this.#storage.split(this.#prefix, cells).map((cells, part) => {
      const checkpoint = { incarnation: this.#incarnation, flush, part };
      const chunk: Chunk = {
        prefix: this.#prefix,
        writer: this.id,
        durable: false,
        checkpoint,
        previous,
        cells,
      };
      previous = checkpoint;
      return chunk;
    });
    this.#last = previous;
  }

  /**
   * Commits what was handed over, from where it stopped. After a failure it may be called again.
   *
   * @throws {StorageError}
   */
  async commit(): Promise<void> {
    while (this.#pending.length > 0) {
      const chunk = this.#pending[0];
      try {
        const report = await this.#storage.commit(chunk);
        this.#pending.shift();
        this.stats[report.outcome === "skipped" ? "skipped" : "commits"]++;
        this.stats.retries += report.retries;
        for (const refused of report.refused) {
          this.stats.refusedCells++;
          this.#events.refused(refused);
        }
        this.#keep(chunk);
      } catch (error) {
        if (!(error instanceof StorageError) || error.code !== "behind") throw error;
        await this.#replay(error);
      }
    }
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

  #keep(chunk: Chunk): void {
    const now = Date.now();
    this.#confirmedAtMs = now;
    // What dies with the process cannot go back in time without it.
    if (!this.#storage.capabilities.survivesProcess) return;
    const bytes = bytesOf(chunk);
    this.#kept.push({ chunk, atMs: now, bytes });
    this.#keptBytes += bytes;
    let gone = 0;
    while (
      gone < this.#kept.length &&
      (this.#keptBytes > MAX_REPLAY_BYTES || this.#kept[gone].atMs < now - REPLAY_MS)
    ) {
      this.#keptBytes -= this.#kept[gone++].bytes;
    }
    if (gone > 0) this.#kept.splice(0, gone);
  }

  /** Storage went back in time: puts what it lost, as far as it is kept, before what is pending. */
  async #replay(behind: StorageError): Promise<void> {
    await this.#events.behind();
    const stored = await this.#storage.checkpoint(this.#prefix, this.id);
    if (stored === null && Date.now() - this.#confirmedAtMs > CHECKPOINT_IDLE_MS) {
      // It has expired; what it stood for is in storage.
      this.#pending[0] = { ...this.#pending[0], previous: null };
      return;
    }
    const lost = [
      ...this.#kept.map(({ chunk }) => chunk).filter((chunk) => isAfter(chunk, stored)),
      ...this.#pending,
    ];
    if (!sameCheckpoint(lost[0].previous, stored) && !continues(lost[0], stored)) {
      this.#events.error(
        new StorageError(
          "behind",
          `Storage lost commits of writer ${this.id} that are no longer kept: from ` +
            `${name(stored)} to ${name(lost[0].previous)}; counts of that time are too low`,
          { cause: behind },
        ),
      );
      lost[0] = { ...lost[0], previous: stored };
    }
    this.stats.replayed += lost.length - this.#pending.length;
    this.#pending = lost;
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

function isAfter({ checkpoint }: Chunk, stored: Checkpoint | null): boolean {
  if (stored === null || stored.incarnation !== checkpoint.incarnation) return true;
  const order = compareCheckpoints(checkpoint, stored);
  return order > 0 || (order === 0 && stored.applied !== undefined);
}

/** Whether storage stands in the middle of this very chunk. */
function continues({ checkpoint }: Chunk, stored: Checkpoint | null): boolean {
  return stored?.applied !== undefined && checkpoint.incarnation === stored.incarnation &&
    compareCheckpoints(checkpoint, stored) === 0;
}

function bytesOf({ cells }: Chunk): number {
  return cells.reduce(
    (sum, cell) => sum + CELL_BYTES + (cell.kind === "sketch" ? cell.sketch.length : 0),
    0,
  );
}

function name(checkpoint: Checkpoint | null): string {
  return checkpoint === null ? "nothing" : `flush ${checkpoint.flush} part ${checkpoint.part}`;
}
