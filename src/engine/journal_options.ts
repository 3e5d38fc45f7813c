/**
 * The options of the journal: how durable an event is once `record` has resolved.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { numbers, record, timerMs } from "./checks.ts";

/**
 * What an event survives once `record` has resolved.
 *
 * | mode          | `record` resolves when the event is … | killed process          | power failure                               |
 * | ------------- | ------------------------------------- | ----------------------- | ------------------------------------------- |
 * | `every_write` | on the disk; many share an fsync      | loses nothing           | loses nothing                               |
 * | `periodic`    | with the operating system             | loses nothing           | loses at most the last `syncIntervalMs`     |
 * | `os_default`  | with the operating system             | loses nothing           | loses at most what came since the last flush |
 * | `none`        | in memory                             | loses what is in memory | promises nothing                            |
 */
export type Durability = "every_write" | "periodic" | "os_default" | "none";

/** All modes, the most durable first. */
export const DURABILITIES: readonly Durability[] = [
  "every_write",
  "periodic",
  "os_default",
  "none",
];

/** Where the journal is, and what it promises. */
export interface JournalOptions {
  /** A directory of its own, made if there is none. One process at a time has it. */
  directory: string;
  /** What an event survives once `record` has resolved. Default `periodic`. */
  durability?: Durability;
  /** `periodic`: milliseconds between two fsyncs. Default 100. */
  syncIntervalMs?: number;
  /**
   * Milliseconds that segments are kept after storage has them: if storage goes back in time (a
   * failover, a restored file), that much is committed again. Default 600,000.
   */
  replayMs?: number;
  /**
   * Milliseconds that segments are kept at all, for `traqq journal dump`; `null`: for ever. Default:
   * no longer than `replayMs`.
   */
  retainMs?: number | null;
}

/** The same with every default filled in. */
export interface JournalSettings {
  readonly directory: string;
  readonly durability: Durability;
  readonly syncIntervalMs: number;
  readonly replayMs: number;
  readonly retainMs: number | null;
}

const DEFAULTS = { syncIntervalMs: 100, replayMs: 600_000 };

/** Checks the options of a journal. @throws {ConfigError} naming the option */
export function readJournal(value: unknown): JournalSettings {
  const { directory, durability, retainMs, ...times } = record("journal", value, [
    "directory",
    "durability",
    "syncIntervalMs",
    "replayMs",
    "retainMs",
  ]);
  if (typeof directory !== "string" || directory === "" || directory.includes("\0")) {
    throw new ConfigError(
      `Cannot use journal.directory: wanted the path of a directory, received ${show(directory)}`,
    );
  }
  const { syncIntervalMs, replayMs } = numbers("journal", times, DEFAULTS);
  timerMs("journal.syncIntervalMs", syncIntervalMs);
  return {
    directory,
    durability: readDurability("journal.durability", durability ?? "periodic"),
    syncIntervalMs,
    replayMs,
    retainMs: retainMs === null
      ? null
      : retainMs === undefined || retainMs === 0
      ? 0
      : numbers("journal", { retainMs }, { retainMs: 0 }).retainMs,
  };
}

/** A mode by its name. @throws {ConfigError} */
export function readDurability(where: string, value: unknown): Durability {
  const found = DURABILITIES.find((mode) => mode === value);
  if (found !== undefined) return found;
  throw new ConfigError(
    `Cannot use ${where}: wanted ${DURABILITIES.join(", ")}, received ${show(value)}`,
  );
}
