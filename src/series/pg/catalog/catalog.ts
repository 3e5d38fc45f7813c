/**
 * What an engine runs once it is open, so that PostgreSQL's clients find the catalog they ask for.
 *
 * It lies in a database of its own, in memory, beside the one with the points: nothing of it gets to the
 * disk, and no version of it is ever found again by another.
 *
 * @module
 */
import { functionStatements, readingStatements } from "./functions.ts";
import { CATALOG_SCHEMA } from "./names.ts";
import { viewStatements } from "./views.ts";

/** Statements for DuckDB, to be run one after the other. */
export function catalogStatements(): string[] {
  return [
    `ATTACH IF NOT EXISTS ':memory:' AS ${CATALOG_SCHEMA}`,
    ...functionStatements(),
    ...viewStatements(),
    ...readingStatements(),
  ];
}
