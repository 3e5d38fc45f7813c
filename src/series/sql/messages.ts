/**
 * What the two ends of a port say: `client.ts` asks, `run/serve.ts` answers beside the engine.
 *
 * @module
 */
import { SqlError, type SqlState } from "./errors.ts";
import type { SqlDescription, SqlRunOptions } from "./session.ts";
import type { SqlBatch, SqlColumn } from "./values.ts";

/** How a statement is run, without what cannot cross. */
export type RunSettings = Omit<SqlRunOptions, "signal">;

/** What the client says. An `id` is a question of its own. */
export type SqlRequest =
  | {
    readonly kind: "describe";
    readonly id: number;
    readonly sql: string;
    readonly types: readonly (string | undefined)[];
  }
  | {
    readonly kind: "run";
    readonly id: number;
    readonly sql: string;
    readonly settings: RunSettings;
  }
  /** One more batch may come. Two may from the beginning. */
  | { readonly kind: "more"; readonly id: number }
  /** Nobody reads on. */
  | { readonly kind: "stop"; readonly id: number };

/** What is answered: to `run` `started`, batches and `done`. `failed` is always the last. */
export type SqlReply =
  | { readonly kind: "described"; readonly id: number; readonly description: SqlDescription }
  | {
    readonly kind: "started";
    readonly id: number;
    readonly columns: readonly SqlColumn[];
    readonly tables: readonly string[];
  }
  | { readonly kind: "batch"; readonly id: number; readonly batch: SqlBatch }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly failure: SqlFailure };

/** A `SqlError`, whose class would not survive the way. */
export interface SqlFailure {
  readonly code: SqlState;
  readonly message: string;
  readonly position: number | undefined;
}

/** Batches that may be on their way. */
export const BATCHES_AHEAD = 2;

/** Makes it fit for the way. */
export function toFailure({ code, message, position }: SqlError): SqlFailure {
  return { code, message, position };
}

/** Makes an error of it again. */
export function fromFailure({ code, message, position }: SqlFailure): SqlError {
  return new SqlError(code, message, { position });
}
