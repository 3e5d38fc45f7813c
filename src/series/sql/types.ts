/**
 * DuckDB's names of types, read: what a value inside a list or a struct is.
 *
 * @module
 */

/** A type. */
export type SqlType =
  /** `DOUBLE`, `TIMESTAMP_NS`, `DECIMAL(18,3)`, `ENUM('a', 'b')` … */
  | { readonly kind: "plain"; readonly name: string }
  /** `T[]`, `T[3]`. */
  | { readonly kind: "list"; readonly item: SqlType }
  /** `STRUCT("a" T, …)`. */
  | { readonly kind: "struct"; readonly items: ReadonlyMap<string, SqlType> }
  /** `MAP(K, V)`. */
  | { readonly kind: "map"; readonly key: SqlType; readonly value: SqlType };

/** Reads a name as DuckDB writes it; what cannot be read is plain. */
export function readType(name: string): SqlType {
  const item = /^(.*)\[\d*\]$/s.exec(name);
  if (item !== null) return { kind: "list", item: readType(item[1]) };
  const inside = /^(STRUCT|MAP)\((.*)\)$/s.exec(name);
  if (inside === null) return { kind: "plain", name };
  const parts = split(inside[2]);
  if (inside[1] === "MAP") {
    if (parts.length !== 2) return { kind: "plain", name };
    return { kind: "map", key: readType(parts[0]), value: readType(parts[1]) };
  }
  const items = new Map<string, SqlType>();
  for (const part of parts) {
    const field = /^"((?:[^"]|"")*)" (.*)$/s.exec(part) ?? /^(\S+) (.*)$/s.exec(part);
    if (field === null) return { kind: "plain", name };
    items.set(field[1].replaceAll('""', '"'), readType(field[2]));
  }
  return { kind: "struct", items };
}

/** At commas that stand in no parentheses and no quotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "," && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}
