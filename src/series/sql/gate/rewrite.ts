/**
 * Functions that time series databases have and DuckDB has not, or has with another meaning, written in
 * DuckDB's:
 *
 * | function                            | is                          |
 * | ----------------------------------- | --------------------------- |
 * | `first(x)`                          | `arg_min(x, time)`          |
 * | `last(x)`                           | `arg_max(x, time)`          |
 * | `percentile_95(x)`, `p95(x)`        | `quantile_cont(x, 0.95)`    |
 * | `percentile_99_9(x)`, `p99_9(x)`    | `quantile_cont(x, 0.999)`   |
 * | `percentile(x, 95)`                 | `quantile_cont(x, 0.95)`    |
 *
 * Patterns of LIKE: see `patterns.ts`. DuckDB's own `first` takes the row that it meets first, which is any. Where the statement has an order
 * of its own (`first(x ORDER BY y)`, `first(x) OVER (ORDER BY y)`) that one holds.
 *
 * @module
 */
import { SqlError } from "../errors.ts";
import { isExact, toExact } from "./exact_json.ts";
import { lower } from "./lower.ts";
import { isPattern, rewritePattern } from "./patterns.ts";

/** An object of the tree that can be changed. */
interface Changeable {
  [key: string]: unknown;
}

const ENDS: ReadonlyMap<string, string> = new Map([["first", "arg_min"], ["last", "arg_max"]]);
const PERCENTILE = /^(?:percentile_|p)(\d{1,2}|100)(?:_(\d{1,6}))?$/;

/** Whether calls of the function are rewritten, as long as they have no order of their own. */
export function isRewritten(name: string): boolean {
  return ENDS.has(name) || name === "percentile" || PERCENTILE.test(name) || isPattern(name);
}

/**
 * Rewrites all calls in a tree, in place.
 *
 * @throws {SqlError} a percentile is none; the position is in bytes of UTF-8
 */
export function rewriteTree(tree: unknown): void {
  if (typeof tree !== "object" || tree === null) return;
  if (Array.isArray(tree)) {
    for (const item of tree) rewriteTree(item);
    return;
  }
  const node = tree as Changeable;
  if (node.type === "SELECT_NODE") nameColumns(node.select_list as Changeable[]);
  if (node.class === "FUNCTION" || node.class === "WINDOW") rewriteCall(node);
  if (node.class !== "CONSTANT") { for (const key in node) rewriteTree(node[key]); }
}

/** A column without a name would get that of what the call becomes. */
function nameColumns(items: readonly Changeable[]): void {
  for (const item of items) {
    if (item.class !== "FUNCTION" || item.alias !== "") continue;
    const name = lower(String(item.function_name));
    if (!isRewritten(name) || isPattern(name) || hasOrder(item)) continue;
    const [argument] = item.children as Changeable[];
    const column = argument?.class === "COLUMN_REF" ? argument.column_names as string[] : [];
    item.alias = column.length === 0 ? name : `${name}(${column[column.length - 1]})`;
  }
}

function rewriteCall(node: Changeable): void {
  const name = lower(String(node.function_name));
  const children = node.children as Changeable[];
  if (isPattern(name)) return rewritePattern(node, name, (why) => refuse(node, why));
  const end = ENDS.get(name);
  if (end !== undefined) {
    if (children.length !== 1 || hasOrder(node)) return;
    node.function_name = end;
    children.push(timeBeside(children[0]));
  } else if (name === "percentile") {
    if (children.length !== 2) refuse(node, "percentile(x, n) has two arguments");
    node.function_name = "quantile_cont";
    children[1] = fraction(node, numberOf(children[1]));
  } else {
    const match = PERCENTILE.exec(name);
    if (match === null) return;
    if (children.length !== 1) refuse(node, `${name}(x) has one argument`);
    node.function_name = "quantile_cont";
    children.push(fraction(node, Number(`${match[1]}.${match[2] ?? "0"}`)));
  }
  if (node.class === "WINDOW") node.type = "WINDOW_AGGREGATE";
}

function hasOrder({ order_bys, orders, arg_orders }: Changeable): boolean {
  const lists = [(order_bys as Changeable | undefined)?.orders, orders, arg_orders];
  return lists.some((list) => Array.isArray(list) && list.length > 0);
}

/** `time`, of the same table as the column if that has one. */
function timeBeside(argument: Changeable): Changeable {
  const names = argument.class === "COLUMN_REF" ? argument.column_names as string[] : [];
  return {
    class: "COLUMN_REF",
    type: "COLUMN_REF",
    alias: "",
    query_location: argument.query_location,
    column_names: [...names.slice(0, -1), "time"],
  };
}

/** The number that a constant is; NaN if it is none. */
function numberOf(argument: Changeable): number {
  if (argument.class !== "CONSTANT") return NaN;
  const { type, value } = argument.value as { type: Changeable; value: unknown };
  const number = isExact(value) ? Number(value.rawJSON) : typeof value === "number" ? value : NaN;
  const info = type.type_info as { scale?: number } | null;
  return type.id === "DECIMAL" ? number / 10 ** (info?.scale ?? 0) : number;
}

function fraction(node: Changeable, percent: number): Changeable {
  if (!(percent >= 0 && percent <= 100)) {
    refuse(node, "a percentile is a number from 0 to 100, written as such");
  }
  return {
    class: "CONSTANT",
    type: "VALUE_CONSTANT",
    alias: "",
    query_location: node.query_location,
    value: {
      type: { id: "DOUBLE", type_info: null },
      is_null: false,
      value: toExact(hundredth(percent)),
    },
  };
}

/** Moved as text where that can be: 99.9 / 100 is 0.9990000000000001. */
function hundredth(percent: number): number {
  const moved = Number(`${percent}e-2`);
  return Number.isNaN(moved) ? percent / 100 : moved;
}

function refuse(node: Changeable, why: string): never {
  const position = typeof node.query_location === "number" ? node.query_location : undefined;
  throw new SqlError("42883", `Cannot run the statement: ${why}`, { position });
}
