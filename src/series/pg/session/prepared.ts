/**
 * A statement that was parsed: what its parameters are, and what it gives.
 *
 * The engine is asked for types only where it must be: where the client leaves them open, or wants to
 * know the columns before anything is bound.
 *
 * @module
 */
import { SqlError } from "../../sql/errors.ts";
import type { SqlDescription } from "../../sql/session.ts";
import type { SqlColumn } from "../../sql/values.ts";
import { CODE, PgError } from "../errors.ts";
import { anyParameters } from "../sql/dialect.ts";
import { parameterCasts } from "../sql/parameter_casts.ts";
import type { Statement } from "../sql/statements.ts";
import { parseArray } from "../types/arrays.ts";
import { duckdbTypeOf, pgType, type WireType, wireTypeOf, wireTypeOfOid } from "../types/oids.ts";
import { bind, type Bound } from "../types/parameters.ts";
import type { Command } from "./command.ts";
import { commandOf } from "./commands.ts";
import { RowEncoder } from "./encoder.ts";
import type { Executor } from "./executor.ts";
import type { Output } from "./output.ts";

const TEXT = wireTypeOf("VARCHAR");
const TEXTS = wireTypeOf("VARCHAR[]");
const MAX_PARAMETERS = 65_535;

/** What the lists of `any($1)` may be, where neither the client nor a text says it. */
const ELEMENTS = ["VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMP", "BOOLEAN"] as const;

/** See the top of this file. */
export class Prepared {
  /** As the client wrote it. */
  readonly text: string;
  /** Undefined for an empty text. */
  readonly command: Command | undefined;
  readonly #oids: readonly number[];
  readonly #count: number;
  readonly #lists: ReadonlySet<number>;
  #description: Promise<SqlDescription> | undefined;
  /** The columns that a client was told of. */
  #told: readonly SqlColumn[] | undefined;

  constructor(text: string, statement: Statement | undefined, oids: readonly number[]) {
    this.text = text;
    this.command = statement && commandOf(statement);
    const question = this.#question;
    const numbers = question?.tokens.filter(({ kind }) => kind === "parameter")
      .map((token) => Number(token.text.slice(1))) ?? [];
    this.#count = Math.max(0, ...numbers);
    if (this.#count > MAX_PARAMETERS || numbers.includes(0)) {
      throw new PgError(CODE.syntax, `Cannot prepare the statement: there is no $${this.#count}`);
    }
    this.#lists = new Set(question === undefined ? [] : anyParameters(question));
    const casts = question === undefined ? new Map<number, number>() : parameterCasts(question);
    this.#oids = Array.from(
      { length: this.#count },
      (_, i) => oids[i] || (casts.get(i + 1) ?? 0),
    );
  }

  /** Tells the client what it needs and gives. */
  async describe(executor: Executor, output: Output): Promise<void> {
    const { writer } = output;
    if (this.#question === undefined) {
      writer.parameterDescription([]);
      const columns = await ownColumns(this.command, executor);
      if (columns === undefined) return writer.bare("n");
      return writer.rowDescription(new RowEncoder(columns).fields);
    }
    const { columns } = await this.#described(executor);
    const types = await this.#types(executor);
    writer.parameterDescription(types.map(({ oid }) => oid));
    if (this.command!.kind !== "query") writer.bare("n");
    else {
      this.#told = columns;
      writer.rowDescription(new RowEncoder(columns).fields);
    }
  }

  /**
   * Refuses rows of other columns than those that the client was told of, when a measurement has got new
   * ones since: it would take one for another. Drivers know this error, and parse the statement anew.
   */
  checkColumns(columns: readonly SqlColumn[]): void {
    const told = this.#told;
    if (told === undefined) return;
    const isSame = told.length === columns.length &&
      told.every(({ name, type }, i) => name === columns[i].name && type === columns[i].type);
    if (isSame) return;
    throw new PgError(CODE.notSupported, "cached plan must not change result type", {
      routine: "RevalidateCachedQuery",
    });
  }

