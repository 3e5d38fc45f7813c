/**
 * Carries out statements, whichever protocol brought them: what the server answers itself here, the rest
 * by the engine. Holds what a connection has open: its transaction, settings and cursors.
 *
 * @module
 */
import type { SqlDescription, SqlSession } from "../../sql/session.ts";
import type { SqlColumn } from "../../sql/values.ts";
import { CODE, PgError, pgError } from "../errors.ts";
import { columnNames } from "../sql/column_names.ts";
import { anyParameters, translate } from "../sql/dialect.ts";
import { placeOf } from "../sql/place.ts";
import type { Statement } from "../sql/statements.ts";
import type { Bound } from "../types/parameters.ts";
import type { Command, CopyOptions } from "./command.ts";
import { RowSource } from "./rows.ts";
import { Settings } from "./settings.ts";
import { Transaction } from "./transaction.ts";

/** What a statement gives. */
export interface Answer {
  /** Undefined where there can be no rows. */
  readonly rows?: RowSource;
  /** More rows of `rows` are left to those who ask again; default all are taken. */
  readonly most?: number;
  /** The rows are a cursor's, which stays open. */
  readonly isBorrowed?: boolean;
  /** The rows go out as lines. */
  readonly copy?: CopyOptions;
  /** What is said at the end. @param count rows that went out */
  readonly tag: (count: number) => string;
}

/** What the server tells a client beside the answer. */
export interface Listener {
  notice(message: string): void;
  parameterStatus(name: string, value: string): void;
  /** Prepared statements are forgotten: one, or all. */
  deallocate(name?: string): void;
}

/** What a connection may ask of the engine. */
export interface Limits {
  /** More rows of one answer are an error; default 10,000,000. */
  readonly maxRows?: number;
  /** More bytes of values are an error; default 16 GiB. */
  readonly maxBytes?: number;
  /** A statement that takes longer of the engine is ended; default 30,000. */
  readonly timeoutMs?: number;
}

/** Cursors that are open at a time; each holds a statement of the engine. */
export const MAX_CURSORS = 8;

/** Rows go out as they come, so more of them are allowed than where an answer is held. */
export const DEFAULT_MAX_ROWS = 10_000_000;
const DEFAULT_MAX_BYTES = 16 * 2 ** 30;
const DEFAULT_TIMEOUT_MS = 30_000;

/** How long a cursor or portal may wait for a client to take its rows. */
const CURSOR_IDLE_MS = 600_000;

/** See the top of this file. */
export class Executor {
  readonly transaction = new Transaction();
  readonly settings = new Settings();
  readonly #session: SqlSession;
  readonly #listener: Listener;
  readonly #limits: Limits;
  readonly #cursors = new Map<string, { rows: RowSource; isHeld: boolean }>();
  readonly #running = new Set<AbortController>();

  constructor(session: SqlSession, listener: Listener, limits: Limits) {
    this.#session = session;
    this.#listener = listener;
    this.#limits = limits;
  }

