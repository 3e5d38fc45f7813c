/**
 * Commits of chunks: one at a time for each writer, each judged by the writer's checkpoint.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import { checkpointText, sameCheckpoint, verdict } from "../checkpoint.ts";
import type { Chunk, CommitReport } from "../storage.ts";
import { WriterQueues } from "../writer_queues.ts";
import { ChunkRun, KnownMetrics } from "./chunk_run.ts";
import type { Connection } from "./connection.ts";
import { CHECKPOINT_TTL_MS, publicCheckpoint, type Stored, WriterState } from "./writer_state.ts";

/** How often a chunk is judged anew because its writer's checkpoint moved under it. */
const MAX_ROUNDS = 5;
/** A checkpoint as old as this may have expired; a little early, for clocks that differ. */
const MAY_HAVE_EXPIRED_MS = CHECKPOINT_TTL_MS * 0.9;

interface Remembered {
  readonly stored: Stored;
  readonly atMs: number;
}

/** The commits of one KvStorage. */
export class Committer {
  readonly #connection: Connection;
  readonly #known = new KnownMetrics();
  /** What this instance committed last for each writer, so that a commit needs no read. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #queues = new WriterQueues();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Applies a chunk once; those of one writer wait for each other. */
  commit(chunk: Chunk): Promise<CommitReport> {
    return this.#queues.run(chunk, (id) => this.#commit(id, chunk));
  }

  /** Resolves when no commit is under way. */
  idle(): Promise<void> {
    return this.#queues.idle();
  }

  async #commit(id: string, chunk: Chunk): Promise<CommitReport> {
    const state = new WriterState(
      this.#connection,
      chunk.prefix,
      chunk.writer,
      chunk.durable,
    );
    const remembered = this.#remembered.get(id);
    this.#remembered.delete(id); // until it is known again
    // What is remembered may only lead to a commit, whose check proves it; a skip or an error is
    // never told from memory.
    let fresh = !(remembered && leadsToCommit(remembered.stored, chunk));
    if (fresh) await state.load();
    else state.stored = remembered!.stored;

    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (fresh) state.stored = unlessExpired(state.stored, chunk, remembered);
      const todo = verdict(publicCheckpoint(state.stored.value), chunk);
      const run = new ChunkRun(state, chunk, this.#known);
      if (todo.skip) {
        if (sameCheckpoint(publicCheckpoint(state.stored.value), chunk.checkpoint)) run.recall();
        this.#remembered.set(id, { stored: state.stored, atMs: Date.now() });
        return { outcome: "skipped", refused: run.refused, retries: state.retries };
      }
      if (await run.run(todo.from) === "done") {
        this.#remembered.set(id, { stored: state.stored, atMs: Date.now() });
        return { outcome: "applied", refused: run.refused, retries: state.retries };
      }
      fresh = true; // the write that failed has read it
    }
    throw new StorageError(
      "unavailable",
      `Cannot commit ${checkpointText(chunk.checkpoint)}: its writer's checkpoint kept moving`,
    );
  }
}

function leadsToCommit(stored: Stored, chunk: Chunk): boolean {
  try {
    return !verdict(publicCheckpoint(stored.value), chunk).skip;
  } catch {
    return false;
  }
}

/**
 * A checkpoint that may expire, and that this very instance wrote so long ago that it has, is not
 * missing: a server without a journal that had nothing to record for a week goes on.
 */
function unlessExpired(stored: Stored, chunk: Chunk, remembered: Remembered | undefined): Stored {
  if (stored.value !== null || chunk.durable || remembered === undefined) return stored;
  const old = Date.now() - remembered.atMs >= MAY_HAVE_EXPIRED_MS;
  const isPrevious = chunk.previous !== null &&
    sameCheckpoint(publicCheckpoint(remembered.stored.value), chunk.previous);
  return old && isPrevious ? { value: remembered.stored.value, versionstamp: null } : stored;
}
