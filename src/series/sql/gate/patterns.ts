/**
 * LIKE and ILIKE as regular expressions. DuckDB matches most patterns by trying every place for each `%`
 * again, which takes exponential time and sees no interrupt (measured on 1.5.5: 60 of them and 300
 * characters do not end); its regular expressions take linear time. A LIKE of a literal without `_` it
 * matches well, and that stays as it is.
 *
 * @module
 */

/** An object of the tree that can be changed. */
interface Changeable {
  [key: string]: unknown;
}

interface Operator {
  readonly isNot: boolean;
  readonly flags: string;
  readonly hasEscape: boolean;
}

const like = (isNot: boolean, flags: string, hasEscape: boolean): Operator => {
  return { isNot, flags, hasEscape };
};

/** By the names that syntax gives them. */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ["~~", like(false, "s", false)],
  ["!~~", like(true, "s", false)],
  ["~~*", like(false, "si", false)],
  ["!~~*", like(true, "si", false)],
  ["like_escape", like(false, "s", true)],
  ["not_like_escape", like(true, "s", true)],
  ["ilike_escape", like(false, "si", true)],
  ["not_ilike_escape", like(true, "si", true)],
]);

/** Whether it is one of LIKE's names. */
export function isPattern(name: string): boolean {
  return OPERATORS.has(name);
}

/** Rewrites a call, in place. @param refuse tells why that cannot be */
export function rewritePattern(
  node: Changeable,
  name: string,
  refuse: (why: string) => never,
): void {
  const { isNot, flags, hasEscape } = OPERATORS.get(name)!;
  const [text, pattern, escape] = node.children as readonly Changeable[];
  const literal = literalOf(pattern);
  if (literal !== undefined && !literal.includes("_") && flags === "s" && !hasEscape) return;
  const place = node.query_location;
  let expression: Changeable;
  if (literal !== undefined) {
    const sign = hasEscape ? literalOf(escape) : "";
    if (sign === undefined || sign.length > 1) refuse("ESCAPE wants one character, as a literal");
    expression = constant(toExpression(literal, sign), place);
  } else {
    if (hasEscape) refuse("LIKE with ESCAPE wants a literal pattern; use regexp_matches");
    const escaped = call("regexp_escape", [pattern], place);
    const any = call("replace", [escaped, constant("\\%", place), constant(".*", place)], place);
    expression = call("replace", [any, constant("_", place), constant(".", place)], place);
  }
  const match = call("regexp_full_match", [text, expression, constant(flags, place)], place);
  const result = isNot ? not(match, place) : match;
  const { alias } = node;
  for (const key in node) delete node[key];
  Object.assign(node, result, { alias });
}

/** The pattern as a regular expression. */
function toExpression(pattern: string, escape: string): string {
  let expression = "";
  let isEscaped = false;
  for (const char of pattern) {
    if (!isEscaped && char === escape) {
      isEscaped = true;
      continue;
    }
    if (!isEscaped && char === "%") expression += ".*";
    else if (!isEscaped && char === "_") expression += ".";
    else expression += /[\w\u0080-\u{10ffff}]/u.test(char) ? char : `\\${char}`;
    isEscaped = false;
  }
  return expression;
}

function literalOf(node: Changeable): string | undefined {
  if (node.class !== "CONSTANT") return undefined;
  const { value } = node.value as { value?: unknown };
  return typeof value === "string" ? value : undefined;
}

function constant(text: string, place: unknown): Changeable {
  const value = { type: { id: "VARCHAR", type_info: null }, is_null: false, value: text };
  return { class: "CONSTANT", type: "VALUE_CONSTANT", alias: "", query_location: place, value };
}

function not(child: Changeable, place: unknown): Changeable {
  const kind = { class: "OPERATOR", type: "OPERATOR_NOT" };
  return { ...kind, alias: "", query_location: place, children: [child] };
}

function call(name: string, children: readonly Changeable[], place: unknown): Changeable {
  return {
    class: "FUNCTION",
    type: "FUNCTION",
    alias: "",
    query_location: place,
    function_name: name,
    schema: "",
    children,
    filter: null,
    order_bys: { type: "ORDER_MODIFIER", orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: "",
  };
}