  /** Reads what a client binds. @param formats as a Bind message has them */
  async bind(
    formats: readonly number[],
    values: readonly (Uint8Array | null)[],
    executor: Executor,
  ): Promise<Bound[]> {
    if (values.length !== this.#count || (formats.length > 1 && formats.length !== values.length)) {
      throw new PgError(
        CODE.protocolViolation,
        `Cannot bind ${values.length} values: the statement has ${this.#count} parameters`,
      );
    }
    if (this.#count === 0) return [];
    const types = await this.#types(executor);
    const wanted = this.#isOpen ? (await this.#described(executor)).parameters : [];
    return values.map((bytes, i) => {
      const isBinary = (formats.length === 1 ? formats[0] : formats[i] ?? 0) === 1;
      if (this.#lists.has(i + 1) && this.#isOpenAt(i)) return bindOpenList(bytes, isBinary, i + 1);
      return bind(bytes, isBinary, types[i], i + 1, this.#isOpenAt(i) ? wanted[i] : undefined);
    });
  }

  /** The question in it, if it is for the engine. */
  get #question(): Statement | undefined {
    const command = this.command;
    if (command?.kind === "query") return command.statement;
    return command?.kind === "copy" || command?.kind === "declare" ? command.query : undefined;
  }

  /** Whether the client leaves a type open. */
  get #isOpen(): boolean {
    return Array.from({ length: this.#count }, (_, i) => i).some((i) => this.#isOpenAt(i));
  }

  #isOpenAt(i: number): boolean {
    return wireTypeOfOid(this.#oids[i] ?? 0) === undefined ||
      wireTypeOfOid(this.#oids[i])!.type.name === "unknown";
  }

  async #types(executor: Executor): Promise<WireType[]> {
    const described = this.#isOpen ? (await this.#described(executor)).parameters : [];
    return Array.from({ length: this.#count }, (_, i) => {
      if (!this.#isOpenAt(i)) return wireTypeOfOid(this.#oids[i])!;
      if (this.#lists.has(i + 1)) return TEXTS;
      const type = described[i];
      return type === undefined || type === "NULL" ? TEXT : wireTypeOf(type);
    });
  }

  /** Asked once; a schema that changes meanwhile is seen when the statement is parsed again. */
  #described(executor: Executor): Promise<SqlDescription> {
    const asked = this.#description ??= this.#ask(executor);
    asked.catch(() => this.#description = undefined);
    return asked;
  }

  async #ask(executor: Executor): Promise<SqlDescription> {
    for (const [i, element] of ELEMENTS.entries()) {
      const types = Array.from({ length: this.#count }, (_, k) => {
        if (!this.#isOpenAt(k)) return duckdbTypeOf(wireTypeOfOid(this.#oids[k])!);
        return this.#lists.has(k + 1) ? `${element}[]` : undefined;
      });
      try {
        return await executor.describe(this.#question!, types);
      } catch (error) {
        const isOther = error instanceof PgError && /^42(804|883)$/.test(error.code);
        if (!isOther || this.#lists.size === 0 || i === ELEMENTS.length - 1) throw error;
      }
    }
    throw new SqlError("58000", "BUG: no type was tried");
  }
}

/** The columns of what the server answers itself; undefined where there are none. */
async function ownColumns(
  command: Command | undefined,
  executor: Executor,
): Promise<readonly SqlColumn[] | undefined> {
  if (command?.kind === "fetch") return executor.cursorColumns(command.name);
  if (command?.kind !== "show") return undefined;
  return (await executor.run(command)).rows?.columns;
}

/** The list of an `any($1)` whose type nobody has named: what its elements look like. */
function bindOpenList(bytes: Uint8Array | null, isBinary: boolean, number: number): Bound {
  const texts = bind(bytes, isBinary, TEXTS, number);
  const items = bytes === null || isBinary ? [] : parseArray(new TextDecoder().decode(bytes)) ?? [];
  const given = items.filter((item) => item !== null);
  const all = (pattern: RegExp) => given.length > 0 && given.every((item) => pattern.test(item));
  const name = all(/^[+-]?\d{1,18}$/)
    ? "int8"
    : all(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i)
    ? "float8"
    : undefined;
  if (name === undefined) return texts;
  const type = pgType(name);
  return bind(bytes, false, { oid: type.arrayOid, size: -1, type, isArray: true }, number);
}
