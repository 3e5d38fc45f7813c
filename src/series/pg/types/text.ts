/**
 * Values as text, the form that most clients ask for.
 *
 * @module
 */
import type { SqlInterval, SqlValue } from "../../sql/values.ts";
import { arrayText } from "./arrays.ts";
import type { WireType } from "./oids.ts";
import { dateText, intervalText, microsOf, timestampText, timeText } from "./time.ts";

/** Writes a value that is not null. */
export type TextEncoding = (value: SqlValue) => string;

/** How the values of a column are written. @param duckdb its type in DuckDB */
export function textEncoding({ type, isArray }: WireType, duckdb: string): TextEncoding {
  if (!isArray) return scalarText(type.name, duckdb);
  const element = scalarText(type.name, duckdb.replace(/\[\d*\]$/, ""));
  return (value) =>
    arrayText((value as readonly SqlValue[]).map((item) => item === null ? null : element(item)));
}

function scalarText(name: string, duckdb: string): TextEncoding {
  switch (name) {
    case "bool":
      return (value) => value === true ? "t" : "f";
    case "float4":
      return (value) => float4Text(value as number);
    case "timestamptz":
      return (value) => timestampText(microsOf(value as bigint, duckdb));
    case "date":
      return (value) => dateText(value as number);
    case "time":
      return (value) => timeText(value as bigint);
    case "interval":
      return (value) => intervalText(value as SqlInterval);
    case "bytea":
      return (value) => `\\x${(value as Uint8Array).toHex()}`;
    default:
      return plainText(duckdb);
  }
}

/** Numbers and texts as they are; what has parts as JSON. */
function plainText(duckdb: string): TextEncoding {
  const isObject = /^(STRUCT|MAP)\(/.test(duckdb);
  return (value) => {
    if (typeof value !== "object") return String(value);
    return JSON.stringify(
      isObject ? Object.fromEntries(value as unknown as [string, SqlValue][]) : value,
      (_, item) => typeof item === "bigint" ? String(item) : item,
    );
  };
}

/** The shortest text that means this float of 32 bits. */
function float4Text(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}
