/**
 * The rule that makes a chunk count once: what the checkpoint in the storage says about a chunk that
 * wants to be applied. Pure, and the same for every adapter that applies whole chunks.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import type { Checkpoint, Chunk } from "./storage.ts";

/** What is to be done with a chunk: nothing, or apply its cells from an index on. */
export type Verdict = { readonly skip: true } | { readonly skip: false; readonly from: number };

/** A checkpoint as people read it. */
export function checkpointText(checkpoint: Checkpoint | null): string {
  if (checkpoint === null) return "none";
  const { incarnation, flush, part, applied } = checkpoint;
  const some = applied === undefined ? "" : `, its first ${applied} cells`;
  return `flush ${flush} part ${part}${some} of incarnation ${incarnation}`;
}

/** Negative if `a` comes before `b`; both of one incarnation. Ignores `applied`. */
export function compareCheckpoints(a: Checkpoint, b: Checkpoint): number {
  return a.flush - b.flush || a.part - b.part;
}

/** Whether two checkpoints say the same. */
export function sameCheckpoint(a: Checkpoint | null, b: Checkpoint | null): boolean {
  if (a === null || b === null) return a === b;
  return a.incarnation === b.incarnation && a.flush === b.flush && a.part === b.part &&
    a.applied === b.applied;
}

/** What stands as a writer's checkpoint when it was set back to before its first chunk. */
export function beforeFirst(incarnation: string): Checkpoint {
  return { incarnation, flush: 0, part: 0 };
}

/** Whether nothing of its incarnation is in storage. */
export function isBeforeFirst(checkpoint: Checkpoint | null): boolean {
  return checkpoint?.flush === 0;
}

/**
 * Compares the stored checkpoint with a chunk.
 *
 * | stored | verdict |
 * | --- | --- |
 * | is `chunk.previous` | apply from 0 |
 * | is the chunk's own, with `applied` | apply from there |
 * | is the chunk's own, or past it in the same incarnation | skip |
 * | missing or older than `chunk.previous`, or only a part of it | error `behind` |
 * | anything else: someone else commits under this id | error `foreign` |
 *
 * @throws {StorageError} `behind`, `foreign`
 */
export function verdict(stored: Checkpoint | null, chunk: Chunk): Verdict {
  const { checkpoint: own, previous } = chunk;
  if (sameCheckpoint(stored, previous)) return { skip: false, from: 0 };
  if (stored !== null && stored.incarnation === own.incarnation) {
    const order = compareCheckpoints(stored, own);
    if (order > 0) return { skip: true };
    if (order === 0) {
      if (stored.applied === undefined) return { skip: true };
      return { skip: false, from: stored.applied };
    }
  }
  if (isBehind(stored, previous)) {
    throw failure(
      "behind",
      chunk,
      stored,
      "the storage went back in time, or the checkpoint was removed",
    );
  }
  throw failure("foreign", chunk, stored, "someone else commits under this writer id");
}

function isBehind(stored: Checkpoint | null, previous: Checkpoint | null): boolean {
  if (previous === null) return false;
  if (stored === null) return true;
  if (stored.incarnation !== previous.incarnation) return false;
  const order = compareCheckpoints(stored, previous);
  return order < 0 || (order === 0 && stored.applied !== undefined);
}

function failure(
  code: "behind" | "foreign",
  chunk: Chunk,
  stored: Checkpoint | null,
  why: string,
): StorageError {
  return new StorageError(
    code,
    `Cannot commit ${checkpointText(chunk.checkpoint)} as writer ${
      JSON.stringify(chunk.writer)
    }: ` +
      `wanted ${checkpointText(chunk.previous)} in storage before it, ` +
      `received ${checkpointText(stored)}: ${why}`,
  );
}
