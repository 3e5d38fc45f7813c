/**
 * A session on a real DuckDB with a real file, set up as the engine does it, with two measurements: `cpu`
 * (two hosts, ten points each, a second apart) and `http req`, whose names need quotes.
 */
import { DuckDBInstance } from "@duckdb/node-api";
import { SqlClient } from "../../../src/series/sql/client.ts";
import type { Database } from "../../../src/series/sql/run/connections.ts";
import { serveSql, type ServeSqlOptions } from "../../../src/series/sql/run/serve.ts";
import type { SqlRunOptions } from "../../../src/series/sql/session.ts";
import type { SqlColumn, SqlValue } from "../../../src/series/sql/values.ts";
import { valueAt } from "../../../src/series/sql/values.ts";

/** Unix nanoseconds of the first point of `cpu`: 2024-01-01. */
export const START_NS = 1_704_067_200_000_000_000n;

const SETTINGS = [
  "SET TimeZone = 'UTC'",
  "SET autoinstall_known_extensions = false",
  "SET autoload_known_extensions = false",
  "SET allow_community_extensions = false",
  "SET enable_external_access = false",
  "SET lock_configuration = true",
];

const TABLES = [
  "CREATE SCHEMA points",
  `CREATE TABLE points.cpu_points (time TIMESTAMP_NS, series UINTEGER, usage DOUBLE, idle DOUBLE,
     n BIGINT, big UBIGINT, ok BOOLEAN, note VARCHAR)`,
  "CREATE TABLE points.cpu_series (id UINTEGER, host VARCHAR, region VARCHAR)",
  "INSERT INTO points.cpu_series VALUES (0, 'server01', 'us-west'), (1, 'server02', NULL)",
  `INSERT INTO points.cpu_points
     SELECT make_timestamp_ns(${START_NS} + (i // 2) * 1000000000), i % 2, i * 0.5, 100 - i * 0.5,
       9007199254740993 + i, 18446744073709551615 - i::UBIGINT, i % 3 = 0,
       CASE WHEN i % 4 = 0 THEN 'note ' || i END
     FROM range(20) t(i)`,
  `CREATE VIEW main.cpu AS SELECT p.time, s.host, s.region, p.usage, p.idle, p.n, p.big, p.ok, p.note
     FROM points.cpu_points p JOIN points.cpu_series s ON s.id = p.series`,
  `CREATE TABLE points.http_points (time TIMESTAMP_NS, series UINTEGER, "took ms" DOUBLE)`,
  "INSERT INTO points.http_points VALUES ('2024-01-01 00:00:00.000000001', 0, 1.5)",
  `CREATE VIEW main."http req" AS SELECT time, "took ms" FROM points.http_points`,
];

/** What a test asks through. */
export interface Asking extends AsyncDisposable {
  readonly session: SqlClient;
  readonly instance: DuckDBInstance;
  /** The folder with the database, and nothing else. */
  readonly directory: string;
  /** All rows of a statement. */
  ask(sql: string, options?: SqlRunOptions): Promise<Answer>;
}

/** A whole answer. */
export interface Answer {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/** How it is opened. */
export interface AskingOptions extends ServeSqlOptions {
  /** Run before the configuration is locked. */
  readonly settings?: readonly string[];
}

/** Opens one; it is gone with its scope. */
export async function openAsking(options: AskingOptions = {}): Promise<Asking> {
  const directory = await Deno.makeTempDir({ prefix: "traqq-sql-" });
  const instance = await DuckDBInstance.create(`${directory}/series.duckdb`);
  const admin = await instance.connect();
  for (const statement of [...TABLES, ...(options.settings ?? []), ...SETTINGS]) {
    await admin.run(statement);
  }
  admin.closeSync();
  const { port1, port2 } = new MessageChannel();
  const server = serveSql(databaseOf(instance), port1, options);
  const session = new SqlClient(port2);
  return {
    session,
    instance,
    directory,
    ask: (sql, runOptions) => readAll(session, sql, runOptions),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      session.end("the test is over");
      instance.closeSync();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function databaseOf(instance: DuckDBInstance): Database {
  return { connect: () => instance.connect(), disconnect: (one) => one.disconnectSync() };
}

/** A row as JSON, with what JSON has not: bigints end in n, bytes are a list. */
export function showRow(row: readonly SqlValue[]): string {
  return JSON.stringify(row, (_, value) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof Uint8Array) return [...value];
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  });
}

async function readAll(session: SqlClient, sql: string, options?: SqlRunOptions): Promise<Answer> {
  const { columns, rows } = await session.run(sql, options);
  const all: SqlValue[][] = [];
  for await (const batch of rows) {
    for (let row = 0; row < batch.length; row++) {
      all.push(batch.columns.map((column) => valueAt(column, row)));
    }
  }
  return { columns, rows: all };
}
