/**
 * Where a writer keeps the chunks it commits, so that it can commit them again: in memory, or in a
 * journal.
 *
 * @module
 */
import { compareCheckpoints } from "../storage/checkpoint.ts";
import type { Checkpoint, Chunk } from "../storage/storage.ts";

/** How long a committed chunk is kept, in case that storage goes back in time. */
const REPLAY_MS = 10 * 60_000;
/** Bytes of committed chunks that are kept at most, so that memory stays bounded. */
const MAX_REPLAY_BYTES = 16 << 20;
/** About what a cell costs in memory, a sketch aside. */
const CELL_BYTES = 150;

/** What a cut is, but for its chunks. */
export interface Cut {
  readonly incarnation: string;
  readonly flush: number;
  /** Number of the last event in it; 0 where events are not numbered. */
  readonly covers: number;
  /** The writer's checkpoint before it. */
  readonly previous: Checkpoint | null;
}

/** Keeps chunks from before they are committed until nobody can ask for them again. */
export interface ChunkLog {
  /** Takes the chunks of a cut; none of them is committed before this has resolved. */
  cut(cut: Cut, chunks: readonly Chunk[]): Promise<void>;
  /** Notes that storage has confirmed all that was taken. */
  confirm(): void;
  /** What is kept behind a checkpoint, in order, confirmed or not. */
  chunksAfter(stored: Checkpoint | null): AsyncIterable<Chunk>;
}

/** Keeps chunks in memory, confirmed ones for ten minutes and within a bound. */
export class MemoryChunkLog implements ChunkLog {
  readonly #keepsConfirmed: boolean;
  /** Confirmed chunks, oldest first. */
  #kept: { chunk: Chunk; atMs: number; bytes: number }[] = [];
  #keptBytes = 0;
  #pending: readonly Chunk[] = [];

  /** @param keepsConfirmed false where storage cannot go back in time */
  constructor(keepsConfirmed: boolean) {
    this.#keepsConfirmed = keepsConfirmed;
  }

  // deno-lint-ignore require-await -- as the interface has it
  async cut(_cut: Cut, chunks: readonly Chunk[]): Promise<void> {
    this.#pending = chunks;
  }

  confirm(): void {
    const now = Date.now();
    if (this.#keepsConfirmed) {
      for (const chunk of this.#pending) {
        const bytes = bytesOf(chunk);
        this.#kept.push({ chunk, atMs: now, bytes });
        this.#keptBytes += bytes;
      }
    }
    this.#pending = [];
    let gone = 0;
    while (
      gone < this.#kept.length &&
      (this.#keptBytes > MAX_REPLAY_BYTES || this.#kept[gone].atMs < now - REPLAY_MS)
    ) {
      this.#keptBytes -= this.#kept[gone++].bytes;
    }
    if (gone > 0) this.#kept.splice(0, gone);
  }

  async *chunksAfter(stored: Checkpoint | null): AsyncGenerator<Chunk> {
    for (const chunk of [...this.#kept.map(({ chunk }) => chunk), ...this.#pending]) {
      if (isAfter(chunk, stored)) yield chunk;
    }
  }
}

function isAfter({ checkpoint }: Chunk, stored: Checkpoint | null): boolean {
  if (stored === null || stored.incarnation !== checkpoint.incarnation) return true;
  const order = compareCheckpoints(checkpoint, stored);
  return order > 0 || (order === 0 && stored.applied !== undefined);
}

function bytesOf({ cells }: Chunk): number {
  return cells.reduce(
    (sum, cell) => sum + CELL_BYTES + (cell.kind === "sketch" ? cell.sketch.length : 0),
    0,
  );
}
