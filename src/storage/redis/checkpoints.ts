/**
 * Checkpoints as they stand in Redis.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import { refusal } from "../cells.ts";
import { verdict } from "../checkpoint.ts";
import type { Cell, Checkpoint, Chunk, CommitReport, RefusedCell } from "../storage.ts";
import type { Connection } from "./connection.ts";
import { Book } from "./keys.ts";
import type { Arg, ChunkPlan } from "./plan.ts";

/** Checkpoints of writers without a journal go after this time, milliseconds. */
export const CHECKPOINT_TTL_MS: number = 7 * 24 * 60 * 60 * 1000;

/** A writer's checkpoint, with what only Redis keeps. */
export interface StoredCheckpoint {
  readonly checkpoint: Checkpoint;
  /** How many incarnations the chain of chunks has had up to this one. */
  readonly generation: number;
  /** The incarnation with which the chain began. */
  readonly chain: string;
  /** Cells of the chunk that were refused: lines of a number and a text. */
  readonly refused: string;
}

/** Reads the checkpoint of a writer, or null. */
export async function readCheckpoint(
  connection: Connection,
  prefix: string,
  writer: string,
): Promise<StoredCheckpoint | null> {
  const fields = ["incarnation", "flush", "part", "generation", "chain", "refused"];
  const key = new Book(prefix).checkpoint(writer);
  const reply = await connection.command("read a checkpoint", "HMGET", key, ...fields);
  const [incarnation, flush, part, generation, chain, refused] = reply as (string | null)[];
  if (incarnation === null) return null;
  const checkpoint = checkpointOf(incarnation, flush, part);
  if (checkpoint === null) {
    throw new StorageError(
      "refused",
      `Cannot read the checkpoint at ${
        JSON.stringify(key)
      } in Redis: wanted whole numbers as flush ` +
        "and part, received something else; was it written by another program?",
    );
  }
  return {
    checkpoint,
    generation: Number(generation ?? 1),
    chain: chain ?? incarnation,
    refused: refused ?? "",
  };
}

/** The keys of the bookkeeping, in the order of the scripts that move a checkpoint. */
export function bookKeys({ prefix, writer }: Chunk): string[] {
  const book = new Book(prefix);
  return [
    book.checkpoint(writer),
    book.writers,
    book.starts("d"),
    book.versions("d"),
    book.starts("h"),
    book.versions("h"),
  ];
}

/** The arguments that scripts/_checkpoint.ts names. */
export function checkpointArgs({ checkpoint, previous, durable, writer }: Chunk): Arg[] {
  return [
    checkpoint.incarnation,
    `${checkpoint.flush}`,
    `${checkpoint.part}`,
    // A checkpoint in the middle of a chunk is not ours: then the script finds that it is another.
    ...previous === null
      ? ["", "", ""]
      : [previous.incarnation, `${previous.flush}`, `${previous.part}${middleOf(previous)}`],
    durable ? "1" : "",
    `${CHECKPOINT_TTL_MS}`,
    writer,
  ];
}

/**
 * What a script's answer means for the caller.
 *
 * @throws {StorageError} `behind`, `foreign`
 */
export function reportOf(
  chunk: Chunk,
  plan: ChunkPlan,
  reply: unknown,
  retries: number,
): CommitReport {
  const [word, incarnation, flush, part, refused] = reply as string[];
  if (word === "applied") {
    return { outcome: "applied", refused: allRefused(plan, refused), retries };
  }
  const stored = checkpointOf(incarnation, flush, part);
  if (!verdict(stored, chunk).skip) {
    throw new Error(`BUG: Redis would not apply a chunk: ${JSON.stringify(reply)}`);
  }
  // What an earlier attempt reported, if its answer was lost. Of older chunks it is no longer known.
  const own = incarnation === chunk.checkpoint.incarnation &&
    stored!.flush === chunk.checkpoint.flush && stored!.part === chunk.checkpoint.part;
  return { outcome: "skipped", refused: own ? allRefused(plan, refused) : [], retries };
}

/** The cells that a script names in lines of a number and a text, and those that it was never given. */
export function allRefused({ buckets, rejected }: ChunkPlan, lines: string): RefusedCell[] {
  const cells = buckets.flatMap(({ groups }) => groups.flatMap(({ cells }) => cells));
  const refused = [...reasonsOf(lines, cells)]
    .map(([cell, why]) => ({ cell, error: refusal(cell, `Redis says: ${why}`) }));
  return [...rejected, ...refused];
}

/** What lines of a number and a text say of each cell that they name. */
export function reasonsOf(lines: string, cells: readonly Cell[]): Map<Cell, string> {
  const reasons = new Map<Cell, string>();
  for (const line of lines === "" ? [] : lines.split("\n")) {
    const space = line.indexOf(" ");
    reasons.set(cells[Number(line.slice(0, space))], line.slice(space + 1));
  }
  return reasons;
}

/** A checkpoint from what a script or a hash gives; null if it is none. */
export function checkpointOf(
  incarnation: string | null,
  flush: string | null,
  part: string | null,
): Checkpoint | null {
  if (incarnation === null || incarnation === "") return null;
  const checkpoint = { incarnation, flush: Number(flush), part: Number(part) };
  const whole = flush !== null && part !== null && Number.isSafeInteger(checkpoint.flush) &&
    Number.isSafeInteger(checkpoint.part);
  return whole ? checkpoint : null;
}

function middleOf({ applied }: Checkpoint): string {
  return applied === undefined ? "" : `+${applied}`;
}
