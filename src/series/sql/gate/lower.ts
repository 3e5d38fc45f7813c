/**
 * Names that DuckDB takes for the same.
 *
 * @module
 */

/**
 * The name with its ASCII letters small. Not `toLowerCase`: that makes a `k` of the Kelvin sign, and a
 * CTE of such a name would pass for one of DuckDB's own tables, whose name has a `k`.
 */
export function lower(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
