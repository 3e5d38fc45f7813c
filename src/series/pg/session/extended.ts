/**
 * The extended protocol: statements are parsed, bound to values, described and carried out by messages of
 * their own, and may be kept under a name. After an error everything up to Sync is passed over.
 *
 * @module
 */
import { CODE, PgError, pgError } from "../errors.ts";
import { FieldReader } from "../messages/fields.ts";
import type { Message } from "../messages/reader.ts";
import { statementsOf } from "../sql/statements.ts";
import { RowEncoder } from "./encoder.ts";
import type { Executor } from "./executor.ts";
import type { Output } from "./output.ts";
import { Portal } from "./portal.ts";
import { Prepared } from "./prepared.ts";

/** Statements and portals that a connection may keep. */
export const MAX_STATEMENTS = 1000;
/** See {@linkcode MAX_STATEMENTS}. */
export const MAX_PORTALS = 64;

/** See the top of this file. */
export class Extended {
  readonly #executor: Executor;
  readonly #output: Output;
  readonly #statements = new Map<string, Prepared>();
  readonly #portals = new Map<string, Portal>();
  /** An error came: the next message that is heard is Sync. */
  #skipping = false;

  constructor(executor: Executor, output: Output) {
    this.#executor = executor;
    this.#output = output;
  }

  /** Takes one of the messages P, B, D, E, C, H; errors become answers, but for fatal ones. */
  async take({ type, body }: Message): Promise<void> {
    if (this.#skipping) return;
    const fields = new FieldReader(body);
    let text = "";
    try {
      if (type === "P") this.#parse(fields);
      else if (type === "H") await this.#output.flush();
      else if (type === "B") await this.#bind(fields);
      else if (type === "C") await this.#close(fields);
      else {
        const { prepared, run } = this.#named(type, fields);
        text = prepared?.text ?? "";
        await run();
      }
    } catch (cause) {
      const error = pgError(cause);
      if (error.isFatal) throw error;
      this.#skipping = true;
      this.#executor.transaction.fail();
      this.#output.error(error, text);
      // At once: a Flush that comes behind is passed over, and the client may wait for no Sync.
      await this.#output.flush();
    }
  }

  /** Ends what belongs together: outside a transaction nothing stays open. */
  async sync(): Promise<void> {
    this.#skipping = false;
    if (this.#executor.transaction.status === "I") await this.closePortals();
  }

  /** Closes all portals. */
  async closePortals(): Promise<void> {
    for (const portal of this.#portals.values()) await portal.close();
    this.#portals.clear();
  }

  /** Forgets a statement, or all. @throws {PgError} if there is none */
  deallocate(name?: string): void {
    if (name === undefined) this.#statements.clear();
    else if (!this.#statements.delete(name)) throw noStatement(name);
  }

  #parse(fields: FieldReader): void {
    const name = fields.text(), text = fields.text();
    const oids = Array.from({ length: fields.count() }, () => fields.uint32());
    fields.end();
    const statements = statementsOf(text);
    if (statements.length > 1) {
      throw new PgError(
        CODE.syntax,
        "Cannot prepare several statements at once; send them one by one",
      );
    }
    if (name !== "" && this.#statements.has(name)) {
      throw new PgError(CODE.takenStatement, `Cannot prepare ${name}: there is such a statement`);
    }
    if (!this.#statements.has(name) && this.#statements.size >= MAX_STATEMENTS) {
      throw new PgError(
        CODE.tooMany,
        `Cannot prepare ${name}: there are ${MAX_STATEMENTS} statements; DEALLOCATE some`,
      );
    }
    this.#statements.set(name, new Prepared(text, statements[0], oids));
    this.#output.writer.bare("1");
  }

  async #bind(fields: FieldReader): Promise<void> {
    const name = fields.text(), statement = fields.text();
    const prepared = this.#statements.get(statement);
    if (prepared === undefined) throw noStatement(statement);
    const formats = Array.from({ length: fields.count() }, () => fields.int16());
    const values = Array.from({ length: fields.count() }, () => fields.value());
    const resultFormats = Array.from({ length: fields.count() }, () => fields.int16());
    fields.end();
    const command = prepared.command;
    if (command !== undefined && !/^(commit|rollback|rollback to)$/.test(command.kind)) {
      this.#executor.transaction.check();
    }
    if (name !== "" && this.#portals.has(name)) {
      throw new PgError(CODE.takenCursor, `Cannot bind ${name}: there is such a portal`);
    }
    if (!this.#portals.has(name) && this.#portals.size >= MAX_PORTALS) {
      throw new PgError(
        CODE.tooMany,
        `Cannot bind ${name}: there are too many portals; close some`,
      );
    }
    const parameters = await prepared.bind(formats, values, this.#executor);
    await this.#portals.get(name)?.close();
    this.#portals.set(name, new Portal(prepared, parameters, resultFormats));
    this.#output.writer.bare("2");
  }

  /** Describe and Execute. */
  #named(type: string, fields: FieldReader): { prepared?: Prepared; run: () => Promise<void> } {
    const isExecute = type === "E";
    const target = isExecute ? "P" : String.fromCharCode(fields.byte());
    const name = fields.text();
    const most = isExecute ? fields.int32() : 0;
    fields.end();
    if (target === "S") {
      const prepared = this.#statements.get(name);
      if (prepared === undefined) throw noStatement(name);
      return { prepared, run: () => prepared.describe(this.#executor, this.#output) };
    }
    const portal = target === "P" ? this.#portals.get(name) : undefined;
    const columns = isExecute ? undefined : this.#executor.cursorColumns(name);
    if (portal === undefined && columns !== undefined) {
      const { fields } = new RowEncoder(columns);
      return { run: () => Promise.resolve(this.#output.writer.rowDescription(fields)) };
    }
    if (portal === undefined) {
      throw new PgError(CODE.noCursor, `Cannot find the portal ${name}: there is none`);
    }
    return {
      prepared: portal.prepared,
      run: () =>
        isExecute
          ? portal.execute(this.#executor, this.#output, most)
          : portal.describe(this.#executor, this.#output),
    };
  }

  async #close(fields: FieldReader): Promise<void> {
    const target = String.fromCharCode(fields.byte()), name = fields.text();
    fields.end();
    // One that is not there is closed already.
    if (target === "S") this.#statements.delete(name);
    else {
      await this.#portals.get(name)?.close();
      this.#portals.delete(name);
    }
    this.#output.writer.bare("3");
  }
}

function noStatement(name: string): PgError {
  return new PgError(CODE.noStatement, `Cannot find the statement ${name}: there is none`);
}
