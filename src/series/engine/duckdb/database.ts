/**
 * The one DuckDB instance, its settings and its connections. Everything of DuckDB that touches a file
 * begins here, in the worker.
 *
 * @module
 */
import { DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import { messageOf } from "../../../base/errors.ts";
import { EngineError } from "../errors.ts";
import { quoteText } from "./quote.ts";

/** The file of the database in an engine's directory. */
export const DATABASE_NAME = "points.duckdb";

/** How the database is opened. */
export interface DatabaseOptions {
  /** The folder with {@linkcode DATABASE_NAME}; undefined: in memory. */
  readonly directory: string | undefined;
  readonly memoryLimitBytes: number | undefined;
  readonly threads: number | undefined;
}

/** A connection, with the handle that takes whole columns. */
export interface Connection {
  readonly api: DuckDBConnection;
  readonly handle: bindings.Connection;
}

/** See the top of this file. */
export class Database {
  readonly #handle: bindings.Database;
  readonly #connections = new Set<DuckDBConnection>();

  private constructor(handle: bindings.Database) {
    this.#handle = handle;
  }

  /** Opens the database, and makes it where there is none. @throws {EngineError} */
  static async open(options: DatabaseOptions): Promise<Database> {
    const path = options.directory === undefined
      ? ":memory:"
      : `${options.directory}/${DATABASE_NAME}`;
    const config = bindings.create_config();
    if (options.threads !== undefined) {
      bindings.set_config(config, "threads", String(options.threads));
    }
    if (options.memoryLimitBytes !== undefined) {
      bindings.set_config(config, "memory_limit", `${options.memoryLimitBytes}B`);
    }
    let handle: bindings.Database;
    try {
      handle = await bindings.open(path, config);
    } catch (error) {
      throw openingError(path, error);
    }
    const database = new Database(handle);
    try {
      const { api } = await database.connect();
      for (const statement of SETTINGS) await api.run(statement);
      database.disconnect(api);
      return database;
    } catch (error) {
      database.close();
      throw openingError(path, error);
    }
  }

  /**
   * Before anybody asks: SQL reads and writes no file or address any more, but in the folders given (with a
   * slash at their end), and no setting can be changed.
   */
  async seal(openFolders: readonly string[]): Promise<void> {
    const { api } = await this.connect();
    if (openFolders.length > 0) {
      const folders = openFolders.map(quoteText).join(", ");
      await api.run(`SET GLOBAL allowed_directories = [${folders}]`);
      // Else every question would read the end of every file again.
      await api.run("SET GLOBAL parquet_metadata_cache = true");
    }
    await api.run("SET GLOBAL enable_external_access = false");
    await api.run("SET GLOBAL lock_configuration = true");
    this.disconnect(api);
  }

  /** Another connection; {@linkcode close} ends it, if {@linkcode disconnect} did not. */
  async connect(): Promise<Connection> {
    const handle = await bindings.connect(this.#handle);
    const api = new DuckDBConnection(handle);
    this.#connections.add(api);
    return { api, handle };
  }

  /** Ends a connection. */
  disconnect(api: DuckDBConnection): void {
    if (this.#connections.delete(api)) api.disconnectSync();
  }

  /** Ends what runs on any connection, with an error. */
  interrupt(): void {
    for (const api of this.#connections) api.interrupt();
  }

  /** Closes the file: an instance lives as long as a connection to it does. Nothing may run any more. */
  close(): void {
    for (const api of this.#connections) api.disconnectSync();
    this.#connections.clear();
    bindings.close_sync(this.#handle);
  }
}

/**
 * What is set at first. Times without a zone are UTC. Nothing is loaded. A checkpoint moves what the database's
 * own log holds into its file, and the commit that passes the threshold waits for it: measured with 10,000 rows
 * a commit, 16 MB wait at most 160 ms, 64 MB up to half a second, and neither is faster as a whole. A question
 * that does not fit into memory may write so much beside the database, and no more: the default is nearly all
 * of the disk.
 */
const SETTINGS = [
  "SET GLOBAL TimeZone = 'UTC'",
  "SET GLOBAL checkpoint_threshold = '16MB'",
  "SET GLOBAL max_temp_directory_size = '1GiB'",
  "SET GLOBAL autoinstall_known_extensions = false",
  "SET GLOBAL autoload_known_extensions = false",
  "SET GLOBAL allow_community_extensions = false",
];

function openingError(path: string, cause: unknown): EngineError {
  const text = messageOf(cause);
  const why = `Cannot open the database ${path}: ${text}`;
  if (/set lock|conflicting lock/i.test(text)) {
    return new EngineError("held", `${why}; close the program that has it open`, { cause });
  }
  if (isFull(text)) return new EngineError("full", `${why}; make room on the disk`, { cause });
  if (/newer version|storage version|different version/i.test(text)) {
    return new EngineError("format", `${why}; use the version that wrote it`, { cause });
  }
  if (/not a valid|corrupt|checksum|invalid|could not read|serializ|replay/i.test(text)) {
    return new EngineError(
      "damaged",
      `${why}; it is kept as it is: restore it, or move it away to begin anew`,
      { cause },
    );
  }
  return new EngineError("failed", why, { cause });
}

/** Whether an error of DuckDB says that a file cannot grow. */
export function isFull(text: string): boolean {
  return /no space left|disk full|file too large|quota exceeded|not enough space/i.test(text);
}

/** Whether nothing works after an error of DuckDB. */
export function isFatal(text: string): boolean {
  return /database has been invalidated|FATAL/i.test(text);
}

/** All rows of an answer, as values of JavaScript: BIGINT is a bigint. */
export async function rowsOf(
  api: DuckDBConnection,
  sql: string,
  values?: DuckDBValue[],
): Promise<unknown[][]> {
  return (await api.runAndReadAll(sql, values)).getRowsJS();
}
