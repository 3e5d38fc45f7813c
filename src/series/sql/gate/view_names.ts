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
  #internal: ReadonlyMap<string, string> | undefined;
  #seen: ReadonlyMap<string, string> = new Map();

  /**
   * Of names in small letters, what they are called in the catalog; undefined where there is none.
   */
  async find(
    connection: DuckDBConnection,
    names: readonly string[],
  ): Promise<(string | undefined)[]> {
    const internal = this.#internal ??= await readNames(connection, "internal");
    const isKnown = names.every((name) => this.#seen.has(name) && !internal.has(name));
    if (!isKnown) this.#seen = await readNames(connection, OURS);
    return names.map((name) => this.#seen.get(name));
  }
}

const OURS = "NOT internal AND schema_name = 'main' AND database_name = current_database()";

/** Compared here and not by DuckDB's `lower`, which knows more than ASCII. */
async function readNames(
  connection: DuckDBConnection,
  which: string,
): Promise<Map<string, string>> {
  const rows = await connection.runAndReadAll(
    `SELECT view_name FROM duckdb_views() WHERE ${which}`,
  );
  return new Map(rows.getRows().map(([name]) => [lower(String(name)), String(name)]));
}
