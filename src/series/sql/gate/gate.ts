/**
 * The gate: what a statement from outside must pass before DuckDB sees it. It lets through one SELECT
 * (`SHOW TABLES`, `DESCRIBE`, `SUMMARIZE` and `EXPLAIN` are such too), which reads measurements, calls
 * functions of a list and is small enough to be planned.
 *
 * It asks DuckDB for its own tree of the statement, which it gives for a SELECT only, and reads that.
 * Behind the gate the statement runs in a transaction that cannot write, on a database without access to
 * files and with a locked configuration: the gate holds what those do not, see `docs/series.md`.
 *
 * @module
 */
import type { DuckDBConnection, DuckDBPreparedStatement } from "@duckdb/node-api";
import { SqlError } from "../errors.ts";
import { parseExactly } from "./exact_json.ts";
import { checkGrowth } from "./growth.ts";
import { MAX_LENGTH } from "./limits.ts";
import { splitExplain } from "./explain.ts";
import { rewriteTree } from "./rewrite.ts";
import { type Extras, type Node, readTree } from "./tree.ts";
import type { ViewNames } from "./view_names.ts";

/** What DuckDB says of a text. */
interface Serialized {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly position?: string;
  readonly statements: readonly Node[];
}

/** A statement that passed. */
export interface Passed {
  /** What DuckDB is given. */
  readonly text: string;
  /** The measurements that it reads, as they are called in SQL. */
  readonly tables: readonly string[];
}

/** The gate of one connection. */
export class Gate {
  readonly #connection: DuckDBConnection;
  readonly #names: ViewNames;
  readonly #extras: Extras;
  #serialize: DuckDBPreparedStatement | undefined;

  constructor(connection: DuckDBConnection, names: ViewNames, extras: Extras = {}) {
    this.#connection = connection;
    this.#names = names;
    this.#extras = extras;
  }

  /** What to run for a statement. @throws {SqlError} it is not let through */
  async check(sql: string): Promise<Passed> {
    if (sql.length > MAX_LENGTH) {
      throw new SqlError(
        "54000",
        `Cannot run the statement: it has ${sql.length} characters, ${MAX_LENGTH} are allowed`,
      );
    }
    if (sql.includes("\0")) {
      throw new SqlError("42601", "Cannot run the statement: it has a NUL character", {
        position: sql.indexOf("\0"),
      });
    }
    const { explain, statement } = splitExplain(sql);
    try {
      const { text, tables } = await this.#checkSelect(statement);
      return { text: text === statement ? sql : `${explain} ${text}`, tables };
    } catch (error) {
      throw moved(error, (position) => explain.length + position);
    }
  }

  async #checkSelect(text: string): Promise<Passed> {
    const json = await this.#toJson(text);
    const tree = JSON.parse(json) as Serialized;
    if (tree.error) throw refusal(tree, text);
    if (tree.statements.length !== 1) {
      const found = tree.statements.length === 0 ? "none" : `${tree.statements.length}`;
      throw new SqlError("42601", `Cannot run the statement: wanted one, received ${found}`);
    }
    const reading = located(text, () => {
      const read = readTree(tree.statements[0], this.#extras);
      checkGrowth(tree.statements[0]); // it counts on the bounds that have been checked
      return read;
    });
    const names = [...reading.tables];
    const tables = await this.#names.find(this.#connection, names);
    const missing = tables.indexOf(undefined);
    if (missing >= 0) {
      throw new SqlError(
        "42P01",
        `Cannot read ${
          names[missing]
        }: there is no measurement of that name; SHOW TABLES lists them`,
      );
    }
    return {
      text: reading.isRewritten ? await this.#rewrite(json, text) : text,
      tables: tables as string[],
    };
  }

  /** The statement with functions of ours written in DuckDB's. What comes out is read once more. */
  async #rewrite(json: string, text: string): Promise<string> {
    const tree = parseExactly(json);
    const before = JSON.stringify(tree);
    located(text, () => rewriteTree(tree));
    const after = JSON.stringify(tree);
    if (after === before) return text;
    const rewritten = await this.#connection.runAndReadAll(
      "SELECT json_deserialize_sql($1::JSON)",
      [after],
    );
    const result = String(rewritten.getRows()[0][0]);
    const { statements } = JSON.parse(await this.#toJson(result)) as Serialized;
    if (statements.length !== 1) throw new Error(`BUG: the gate made no statement of ${text}`);
    readTree(statements[0], this.#extras);
    return result;
  }

  async #toJson(text: string): Promise<string> {
    this.#serialize ??= await this.#connection.prepare("SELECT json_serialize_sql($1::VARCHAR)");
    this.#serialize.bindVarchar(1, text);
    const result = await this.#serialize.run();
    return String((await result.getRows())[0][0]);
  }
}

function refusal({ error_type, error_message, position }: Serialized, text: string): SqlError {
  if (error_type === "not implemented" && error_message?.startsWith("Only SELECT")) {
    const hint = /\bpivot\b/i.test(text)
      ? "PIVOT needs its values, as in ON host IN ('a', 'b')"
      : "only SELECT, SHOW TABLES, DESCRIBE, SUMMARIZE and EXPLAIN are; points are written to /write";
    return new SqlError("42501", `Cannot run the statement: it is not allowed here; ${hint}`);
  }
  // Here DuckDB counts characters; in the tree, bytes.
  const place = position === undefined
    ? undefined
    : [...text].slice(0, Number(position)).join("").length;
  return new SqlError("42601", `Cannot read the statement: ${error_message}`, { position: place });
}

/** Runs what throws places in bytes of UTF-8. */
function located<T>(text: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw moved(error, (position) => {
      const bytes = new TextEncoder().encode(text).subarray(0, position);
      return new TextDecoder().decode(bytes).length;
    });
  }
}

/** The error with its place moved, if it has one. */
function moved(error: unknown, move: (position: number) => number): unknown {
  if (!(error instanceof SqlError) || error.position === undefined) return error;
  return new SqlError(error.code, error.message, { position: move(error.position) });
}
