/**
 * A value as JSON.
 *
 * | value                          | JSON                                                        |
 * | ------------------------------ | ----------------------------------------------------------- |
 * | integer, DECIMAL               | a number; beyond ±2^53, or of more than 15 digits, a string |
 * | FLOAT, DOUBLE                  | a number; `"NaN"`, `"Infinity"`, `"-Infinity"`              |
 * | a time, a date                 | a string, RFC 3339 in UTC                                   |
 * | INTERVAL, UUID, ENUM           | a string                                                    |
 * | BLOB                           | a string, base64                                            |
 * | LIST                           | an array                                                    |
 * | STRUCT                         | an object                                                   |
 * | MAP                            | an array of `[key, value]`                                  |
 *
 * @module
 */
import { readType, type SqlType } from "../types.ts";
import type { SqlInterval, SqlValue } from "../values.ts";
import { dateText, intervalText, isMoment, momentText, timeText } from "./time_text.ts";

/** Writes values of a type. */
export type ValueWriter = (value: SqlValue) => string;

/** What writes values of a type as JSON; `name` is DuckDB's. */
export function jsonWriter(name: string): ValueWriter {
  return writerOf(readType(name));
}

/** What writes values of a type as text, for CSV and for people: a null is "". */
export function textWriter(name: string): ValueWriter {
  const type = readType(name);
  if (type.kind !== "plain") return withNull(writerOf(type), "");
  const json = plainWriter(type.name);
  return withNull((value) => {
    const text = json(value);
    return text.startsWith('"') ? JSON.parse(text) : text;
  }, "");
}

function withNull(write: ValueWriter, nothing: string): ValueWriter {
  return (value) => value === null ? nothing : write(value);
}

function writerOf(type: SqlType): ValueWriter {
  switch (type.kind) {
    case "plain":
      return withNull(plainWriter(type.name), "null");
    case "list": {
      const item = writerOf(type.item);
      return withNull((value) => `[${(value as SqlValue[]).map(item).join(",")}]`, "null");
    }
    case "map": {
      const [key, item] = [writerOf(type.key), writerOf(type.value)];
      const pair = ([k, v]: [SqlValue, SqlValue]) => `[${key(k)},${item(v)}]`;
      return withNull(
        (value) => `[${(value as [SqlValue, SqlValue][]).map(pair).join(",")}]`,
        "null",
      );
    }
    case "struct": {
      const writers = new Map([...type.items].map(([name, item]) => [name, writerOf(item)]));
      const pair = ([name, item]: [string, SqlValue]) =>
        `${JSON.stringify(name)}:${(writers.get(name) ?? anyText)(item)}`;
      return withNull(
        (value) => `{${(value as [string, SqlValue][]).map(pair).join(",")}}`,
        "null",
      );
    }
  }
}

function plainWriter(name: string): ValueWriter {
  if (isMoment(name)) return (value) => `"${momentText(value as bigint, name)}"`;
  if (name.startsWith("DECIMAL")) return (value) => decimalText(value as string);
  switch (name) {
    case "BOOLEAN":
      return String;
    case "FLOAT":
      return (value) => doubleText(shortest(value as number));
    case "DOUBLE":
      return (value) => doubleText(value as number);
    case "BIGINT":
    case "UBIGINT":
    case "HUGEINT":
    case "UHUGEINT":
      return (value) => integerText(value as bigint);
    case "DATE":
      return (value) => `"${dateText(value as number)}"`;
    case "TIME":
      return (value) => `"${timeText(value as bigint)}"`;
    case "INTERVAL":
      return (value) => `"${intervalText(value as SqlInterval)}"`;
    case "BLOB":
      return (value) => `"${(value as Uint8Array).toBase64()}"`;
    default:
      return anyText;
  }
}

function anyText(value: SqlValue): string {
  return typeof value === "number" ? doubleText(value) : JSON.stringify(value);
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : String(value);
}

/** A FLOAT by the fewest digits that are it: 0.1 and not 0.10000000149011612. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function integerText(value: bigint): string {
  const isSafe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  return isSafe ? String(value) : `"${value}"`;
}

function decimalText(value: string): string {
  const digits = value.replace(/^-?0*\.?0*|\./g, "").length;
  return digits <= 15 ? value : `"${value}"`;
}
