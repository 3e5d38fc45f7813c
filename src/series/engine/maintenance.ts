/**
 * What an engine does by itself, beside taking points: it refreshes continuous aggregates, drops what is past
 * its retention, and moves old days to the cold tier.
 *
 * @module
 */

/** How long the points of a measurement are kept. */
export interface RetentionPolicy {
  /** Its name, or that of a continuous aggregate; `*`: all measurements without a policy of their own. */
  readonly measurement: string;
  /** Whole days, in UTC, that ended so long ago are dropped; milliseconds. */
  readonly keepMs: number;
}

/** What is to be done. */
export interface MaintenancePlan {
  /** How long points are kept. */
  readonly retention: readonly RetentionPolicy[];
  /** Whole days, in UTC, that ended so long ago go to the cold tier; milliseconds. Undefined: none do. */
  readonly coldAfterMs: number | undefined;
}

/** A continuous aggregate. */
export interface AggregateInfo {
  /** Its name, which is its name in SQL. */
  readonly name: string;
  /** The SQL name of the measurement that it reads. */
  readonly table: string;
  /** Its SELECT, as it was given. */
  readonly query: string;
}

/** Something that maintenance did, or could not do. */
export type MaintenanceEvent =
  /** Buckets of a continuous aggregate were computed. */
  | { readonly kind: "refreshed"; readonly measurement: string; readonly buckets: number }
  /** Points before a time, or rows of an aggregate, were dropped; the time is ISO 8601. */
  | {
    readonly kind: "dropped";
    readonly measurement: string;
    readonly rows: number;
    readonly before: string;
  }
  /** Points of a day went to a file of the cold tier. */
  | {
    readonly kind: "moved";
    readonly measurement: string;
    readonly rows: number;
    readonly day: string;
    readonly bytes: number;
  }
  /** Something went wrong, and was left as it was. */
  | { readonly kind: "failed"; readonly measurement: string; readonly message: string };
