/**
 * What PostgreSQL calls a column that has no name of its own: `count` for `count(*)`, where DuckDB says
 * `count_star()`. Programs find columns by these names.
 *
 * @module
 */
import type { Statement } from "./statements.ts";
import type { Token } from "./tokens.ts";

/** What ends the list of columns. */
const AFTER_LIST: ReadonlySet<string> = new Set(
  "from where group having window order limit offset fetch union intersect except".split(" "),
);

/**
 * The names of a statement's columns, undefined where the engine's own is right. Undefined as a whole
 * where there may be more columns than are written down.
 */
export function columnNames({ tokens }: Statement): (string | undefined)[] | undefined {
  const items = selected(tokens);
  if (items.length === 0 || items.some(hasStar)) return undefined;
  return items.map(nameOf);
}

/** The items of the outermost SELECT. */
function selected(tokens: readonly Token[]): Token[][] {
  const items: Token[][] = [];
  let depth = 0, item: Token[] | undefined;
  for (const token of tokens) {
    if (/^[)\]]$/.test(token.text)) depth--;
    const isWord = depth === 0 && token.kind === "word";
    if (item === undefined) {
      if (isWord && token.name === "select") item = [];
    } else if (depth === 0 && token.text === ",") {
      items.push(item);
      item = [];
    } else if (isWord && AFTER_LIST.has(token.name)) {
      break;
    } else if (item.length > 0 || !isWord || !/^(all|distinct)$/.test(token.name)) {
      item.push(token);
    }
    if (/^[([]$/.test(token.text)) depth++;
  }
  return item === undefined ? [] : [...items, item];
}

function hasStar(item: readonly Token[]): boolean {
  const last = item.at(-1);
  return item[0]?.text === "*" || item[0]?.name === "columns" || last?.text === "*" ||
    item.some(({ text }, i) => text === "*" && item[i - 1]?.text === ".");
}

function nameOf(item: readonly Token[]): string | undefined {
  const [first] = item;
  if (first === undefined || hasAlias(item)) return undefined;
  const call = callEnd(item);
  if (call > 0) {
    const rest = item.slice(call).map(({ name }) => name);
    const name = item[item.findIndex(({ text }) => text === "(") - 1].name;
    if (rest.length === 0 || /^(over|filter|within|::)$/.test(rest[0])) return name;
    return "?column?";
  }
  if (first.kind === "word" && /^(case|current_\w+|session_user|user)$/.test(first.name)) {
    return first.name;
  }
  if (isChain(item)) return undefined;
  const cast = item.findIndex(({ text }) => text === "::");
  if (cast > 0 && isChain(item.slice(0, cast))) return item[cast - 1].name;
  if (cast === 1) return castName(item[2]);
  return "?column?";
}

/** Where the call ends that the item begins with; 0 if it begins with none. */
function callEnd(item: readonly Token[]): number {
  const open = item.findIndex(({ text }) => text === "(");
  if (open < 1 || !isChain(item.slice(0, open)) || /^(exists|array|not)$/.test(item[0].name)) {
    return 0;
  }
  let depth = 0;
  for (let i = open; i < item.length; i++) {
    if (item[i].text === "(") depth++;
    else if (item[i].text === ")" && --depth === 0) return i + 1;
  }
  return 0;
}

/** `a`, `a.b` */
function isChain(item: readonly Token[]): boolean {
  return item.length % 2 === 1 &&
    item.every(({ kind, text }, i) => i % 2 === 1 ? text === "." : /^(word|quoted)$/.test(kind));
}

/** `x AS y`, or `x y`. */
function hasAlias(item: readonly Token[]): boolean {
  let depth = 0;
  for (const [i, { name, kind, text }] of item.entries()) {
    if (/^[)\]]$/.test(text)) depth--;
    if (depth === 0 && kind === "word" && name === "as") return true;
    if (/^[([]$/.test(text)) depth++;
    if (i === 0 || i < item.length - 1 || depth > 0) continue;
    const before = item[i - 1];
    const endsValue = /^(number|string|parameter|quoted)$/.test(before.kind) ||
      /^[)\]]$/.test(before.text) ||
      (before.kind === "word" && !/^(over|not|is)$/.test(before.name));
    return /^(word|quoted)$/.test(kind) && endsValue && name !== "end";
  }
  return false;
}

function castName(type: Token | undefined): string | undefined {
  const names: Readonly<Record<string, string>> = {
    int: "int4",
    integer: "int4",
    bigint: "int8",
    smallint: "int2",
    double: "float8",
    float: "float8",
    real: "float4",
    boolean: "bool",
    decimal: "numeric",
  };
  return type === undefined
    ? undefined
    : Object.hasOwn(names, type.name)
    ? names[type.name]
    : type.name;
}