  /** Ends what runs now, with an error for the client. */
  cancel(): void {
    for (const running of this.#running) running.abort();
  }

  /** What a question needs and gives. @param types DuckDB's, where the client has named some */
  async describe(
    statement: Statement,
    types: readonly (string | undefined)[],
  ): Promise<SqlDescription> {
    const { text, originOf } = translate(statement, anyTypes(statement, types));
    try {
      const description = await this.#session.describe(text, types);
      return { ...description, columns: named(description.columns, statement) };
    } catch (error) {
      throw explain(error, statement, text, originOf);
    }
  }

  /**
   * Carries out a command.
   *
   * @throws {PgError} which the caller tells the client, and {@linkcode Transaction.fail}
   */
  async run(command: Command, parameters: readonly Bound[] = []): Promise<Answer> {
    switch (command.kind) {
      case "begin":
        this.#say(this.transaction.begin());
        return done("BEGIN");
      case "commit":
      case "rollback":
        return await this.#end(command.kind === "commit");
      case "rollback to":
        this.transaction.rollbackTo(command.name);
        return done("ROLLBACK");
    }
    this.transaction.check();
    switch (command.kind) {
      case "query":
        return questionAnswer(await this.#ask(command.statement, parameters));
      case "copy":
        return {
          rows: await this.#ask(command.query, parameters),
          copy: command.options,
          tag: (count) => `COPY ${count}`,
        };
      case "declare":
        return await this.#declare(command, parameters);
      case "fetch":
      case "move":
        return await this.#fetch(command);
      case "close":
        return await this.#close(command.name);
      case "discard":
        return await this.#discard(command.tag);
      case "refused":
        throw new PgError(command.code, command.message);
      default:
        return this.#set(command);
    }
  }

  /** What the rows of a cursor have; undefined if there is none. To drivers a cursor is a portal. */
  cursorColumns(name: string): readonly SqlColumn[] | undefined {
    return this.#cursors.get(name)?.rows.columns;
  }

  /** Closes the cursors that end with a transaction; or all. */
  async closeCursors(all: boolean): Promise<void> {
    for (const [name, { rows, isHeld }] of this.#cursors) {
      if (isHeld && !all) continue;
      this.#cursors.delete(name);
      await rows.close();
    }
  }

  #set(command: Command): Answer {
    switch (command.kind) {
      case "savepoint":
        this.transaction.savepoint(command.name);
        return done("SAVEPOINT");
      case "release":
        this.transaction.release(command.name);
        return done("RELEASE");
      case "set": {
        const { reported, notice } = this.settings.set(command.name, command.value);
        if (reported !== undefined) this.#listener.parameterStatus(...reported);
        this.#say(notice);
        return done("SET");
      }
      case "reset":
        this.settings.reset(command.name);
        return done("RESET");
      case "show":
        return this.#show(command.name);
      case "deallocate":
        this.#listener.deallocate(command.name);
        return done(command.name === undefined ? "DEALLOCATE ALL" : "DEALLOCATE");
      case "nothing":
        return done(command.tag);
      default:
        throw new Error(`BUG: nobody carries out ${command.kind}`);
    }
  }

  #show(name: string): Answer {
    const rows = name === "all"
      ? RowSource.of(["name", "setting"], this.settings.all)
      : RowSource.of([name], [[this.settings.get(name)]]);
    return { rows, tag: () => "SHOW" };
  }

