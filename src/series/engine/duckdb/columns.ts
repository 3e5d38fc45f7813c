/**
 * Columns of a batch into a table: each goes into DuckDB's vectors by whole pieces of memory, 2,048 rows at
 * a time (measured: five million rows a second, one value at a time makes less than one).
 *
 * @module
 */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  TIMESTAMP_NS,
  UBIGINT,
  UINTEGER,
  VARCHAR,
} from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import type { BatchField, FieldType } from "../../points/batch.ts";

/** What a column can hold: a field's type, or what we keep beside fields. */
export type ColumnType = FieldType | "time" | "number";

/** Values for a column of a table. */
export interface Column {
  readonly type: ColumnType;
  /** One per row; undefined: every row is NULL. */
  readonly values?: BatchField["values"] | Uint32Array<ArrayBuffer>;
  /** One byte per row, 0 where the row is NULL; undefined: none is. */
  readonly present?: Uint8Array<ArrayBuffer>;
}

const TYPES = {
  time: TIMESTAMP_NS,
  number: UINTEGER,
  float: DOUBLE,
  integer: BIGINT,
  unsigned: UBIGINT,
  string: VARCHAR,
  boolean: BOOLEAN,
};

/** Rows in one of DuckDB's vectors. */
const VECTOR_ROWS = bindings.vector_size();
/** Pieces after which rows go from the appender to the table: it holds no more than these in memory. */
const FLUSH_CHUNKS = 60;

/** Where rows go. */
export interface Target {
  readonly catalog?: string;
  readonly schema: string;
  readonly table: string;
}

/**
 * Appends rows: one entry of `columns` for every column of the table, in its order. They belong to the
 * transaction that is open, or are one.
 */
export function appendColumns(
  connection: bindings.Connection,
  { catalog, schema, table }: Target,
  columns: readonly Column[],
  rows: number,
): void {
  if (rows === 0) return;
  const appender = bindings.appender_create_ext(connection, catalog ?? null, schema, table);
  try {
    const chunk = bindings.create_data_chunk(
      columns.map(({ type }) => TYPES[type].toLogicalType().logical_type),
    );
    for (let from = 0, chunks = 1; from < rows; from += VECTOR_ROWS, chunks++) {
      const count = Math.min(VECTOR_ROWS, rows - from);
      bindings.data_chunk_reset(chunk);
      bindings.data_chunk_set_size(chunk, count);
      columns.forEach((column, index) =>
        fill(bindings.data_chunk_get_vector(chunk, index), column, from, count)
      );
      bindings.append_data_chunk(appender, chunk);
      if (chunks % FLUSH_CHUNKS === 0) bindings.appender_flush_sync(appender);
    }
  } catch (error) {
    bindings.appender_clear(appender);
    throw error;
  } finally {
    bindings.appender_close_sync(appender);
  }
}

function fill(vector: bindings.Vector, column: Column, from: number, count: number): void {
  const { values, present } = column;
  if (values === undefined) return hide(vector, undefined, count);
  if (Array.isArray(values)) {
    for (let row = 0; row < count; row++) {
      if (present !== undefined && present[from + row] === 0) continue;
      bindings.vector_assign_string_element(vector, row, values[from + row]);
    }
  } else {
    const part = values.subarray(from, from + count);
    bindings.copy_data_to_vector(vector, 0, part.buffer, part.byteOffset, part.byteLength);
  }
  if (present !== undefined) hide(vector, present.subarray(from, from + count), count);
}

/** One bit per row of a vector, 1 where there is a value. */
const validity = new Uint32Array(VECTOR_ROWS / 32);

/** Says which rows are NULL: those where `present` is 0, without it all. */
function hide(vector: bindings.Vector, present: Uint8Array | undefined, count: number): void {
  validity.fill(0);
  if (present !== undefined) {
    for (let row = 0; row < count; row++) {
      if (present[row] !== 0) validity[row >>> 5] |= 1 << (row & 31);
    }
  }
  bindings.vector_ensure_validity_writable(vector);
  const bytes = Math.ceil(count / 64) * 8;
  bindings.copy_data_to_vector_validity(vector, 0, validity.buffer, 0, bytes);
}
