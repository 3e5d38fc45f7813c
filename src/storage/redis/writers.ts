/**
 * Who may commit: leases of writers, and the checkpoints that never expire.
 *
 * @module
 */
import type { WriterInfo } from "../storage.ts";
import { readCheckpoint } from "./checkpoints.ts";
import { Attempts, type Connection } from "./connection.ts";
import { Book } from "./keys.ts";
import { ACQUIRE_WRITER } from "./scripts/acquireWriter-1.ts";
import { RELEASE_WRITER } from "./scripts/releaseWriter-1.ts";
import { REMOVE_WRITER } from "./scripts/removeWriter-3.ts";

/** Redis takes no time to live of 0 milliseconds. */
const MIN_TTL_MS = 1;

/** Takes, or keeps, the sole right to commit as a writer. */
export async function acquireWriter(
  connection: Connection,
  prefix: string,
  writer: string,
  incarnation: string,
  ttlMs: number,
): Promise<boolean> {
  const keys = [new Book(prefix).lease(writer)];
  const args = [incarnation, `${Math.max(MIN_TTL_MS, Math.ceil(ttlMs))}`];
  return Number(await connection.script("take a writer's lease", ACQUIRE_WRITER, keys, args)) === 1;
}

/** Gives that right up, if this incarnation holds it. */
export async function releaseWriter(
  connection: Connection,
  prefix: string,
  writer: string,
  incarnation: string,
): Promise<void> {
  const keys = [new Book(prefix).lease(writer)];
  await connection.script("give up a writer's lease", RELEASE_WRITER, keys, [incarnation]);
}

/** The writers whose checkpoint never expires. */
export async function listWriters(connection: Connection, prefix: string): Promise<WriterInfo[]> {
  const book = new Book(prefix);
  const writers = await connection.command("list the writers", "SMEMBERS", book.writers);
  const infos = await Promise.all(
    (writers as string[]).map(async (writer): Promise<WriterInfo[]> => {
      const stored = await readCheckpoint(connection, prefix, writer);
      if (stored === null) return []; // removed meanwhile
      const lease = await connection.command("read a lease", "EXISTS", book.lease(writer));
      return [{ writer, checkpoint: stored.checkpoint, held: Number(lease) === 1 }];
    }),
  );
  return infos.flat();
}

/** Removes such a checkpoint, unless a live instance holds the writer. */
export async function removeWriter(
  connection: Connection,
  prefix: string,
  writer: string,
): Promise<boolean> {
  const book = new Book(prefix);
  const keys = [book.checkpoint(writer), book.lease(writer), book.writers];
  const attempts = new Attempts();
  const removed = await connection.script(
    "remove a checkpoint",
    REMOVE_WRITER,
    keys,
    [writer],
    attempts,
  );
  if (Number(removed) === 1) return true;
  // Or the answer to an attempt that was applied got lost.
  return attempts.inDoubt && await readCheckpoint(connection, prefix, writer) === null;
}
