/**
 * An answer as a stream of Arrow's IPC format: `pyarrow`, polars, R and DuckDB read it without parsing.
 * Numbers go as they came from DuckDB. Types that Arrow has not, or that few readers know (HUGEINT,
 * DECIMAL, INTERVAL, nested ones), go as text, as in CSV and JSON.
 *
 * @module
 */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  makeData,
  makeVector,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { SqlResult } from "../session.ts";
import { type SqlVector, valueAt } from "../values.ts";
import { keysOf } from "./columns.ts";
import { textWriter } from "./json_value.ts";

/** Types whose values lie in a typed array, as Arrow wants them. */
const IN_ARRAYS: Readonly<Record<string, () => DataType>> = {
  TINYINT: () => new Int8(),
  SMALLINT: () => new Int16(),
  INTEGER: () => new Int32(),
  BIGINT: () => new Int64(),
  UTINYINT: () => new Uint8(),
  USMALLINT: () => new Uint16(),
  UINTEGER: () => new Uint32(),
  UBIGINT: () => new Uint64(),
  FLOAT: () => new Float32(),
  DOUBLE: () => new Float64(),
  DATE: () => new DateDay(),
  TIMESTAMP_S: () => new TimestampSecond("UTC"),
  TIMESTAMP_MS: () => new TimestampMillisecond("UTC"),
  TIMESTAMP: () => new TimestampMicrosecond("UTC"),
  "TIMESTAMP WITH TIME ZONE": () => new TimestampMicrosecond("UTC"),
  TIMESTAMP_NS: () => new TimestampNanosecond("UTC"),
};

/** A mark and a length of nothing. */
const END_BYTES = 8;

/** Its bytes, in pieces. */
export async function* toArrow({ columns, rows }: SqlResult): AsyncGenerator<Uint8Array> {
  const types = columns.map(({ type }) => arrowType(type));
  const schema = new Schema(keysOf(columns).map((name, i) => new Field(name, types[i], true)));
  // A stream is the schema, batches and an end; each writer here makes a whole one, of which a part is taken.
  const empty = encode(schema, []);
  const schemaBytes = empty.length - END_BYTES;
  yield empty.subarray(0, schemaBytes);
  for await (const batch of rows) {
    const children = batch.columns.map((vector, i) =>
      arrowData(vector, batch.length, columns[i].type, types[i])
    );
    const data = makeData({ type: new Struct(schema.fields), length: batch.length, children });
    const bytes = encode(schema, [new RecordBatch(schema, data)]);
    yield bytes.subarray(schemaBytes, bytes.length - END_BYTES);
  }
  yield empty.subarray(schemaBytes);
}

function encode(schema: Schema, batches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

function arrowType(name: string): DataType {
  if (name === "BOOLEAN") return new Bool();
  if (name === "BLOB") return new Binary();
  return IN_ARRAYS[name]?.() ?? new Utf8();
}

// deno-lint-ignore no-explicit-any -- Arrow's types of its generic data do not meet
function arrowData(vector: SqlVector, length: number, name: string, type: DataType): any {
  if (Object.hasOwn(IN_ARRAYS, name)) {
    const { values: data, nulls } = vector;
    // deno-lint-ignore no-explicit-any
    return makeData({ type, length, data, nullBitmap: bitmapOf(nulls) } as any);
  }
  const write = textWriter(name);
  const isOwn = name === "BOOLEAN" || name === "BLOB";
  const values = Array.from({ length }, (_, row) => {
    const value = valueAt(vector, row);
    return isOwn || value === null ? value : write(value);
  });
  return vectorFromArray(values, type).data[0] ?? makeVector({ type } as never).data[0];
}

/** Arrow has a bit for each value that is there. */
function bitmapOf(nulls: Uint8Array | undefined): Uint8Array | undefined {
  if (nulls === undefined) return undefined;
  const bitmap = new Uint8Array(Math.ceil(nulls.length / 8));
  for (let i = 0; i < nulls.length; i++) if (nulls[i] === 0) bitmap[i >> 3] |= 1 << (i & 7);
  return bitmap;
}