  async #end(isCommit: boolean): Promise<Answer> {
    const { tag, notice } = this.transaction.end(isCommit);
    await this.closeCursors(false);
    this.#say(notice);
    return done(tag);
  }

  async #discard(tag: string): Promise<Answer> {
    await this.closeCursors(true);
    this.settings.reset();
    this.#listener.deallocate();
    return done(tag);
  }

  async #declare(
    { name, isHeld, query }: Command & { kind: "declare" },
    parameters: readonly Bound[],
  ): Promise<Answer> {
    if (!isHeld && this.transaction.status === "I") {
      throw new PgError(
        CODE.noTransaction,
        `Cannot DECLARE ${name}: there is no transaction; BEGIN one, or declare it WITH HOLD`,
      );
    }
    if (this.#cursors.has(name)) {
      throw new PgError(
        CODE.takenCursor,
        `Cannot DECLARE ${name}: there is such a cursor; CLOSE it`,
      );
    }
    if (this.#cursors.size >= MAX_CURSORS) {
      throw new PgError(
        CODE.tooMany,
        `Cannot DECLARE ${name}: there are ${MAX_CURSORS} cursors; CLOSE some`,
      );
    }
    this.#cursors.set(name, { rows: await this.#ask(query, parameters), isHeld });
    return done("DECLARE CURSOR");
  }

  async #fetch({ kind, name, count }: Command & { kind: "fetch" | "move" }): Promise<Answer> {
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) throw noCursor(kind.toUpperCase(), name);
    if (kind === "fetch") {
      return { rows: cursor.rows, most: count, isBorrowed: true, tag: (rows) => `FETCH ${rows}` };
    }
    let moved = 0;
    for await (const { from, to } of cursor.rows.take(count)) moved += to - from;
    return done(`MOVE ${moved}`);
  }

  async #close(name: string | undefined): Promise<Answer> {
    if (name === undefined) {
      await this.closeCursors(true);
      return done("CLOSE CURSOR ALL");
    }
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) throw noCursor("CLOSE", name);
    this.#cursors.delete(name);
    await cursor.rows.close();
    return done("CLOSE CURSOR");
  }

  async #ask(statement: Statement, parameters: readonly Bound[]): Promise<RowSource> {
    const types = parameters.map(({ type }) => type);
    const { text, originOf } = translate(statement, anyTypes(statement, types));
    const abort = new AbortController();
    this.#running.add(abort);
    const explained = (error: unknown) => explain(error, statement, text, originOf);
    try {
      const { columns, rows } = await this.#session.run(text, {
        parameters: parameters.map(({ value }) => value),
        parameterTypes: types,
        signal: abort.signal,
        idleMs: CURSOR_IDLE_MS,
        ...this.#bounds(),
      });
      return new RowSource(
        named(columns, statement),
        this.#watched(rows, abort, explained),
        abort,
      );
    } catch (error) {
      this.#running.delete(abort);
      throw explained(error);
    }
  }

  /** The rows, until all are read; errors as the client gets them. */
  async *#watched<T>(
    rows: AsyncIterable<T>,
    abort: AbortController,
    explained: (error: unknown) => PgError,
  ): AsyncGenerator<T> {
    try {
      yield* rows;
    } catch (error) {
      throw explained(error);
    } finally {
      this.#running.delete(abort);
    }
  }

  /** What a client sets may be less than what it may, and never more. */
  #bounds(): Limits {
    const { maxRows = DEFAULT_MAX_ROWS, maxBytes = DEFAULT_MAX_BYTES } = this.#limits;
    const timeoutMs = Math.min(
      this.settings.timeoutMs ?? Infinity,
      this.#limits.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    );
    return { maxRows, maxBytes, timeoutMs };
  }

  #say(notice: string | undefined): void {
    if (notice !== undefined) this.#listener.notice(notice);
  }
}

/** What DuckDB must be told of `any($n)`: the type of its elements. */
function anyTypes(
  statement: Statement,
  types: readonly (string | undefined)[],
): Map<number, string> {
  return new Map(
    anyParameters(statement).map((number) => [
      number,
      types[number - 1]?.replace(/\[\d*\]$/, "") ?? "VARCHAR",
    ]),
  );
}

/** An error of the engine's, with its place in the client's own text. */
function explain(
  error: unknown,
  statement: Statement,
  text: string,
  originOf: (position: number) => number,
): PgError {
  const { code, message, isFatal, position } = pgError(error);
  const drawn = placeOf(message, text);
  const place = position ?? drawn.position;
  return new PgError(code, drawn.message, {
    isFatal,
    position: place === undefined ? undefined : statement.start + originOf(place),
  });
}

/** The columns, under the names that PostgreSQL would give them. */
function named(columns: readonly SqlColumn[], statement: Statement): readonly SqlColumn[] {
  const names = columnNames(statement);
  if (names?.length !== columns.length) return columns;
  return columns.map(({ name, type }, i) => ({ name: names[i] ?? name, type }));
}

function questionAnswer(rows: RowSource): Answer {
  return { rows, tag: (count) => `SELECT ${count}` };
}

function done(tag: string): Answer {
  return { tag: () => tag };
}

function noCursor(verb: string, name: string): PgError {
  return new PgError(CODE.noCursor, `Cannot ${verb} ${name}: there is no such cursor`);
}
