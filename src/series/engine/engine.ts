/**
 * What keeps points and answers questions about them, as `Series` sees it: it applies what comes from
 * the log, each unit once and whole, and says after a restart how far it is.
 *
 * `Series` calls {@linkcode Engine.apply} for one unit at a time, in order, each after the one before is
 * done. After a failure it closes the engine, opens another one and applies again what lies behind the
 * position that this one has: the numbers of series, and the names of columns, are the same again.
 *
 * @module
 */
import type { SqlSession } from "../sql/session.ts";
import type { AggregateInfo, MaintenanceEvent, MaintenancePlan } from "./maintenance.ts";
import type { Batch, FieldColumn, Tag, TagColumn } from "../points/batch.ts";

/** What is applied in one transaction. */
export interface Unit {
  /** Number of the last point in it, 1 or more; greater than that of any unit before. */
  readonly position: number;
  /** At most one per measurement. They belong to the engine afterwards. */
  readonly batches: readonly Batch[];
}

/** A measurement as an engine knows it. */
export interface MeasurementState {
  /** Its name, as it was written. */
  readonly name: string;
  /** What it is called in SQL. */
  readonly table: string;
  /** In the order in which they came. */
  readonly tags: readonly TagColumn[];
  /** In the order in which they came. */
  readonly fields: readonly FieldColumn[];
  /** The tags of each series, by its number, ascending by key. */
  readonly series: readonly (readonly Tag[])[];
}

/** What an engine holds when it is opened. */
export interface EngineState {
  /** Made at random with the database, and kept in it: a log belongs to one database. */
  readonly id: string;
  /** Number of the last point that is applied for good; 0 if there is none. Each that came counts. */
  readonly position: number;
  /** In the order in which they came. */
  readonly measurements: readonly MeasurementState[];
}

/** How an engine is opened. */
export interface EngineOptions {
  /** The folder for its files, which exists and is locked by the caller; undefined: all in memory. */
  readonly directory: string | undefined;
  /** Memory that the engine may take, in bytes. */
  readonly memoryLimitBytes?: number;
  /** Threads that it may work with. */
  readonly threads?: number;
  /**
   * Whether maintenance may move days to the cold tier: then SQL can read and write files in its folder,
   * which the gate must prevent. Days that are there already are read in any case.
   */
  readonly isTiered?: boolean;
}

/** Counters of an engine. */
export interface EngineStats {
  /** Units that were applied. */
  units: number;
  /** Rows in them. */
  rows: number;
  /** Rows that met or came behind what their series had, and took the slower way. */
  mergedRows: number;
}

/** See the top of this file. */
export interface Engine {
  /** What it held when it was opened. */
  readonly state: EngineState;
  /** Answers questions in SQL, about all that was applied. It ends with the engine. */
  readonly session: SqlSession;
  /**
   * Resolves with the reason if it dies by itself: nothing works afterwards. Never rejects, and never
   * resolves after {@linkcode close}.
   */
  readonly died: Promise<Error>;
  /**
   * Applies a unit and notes its position, in one transaction; resolves when that is on the disk. The
   * memory of its columns may be taken (`postMessage` with a transfer).
   *
   * After a rejection it is unknown whether it was applied.
   */
  apply(unit: Unit): Promise<void>;
  /**
   * Refreshes continuous aggregates, drops what is past its retention, moves old days to the cold tier.
   * Points are applied in between. Undefined where the engine does that by itself.
   *
   * @param nowMs the moment to which the plan's ages count back, unix milliseconds; default now
   * @returns what was done, and what could not be
   */
  maintain?(plan: MaintenancePlan, nowMs?: number): Promise<MaintenanceEvent[]>;
  /**
   * Runs `CREATE CONTINUOUS AGGREGATE name AS SELECT …` or `DROP CONTINUOUS AGGREGATE name`. To create one
   * that is there, with the same SELECT, does nothing. Undefined where there are none.
   */
  command?(sql: string): Promise<void>;
  /** Continuous aggregates. Undefined where there are none. */
  aggregates?(): Promise<AggregateInfo[]>;
  /** Counters since it was opened. */
  stats(): EngineStats;
  /** Ends what runs and closes the database. Closing twice is fine. */
  close(): Promise<void>;
}

/** Opens an engine, and makes its database where there is none. */
export type OpenEngine = (options: EngineOptions) => Promise<Engine>;
