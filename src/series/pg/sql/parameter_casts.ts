/**
 * `$1::int[]` says what `$1` is: to PostgreSQL, and so to drivers, which write the value accordingly.
 *
 * @module
 */
import { PG_TYPES } from "../types/oids.ts";
import type { Statement } from "./statements.ts";

/** Names of types that are not those of `pg_type`. */
const ALIASES: Readonly<Record<string, string>> = {
  bigint: "int8",
  boolean: "bool",
  decimal: "numeric",
  double: "float8",
  float: "float8",
  int: "int4",
  integer: "int4",
  real: "float4",
  smallint: "int2",
};

/** The numbers of the types (OIDs), by the number of the parameter from 1. */
export function parameterCasts({ tokens }: Statement): Map<number, number> {
  const found = new Map<number, number>();
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== "parameter" || tokens[i + 1]?.text !== "::") continue;
    const start = tokens[i + 3]?.text === "." ? i + 4 : i + 2;
    const words = tokens.slice(start, start + 4).map(({ name }) => name).join(" ");
    const zoned = words === "timestamp with time zone";
    const name = zoned ? "timestamptz" : tokens[start]?.name ?? "";
    const type = PG_TYPES.find((one) => one.name === (ALIASES[name] ?? name));
    if (type === undefined) continue;
    // `double precision`, `character varying(10)`: what is behind them is no bracket of a list.
    const end = zoned ? start + 4 : name === "double" ? start + 2 : start + 1;
    const isList = tokens[end]?.text === "[" && tokens[end + 1]?.text === "]";
    found.set(Number(token.text.slice(1)), isList ? type.arrayOid : type.oid);
  }
  return found;
}
