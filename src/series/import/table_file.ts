/**
 * A file of rows, Parquet, CSV or NDJSON, read by a second DuckDB in memory that may open this file and
 * nothing else: files come from elsewhere.
 *
 * @module
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import { quoteName, quoteText } from "../engine/duckdb/quote.ts";
import { toBatch } from "../sql/run/vectors.ts";
import type { SqlBatch } from "../sql/values.ts";
import type { FileColumn } from "./column_plan.ts";
import { ImportError } from "./errors.ts";

/** A kind of file that has rows. */
export type TableFormat = "parquet" | "csv" | "ndjson";

/** What its columns are called and hold is decided by these, which are read as they stand. */
export interface TableHints {
  readonly timestampColumn: string;
  readonly tags: readonly string[];
}

/** Types of which DuckDB may find one in a CSV; dates stay text, exactly as they are. */
const CSV_TYPES = "['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']";
/** JSON's own types; what else DuckDB finds in it is text. */
const JSON_TYPES = ["BOOLEAN", "BIGINT", "UBIGINT", "DOUBLE", "HUGEINT"];

/** See the top of this file. */
export class TableFile implements Disposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #path: string;
  readonly columns: readonly FileColumn[];

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    path: string,
    columns: readonly FileColumn[],
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#path = path;
    this.columns = columns;
  }

  /**
   * Opens a file and finds out what columns it has.
   *
   * @throws {ImportError} if it is not there, or damaged, or of another kind
   */
  static async open(path: string, format: TableFormat, hints: TableHints): Promise<TableFile> {
    if (/[*?[\]]/.test(path)) {
      throw new ImportError(
        `Cannot read ${path}: DuckDB would take its name for a pattern; rename it without *, ? and []`,
      );
    }
    const instance = await DuckDBInstance.create(":memory:");
    try {
      const connection = await instance.connect();
      for (const setting of settings(path)) await connection.run(setting);
      const source = await sourceOf(connection, path, format, hints);
      await connection.run(`CREATE VIEW source AS FROM ${source}`);
      const columns = await describe(connection, "source");
      return new TableFile(instance, connection, path, columns);
    } catch (error) {
      instance.closeSync();
      throw unreadable(path, format, error);
    }
  }

  /** All rows of a statement that asks of the view `source`. @throws {ImportError} */
  async ask(sql: string): Promise<unknown[][]> {
    try {
      return (await this.#connection.runAndReadAll(sql)).getRowsJS();
    } catch (error) {
      throw unreadable(this.#path, undefined, error);
    }
  }

  /** Rows of a statement in their order, as they are read. @throws {ImportError} */
  async *stream(sql: string): AsyncGenerator<SqlBatch> {
    try {
      const result = await this.#connection.stream(sql);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield toBatch(chunk);
      }
    } catch (error) {
      throw unreadable(this.#path, undefined, error);
    }
  }

  /**
   * Numbers the different texts of a column, so that each row has only a number: an ENUM of it. What is
   * empty is none.
   */
  async number(column: string, type: string): Promise<string[]> {
    const text = `CAST(${quoteName(column)} AS VARCHAR)`;
    await this.ask(
      `CREATE TYPE ${type} AS ENUM (SELECT DISTINCT ${text} FROM source WHERE ${text} <> '')`,
    );
    const rows = await this.ask(`SELECT unnest(enum_range(NULL::${type}))`);
    return rows.map(([value]) => value as string);
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    this.#connection.disconnectSync();
    this.#instance.closeSync();
  }
}

/** The file and no other; nothing is loaded; times without a zone are UTC. */
function settings(path: string): string[] {
  return [
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL autoinstall_known_extensions = false",
    "SET GLOBAL autoload_known_extensions = false",
    "SET GLOBAL allow_community_extensions = false",
    `SET GLOBAL allowed_paths = [${quoteText(path)}]`,
    "SET GLOBAL enable_external_access = false",
    "SET GLOBAL lock_configuration = true",
  ];
}

/** What reads the file, with the types of its columns decided once, over all of it. */
async function sourceOf(
  connection: DuckDBConnection,
  path: string,
  format: TableFormat,
  { timestampColumn, tags }: TableHints,
): Promise<string> {
  const file = quoteText(path);
  if (format === "parquet") return `read_parquet(${file})`;
  const json = `read_json(${file}, format = 'newline_delimited', `;
  const csv = `read_csv(${file}, header = true, sample_size = -1, ` +
    `auto_type_candidates = ${CSV_TYPES}`;
  const found = await describe(
    connection,
    format === "csv" ? `${csv})` : `${json}sample_size = -1)`,
  );
  const types = found.map(({ name, type }): FileColumn => {
    // As they stand: a tag is text, and a time has up to nine digits of a second.
    const isText = tags.includes(name) || (name === timestampColumn && type !== "BIGINT") ||
      (format === "ndjson" && !JSON_TYPES.includes(type));
    return { name, type: isText ? "VARCHAR" : type };
  });
  const list = types.map(({ name, type }) => `${quoteText(name)}: ${quoteText(type)}`).join(", ");
  return format === "csv" ? `${csv}, types = {${list}})` : `${json}columns = {${list}})`;
}

async function describe(connection: DuckDBConnection, source: string): Promise<FileColumn[]> {
  const rows = (await connection.runAndReadAll(`DESCRIBE FROM ${source}`)).getRowsJS();
  return rows.map(([name, type]) => ({ name: name as string, type: type as string }));
}

/** DuckDB's own words begin with the kind of error, and show the statement behind a line feed. */
function unreadable(path: string, format: TableFormat | undefined, error: unknown): Error {
  if (error instanceof ImportError) return error;
  const text = messageOf(error).split(/\n\s*\n|\nLINE \d/)[0].replaceAll(/\s+/g, " ").trim();
  if (text.startsWith("BUG:")) return error as Error;
  const what = format === undefined ? "" : ` as ${format === "ndjson" ? "NDJSON" : format}`;
  return new ImportError(
    `Cannot read ${show(path)}${what}: ${text}; it is damaged or of another kind`,
    { cause: error },
  );
}
