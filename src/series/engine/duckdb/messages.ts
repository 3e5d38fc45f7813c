/**
 * What the host and the worker say to each other: calls with a number, and an answer to each.
 *
 * @module
 */
import type { FieldColumn, TagColumn } from "../../points/batch.ts";
import type { EngineOptions, EngineStats, Unit } from "../engine.ts";
import type { EngineErrorCode } from "../errors.ts";
import type { AggregateInfo, MaintenanceEvent, MaintenancePlan } from "../maintenance.ts";

/** What the host can call: what it gives and what it gets. */
export interface Calls {
  open: [options: EngineOptions, opened: Opened];
  /** A page of a measurement's series: an array per tag, null where a series has it not. */
  series: [SeriesPage, (string | null)[][]];
  apply: [unit: Unit, stats: EngineStats];
  /** CREATE or DROP CONTINUOUS AGGREGATE. */
  command: [sql: string, undefined];
  /** Continuous aggregates. */
  aggregates: [undefined, AggregateInfo[]];
  /** The next step of maintenance; with a plan the first one. Undefined at the end. */
  maintain: [MaintenanceStart | undefined, MaintenanceEvent | undefined];
  close: [undefined, undefined];
}

/** The names of calls. */
export type CallName = keyof Calls;

/** What an engine holds when it is opened, without its series, which come in pages. */
export interface Opened {
  readonly id: string;
  readonly position: number;
  readonly measurements: readonly {
    readonly name: string;
    readonly table: string;
    readonly tags: readonly TagColumn[];
    readonly fields: readonly FieldColumn[];
    readonly seriesCount: number;
  }[];
}

/** What maintenance begins with. */
export interface MaintenanceStart {
  readonly plan: MaintenancePlan;
  /** The moment to which the plan's ages count back, unix milliseconds. */
  readonly nowMs: number;
}

/** Series of a measurement, from a number on. */
export interface SeriesPage {
  readonly measurement: string;
  readonly from: number;
  readonly count: number;
}

/** The host's first message: one number that both see, 1 while the worker may be writing files. */
export interface Hello {
  readonly kind: "hello";
  readonly isWriting: Int32Array<SharedArrayBuffer>;
}

/** A call. */
export interface Call<Name extends CallName = CallName> {
  readonly kind: "call";
  readonly number: number;
  readonly name: Name;
  readonly argument: Calls[Name][0];
}

/**
 * Loads a module in the worker and gives it the port: its export `attach(store, port)` is called. What that
 * gives, if it is a function, ends what the module runs, and is awaited before the database is closed.
 */
export interface Attach {
  readonly kind: "attach";
  readonly module: string;
  readonly port: MessagePort;
}

/** What the host says. */
export type ToWorker = Hello | Call | Attach;

/** An error on its way to the host. */
export interface Failure {
  readonly code: EngineErrorCode;
  readonly message: string;
}

/** What the worker says: an answer, or that it is at its end and has closed its files. */
export type ToHost =
  | { readonly kind: "answer"; readonly number: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly number: number; readonly failure: Failure }
  | { readonly kind: "died"; readonly message: string };
