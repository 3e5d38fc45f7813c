/**
 * Points of one measurement in columns, as they go to an engine. Pure data: it crosses to a worker as it
 * stands, its typed arrays without a copy.
 *
 * @module
 */

/** What a field's values are. A measurement has one type per field, that of the first point. */
export type FieldType = "float" | "integer" | "unsigned" | "string" | "boolean";

/** The values of a field, by its type; booleans are 0 and 1. */
export interface FieldValues {
  /** All numbers with a point, an exponent, or neither. */
  float: Float64Array<ArrayBuffer>;
  /** Whole numbers with an i. */
  integer: BigInt64Array<ArrayBuffer>;
  /** Whole numbers with a u. */
  unsigned: BigUint64Array<ArrayBuffer>;
  /** Quoted texts. */
  string: string[];
  /** 0 and 1. */
  boolean: Uint8Array<ArrayBuffer>;
}

/** A tag and its value. */
export type Tag = readonly [key: string, value: string];

/** A tag of a measurement. */
export interface TagColumn {
  /** Its key, as it was written. */
  readonly name: string;
  /**
   * What it is called in SQL, where letters' case does not count: `name`, or `name_1`, `name_2` … where
   * another column of the measurement is called so already. `time` is never one's name.
   */
  readonly column: string;
}

/** A field of a measurement. */
export interface FieldColumn extends TagColumn {
  /** Of all its values. */
  readonly type: FieldType;
}

/** The values that a field has in a batch. */
export type BatchField = {
  [T in FieldType]: {
    readonly name: string;
    readonly type: T;
    /** One per row; where the field is absent something that means nothing. */
    readonly values: FieldValues[T];
    /** One byte per row: 1 where the point has the field. Not there: all of them have it. */
    readonly present?: Uint8Array<ArrayBuffer>;
  };
}[FieldType];

/** A series that no batch before had. */
export interface NewSeries {
  /** Its number within the measurement: 0, 1, 2 … without a gap. */
  readonly id: number;
  /** Ascending by key; empty for the series without tags. */
  readonly tags: readonly Tag[];
}

/** See the top of this file. Rows are in the order in which the points came: of two, the later one wins. */
export interface Batch {
  /** Its name, as it was written. */
  readonly measurement: string;
  /** What the measurement is called in SQL; as {@linkcode TagColumn.column}, among all measurements. */
  readonly table: string;
  /** How many points there are. */
  readonly rows: number;
  /** Unix nanoseconds. */
  readonly times: BigInt64Array<ArrayBuffer>;
  /** Number of the series of each row, see {@linkcode NewSeries.id}. */
  readonly series: Uint32Array<ArrayBuffer>;
  /** Those that a point of the batch has. */
  readonly fields: readonly BatchField[];
  /** Series that no batch before had, in the order in which they came. */
  readonly newSeries: readonly NewSeries[];
  /** Fields that no batch before had, in the order in which they came. */
  readonly newFields: readonly FieldColumn[];
  /** Tags that no batch before had, in the order in which they came. */
  readonly newTags: readonly TagColumn[];
}

/** The memory behind a batch's columns, for `postMessage`. */
export function buffersOf({ times, series, fields }: Batch): ArrayBuffer[] {
  const buffers = [times.buffer, series.buffer];
  for (const { values, present } of fields) {
    if (!Array.isArray(values)) buffers.push(values.buffer);
    if (present !== undefined) buffers.push(present.buffer);
  }
  return buffers;
}
