/**
 * What lies in a journal's directory, by name.
 *
 * ```text
 * lock                 held by the process that has the journal open
 * journal.json         whose journal this is: writer id and prefix
 * 0000000042.segment   records, in order of their numbers; the last one is being written
 * snapshot.ndjson      what a storage that dies with its process held; only with such a storage
 * *.tmp                a file that was not finished; replaced by the next attempt
 * 1, 2, …              the journals of workers, each a directory like this one; `traqq serve --workers`
 * ```
 *
 * @module
 */

/** The file that is locked while the journal is open. */
export const LOCK_NAME = "lock";
/** The file that says whose journal it is. */
export const IDENTITY_NAME = "journal.json";
/** What a storage in memory held. */
export const SNAPSHOT_NAME = "snapshot.ndjson";
/** Behind the name of a file that is being written and will be renamed. */
export const UNFINISHED = ".tmp";

const WORKER = /^[1-9]\d{0,3}$/;
const SEGMENT = /^(\d{10,16})\.segment$/;

/** The name of a segment, from its number. */
export function segmentName(number: number): string {
  return `${String(number).padStart(10, "0")}.segment`;
}

/** The number in the name of a segment; undefined for any other name. */
export function segmentNumber(name: string): number | undefined {
  const match = SEGMENT.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The directory of a worker's journal, in that of the server. */
export function workerName(worker: number): string {
  return String(worker);
}

/** Which worker's journal a directory of this name is; undefined for any other name. */
export function workerNumber(name: string): number | undefined {
  return WORKER.test(name) ? Number(name) : undefined;
}

/** Whether a file of this name belongs into a journal's directory. */
export function isOwnName(name: string): boolean {
  return [LOCK_NAME, IDENTITY_NAME, SNAPSHOT_NAME].includes(name) || name.endsWith(UNFINISHED) ||
    segmentNumber(name) !== undefined || workerNumber(name) !== undefined;
}

/** The path of a file in a directory. */
export function pathOf(directory: string, name: string): string {
  return `${directory.replace(/[/\\]+$/, "")}/${name}`;
}
