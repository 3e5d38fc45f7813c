/**
 * The sign that a prune of a cluster leaves for writers: that one runs, or ran a while ago, and up to
 * which time. By it a writer tells a key that was pruned from one that a node has lost.
 *
 * @module
 */
import type { PruneRange, Unit } from "../storage.ts";
import type { Connection } from "./connection.ts";
import { Book } from "./keys.ts";

/** Behind the sign of a prune that runs. */
const RUNNING = "running";
/** How long the sign stays, seconds: longer than a commit takes, and than one is remembered. */
const SIGN_SECONDS = 900;

/** The signs of both units. */
export interface PruneSigns {
  /** As finishChunk gives them. */
  readonly text: string;
  /** Buckets that start before this have been pruned; -Infinity if none is known to be. */
  readonly before: Readonly<Record<Unit, number>>;
}

/** Reads the signs of a prefix. */
export async function readSigns(connection: Connection, prefix: string): Promise<PruneSigns> {
  const key = new Book(prefix).prune;
  const reply = await connection.command("read the signs of a prune", "HMGET", key, "d", "h");
  const [d, h] = (reply as (string | null)[]).map((sign) => sign ?? "");
  const beforeOf = (sign: string) => sign === "" ? -Infinity : Number(sign.split(" ")[0]);
  return { text: `${d}|${h}`, before: { d: beforeOf(d), h: beforeOf(h) } };
}

/** Whether a prune runs. */
export function isRunning(text: string): boolean {
  return text.split("|").some((sign) => sign.endsWith(RUNNING));
}

/** Runs a prune and leaves its sign. */
export async function signed<T>(
  connection: Connection,
  { prefix, unit, before }: PruneRange,
  prune: () => Promise<T>,
): Promise<T> {
  const key = new Book(prefix).prune;
  const earlier = (await readSigns(connection, prefix)).before[unit];
  const sign = `${Math.max(before, earlier)} ${crypto.randomUUID()} `;
  const set = async (value: string) => {
    await connection.command("leave the sign of a prune", "HSET", key, unit, value);
    await connection.command("leave the sign of a prune", "EXPIRE", key, SIGN_SECONDS);
  };
  await set(sign + RUNNING);
  const result = await prune();
  await set(`${sign}done`);
  return result;
}
