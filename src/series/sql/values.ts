/**
 * What an answer is made of: batches of rows, in columns, as they come from DuckDB's vectors. Typed
 * arrays are handed over from the worker without a copy.
 *
 * @module
 */

/** A column of an answer. */
export interface SqlColumn {
  /** Its name. Two columns may have the same. */
  readonly name: string;
  /** DuckDB's name of its type: `DOUBLE`, `BIGINT`, `TIMESTAMP_NS`, `DECIMAL(18,3)`, `VARCHAR[]`. */
  readonly type: string;
}

/**
 * A value, by its type:
 *
 * | type of DuckDB                                        | here                                       |
 * | ----------------------------------------------------- | ------------------------------------------ |
 * | BOOLEAN                                               | boolean                                    |
 * | TINYINT … INTEGER, UTINYINT … UINTEGER, FLOAT, DOUBLE | number                                     |
 * | BIGINT, UBIGINT, HUGEINT, UHUGEINT                    | bigint                                     |
 * | TIMESTAMP_S, _MS, TIMESTAMP (us), _NS, WITH TIME ZONE | bigint, since 1970 in the unit of the type |
 * | DATE                                                  | number, days since 1970                    |
 * | TIME                                                  | bigint, microseconds                       |
 * | INTERVAL                                              | `SqlInterval`                              |
 * | BLOB                                                  | Uint8Array                                 |
 * | LIST, ARRAY                                           | array of values                            |
 * | STRUCT, MAP                                           | array of `[name or key, value]`            |
 * | VARCHAR, DECIMAL, UUID, ENUM, BIT and any other       | string, as DuckDB prints it                |
 */
export type SqlValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | SqlInterval
  | readonly SqlValue[];

/** An interval: its parts are not converted into each other. */
export interface SqlInterval {
  /** Whole months; twelve of them are a year. */
  readonly months: number;
  /** Whole days. */
  readonly days: number;
  /** Microseconds beside them. */
  readonly micros: bigint;
}

/** The values of a column in one batch. */
export interface SqlVector {
  /** What stands at a null is no value. */
  readonly values: ArrayLike<SqlValue>;
  /** 1 where a row has null; undefined where none has. */
  readonly nulls: Uint8Array | undefined;
}

/** Some rows of an answer. */
export interface SqlBatch {
  /** How many rows, at least 1. */
  readonly length: number;
  /** One a column of the answer. */
  readonly columns: readonly SqlVector[];
}

/** The value of a row, from 0. */
export function valueAt(vector: SqlVector, row: number): SqlValue {
  return vector.nulls?.[row] === 1 ? null : vector.values[row];
}
