/**
 * PostgreSQL's SQL → DuckDB's, where they differ and clients of PostgreSQL would notice:
 *
 * | PostgreSQL                                            | becomes                                      |
 * | ----------------------------------------------------- | -------------------------------------------- |
 * | `pg_catalog.pg_class`, `pg_class`                     | the view in our schema                       |
 * | `information_schema.tables`                           | likewise                                     |
 * | `pg_catalog.format_type(…)`, `version()`              | the macro in our schema                      |
 * | `current_user`, `current_schema`                      | likewise                                     |
 * | `x::regclass`, `x::name`, `x::pg_catalog.text`        | a macro, or a type that DuckDB has           |
 * | `x::numeric`, of any length                           | a DOUBLE: DuckDB's own has three decimals    |
 * | `a ~ b`, `~*`, `!~`, `!~*`, `OPERATOR(pg_catalog.~)`  | finds b anywhere in a, as PostgreSQL does    |
 * | `x::timestamptz`, `timestamptz '…'`                   | the same as a TIMESTAMP in UTC, as `time` is |
 * | `x AT TIME ZONE '…'`                                  | of an instant, as all our times are          |
 * | `COLLATE pg_catalog.default`                          | nothing                                      |
 * | `public.cpu`, `traqq.public.cpu`                      | `main.cpu`                                   |
 * | `a = any($1)`                                         | `any($1::T[])`, where T is given             |
 * | `a = any(b.list)`                                     | a macro: DuckDB joins by it, not by any      |
 * | `FROM generate_series(…) s`                           | `s(s)`: s is the value, not a row            |
 * | `FROM string_to_array(…) s`                           | `(SELECT …) s(s)`                            |
 * | `json_build_object(…)`                                | `json_object(…)`                             |
 *
 * Tokens are replaced, the rest of the text stays as it is; the gate sees what comes out.
 *
 * @module
 */
import {
  CATALOG_SCHEMA,
  INFORMATION_PREFIX,
  PUBLIC_SCHEMA,
  TABLES_SCHEMA,
} from "../catalog/names.ts";
import { FUNCTION_NAMES } from "../catalog/functions.ts";
import { RELATION_NAMES } from "../catalog/views.ts";
import { castOf } from "./casts.ts";
import { Operands } from "./operands.ts";
import type { Statement } from "./statements.ts";
import type { Token } from "./tokens.ts";

/**
 * Keywords of PostgreSQL that are functions without parentheses. Not `user`, which is one too: that may well
 * be a tag, and DuckDB takes it for one where it is.
 */
const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ["current_user", "pg_role()"],
  ["session_user", "pg_role()"],
  ["current_role", "pg_role()"],
  ["current_catalog", "current_database()"],
  ["current_schema", "current_schema()"],
]);

/** Operators of regular expressions: DuckDB's, and our macro around what is looked for. */
const REGEX: ReadonlyMap<string, readonly [operator: string, macro: string]> = new Map([
  ["~", ["~", "regex"]],
  ["!~", ["!~", "regex"]],
  ["~*", ["~", "regex_any_case"]],
  ["!~*", ["!~", "regex_any_case"]],
]);

/** Tokens that are looked at, backwards, for the FROM of a list: each comma must not cost a whole text. */
const MAX_LIST = 1000;

/** Keywords that may follow what is read from. */
const AFTER_FROM: ReadonlySet<string> = new Set(
  "where group order limit offset union join left right inner full cross natural on using".split(
    " ",
  ),
);

/** A statement for DuckDB. */
export interface Translation {
  readonly text: string;
  /** Where a place in `text` is in what was translated; both in UTF-16 units. */
  readonly originOf: (position: number) => number;
}

/** @param anyTypes DuckDB's types of the elements of `any($n)`, by n from 1 */
export function translate(
  { text, tokens }: Statement,
  anyTypes: ReadonlyMap<number, string> = new Map(),
): Translation {
  return new Translator(text, tokens, anyTypes).run();
}

/** The numbers of the parameters that stand in `any($n)`. */
export function anyParameters({ tokens }: Statement): number[] {
  return tokens.flatMap((token, i) =>
    isAnyParameter(tokens, i) ? [Number(token.text.slice(1))] : []
  );
}

function isAnyParameter(tokens: readonly Token[], i: number): boolean {
  return tokens[i].kind === "parameter" && tokens[i - 1]?.text === "(" &&
    /^(any|some|all)$/.test(tokens[i - 2]?.name ?? "") && tokens[i + 1]?.text === ")";
}

