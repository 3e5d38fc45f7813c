/**
 * Questions in SQL: what HTTP, the PostgreSQL wire, TypeScript and the command line ask through.
 * Every statement goes through the gate; it reads the views of measurements and nothing else.
 *
 * @module
 */
import type { SqlBatch, SqlColumn, SqlInterval } from "./values.ts";

/** What can be bound to `$1`, `?` or `$name`. A `Date` is a TIMESTAMP. */
export type SqlParameter =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | SqlInterval;

/** What a statement is, before it is run. */
export interface SqlDescription {
  /** DuckDB's names of the types of `$1`, `$2` …; `VARCHAR` where nothing says more. */
  readonly parameters: readonly string[];
  /** What a row has. */
  readonly columns: readonly SqlColumn[];
  /** `command`: it gives no rows. The gate lets none through today. */
  readonly kind: "rows" | "command";
}

/** How a statement is run. */
export interface SqlRunOptions {
  /** Values of `$1`, `$2` … */
  readonly parameters?: readonly SqlParameter[];
  /**
   * DuckDB's names of their types, where known: a string is then read as that type, as PostgreSQL's
   * clients send them. Where it is undefined a value has the type of its own.
   */
  readonly parameterTypes?: readonly (string | undefined)[];
  /** Ends the statement. */
  readonly signal?: AbortSignal;
  /** More rows are an error; default 1,000,000. */
  readonly maxRows?: number;
  /** More bytes of values are an error; default 256 MiB. */
  readonly maxBytes?: number;
  /** A statement that keeps the engine longer is ended; default 30,000. Time of a slow reader is none. */
  readonly timeoutMs?: number;
  /** A reader that takes no rows for so long loses them; default 60,000. */
  readonly idleMs?: number;
}

/** An answer, while it comes. Whoever stops reading `rows` early ends the statement by that. */
export interface SqlResult {
  /** What a row has. */
  readonly columns: readonly SqlColumn[];
  /** The measurements that it reads, as they are called in SQL. */
  readonly tables: readonly string[];
  /** Its rows; can be read once. The worker is at most two batches ahead of the reader. */
  readonly rows: AsyncIterable<SqlBatch>;
}

/** Answers questions; any number at once, of which some wait. */
export interface SqlSession {
  /**
   * What a statement needs and gives, without running it.
   *
   * @throws {SqlError}
   */
  describe(
    sql: string,
    parameterTypes?: readonly (string | undefined)[],
  ): Promise<SqlDescription>;
  /**
   * Runs one statement. Resolves when the first rows are there, or it is known that there are none.
   *
   * @throws {SqlError} now or while `rows` is read
   */
  run(sql: string, options?: SqlRunOptions): Promise<SqlResult>;
}
