/**
 * The options of `Series`, checked, with every default filled in.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { type Durability, readDurability } from "../engine/journal_options.ts";
import type { OpenEngine } from "./engine/engine.ts";
import type { MaintenanceEvent, MaintenancePlan, RetentionPolicy } from "./engine/maintenance.ts";
import { type Limits, readLimits } from "./points/limits.ts";

/**
 * Where points are kept, and what is promised of them.
 *
 * | `durability`  | `write` resolves when the points are … | killed process | power failure                          |
 * | ------------- | -------------------------------------- | -------------- | -------------------------------------- |
 * | `every_write` | on the disk; many share an fsync       | loses nothing  | loses nothing                          |
 * | `periodic`    | with the operating system              | loses nothing  | loses at most the last `syncIntervalMs` |
 * | `os_default`  | with the operating system              | loses nothing  | loses what the database has not yet    |
 * | `none`        | in memory, where they stay             | loses all      | loses all                              |
 */
export interface SeriesOptions {
  /** A directory of its own, made if there is none; one process at a time has it. Not with `none`. */
  directory?: string;
  /** What points survive once `write` has resolved. Default `periodic`. */
  durability?: Durability;
  /** `periodic`: milliseconds between two fsyncs. Default 100. */
  syncIntervalMs?: number;
  /**
   * Milliseconds that the log is kept after the database has what is in it; `null`: for ever. Default 0.
   */
  retainLogMs?: number | null;
  /** Milliseconds that points wait for others before they go to the database together. Default 100. */
  applyIntervalMs?: number;
  /** Bytes of points that may wait for the database; beyond, `write` waits. Default 64 MiB. */
  maxWaitingBytes?: number;
  /** Memory that the database may take, in bytes. Default is the engine's. */
  memoryLimitBytes?: number;
  /** Threads of the database. Default is the engine's. */
  threads?: number;
  /** How long points are kept; default for ever. One policy per measurement, `*` for all others. */
  retention?: readonly RetentionPolicy[];
  /**
   * Whole days, in UTC, that ended so many milliseconds ago go to Parquet files in `cold` in the directory,
   * where SQL reads them as before. Default: none do.
   */
  coldAfterMs?: number;
  /** Continuous aggregates that there must be: the name and the SELECT. Others may be made by `command`. */
  aggregates?: Readonly<Record<string, string>>;
  /** Milliseconds between two runs of maintenance, which does those three. Default 600,000. */
  maintenanceIntervalMs?: number;
  /** Told of what maintenance did, and could not do. */
  onMaintenance?: (event: MaintenanceEvent) => void;
  /** How much one may write. */
  limits?: Partial<Limits>;
  /** Told of what goes wrong beside the calls: a database that was opened again, a damaged log. */
  onError?: (error: Error) => void;
  /** Opens the engine. Default DuckDB, in a worker. */
  openEngine?: OpenEngine;
}

/** The same with every default filled in. */
export interface SeriesSettings {
  readonly directory: string | undefined;
  readonly durability: Durability;
  readonly syncIntervalMs: number;
  readonly retainLogMs: number | null;
  readonly applyIntervalMs: number;
  readonly maxWaitingBytes: number;
  readonly memoryLimitBytes: number | undefined;
  readonly threads: number | undefined;
  readonly plan: MaintenancePlan;
  readonly aggregates: readonly { readonly name: string; readonly query: string }[];
  readonly maintenanceIntervalMs: number;
  readonly limits: Limits;
}

const NAMES: readonly string[] = [
  "directory",
  "durability",
  "syncIntervalMs",
  "retainLogMs",
  "applyIntervalMs",
  "maxWaitingBytes",
  "memoryLimitBytes",
  "threads",
  "retention",
  "coldAfterMs",
  "aggregates",
  "maintenanceIntervalMs",
  "onMaintenance",
  "limits",
  "onError",
  "openEngine",
];

/** Checks the options. @throws {ConfigError} naming the option */
export function readSeriesOptions(options: SeriesOptions): SeriesSettings {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(`Cannot use series.${unknown}: wanted one of ${NAMES.join(", ")}`);
  }
  const { directory, retainLogMs = 0, memoryLimitBytes, threads } = options;
  const durability = readDurability("series.durability", options.durability ?? "periodic");
  const isPath = typeof directory === "string" && directory !== "" && !directory.includes("\0");
  if (durability === "none" ? directory !== undefined : !isPath) {
    throw new ConfigError(
      `Cannot use series.directory: wanted ${
        durability === "none"
          ? "none, as with the durability none all is in memory"
          : "the path of a directory"
      }, received ${show(directory)}`,
    );
  }
  const { retention = [], coldAfterMs, aggregates = {} } = options;
  if (coldAfterMs !== undefined && directory === undefined) {
    throw new ConfigError(
      "Cannot use series.coldAfterMs: with the durability none there are no files; leave it out",
    );
  }
  return {
    directory,
    durability,
    plan: {
      retention: retention.map(readPolicy),
      coldAfterMs: coldAfterMs === undefined ? undefined : whole("coldAfterMs", coldAfterMs, 0),
    },
    aggregates: Object.entries(aggregates).map(([name, query]) => ({ name, query })),
    maintenanceIntervalMs: whole(
      "maintenanceIntervalMs",
      options.maintenanceIntervalMs ?? 600_000,
      1,
      2 ** 31 - 1,
    ),
    syncIntervalMs: whole("syncIntervalMs", options.syncIntervalMs ?? 100, 1, 2 ** 31 - 1),
    retainLogMs: retainLogMs === null ? null : whole("retainLogMs", retainLogMs, 0),
    applyIntervalMs: whole("applyIntervalMs", options.applyIntervalMs ?? 100, 0, 2 ** 31 - 1),
    maxWaitingBytes: whole("maxWaitingBytes", options.maxWaitingBytes ?? 64 << 20, 1),
    memoryLimitBytes: memoryLimitBytes === undefined
      ? undefined
      : whole("memoryLimitBytes", memoryLimitBytes, 1),
    threads: threads === undefined ? undefined : whole("threads", threads, 1),
    limits: readLimits(options.limits),
  };
}

function readPolicy(policy: RetentionPolicy, at: number, all: readonly RetentionPolicy[]) {
  const { measurement, keepMs } = policy;
  if (typeof measurement !== "string" || measurement === "") {
    throw new ConfigError(
      `Cannot use series.retention[${at}].measurement: wanted a name or *, received ${
        show(measurement)
      }`,
    );
  }
  if (all.findIndex((other) => other.measurement === measurement) !== at) {
    throw new ConfigError(
      `Cannot use series.retention[${at}]: ${measurement} has a policy already; leave one out`,
    );
  }
  return { measurement, keepMs: whole(`retention[${at}].keepMs`, keepMs, 1) };
}

function whole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new ConfigError(
    `Cannot use series.${name}: wanted a whole number from ${least} to ${most}, received ${
      show(value)
    }`,
  );
}
