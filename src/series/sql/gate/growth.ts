/**
 * How large a value of a statement can become, before anything is stored or sorted: what an expression
 * makes, step upon step, counts in no memory limit of DuckDB's (measured on 1.5.5: `hex` in itself 31
 * times takes 5 GB where 512 MB are allowed), and no interrupt ends it. So what makes text longer may not
 * stand in itself too often.
 *
 * A size is a multiple of what columns hold; a literal or parameter counts by its length. It follows
 * names through subqueries, CTEs and aliases, and rather takes too much for it than too little.
 *
 * @module
 */
import { SqlError } from "../errors.ts";
import { lower } from "./lower.ts";
import type { Node } from "./tree.ts";

/** Sizes beyond it are refused. 2,048 rows, which DuckDB works on at a time, take 0.5 GB then. */
export const MAX_SIZE = 4096;
/** Characters that count one. */
export const UNIT_LENGTH = 64;
/** Characters or bytes of a parameter. */
export const MAX_PARAMETER_LENGTH = 65_536;

/** By how much a function makes its largest argument longer. */
const FACTORS: ReadonlyMap<string, number> = new Map([
  ...["to_base64", "base64", "upper", "lower", "ucase", "lcase"].map((name) => [name, 2] as const),
  ...["hex", "to_hex", "nfc_normalize"].map((name) => [name, 2] as const),
  ...["url_encode", "translate", "regexp_escape"].map((name) => [name, 4] as const),
  ...["json_quote", "to_json", "json", "bin", "to_binary", "strftime"].map((name) =>
    [name, 8] as const
  ),
  ...["string_split", "str_split", "split", "string_to_array"].map((name) => [name, 16] as const),
  ...["string_split_regex", "str_split_regex", "regexp_split_to_array", "regexp_extract_all"]
    .map((name) => [name, 16] as const),
]);

/** Functions whose result holds all of their arguments. */
const SUMMED = new Set([
  ...["||", "concat", "concat_ws", "list_concat", "list_cat", "array_cat", "array_concat"],
  ...["list_value", "list_pack", "array_value", "struct_pack", "row", "struct_concat", "map"],
  ...["struct_insert", "map_concat", "json_object", "json_array", "list_zip", "array_zip"],
  ...["list_append", "list_prepend", "array_append", "array_prepend"],
]);

const REPLACING = new Set(["replace", "regexp_replace"]);

interface Scope {
  /** The largest of what columns of the FROM hold. */
  readonly columns: number;
  readonly aliases: ReadonlyMap<string, number>;
  readonly ctes: ReadonlyMap<string, number>;
}

/** @throws {SqlError} a value can become too large */
export function checkGrowth(statement: Node): void {
  sizeOf(statement.node, { columns: 1, aliases: new Map(), ctes: new Map() });
}

function sizeOf(value: unknown, scope: Scope): number {
  if (typeof value !== "object" || value === null) return 1;
  if (Array.isArray(value)) {
    return value.reduce((most, one) => Math.max(most, sizeOf(one, scope)), 1);
  }
  const node = value as Node;
  const size = sizeOfNode(node, scope);
  if (size <= MAX_SIZE) return size;
  const place = node.query_location;
  throw new SqlError(
    "42501",
    "Cannot run the statement: functions that make text longer stand in each other too often",
    { position: typeof place === "number" && place < 2 ** 32 ? place : undefined },
  );
}

function sizeOfNode(node: Node, scope: Scope): number {
  switch (node.class ?? node.type) {
    case "CONSTANT":
      return lengthOf(node) / UNIT_LENGTH + 1;
    case "PARAMETER":
      return MAX_PARAMETER_LENGTH / UNIT_LENGTH;
    case "COLUMN_REF":
      return Math.max(scope.columns, aliasOf(node, scope));
    case "STAR":
      return Math.max(scope.columns, largestInside(node, scope));
    case "FUNCTION":
      return sizeOfCall(node, scope);
    case "CAST":
      return largestInside(node, scope) * (isPlain(node.child) ? 1 : 4); // a BLOB as text: \xAA
    case "SELECT_NODE":
      return sizeOfSelect(node, scope);
    case "SET_OPERATION_NODE":
      return largestInside(node, withCtes(node, scope));
    case "BASE_TABLE":
      return node.schema_name === "" ? scope.ctes.get(lower(String(node.table_name))) ?? 1 : 1;
    default:
      return largestInside(node, scope);
  }
}

function sizeOfCall(node: Node, scope: Scope): number {
  const name = lower(String(node.function_name));
  const children = node.children as readonly Node[];
  const sizes = children.map((child) => sizeOf(child, scope));
  const largest = Math.max(1, ...sizes, sizeOf(node.filter, scope), sizeOf(node.order_bys, scope));
  if (SUMMED.has(name)) return Math.max(largest, sizes.reduce((sum, size) => sum + size, 0));
  if (children.some((child) => child.class === "LAMBDA")) {
    return 4 * sizes.reduce((product, size) => product * size, 1);
  }
  if (REPLACING.has(name) && children.length >= 3) {
    const isText = children[2].class === "CONSTANT";
    return largest * (isText ? lengthOf(children[2]) + 1 : UNIT_LENGTH * sizes[2]);
  }
  return largest * (FACTORS.get(name) ?? 1);
}

function sizeOfSelect(node: Node, outer: Scope): number {
  const { ctes } = withCtes(node, outer);
  const columns = Math.max(outer.columns, sizeOf(node.from_table, { ...outer, ctes }));
  const aliases = new Map(outer.aliases);
  const scope = { columns, aliases, ctes };
  let largest = 1;
  for (const item of node.select_list as Node[]) {
    const size = sizeOf(item, scope);
    largest = Math.max(largest, size);
    if (typeof item.alias === "string" && item.alias !== "") aliases.set(lower(item.alias), size);
  }
  for (const key in node) {
    if (key !== "cte_map" && key !== "from_table" && key !== "select_list") {
      sizeOf(node[key], scope);
    }
  }
  return largest;
}

function withCtes(node: Node, outer: Scope): Scope {
  const ctes = new Map(outer.ctes);
  const scope = { ...outer, ctes };
  const { map } = node.cte_map as { map: { key: string; value: Node }[] };
  for (const { key, value } of map) {
    ctes.delete(lower(key)); // an outer one of that name is not meant inside
    ctes.set(lower(key), sizeOf(value, scope));
  }
  return scope;
}

function largestInside(node: Node, scope: Scope): number {
  let largest = 1;
  for (const key in node) {
    if (key !== "cte_map") largest = Math.max(largest, sizeOf(node[key], scope));
  }
  return largest;
}

function aliasOf(node: Node, { aliases }: Scope): number {
  const names = node.column_names as readonly string[];
  return names.length === 1 ? aliases.get(lower(names[0])) ?? 1 : 1;
}

function isPlain(child: unknown): boolean {
  return ["COLUMN_REF", "CONSTANT", "PARAMETER"].includes(String((child as Node).class));
}

function lengthOf(constant: Node): number {
  const { value } = constant.value as { value?: unknown };
  return typeof value === "string" ? value.length : 1;
}
