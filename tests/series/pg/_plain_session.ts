/**
 * A session on a DuckDB of its own in this process, with no gate: for tests of the wire, which should not
 * depend on how points get into an engine.
 *
 * @module
 */
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBValue,
  StatementType,
} from "@duckdb/node-api";
import { catalogStatements } from "../../../src/series/pg/catalog/catalog.ts";
import { SqlError, type SqlState } from "../../../src/series/sql/errors.ts";
import type {
  SqlDescription,
  SqlParameter,
  SqlResult,
  SqlRunOptions,
  SqlSession,
} from "../../../src/series/sql/session.ts";
import type { SqlBatch, SqlInterval, SqlValue } from "../../../src/series/sql/values.ts";

/** See the top of this file. */
export class PlainSession implements SqlSession, AsyncDisposable {
  readonly #instance: DuckDBInstance;
  /** Statements that were run. */
  readonly asked: string[] = [];
  /** Statements that run now. */
  running = 0;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  /** @param setup statements that make tables */
  static async open(...setup: string[]): Promise<PlainSession> {
    const session = new PlainSession(await DuckDBInstance.create(":memory:"));
    const connection = await session.#instance.connect();
    for (const sql of [...catalogStatements(), ...setup]) await connection.run(sql);
    connection.closeSync();
    return session;
  }

  async describe(
    sql: string,
    types: readonly (string | undefined)[] = [],
  ): Promise<SqlDescription> {
    return await this.#with(async (connection) => {
      const statement = await connection.prepare(typed(sql, types));
      const parameters = Array.from({ length: statement.parameterCount }, (_, i) => {
        const name = String(statement.parameterType(i + 1));
        return name === "ANY" ? "VARCHAR" : name;
      });
      const names = Array.from({ length: statement.columnCount }, (_, i) => i);
      return {
        parameters,
        columns: names.map((i) => ({
          name: statement.columnName(i),
          type: String(statement.columnType(i)),
        })),
        kind: statement.statementType === StatementType.SELECT ? "rows" : "command",
      };
    });
  }

  async run(sql: string, options: SqlRunOptions = {}): Promise<SqlResult> {
    const { parameters = [], parameterTypes = [], signal, timeoutMs } = options;
    this.asked.push(sql);
    const connection = await this.#instance.connect();
    const stop = () => connection.interrupt();
    signal?.addEventListener("abort", stop);
    const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs);
    const close = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      connection.closeSync();
    };
    try {
      const statement = await connection.prepare(typed(sql, parameterTypes));
      for (const [i, value] of parameters.entries()) bind(statement, i + 1, value);
      const result = await statement.stream();
      const columns = result.columnNames().map((name, i) => ({
        name,
        type: String(result.columnType(i)),
      }));
      // deno-lint-ignore no-this-alias
      const session = this;
      session.running++;
      async function* rows(): AsyncGenerator<SqlBatch> {
        try {
          for (;;) {
            signal?.throwIfAborted();
            const chunk = await result.fetchChunk();
            if (chunk === null || chunk.rowCount === 0) return;
            yield {
              length: chunk.rowCount,
              columns: chunk.getColumns().map((column) => ({
                values: column.map((value) => value === null ? 0 : valueOf(value)),
                nulls: Uint8Array.from(column, (value) => value === null ? 1 : 0),
              })),
            };
          }
        } catch (error) {
          throw sqlError(error);
        } finally {
          session.running--;
          close();
        }
      }
      return { columns, rows: rows() };
    } catch (error) {
      close();
      throw sqlError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this.#instance.closeSync();
  }

  async #with<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#instance.connect();
    try {
      return await work(connection);
    } catch (error) {
      throw sqlError(error);
    } finally {
      connection.closeSync();
    }
  }
}

/** A string is read as the type that is given: the parameter is cast. */
function typed(sql: string, types: readonly (string | undefined)[]): string {
  return sql.replace(/\$(\d+)(?!::)/g, (parameter, number) => {
    const type = types[Number(number) - 1];
    return type === undefined ? parameter : `${parameter}::${type}`;
  });
}

function bind(statement: DuckDBPreparedStatement, i: number, value: SqlParameter): void {
  if (value === null) statement.bindNull(i);
  else if (typeof value === "string") statement.bindVarchar(i, value);
  else if (typeof value === "boolean") statement.bindBoolean(i, value);
  else if (typeof value === "number") statement.bindDouble(i, value);
  else if (typeof value === "bigint") statement.bindBigInt(i, value);
  else if (value instanceof Uint8Array) statement.bindVarchar(i, new TextDecoder().decode(value));
  else if (!(value instanceof Date)) {
    const { months, days, micros } = value as SqlInterval;
    statement.bindVarchar(i, `${months} months ${days} days ${micros} us`);
  }
}

/** DuckDB's objects as {@linkcode SqlValue} has them. */
function valueOf(value: DuckDBValue): SqlValue {
  if (typeof value !== "object" || value === null) return value as SqlValue;
  const parts = value as unknown as Record<string, unknown>;
  for (const name of ["micros", "nanos", "millis", "seconds"]) {
    if (typeof parts[name] === "bigint" && !("months" in parts)) return parts[name];
  }
  if ("months" in parts) return value as unknown as SqlInterval;
  if ("days" in parts) return parts.days as number;
  if ("items" in parts) return (parts.items as DuckDBValue[]).map(valueOf);
  if ("entries" in parts) {
    const entries = parts.entries;
    return (Array.isArray(entries)
      ? entries.map(({ key, value }) => [valueOf(key), valueOf(value)])
      : Object.entries(entries as Record<string, DuckDBValue>).map((
        [key, item],
      ) => [key, valueOf(item)])) as unknown as SqlValue;
  }
  if ("bytes" in parts) return parts.bytes as Uint8Array;
  return String(value);
}

const CODES: readonly (readonly [pattern: RegExp, code: SqlState])[] = [
  [/^Parser Error/, "42601"],
  [/Table with name .* does not exist/, "42P01"],
  [/Referenced column .* not found|does not have a column/, "42703"],
  [/Function with name .* does not exist|No function matches/, "42883"],
  [/Cannot compare values of type|explicit cast is required/, "42804"],
  [/^Conversion Error/, "22000"],
  [/^INTERRUPT|Interrupted|aborted/i, "57014"],
];

function sqlError(error: unknown): SqlError {
  const message = error instanceof Error ? error.message : String(error);
  const code = CODES.find(([pattern]) => pattern.test(message))?.[1] ?? "58000";
  const marker = /LINE \d+: ([^\n]*)\n( *)\^/.exec(message);
  const position = marker === null ? undefined : Math.max(marker[2].length - "LINE 1: ".length, 0);
  return new SqlError(code, message.split("\n")[0], { position, cause: error });
}
