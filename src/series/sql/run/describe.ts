/**
 * What a prepared statement needs and gives.
 *
 * @module
 */
import {
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  DuckDBTypeId,
} from "@duckdb/node-api";
import type { SqlDescription } from "../session.ts";
import type { SqlColumn } from "../values.ts";
import { readTypeName } from "./parameters.ts";

/** Types that say nothing. */
const UNKNOWN = new Set([DuckDBTypeId.INVALID, DuckDBTypeId.ANY, DuckDBTypeId.SQLNULL]);

/**
 * Where DuckDB knows the type of a parameter only when a value is there (`SELECT $1`), some value of the
 * type that was said is bound, or of VARCHAR, as PostgreSQL takes what has no type for text.
 */
export async function describePrepared(
  connection: DuckDBConnection,
  prepared: DuckDBPreparedStatement,
  types: readonly (string | undefined)[],
): Promise<SqlDescription> {
  const parameters: string[] = [];
  for (let i = 0; i < prepared.parameterCount; i++) {
    const said = types[i];
    const isUnknown = UNKNOWN.has(prepared.parameterTypeId(i + 1));
    const known = isUnknown ? "VARCHAR" : String(prepared.parameterType(i + 1));
    parameters.push(said === undefined ? known : readTypeName(said));
  }
  let columns = columnsOf(prepared);
  if (columns.length === 0 || columns.some(({ type }) => type === "")) {
    for (const [i, type] of parameters.entries()) {
      const result = await connection.run(`SELECT ${someValue(type)}`);
      prepared.bindValue(i + 1, (await result.getRows())[0][0], result.columnType(0));
    }
    const result = await prepared.stream();
    columns = result.columnNames().map((name, i) => ({
      name,
      type: String(result.columnType(i)),
    }));
  }
  return { parameters, columns, kind: "rows" };
}

function columnsOf(prepared: DuckDBPreparedStatement): SqlColumn[] {
  const columns: SqlColumn[] = [];
  for (let i = 0; i < prepared.columnCount; i++) {
    const isUnknown = UNKNOWN.has(prepared.columnTypeId(i));
    const type = isUnknown ? "" : String(prepared.columnType(i));
    columns.push({ name: prepared.columnName(i), type });
  }
  return columns;
}

/** An expression for any value of the type: a null has none when it is bound. */
function someValue(type: string): string {
  const texts = ["0", "1970-01-01", "00:00:00", "[]", "00000000-0000-0000-0000-000000000000"];
  return `coalesce(${texts.map((text) => `TRY_CAST('${text}' AS ${type})`).join(", ")})`;
}