class Translator {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #anyTypes: ReadonlyMap<number, string>;
  /** What each token becomes. */
  readonly #texts: string[];
  readonly #operands: Operands;
  readonly #before: string[];
  readonly #after: string[];

  constructor(source: string, tokens: readonly Token[], anyTypes: ReadonlyMap<number, string>) {
    this.#source = source;
    this.#tokens = tokens;
    this.#anyTypes = anyTypes;
    this.#operands = new Operands(tokens);
    this.#texts = tokens.map(({ text }) => text);
    this.#before = tokens.map(() => "");
    this.#after = tokens.map(() => "");
  }

  run(): Translation {
    for (let i = 0; i < this.#tokens.length;) i = this.#step(i);
    const places: { to: number; from: number }[] = [];
    let text = "", at = 0;
    for (const [i, { start, end }] of this.#tokens.entries()) {
      const gap = this.#source.slice(at, start);
      // A comment goes: PostgreSQL's nest, DuckDB's do not.
      text += (gap.trim() === "" ? gap : " ") + this.#before[i];
      places.push({ to: text.length, from: start });
      text += this.#texts[i] + this.#after[i];
      at = end;
    }
    text += this.#source.slice(at);
    return {
      text,
      originOf: (position) => {
        const place = places.findLast(({ to }) => to <= position);
        return place === undefined
          ? 0
          : place.from + (position === place.to ? 0 : position - place.to);
      },
    };
  }

  /** Looks at one token, and gives the index of the next one to look at. */
  #step(i: number): number {
    const token = this.#tokens[i];
    if (token.kind === "operator") {
      if (token.text === "=") this.#equalsAny(i);
      if (token.text === "::") return this.#cast(i, i + 1);
      if (REGEX.has(token.text) && this.#operands.endsOperand(i - 1)) {
        this.#regex(i, i + 1, token.text);
      }
      return i + 1;
    }
    if (isAnyParameter(this.#tokens, i)) {
      const type = this.#anyTypes.get(Number(token.text.slice(1)));
      if (type !== undefined) this.#after[i] += `::${type}[]`;
      return i + 1;
    }
    if (token.kind !== "word" && token.kind !== "quoted") return i + 1;
    return this.#name(i, token);
  }

  #name(i: number, token: Token): number {
    const isQualified = this.#operands.is(i - 1, ".");
    if (token.kind === "word" && !isQualified) {
      if (token.name === "operator" && this.#operands.is(i + 1, "(")) return this.#operator(i);
      if (token.name === "at") this.#atTimeZone(i);
      if (token.name === "collate") return this.#collate(i);
      if (token.name === "as" && this.#closesCast(i)) return this.#castAs(i);
    }
    if (!isQualified) this.#zonedLiteral(i);
    if (!isQualified && this.#operands.is(i + 1, ".")) return this.#qualified(i, token);
    if (isQualified || token.kind === "quoted") return i + 1;
    const calls = this.#operands.is(i + 1, "(");
    if (calls && token.name === "generate_series") this.#nameSeries(i, i - 1);
    if (calls && token.name === "string_to_array") this.#selectList(i);
    if (calls && token.name === "json_build_object") this.#texts[i] = "json_object";
    if (calls && FUNCTION_NAMES.has(token.name)) this.#texts[i] = `${CATALOG_SCHEMA}.${token.text}`;
    else if (calls || this.#operands.is(i - 1, "as")) return i + 1;
    else if (KEYWORDS.has(token.name)) {
      this.#texts[i] = `${CATALOG_SCHEMA}.${KEYWORDS.get(token.name)}`;
    } else if (RELATION_NAMES.has(token.name) && !this.#operands.is(i + 1, ".")) {
      this.#texts[i] = `${CATALOG_SCHEMA}.${token.text}`;
    }
    return i + 1;
  }

  /** `a.`, with b behind it. */
  #qualified(i: number, { name }: Token): number {
    const next = this.#tokens[i + 2];
    if (next === undefined) return i + 2;
    if (name === "pg_catalog") {
      const ours = this.#operands.is(i + 3, "(") ? FUNCTION_NAMES.has(next.name) : true;
      if (next.name === "generate_series") this.#nameSeries(i + 2, i - 1);
      this.#texts[i] = ours ? CATALOG_SCHEMA : "";
      if (!ours) this.#texts[i + 1] = "";
      return i + 3;
    }
    if (name === "information_schema") {
      this.#texts[i] = CATALOG_SCHEMA;
      if (!this.#operands.is(i + 3, "(")) this.#texts[i + 2] = `${INFORMATION_PREFIX}${next.name}`;
      return i + 3;
    }
    if (next.name === PUBLIC_SCHEMA && this.#operands.is(i + 3, ".")) {
      this.#texts[i] = this.#texts[i + 1] = "";
      this.#texts[i + 2] = TABLES_SCHEMA;
      return i + 4;
    }
    if (name === PUBLIC_SCHEMA) this.#texts[i] = TABLES_SCHEMA;
    return i + 2;
  }

  /** `OPERATOR(pg_catalog.~)` */
  #operator(i: number): number {
    let end = i + 2;
    while (end < this.#tokens.length && !this.#operands.is(end, ")")) end++;
    const symbol = this.#tokens[end - 1]?.text ?? "";
    for (let k = i; k <= end && k < this.#tokens.length; k++) this.#texts[k] = "";
    this.#texts[i] = symbol;
    if (REGEX.has(symbol)) this.#regex(i, end + 1, symbol);
    return end + 1;
  }

  #collate(i: number): number {
    const end = this.#operands.is(i + 2, ".") ? i + 3 : i + 1;
    if (!/^(default|c|posix)$/i.test(this.#tokens[end]?.name ?? "")) return i + 1;
    for (let k = i; k <= end; k++) this.#texts[k] = "";
    return end + 1;
  }

  #regex(i: number, operand: number, symbol: string): void {
    const [operator, macro] = REGEX.get(symbol)!;
    const end = this.#operands.operandEnd(operand);
    this.#texts[i] = operator;
    if (end < operand) return;
    this.#before[operand] = `${CATALOG_SCHEMA}.${macro}(${this.#before[operand]}`;
    this.#after[end] += ")";
  }

  /** `a = any(b.list)`, where the list is a column. */
  #equalsAny(i: number): void {
    if (!/^(any|some)$/.test(this.#tokens[i + 1]?.name ?? "") || !this.#operands.is(i + 2, "(")) {
      return;
    }
    const close = this.#operands.closingOf(i + 2);
    const first = this.#operands.operandStart(i - 1);
    if (
      !this.#operands.isName(i + 3) || this.#operands.operandEnd(i + 3) !== close - 1 || first < 0
    ) {
      return;
    }
    this.#before[first] = `${CATALOG_SCHEMA}.is_in(${this.#before[first]}`;
    this.#texts[i] = ",";
    this.#texts[i + 1] = this.#texts[i + 2] = "";
  }

  #nameSeries(i: number, previous: number): void {
    const alias = this.#isRead(previous) ? this.#aliasBehind(this.#operands.closingOf(i + 1)) : -1;
    if (alias >= 0) this.#after[alias] += `(${this.#tokens[alias].text})`;
  }

  /** A list that is read from is one value, not its elements. */
  #selectList(i: number): void {
    const end = this.#operands.closingOf(i + 1);
    const alias = this.#isRead(i - 1) ? this.#aliasBehind(end) : -1;
    if (alias < 0) return;
    this.#before[i] += "(SELECT ";
    this.#after[end] += ")";
    this.#after[alias] += `(${this.#tokens[alias].text})`;
  }

  /** Whether what stands behind a token is read from: behind FROM or JOIN, or a comma in such a list. */
  #isRead(i: number): boolean {
    if (!this.#operands.is(i, ",")) {
      return this.#operands.is(i, "from") || this.#operands.is(i, "join");
    }
    let depth = 0;
    for (let k = i - 1; k >= Math.max(0, i - MAX_LIST) && depth >= 0; k--) {
      const { kind, name, text } = this.#tokens[k];
      if (/^[)\]]$/.test(text)) depth++;
      else if (/^[([]$/.test(text)) depth--;
      else if (depth === 0 && kind === "word" && /^(from|select|where|group|order)$/.test(name)) {
        return name === "from";
      }
    }
    return false;
  }

  /** The alias that stands behind a token and has no columns of its own; -1 if there is none. */
  #aliasBehind(end: number): number {
    const alias = this.#operands.is(end + 1, "as") ? end + 2 : end + 1;
    const token = this.#tokens[alias];
    return token?.kind !== "word" || AFTER_FROM.has(token.name) || this.#operands.is(alias + 1, "(")
      ? -1
      : alias;
  }

  /** `x::type`, or the type behind `AS`; `at` is where it begins. */
  #cast(i: number, at: number): number {
    const schema = this.#operands.is(at + 1, ".") ? this.#tokens[at].name : undefined;
    const type = schema === undefined ? at : at + 2;
    const name = this.#tokens[type];
    if (name === undefined || (name.kind !== "word" && name.kind !== "quoted")) return i + 1;
    const zoned = schema === undefined || schema === "pg_catalog" ? this.#zonedEnd(type) : -1;
    if (zoned >= 0) {
      const isList = this.#operands.is(zoned + 1, "[") && this.#operands.is(zoned + 2, "]");
      this.#after[isList ? zoned + 2 : zoned] += isList ? "::timestamp[]" : "::timestamp";
    }
    const cast = castOf(name.name, name.kind === "quoted", schema);
    // `numeric(10, 2)` is the same in both.
    if (cast === undefined || this.#operands.is(type + 1, "(")) return type + 1;
    for (let k = at; k < type; k++) this.#texts[k] = "";
    if ("type" in cast) {
      this.#texts[type] = cast.type;
      return type + 1;
    }
    const last = i - 1, first = this.#operands.operandStart(last);
    if (first < 0) return type + 1;
    const isText = first === last && /^(string|parameter)$/.test(this.#tokens[first].kind);
    this.#before[first] = `${CATALOG_SCHEMA}.${isText ? cast.ofText : cast.ofNumber}(${
      this.#before[first]
    }`;
    this.#after[last] += ")";
    this.#texts[i] = this.#texts[type] = "";
    return type + 1;
  }

  /** `CAST(x AS type)` becomes `(x::type)`, if the type is one of PostgreSQL's alone. */
  #castAs(i: number): number {
    const schema = this.#operands.is(i + 2, ".") ? this.#tokens[i + 1].name : undefined;
    const type = schema === undefined ? i + 1 : i + 3;
    const name = this.#tokens[type];
    const cast = castOf(name.name, name.kind === "quoted", schema);
    if (cast === undefined) return type + 1;
    for (let k = i + 1; k < type; k++) this.#texts[k] = "";
    const open = this.#operands.openingOf(type + 1);
    this.#texts[type] = "type" in cast ? cast.type : "varchar";
    if ("type" in cast || open < 0) return type + 1;
    this.#after[open] += `${CATALOG_SCHEMA}.${cast.ofNumber}(`;
    this.#before[i] = ")";
    return type + 1;
  }

  /** Whether `AS` begins the end of a CAST: `AS name )`. */
  #closesCast(i: number): boolean {
    const type = this.#operands.is(i + 2, ".") ? i + 3 : i + 1;
    const zoned = this.#zonedEnd(type);
    const end = Math.max(type, zoned) + 1;
    if (
      !this.#operands.is(end, ")") || !this.#operands.is(this.#operands.openingOf(end) - 1, "cast")
    ) {
      return false;
    }
    if (zoned >= 0) this.#after[end] += "::timestamp";
    return true;
  }

  /**
   * `time AT TIME ZONE 'Europe/Berlin'` is what clocks there show. DuckDB takes a TIMESTAMP for such a clock
   * instead, which is right only for what is written as one.
   */
  #atTimeZone(i: number): void {
    if (!this.#operands.is(i + 1, "time") || !this.#operands.is(i + 2, "zone")) return;
    const first = this.#operands.operandStart(i - 1);
    const isClock = this.#operands.is(i - 1, "timestamp") || this.#operands.is(first - 1, "zone") ||
      this.#operands.is(first - 1, "timestamp");
    if (!isClock && first >= 0) this.#after[i - 1] += "::timestamptz";
  }

  /** `timestamptz '2026-01-01'` */
  #zonedLiteral(i: number): void {
    const end = this.#zonedEnd(i);
    if (end < 0 || this.#tokens[end + 1]?.kind !== "string") return;
    this.#before[i] += "(";
    this.#after[end + 1] += ")::timestamp";
  }

  /** Where `timestamptz` or `timestamp with time zone` ends; -1 if it does not stand there. */
  #zonedEnd(i: number): number {
    if (this.#operands.is(i, "timestamptz")) return i;
    const words = ["timestamp", "with", "time", "zone"];
    return words.every((word, k) => this.#operands.is(i + k, word)) ? i + 3 : -1;
  }
}
