/**
 * What clients bind to `$1`: text or bytes → a value and DuckDB's type of it.
 *
 * @module
 */
import type { SqlParameter } from "../../sql/session.ts";
import { CODE, PgError } from "../errors.ts";
import { listLiteral, parseArray } from "./arrays.ts";
import { decodeBinary } from "./binary.ts";
import { parseInterval } from "./intervals.ts";
import type { PgType, WireType } from "./oids.ts";

/** A value to bind. */
export interface Bound {
  readonly value: SqlParameter;
  /** What DuckDB reads a string as; undefined: the value says it. */
  readonly type: string | undefined;
}

const DECODER = new TextDecoder("utf-8", { fatal: true });
const YES = /^(t|true|y|yes|on|1)$/i;
const NO = /^(f|false|n|no|off|0)$/i;
const WHOLE = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DECIMAL = /^[+-]?0*(\d*)(?:\.(\d*))?$/;
const NOT_FINITE = /^([+-]?inf(inity)?|nan)$/i;
const WHEN =
  /^(\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i;

/** DuckDB's decimals have at most so many digits. */
const MAX_DECIMAL_DIGITS = 38;

/**
 * A parameter.
 *
 * @param number from 1, for messages
 * @param wanted DuckDB's type where the engine has named one: it may tell more than the client's
 * @throws {PgError} if the bytes are no such value
 */
export function bind(
  bytes: Uint8Array | null,
  isBinary: boolean,
  { type, isArray }: WireType,
  number: number,
  wanted?: string,
): Bound {
  const duckdb = wanted ?? type.duckdb;
  if (bytes === null) return { value: null, type: isArray ? `${type.duckdb}[]` : duckdb };
  const text = isBinary
    ? decodeBinary(bytes, type, isArray) ?? refuse(CODE.wrongBinary, number, type, isArray)
    : decodeText(bytes, number);
  if (!isArray) return bindText(text as string, type, number, duckdb);
  const elements = typeof text === "string"
    ? parseArray(text) ?? refuse(CODE.wrongText, number, type, true)
    : text;
  return bindArray(elements, type, number, wanted);
}

function bindArray(
  elements: readonly (string | null)[],
  type: PgType,
  number: number,
  wanted: string | undefined,
): Bound {
  const element = wanted?.replace(/\[\d*\]$/, "");
  const bound = elements.map((item) =>
    item === null ? undefined : bindText(item, type, number, element ?? type.duckdb)
  );
  const texts = bound.map((item) => item === undefined ? null : String(item.value));
  // Decimals are each as long as they are; together they have one type.
  const own = type.name === "numeric" ? "DOUBLE" : type.duckdb;
  return { value: listLiteral(texts), type: `${element ?? own}[]` };
}

function bindText(text: string, type: PgType, number: number, duckdb: string): Bound {
  const wrong = () => refuse(CODE.wrongText, number, type, false);
  switch (type.name) {
    case "bool":
      return {
        value: YES.test(text.trim()) || (NO.test(text.trim()) ? false : wrong()),
        type: undefined,
      };
    case "int2":
    case "int4":
    case "int8":
    case "oid":
      return WHOLE.test(text.trim()) ? { value: text.trim(), type: type.duckdb } : wrong();
    case "float4":
    case "float8":
      if (!NUMBER.test(text.trim()) && !NOT_FINITE.test(text.trim())) wrong();
      return { value: text.trim(), type: type.duckdb };
    case "numeric":
      return { value: text.trim(), type: numericType(text.trim()) ?? wrong() };
    case "timestamp":
    case "timestamptz":
      return { value: instant(text.trim()) ?? text, type: duckdb };
    case "interval":
      return { value: parseInterval(text) ?? wrong(), type: undefined };
    case "bytea":
      return /^\\x([\da-f]{2})*$/i.test(text)
        ? { value: Uint8Array.fromHex(text.slice(2)), type: undefined }
        : wrong();
    default:
      return { value: text, type: duckdb };
  }
}

/**
 * A time without its offset, in UTC: read as TIMESTAMP, DuckDB would pass over an offset. Undefined for
 * `infinity` and whatever else only DuckDB may know.
 */
function instant(text: string): string | undefined {
  const match = WHEN.exec(text);
  if (match === null) return undefined;
  const [, date, time = "00:00:00", fraction = "", offset = "Z"] = match;
  if (/^z$/i.test(offset)) return `${date} ${time}${fraction}`;
  const [, sign, hours, minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset)!;
  const aheadMs = (sign === "-" ? -1 : 1) * (+hours * 60 + +minutes) * 60_000;
  const year = date.length > 10 ? `+${date.padStart(12, "0")}` : date;
  const ms = Date.parse(`${year}T${time}Z`) - aheadMs;
  if (Number.isNaN(ms)) return undefined;
  return `${
    new Date(ms).toISOString().replace(/^\+0*/, "").replace("T", " ").slice(0, -5)
  }${fraction}`;
}

/** The type that keeps every digit; a float where none can. */
function numericType(text: string): string | undefined {
  if (!NUMBER.test(text)) return NOT_FINITE.test(text) ? "DOUBLE" : undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return "DOUBLE";
  const whole = match[1].length, scale = match[2]?.length ?? 0;
  const digits = Math.max(whole + scale, 1);
  if (digits > MAX_DECIMAL_DIGITS) return "DOUBLE";
  return scale === 0 ? "HUGEINT" : `DECIMAL(${digits},${scale})`;
}

function decodeText(bytes: Uint8Array, number: number): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new PgError(CODE.wrongEncoding, `Cannot read the parameter $${number}: it is no UTF-8`);
  }
}

function refuse(code: string, number: number, type: PgType, isArray: boolean): never {
  throw new PgError(
    code,
    `Cannot read the parameter $${number}: wanted ${type.title}${
      isArray ? "[]" : ""
    }, received something else`,
  );
}
