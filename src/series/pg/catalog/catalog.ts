/**
 * What an engine runs once it is open, so that PostgreSQL's clients find the catalog they ask for.
 *
 * @module
 */
import { functionStatements, readingStatements } from "./functions.ts";
import { CATALOG_SCHEMA } from "./names.ts";
import { viewStatements } from "./views.ts";

/**
 * Statements for DuckDB, to be run one after the other in one transaction. They replace what an older
 * version of ours has left.
 */
export function catalogStatements(): string[] {
  return [
    `CREATE SCHEMA IF NOT EXISTS ${CATALOG_SCHEMA}`,
    ...functionStatements(),
    ...viewStatements(),
    ...readingStatements(),
  ];
}
