/**
 * Names and texts in SQL. Whatever a name holds, it is quoted: nothing of it is ever code.
 *
 * @module
 */
import type { FieldType } from "../../points/batch.ts";

/** A name: `"na""me"`. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text: `'te''xt'`. A NUL would end the statement, so it is joined in. */
export function quoteText(text: string): string {
  return text.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`).join(" || chr(0) || ");
}

/** A time of unix nanoseconds, as a TIMESTAMP_NS. */
export function quoteTime(unixNs: bigint): string {
  return `make_timestamp_ns(${unixNs})`;
}

/** What DuckDB keeps the values of a field in. An absent value is NULL. */
export const SQL_TYPES: Readonly<Record<FieldType, string>> = {
  float: "DOUBLE",
  integer: "BIGINT",
  unsigned: "UBIGINT",
  string: "VARCHAR",
  boolean: "BOOLEAN",
};
