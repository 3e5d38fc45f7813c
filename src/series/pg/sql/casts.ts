/**
 * Casts to types that PostgreSQL has and DuckDB has not.
 *
 * @module
 */

/** What to write instead: a type, or a macro around the expression. */
export type Cast =
  | { readonly type: string }
  /** Macros for what is a name, and for what is a number (an OID). */
  | { readonly ofText: string; readonly ofNumber: string };

const TYPES: Readonly<Record<string, string>> = {
  // DuckDB's own has three decimals, PostgreSQL's any number: a float comes nearest to that.
  numeric: "double",
  decimal: "double",
  name: "varchar",
  oid: "integer",
  xid: "varchar",
  int2vector: "smallint[]",
  oidvector: "integer[]",
  pg_node_tree: "varchar",
  aclitem: "varchar",
  inet: "varchar",
  unknown: "varchar",
  cstring: "varchar",
  jsonb: "json",
  citext: "varchar",
  sql_identifier: "varchar",
  character_data: "varchar",
  yes_or_no: "varchar",
  cardinal_number: "integer",
};

const REFERENCES: Readonly<Record<string, readonly [ofText: string, ofNumber: string]>> = {
  regclass: ["to_regclass", "regclass_name"],
  regtype: ["to_regtype", "regtype_name"],
  regproc: ["to_regproc", "regproc_name"],
  regprocedure: ["to_regproc", "regproc_name"],
  regnamespace: ["to_regnamespace", "regnamespace_name"],
  regrole: ["to_regrole", "regrole_name"],
};

/** The cast to a type; undefined where DuckDB has the type under that name. */
export function castOf(
  name: string,
  isQuoted: boolean,
  schema: string | undefined,
): Cast | undefined {
  // "char", in quotes, is one byte and used for flags of the catalog.
  if (name === "char" && isQuoted) return { type: "varchar" };
  if (Object.hasOwn(TYPES, name)) return { type: TYPES[name] };
  if (Object.hasOwn(REFERENCES, name)) {
    const [ofText, ofNumber] = REFERENCES[name];
    return { ofText, ofNumber };
  }
  return schema === "pg_catalog" ? { type: name } : undefined;
}
