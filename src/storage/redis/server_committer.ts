/**
 * Commits to one server: a chunk is one script, its checkpoint in it.
 *
 * @module
 */
import type { Chunk, CommitReport } from "../storage.ts";
import { bookKeys, checkpointArgs, reportOf } from "./checkpoints.ts";
import { Attempts, type Connection } from "./connection.ts";
import { Book } from "./keys.ts";
import { type Arg, type ChunkPlan, growthOf, pairsOf, planOf } from "./plan.ts";
import { COMMIT_CHUNK } from "./scripts/commitChunk-7n.ts";

/** Applies a chunk once. */
export async function commitToServer(
  connection: Connection,
  chunk: Chunk,
): Promise<CommitReport> {
  const plan = planOf(chunk.prefix, chunk.cells);
  const attempts = new Attempts();
  const reply = await connection.script(
    "commit",
    COMMIT_CHUNK,
    keysOf(chunk, plan),
    [...checkpointArgs(chunk), ...cellArgs(plan)],
    attempts,
  );
  // A repeated attempt says "skip" where only the answer to an earlier one was lost.
  const report = reportOf(chunk, plan, reply, attempts.retries);
  return attempts.inDoubt && report.outcome === "skipped" && isOwn(reply, chunk)
    ? { ...report, outcome: "applied" }
    : report;
}

function keysOf(chunk: Chunk, { buckets }: ChunkPlan): string[] {
  const keys = [...bookKeys(chunk), new Book(chunk.prefix).scratch];
  for (const { known, groups } of buckets) keys.push(known, ...groups.map(({ key }) => key));
  return keys;
}

function cellArgs({ buckets }: ChunkPlan): Arg[] {
  const args: Arg[] = [`${buckets.length}`];
  for (const { unit, start, groups } of buckets) {
    args.push(unit, `${start}`, `${groups.length}`);
    for (const group of groups) {
      args.push(group.kind, `${group.cells.length}`, growthOf(group), ...pairsOf(group));
    }
  }
  return args;
}

function isOwn(reply: unknown, { checkpoint }: Chunk): boolean {
  const [, incarnation, flush, part] = reply as string[];
  return incarnation === checkpoint.incarnation && Number(flush) === checkpoint.flush &&
    Number(part) === checkpoint.part;
}
