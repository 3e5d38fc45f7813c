/**
 * Which names are measurements: the views in `main`.
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { lower } from "./lower.ts";

/** Remembers those that it has seen, so that most statements cost no look at the catalog. */
export class ViewNames {
  /** DuckDB's own views. A name that is one of them is never remembered: if ours goes, theirs is left. */
  #internal: ReadonlySet<string> | undefined;
  #seen: ReadonlySet<string> = new Set();

  /** Of the names, all in small letters, one that is no measurement; undefined if all are. */
  async findMissing(
    connection: DuckDBConnection,
    names: ReadonlySet<string>,
  ): Promise<string | undefined> {
    this.#internal ??= await readNames(connection, "internal");
    if (isIn(names, this.#seen) && !meet(names, this.#internal)) return undefined;
    const found = await readNames(connection, "NOT internal AND schema_name = 'main'");
    this.#seen = found;
    for (const name of names) if (!found.has(name)) return name;
    return undefined;
  }
}

/** Compared here and not by DuckDB's `lower`, which knows more than ASCII. */
async function readNames(connection: DuckDBConnection, which: string): Promise<Set<string>> {
  const rows = await connection.runAndReadAll(
    `SELECT view_name FROM duckdb_views() WHERE database_name IN (current_database(), 'system') AND ${which}`,
  );
  return new Set(rows.getRows().map(([name]) => lower(String(name))));
}

function isIn(names: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const name of names) if (!others.has(name)) return false;
  return true;
}

function meet(names: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const name of names) if (others.has(name)) return true;
  return false;
}
