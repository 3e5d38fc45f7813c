/**
 * The journals in the directory of a server: its own, and one for each worker that it has, or had. A
 * start takes over all of them, each by exactly one.
 *
 * ```text
 * DIR/journal/0000000001.segment    of a server without workers
 * DIR/journal/1, DIR/journal/2, …   of its workers
 * ```
 *
 * @module
 */
import { readConfig } from "../../engine/config.ts";
import type { JournalSettings } from "../../engine/journal_options.ts";
import { Directory } from "../../journal/directory.ts";
import {
  IDENTITY_NAME,
  pathOf,
  segmentNumber,
  workerName,
  workerNumber,
} from "../../journal/names.ts";
import type { Values } from "../flags.ts";
import { readOptions } from "../options.ts";

/** The journal that the flags of a server name, if any. */
export async function journalOf(values: Values): Promise<JournalSettings | undefined> {
  return readConfig(await readOptions(values)).journal;
}

/** The journal of a worker. */
export function workerJournal(directory: string, worker: number): string {
  return pathOf(directory, workerName(worker));
}

/** All journals in a server's directory: its own first, then those of workers by their number. */
export async function journalsIn(directory: string): Promise<string[]> {
  const names = await namesIn(directory);
  const workers = names.map(workerNumber).filter((worker) => worker !== undefined)
    .sort((a, b) => a - b).map((worker) => workerJournal(directory, worker));
  const found: string[] = [];
  for (const path of [directory, ...workers]) if (await isJournal(path)) found.push(path);
  return found;
}

/**
 * The journals that a server with so many workers does not write: somebody must bring what they hold to
 * storage.
 */
export async function leftJournals(directory: string, workers: number): Promise<string[]> {
  const own = workers === 1
    ? [directory]
    : Array.from({ length: workers }, (_, i) => workerJournal(directory, i + 1));
  return (await journalsIn(directory)).filter((path) => !own.includes(path));
}

async function isJournal(directory: string): Promise<boolean> {
  const names = await namesIn(directory);
  return names.some((name) => name === IDENTITY_NAME || segmentNumber(name) !== undefined);
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await new Directory(directory).names();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}
