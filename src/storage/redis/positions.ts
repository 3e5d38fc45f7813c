/**
 * The place of a chunk in its writer's chain, as scripts take it and as it stands beside a key
 * (cluster_committer.ts says what it is).
 *
 * @module
 */
import { sameCheckpoint } from "../checkpoint.ts";
import type { Checkpoint, Chunk } from "../storage.ts";
import { checkpointOf, type StoredCheckpoint } from "./checkpoints.ts";
import type { Mark, Position } from "./recent.ts";

/** The place of a chunk that follows on what stands as its writer's checkpoint. */
export function positionOf(chunk: Chunk, stored: StoredCheckpoint | null): Position {
  const { checkpoint } = chunk;
  if (stored === null) return { checkpoint, generation: 1, chain: checkpoint.incarnation };
  const same = stored.checkpoint.incarnation === checkpoint.incarnation;
  return { checkpoint, generation: stored.generation + (same ? 0 : 1), chain: stored.chain };
}

/**
 * The places of chunks that are in storage: those up to what stands as the writer's checkpoint, as far
 * back as each follows on the one before it. Beyond that it is not known how many incarnations there
 * were.
 *
 * @param chunks of one writer, in order
 */
export function marksUpTo<T extends Pick<Chunk, "checkpoint" | "previous">>(
  stored: StoredCheckpoint,
  chunks: readonly T[],
): { mark: Mark; chunk: T }[] {
  const marks: { mark: Mark; chunk: T }[] = [];
  let position = stored;
  for (const chunk of chunks.toReversed()) {
    const { checkpoint, previous } = chunk;
    if (!sameCheckpoint(checkpoint, position.checkpoint)) {
      if (marks.length === 0) continue; // behind what stands there
      break;
    }
    const before = previous === null ? null : beforeOf(position, previous);
    const { generation, chain } = position;
    marks.push({ mark: { checkpoint, generation, chain, previous: before }, chunk });
    if (before === null) break;
    position = before;
  }
  return marks.reverse();
}

function beforeOf({ checkpoint, generation, chain }: Position, previous: Checkpoint) {
  const same = previous.incarnation === checkpoint.incarnation;
  return { checkpoint: previous, generation: generation - (same ? 0 : 1), chain, refused: "" };
}

/** Reads a position from the words of a script or a hash; null if there is none. */
export function positionFrom(words: readonly (string | null)[]): Position | null {
  const [incarnation, flush, part, generation, chain] = words;
  const checkpoint = checkpointOf(incarnation, flush, part);
  if (checkpoint === null) return null;
  return { checkpoint, generation: Number(generation), chain: chain ?? "" };
}

/** A position as scripts take it; empty words for none. */
export function positionArgs(position: Position | null): string[] {
  if (position === null) return ["", "", "", "", ""];
  const { checkpoint: { incarnation, flush, part }, generation, chain } = position;
  return [incarnation, `${flush}`, `${part}`, `${generation}`, chain];
}
