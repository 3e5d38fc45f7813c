/**
 * DuckDB's vectors as ours. Reading them value by value costs most of what a large answer costs; where
 * the values lie in a typed array that is taken as it is.
 *
 * @module
 */
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBTypeId,
  type DuckDBValue,
  type DuckDBVector,
} from "@duckdb/node-api";
import type { SqlBatch, SqlValue, SqlVector } from "../values.ts";

/** What the vectors of numbers have inside, in the version that deno.json pins. */
interface Inside {
  readonly items: ArrayLike<number | bigint> & { slice(): ArrayLike<number | bigint> };
  readonly validity: { readonly data: BigUint64Array | null; readonly offset: number };
}

/** Types whose vectors have `items`, a typed array with one value a row, as `SqlValue` has it. */
const IN_ARRAYS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
  DuckDBTypeId.DATE,
]);

/** The rows of a chunk. Nothing in them belongs to DuckDB. */
export function toBatch(chunk: DuckDBDataChunk): SqlBatch {
  const columns: SqlVector[] = [];
  for (let i = 0; i < chunk.columnCount; i++) {
    const vector = chunk.getColumnVector(i);
    const isArray = IN_ARRAYS.has(vector.type.typeId);
    columns.push(isArray ? fromArray(vector, chunk.rowCount) : fromItems(vector, chunk.rowCount));
  }
  return { length: chunk.rowCount, columns };
}

/** About how many bytes its values take. */
export function bytesOf({ columns }: SqlBatch): number {
  let bytes = 0;
  for (const { values } of columns) {
    if (ArrayBuffer.isView(values)) bytes += values.byteLength;
    else for (let i = 0; i < values.length; i++) bytes += bytesOfValue(values[i]);
  }
  return bytes;
}

/** What can cross to another thread without a copy. */
export function buffersOf({ columns }: SqlBatch): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const { values, nulls } of columns) {
    if (ArrayBuffer.isView(values)) buffers.push(values.buffer as ArrayBuffer);
    if (nulls !== undefined) buffers.push(nulls.buffer as ArrayBuffer);
  }
  return buffers;
}

function fromArray(vector: DuckDBVector, length: number): SqlVector {
  const { items, validity } = vector as unknown as Inside;
  return { values: items.slice() as ArrayLike<SqlValue>, nulls: toNulls(validity, length) };
}

function toNulls({ data, offset }: Inside["validity"], length: number): Uint8Array | undefined {
  if (data === null) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const nulls = new Uint8Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const bit = offset + i;
    if ((bytes[bit >> 3] >> (bit & 7) & 1) === 0) {
      nulls[i] = 1;
      count++;
    }
  }
  return count === 0 ? undefined : nulls;
}

function fromItems(vector: DuckDBVector, length: number): SqlVector {
  const values: SqlValue[] = new Array(length);
  let nulls: Uint8Array | undefined;
  for (let i = 0; i < length; i++) {
    const value = toValue(vector.getItem(i));
    values[i] = value;
    if (value === null) (nulls ??= new Uint8Array(length))[i] = 1;
  }
  return { values, nulls };
}

function toValue(value: DuckDBValue): SqlValue {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimeValue) return value.micros;
  if (value instanceof DuckDBTimestampValue) return value.micros;
  if (value instanceof DuckDBTimestampTZValue) return value.micros;
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos;
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.millis;
  if (value instanceof DuckDBTimestampSecondsValue) return value.seconds;
  if (value instanceof DuckDBIntervalValue) {
    return { months: value.months, days: value.days, micros: value.micros };
  }
  if (value instanceof DuckDBBlobValue) return value.bytes.slice();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    return value.items.map(toValue);
  }
  if (value instanceof DuckDBStructValue) {
    return Object.entries(value.entries).map(([name, item]) => [name, toValue(item)]);
  }
  if (value instanceof DuckDBMapValue) {
    return value.entries.map((entry) => [toValue(entry.key), toValue(entry.value)]);
  }
  return String(value);
}

function bytesOfValue(value: SqlValue): number {
  if (typeof value === "string") return 2 * value.length + 8;
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + bytesOfValue(item), 8);
  if (value instanceof Uint8Array) return value.byteLength + 8;
  return 8;
}
