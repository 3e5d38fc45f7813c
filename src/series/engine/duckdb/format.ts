/**
 * What a database of ours begins with, and how we know that a file is one.
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { EngineError } from "../errors.ts";
import { rowsOf } from "./database.ts";
import { quoteText } from "./quote.ts";

/** Goes up with every change of the tables or macros that an older version cannot read. */
export const FORMAT = 1;

/**
 * Functions that stand for DuckDB's own. Theirs give a TIMESTAMP WITH TIME ZONE, which DuckDB refuses to
 * compare with the TIMESTAMP_NS of `time`; ours give the same moment as a TIMESTAMP, in UTC.
 * `current_timestamp` is the second of them.
 */
const CLOCKS = ["now", "get_current_timestamp", "transaction_timestamp"];

/** What is known of a database as a whole. */
export interface StateRow {
  readonly id: string;
  readonly position: number;
}

/** Reads what a database is, and makes one of an empty one. @throws {EngineError} of a foreign one */
export async function readState(api: DuckDBConnection, place: string): Promise<StateRow> {
  const found = await rowsOf(
    api,
    `SELECT (schema_name = 'traqq' AND table_name = 'state')
     FROM duckdb_tables() WHERE NOT internal ORDER BY 1 DESC LIMIT 1`,
  );
  if (found.length === 0) return await begin(api);
  if (found[0][0] !== true) {
    throw new EngineError(
      "damaged",
      `Cannot open the database in ${place}: it is not one of traqq's; name another directory`,
    );
  }
  const [format, id, position] = (await rowsOf(api, "FROM traqq.state"))[0] ?? [];
  if (format !== FORMAT) {
    throw new EngineError(
      "format",
      `Cannot open the database in ${place}: it has format ${format}, this version knows ${FORMAT}; ` +
        "use the version that wrote it",
    );
  }
  return { id: String(id), position: Number(position) };
}

async function begin(api: DuckDBConnection): Promise<StateRow> {
  const id = crypto.randomUUID();
  await api.run("BEGIN");
  await api.run("CREATE SCHEMA traqq");
  await api.run("CREATE TABLE traqq.state (format INTEGER, id VARCHAR, position BIGINT)");
  await api.run(`INSERT INTO traqq.state VALUES (${FORMAT}, ${quoteText(id)}, 0)`);
  await api.run(
    "CREATE TABLE traqq.measurements (id INTEGER, name VARCHAR, sql_name VARCHAR, kept_from BIGINT)",
  );
  await api.run(
    "CREATE TABLE traqq.columns (measurement INTEGER, number INTEGER, name VARCHAR, sql_name VARCHAR, type VARCHAR)",
  );
  await api.run(
    `CREATE TABLE traqq.aggregates (id INTEGER, name VARCHAR, sql_name VARCHAR, query VARCHAR,
     sql VARCHAR, bucket VARCHAR, width_us BIGINT, frozen_before BIGINT)`,
  );
  await api.run(
    "CREATE TABLE traqq.cold (measurement INTEGER, day INTEGER, file VARCHAR, fields INTEGER, rows BIGINT)",
  );
  await api.run("CREATE TABLE traqq.dirty (aggregate INTEGER, bucket TIMESTAMP)");
  for (const name of CLOCKS) {
    await api.run(`CREATE MACRO main.${name}() AS current_localtimestamp()`);
  }
  await api.run("COMMIT");
  return { id, position: 0 };
}
