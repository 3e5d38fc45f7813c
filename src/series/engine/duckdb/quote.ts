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

/** What a point's time can be: DuckDB keeps the numbers beyond for the infinite ones. */
export const FIRST_NS = -(2n ** 63n) + 2n;
export const LAST_NS = 2n ** 63n - 2n;

/** A time of unix nanoseconds, as a TIMESTAMP_NS; one that no point can have, as the nearest that one can. */
export function quoteTime(unixNs: bigint): string {
  const possible = unixNs < FIRST_NS ? FIRST_NS : unixNs > LAST_NS ? LAST_NS : unixNs;
  return `make_timestamp_ns(${possible})`;
}

/** What DuckDB keeps the values of a field in. An absent value is NULL. */
export const SQL_TYPES: Readonly<Record<FieldType, string>> = {
  float: "DOUBLE",
  integer: "BIGINT",
  unsigned: "UBIGINT",
  string: "VARCHAR",
  boolean: "BOOLEAN",
};
