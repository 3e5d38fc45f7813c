/**
 * How each column of a file is read: as the time, as a tag, or as a field of which type. What is exact in
 * the file stays exact, or becomes text.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { quoteName } from "../engine/duckdb/quote.ts";
import type { FieldType } from "../points/batch.ts";
import { MAX_TIME_NS, MIN_TIME_NS, UNIT_NS } from "../points/numbers.ts";
import { ImportError } from "./errors.ts";

/** What whole numbers count in that are times. */
export type TimeUnit = "ns" | "us" | "ms" | "s";

/** A column of a file. */
export interface FileColumn {
  readonly name: string;
  /** DuckDB's name of its type. */
  readonly type: string;
}

/** A column that is read as a field. */
export interface FieldPlan {
  readonly name: string;
  readonly type: FieldType;
  /** What DuckDB computes: DOUBLE, BIGINT, UBIGINT, VARCHAR, or UTINYINT for booleans. */
  readonly sql: string;
  /** Counts the values that no point can have, such as NaN. */
  readonly lost?: string;
}

/** How the time is read. */
export interface TimePlan {
  /** Unix nanoseconds as BIGINT; NULL where there is no time that a point can have. */
  readonly sql: string;
  /** Whole numbers that are taken for nanoseconds because nothing else was said. */
  readonly isGuess: boolean;
}

const WHOLE = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"];
/** Digits that every DOUBLE keeps. */
const DOUBLE_DIGITS = 15;

/** How a column is read as a field. */
export function planField({ name, type }: FileColumn): FieldPlan {
  const column = quoteName(name);
  const text = `CAST(${column} AS VARCHAR)`;
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (type === "BOOLEAN") return { name, type: "boolean", sql: `CAST(${column} AS UTINYINT)` };
  if (WHOLE.includes(type)) return { name, type: "integer", sql: `CAST(${column} AS BIGINT)` };
  if (type === "UBIGINT") return { name, type: "unsigned", sql: column };
  if (type === "DOUBLE" || type === "FLOAT") {
    const sql = `CASE WHEN isfinite(${column}) THEN CAST(${column} AS DOUBLE) END`;
    return { name, type: "float", sql, lost: `NOT isfinite(${column})` };
  }
  if (decimal !== null && Number(decimal[1]) <= DOUBLE_DIGITS) {
    return { name, type: "float", sql: `CAST(${column} AS DOUBLE)` };
  }
  if (type === "BLOB") return { name, type: "string", sql: `base64(${column})` };
  return { name, type: "string", sql: /[\[(]/.test(type) && !decimal ? json(column) : text };
}

/**
 * How the column with the time is read.
 *
 * @throws {ImportError} if it holds no times
 */
export function planTime({ name, type }: FileColumn, unit: TimeUnit | undefined): TimePlan {
  const column = quoteName(name);
  const between = (sql: string) =>
    `CASE WHEN ${sql} BETWEEN ${MIN_TIME_NS} AND ${MAX_TIME_NS} ` +
    `THEN ${sql} END`;
  const moment = (sql: string): TimePlan => ({
    sql: scaled(`epoch_us(${sql})`, "us"),
    isGuess: false,
  });
  switch (type) {
    case "TIMESTAMP_NS":
      return { sql: between(`epoch_ns(${column})`), isGuess: false };
    case "TIMESTAMP":
    case "TIMESTAMP WITH TIME ZONE":
      return moment(column);
    case "TIMESTAMP_S":
    case "TIMESTAMP_MS":
    case "DATE":
      return moment(`TRY_CAST(${column} AS TIMESTAMP)`);
    case "BIGINT":
      return { sql: scaled(column, unit ?? "ns"), isGuess: unit === undefined };
    case "VARCHAR":
      return { sql: between(`epoch_ns(TRY_CAST(${column} AS TIMESTAMP_NS))`), isGuess: false };
  }
  if ((WHOLE.includes(type) || type === "UBIGINT") && unit !== undefined) {
    return { sql: scaled(`TRY_CAST(${column} AS BIGINT)`, unit), isGuess: false };
  }
  throw new ImportError(
    `Cannot read times from the column ${
      show(name)
    }: it is ${type}, and wanted is a timestamp, a date, ` +
      "or a BIGINT; name another one by --timestamp-column, or say by --time-unit what its numbers count in",
  );
}

function scaled(sql: string, unit: TimeUnit): string {
  const factor = UNIT_NS[unit];
  const [least, most] = [MIN_TIME_NS / factor, MAX_TIME_NS / factor];
  return `CASE WHEN ${sql} BETWEEN ${least} AND ${most} THEN ${sql} * ${factor} END`;
}

function json(column: string): string {
  return `CAST(to_json(${column}) AS VARCHAR)`;
}
