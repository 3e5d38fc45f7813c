/**
 * The place of a chunk in its writer's chain, as scripts take it and as it stands beside a key
 * (cluster_committer.ts says what it is).
 *
 * @module
 */
import type { Chunk } from "../storage.ts";
import { checkpointOf, type StoredCheckpoint } from "./checkpoints.ts";
import type { Position } from "./recent.ts";

/** The place of a chunk that follows on what stands as its writer's checkpoint. */
export function positionOf(chunk: Chunk, stored: StoredCheckpoint | null): Position {
  const { checkpoint } = chunk;
  if (stored === null) return { checkpoint, generation: 1, chain: checkpoint.incarnation };
  const same = stored.checkpoint.incarnation === checkpoint.incarnation;
  return { checkpoint, generation: stored.generation + (same ? 0 : 1), chain: stored.chain };
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
