/**
 * Values in PostgreSQL's binary forms, for clients that ask for them: numbers as they lie in memory, the
 * first byte first, times as microseconds since 2000.
 *
 * @module
 */
import type { SqlInterval, SqlValue } from "../../sql/values.ts";
import { decodeNumeric, encodeNumeric } from "./numeric.ts";
import type { PgType, WireType } from "./oids.ts";
import { textEncoding } from "./text.ts";
import {
  dateText,
  EPOCH_DAYS,
  EPOCH_US,
  infinityOf,
  microsOf,
  timestampText,
  timeText,
} from "./time.ts";

/** Writes a value that is not null. */
export type BinaryEncoding = (value: SqlValue) => Uint8Array;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true });
const MOST_I64 = 2n ** 63n - 1n;
const LEAST_I64 = -(2n ** 63n);
const MAX_ELEMENTS = 1_000_000;

/** How the values of a column are written. @param duckdb its type in DuckDB */
export function binaryEncoding({ type, isArray }: WireType, duckdb: string): BinaryEncoding {
  if (!isArray) return scalarEncoding(type, duckdb);
  const element = scalarEncoding(type, duckdb.replace(/\[\d*\]$/, ""));
  return (value) => encodeList(value as readonly SqlValue[], type.oid, element);
}

/**
 * What a client has encoded, as text, or as texts for a list; undefined if it is damaged or nested.
 */
export function decodeBinary(
  bytes: Uint8Array,
  type: PgType,
  isArray: boolean,
): string | (string | null)[] | undefined {
  return isArray ? decodeList(bytes, type) : decodeScalar(bytes, type);
}

function scalarEncoding(type: PgType, duckdb: string): BinaryEncoding {
  switch (type.name) {
    case "bool":
      return (value) => Uint8Array.of(value === true ? 1 : 0);
    case "int2":
      return (value) => bytesOf(2, (view) => view.setInt16(0, value as number));
    case "int4":
      return (value) => bytesOf(4, (view) => view.setInt32(0, value as number));
    case "int8":
      return (value) => bytesOf(8, (view) => view.setBigInt64(0, BigInt(value as bigint)));
    case "float4":
      return (value) => bytesOf(4, (view) => view.setFloat32(0, value as number));
    case "float8":
      return (value) => bytesOf(8, (view) => view.setFloat64(0, value as number));
    case "numeric":
      return (value) => encodeNumeric(String(value));
    case "timestamptz":
      return (value) => encodeTimestamp(microsOf(value as bigint, duckdb));
    case "date":
      return (value) => bytesOf(4, (view) => view.setInt32(0, encodedDay(value as number)));
    case "time":
      return (value) => bytesOf(8, (view) => view.setBigInt64(0, value as bigint));
    case "interval":
      return (value) => encodeInterval(value as SqlInterval);
    case "uuid":
      return (value) => Uint8Array.fromHex((value as string).replaceAll("-", ""));
    case "bytea":
      return (value) => value as Uint8Array;
    default: {
      const text = textEncoding({ oid: type.oid, size: -1, type, isArray: false }, duckdb);
      return (value) => ENCODER.encode(text(value));
    }
  }
}

function decodeScalar(bytes: Uint8Array, type: PgType): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sized = (size: number, read: () => string) => bytes.length === size ? read() : undefined;
  switch (type.name) {
    case "bool":
      return sized(1, () => bytes[0] === 0 ? "f" : "t");
    case "int2":
      return sized(2, () => String(view.getInt16(0)));
    case "int4":
      return sized(4, () => String(view.getInt32(0)));
    case "oid":
      return sized(4, () => String(view.getUint32(0)));
    case "int8":
      return sized(8, () => String(view.getBigInt64(0)));
    case "float4":
      return sized(4, () => String(view.getFloat32(0)));
    case "float8":
      return sized(8, () => String(view.getFloat64(0)));
    case "numeric":
      return decodeNumeric(bytes);
    case "timestamp":
    case "timestamptz":
      return sized(8, () => decodeTimestamp(view.getBigInt64(0)));
    case "date":
      return sized(4, () => dateText(decodedDay(view.getInt32(0))));
    case "time":
      return sized(8, () => timeText(view.getBigInt64(0)));
    case "interval":
      return sized(
        16,
        () => `${view.getInt32(12)} mon ${view.getInt32(8)} day ${view.getBigInt64(0)} us`,
      );
    case "uuid":
      return sized(16, () => bytes.toHex());
    case "bytea":
      return `\\x${bytes.toHex()}`;
    default:
      return decodeText(type.name === "jsonb" ? bytes.subarray(1) : bytes);
  }
}

function encodeList(
  list: readonly SqlValue[],
  oid: number,
  element: BinaryEncoding,
): Uint8Array {
  const items = list.map((item) => item === null ? null : element(item));
  const size = items.reduce((sum, item) => sum + 4 + (item?.length ?? 0), 0);
  const bytes = new Uint8Array((list.length === 0 ? 12 : 20) + size);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, list.length === 0 ? 0 : 1);
  view.setInt32(4, items.includes(null) ? 1 : 0);
  view.setUint32(8, oid);
  if (list.length === 0) return bytes;
  view.setInt32(12, list.length);
  view.setInt32(16, 1);
  let at = 20;
  for (const item of items) {
    view.setInt32(at, item?.length ?? -1);
    if (item !== null) bytes.set(item, at + 4);
    at += 4 + (item?.length ?? 0);
  }
  return bytes;
}

function decodeList(bytes: Uint8Array, type: PgType): (string | null)[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12) return undefined;
  const dimensions = view.getInt32(0);
  if (dimensions === 0) return [];
  const count = bytes.length < 20 ? -1 : view.getInt32(12);
  if (dimensions !== 1 || count < 0 || count > MAX_ELEMENTS) return undefined;
  const items: (string | null)[] = [];
  let at = 20;
  for (let i = 0; i < count; i++) {
    const size = at + 4 <= bytes.length ? view.getInt32(at) : -2;
    if (size < -1 || at + 4 + size > bytes.length) return undefined;
    const item = size < 0 ? null : decodeScalar(bytes.subarray(at + 4, at + 4 + size), type);
    if (item === undefined) return undefined;
    items.push(item);
    at += 4 + Math.max(size, 0);
  }
  return at === bytes.length ? items : undefined;
}

function encodeTimestamp(micros: bigint): Uint8Array {
  const infinity = infinityOf(micros);
  const value = infinity === undefined
    ? micros - EPOCH_US
    : infinity === "infinity"
    ? MOST_I64
    : LEAST_I64;
  return bytesOf(8, (view) => view.setBigInt64(0, value));
}

function decodeTimestamp(value: bigint): string {
  if (value === MOST_I64) return "infinity";
  if (value === LEAST_I64) return "-infinity";
  return timestampText(value + EPOCH_US);
}

function encodedDay(days: number): number {
  return days === 2 ** 31 - 1 ? days : days === 1 - 2 ** 31 ? -(2 ** 31) : days - EPOCH_DAYS;
}

function decodedDay(days: number): number {
  return days === 2 ** 31 - 1 ? days : days === -(2 ** 31) ? 1 - 2 ** 31 : days + EPOCH_DAYS;
}

function encodeInterval({ months, days, micros }: SqlInterval): Uint8Array {
  return bytesOf(16, (view) => {
    view.setBigInt64(0, micros);
    view.setInt32(8, days);
    view.setInt32(12, months);
  });
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function bytesOf(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}
