/**
 * One statement on a connection, from the gate to its last row.
 *
 * @module
 */
import type { DuckDBPreparedStatement, DuckDBResult } from "@duckdb/node-api";
import { SqlError } from "../errors.ts";
import type { RunSettings } from "../messages.ts";
import type { SqlDescription } from "../session.ts";
import type { SqlBatch, SqlColumn } from "../values.ts";
import { Clock } from "./clock.ts";
import type { Connections, Slot } from "./connections.ts";
import { describePrepared } from "./describe.ts";
import { toSqlError } from "./failure.ts";
import { bindParameters } from "./parameters.ts";
import { bytesOf, toBatch } from "./vectors.ts";

const DEFAULT_MAX_ROWS = 1_000_000;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;

/** Begins, reads, ends; `end` must be called, whatever happened. */
export class Statement {
  readonly #connections: Connections;
  readonly #settings: RunSettings;
  readonly #clock: Clock;
  #slot: Slot | undefined;
  #prepared: DuckDBPreparedStatement | undefined;
  #result: DuckDBResult | undefined;
  #tables: readonly string[] = [];
  #rows = 0;
  #bytes = 0;
  /** What DuckDB still does although nobody waits for it. */
  #lost: Promise<unknown> | undefined;

  constructor(connections: Connections, settings: RunSettings) {
    this.#connections = connections;
    this.#settings = settings;
    const timeoutMs = settings.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#clock = new Clock(timeoutMs, () => this.#slot?.connection.interrupt());
  }

  /** Passes the gate and executes. @throws {SqlError} */
  async start(sql: string): Promise<{ columns: SqlColumn[]; tables: readonly string[] }> {
    const { parameters = [], parameterTypes = [] } = this.#settings;
    const { connection } = await this.#open();
    return await this.#measure(async () => {
      const prepared = await this.#prepare(sql);
      await bindParameters(connection, prepared, parameters, parameterTypes);
      const result = this.#result = await prepared.stream();
      const columns = result.columnNames().map((name, i) => {
        return { name, type: String(result.columnType(i)) };
      });
      return { columns, tables: this.#tables };
    });
  }

  /** Passes the gate and says what would come. @throws {SqlError} */
  async describe(sql: string, types: readonly (string | undefined)[]): Promise<SqlDescription> {
    const { connection } = await this.#open();
    return await this.#measure(async () =>
      await describePrepared(connection, await this.#prepare(sql), types)
    );
  }

  /** The next rows; undefined at the end. @throws {SqlError} */
  async next(): Promise<SqlBatch | undefined> {
    const result = this.#result!;
    const chunk = await this.#measure(async () => {
      const next = await result.fetchChunk();
      if (next === null || next.rowCount === 0) await this.#checkEnd();
      return next;
    });
    if (chunk === null || chunk.rowCount === 0) return undefined;
    try {
      const batch = toBatch(chunk);
      this.#count(batch);
      return batch;
    } catch (error) {
      throw toSqlError(error);
    }
  }

  /** Ends what runs. The reason is thrown to who waits for it, or comes next. */
  cancel(reason: SqlError): void {
    this.#clock.cancel(reason);
  }

  /** Gives the connection back. */
  async end(): Promise<void> {
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot === undefined) return;
    await this.#lost;
    this.#prepared?.destroySync();
    this.#result = undefined;
    let isSound = false;
    try {
      await slot.connection.run("ROLLBACK");
      isSound = true;
    } catch {
      // It is not used again. What is wrong with the database, the engine will hear itself.
    }
    this.#connections.release(slot, isSound);
  }

  async #open(): Promise<Slot> {
    try {
      return this.#slot = await this.#connections.acquire();
    } catch (error) {
      throw toSqlError(error);
    }
  }

  async #prepare(sql: string): Promise<DuckDBPreparedStatement> {
    const { connection, gate } = this.#slot!;
    await connection.run("BEGIN TRANSACTION READ ONLY");
    const { text, tables } = await gate.check(sql);
    this.#tables = tables;
    return this.#prepared = await connection.prepare(text);
  }

  async #measure<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await this.#clock.measure(step, (rest) => this.#lost = rest);
    } catch (error) {
      throw toSqlError(error);
    }
  }

  /**
   * To the node API an error among streamed rows looks like their end, and it has no way to ask for it
   * (measured on 1.5.5). But it aborts the transaction, and that can be asked. What was wrong is said when
   * the statement runs once more, to its end before the first row.
   */
  async #checkEnd(): Promise<void> {
    const { connection } = this.#slot!;
    try {
      await connection.run("SELECT 1");
    } catch {
      await connection.run("ROLLBACK");
      await connection.run("BEGIN TRANSACTION READ ONLY");
      await this.#prepared!.run();
      throw new SqlError("58000", "Cannot finish the statement: DuckDB ended it; ask again");
    }
  }

  #count(batch: SqlBatch): void {
    const { maxRows = DEFAULT_MAX_ROWS, maxBytes = DEFAULT_MAX_BYTES } = this.#settings;
    this.#rows += batch.length;
    if (this.#rows > maxRows) throw tooMuch(`more than ${maxRows} rows`);
    this.#bytes += bytesOf(batch);
    if (this.#bytes > maxBytes) throw tooMuch(`more than ${maxBytes} bytes`);
  }
}

function tooMuch(what: string): SqlError {
  return new SqlError(
    "54000",
    `Cannot answer the statement: it gives ${what}; aggregate, or add a LIMIT`,
  );
}
