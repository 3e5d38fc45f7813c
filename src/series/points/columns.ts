/**
 * Columns that points are written into, one after the other, and that become a batch: those of one
 * measurement. A point is written field by field and counts once it is whole.
 *
 * Numbers of 64 bits are written as two words of 32: a `bigint` for each would cost more than all else.
 *
 * @module
 */
import type { Batch, BatchField, FieldType } from "./batch.ts";
import type { Measurement } from "./catalog.ts";

const FIRST_ROWS = 64;

/** The values of a field. */
export class Column {
  readonly name: string;
  /** As the key stood in the first line, escaped; to find it again without reading it. */
  raw: Uint8Array;
  /** Undefined until the first value was read. */
  type: FieldType | undefined;
  /** Whether the measurement has the field; not while the first point with it is read. */
  isKnown: boolean;
  /** The point that had it last, so that one cannot have it twice. */
  point = -1;
  /** The field that followed the last time. */
  next: Column | undefined;
  floats = new Float64Array(0);
  /** Low and high words of integers. */
  words = new Int32Array(0);
  bytes = new Uint8Array(0);
  strings: string[] = [];
  #present: Uint8Array<ArrayBuffer> | undefined;
  /** All rows before this one have it; counted until one has not. */
  #dense = 0;
  #isUsed = false;

  constructor(name: string, raw: Uint8Array, type: FieldType | undefined) {
    this.name = name;
    this.raw = raw;
    this.type = type;
    this.isKnown = type !== undefined;
  }

  /** Makes room for a row. */
  reserve(row: number, rows: number): void {
    switch (this.type!) {
      case "float":
        if (row >= this.floats.length) this.floats = grown(this.floats, new Float64Array(rows));
        return;
      case "integer":
      case "unsigned":
        if (row * 2 >= this.words.length) this.words = grown(this.words, new Int32Array(rows * 2));
        return;
      case "boolean":
        if (row >= this.bytes.length) this.bytes = grown(this.bytes, new Uint8Array(rows));
        return;
      case "string":
        while (this.strings.length < row) this.strings.push("");
    }
  }

  /** The row counts, and has this field. */
  mark(row: number, rows: number): void {
    this.#isUsed = true;
    if (this.#present === undefined) {
      if (this.#dense === row) {
        this.#dense++;
        return;
      }
      this.#present = new Uint8Array(rows).fill(1, 0, this.#dense);
    } else if (row >= this.#present.length) {
      this.#present = grown(this.#present, new Uint8Array(rows));
    }
    this.#present[row] = 1;
  }

  /** What a batch of so many rows has of it, if anything; it is empty afterwards. */
  take(rows: number): BatchField | undefined {
    if (!this.#isUsed) return undefined;
    let present = this.#present;
    if (present === undefined) {
      if (this.#dense < rows) present = new Uint8Array(rows).fill(1, 0, this.#dense);
    } else {
      present = present.length < rows ? grown(present, new Uint8Array(rows)) : present;
      present = present.subarray(0, rows);
    }
    const taken = { name: this.name, present, ...this.#takeValues(rows) } as BatchField;
    this.#present = undefined;
    this.#dense = 0;
    this.#isUsed = false;
    return taken;
  }

  #takeValues(rows: number): Pick<BatchField, "type" | "values"> {
    const type = this.type!;
    // The last rows may be without it.
    this.reserve(rows - 1, rows);
    switch (type) {
      case "float": {
        const values = this.floats.subarray(0, rows);
        this.floats = new Float64Array(0);
        return { type, values };
      }
      case "integer": {
        const values = new BigInt64Array(this.#takeWords(), 0, rows);
        return { type, values };
      }
      case "unsigned": {
        const values = new BigUint64Array(this.#takeWords(), 0, rows);
        return { type, values };
      }
      case "boolean": {
        const values = this.bytes.subarray(0, rows);
        this.bytes = new Uint8Array(0);
        return { type, values };
      }
      case "string": {
        const values = this.strings;
        // A line that was refused may have left one more.
        while (values.length < rows) values.push("");
        values.length = rows;
        this.strings = [];
        return { type, values };
      }
    }
  }

  #takeWords(): ArrayBuffer {
    const { buffer } = this.words;
    this.words = new Int32Array(0);
    return buffer;
  }
}

/** See the top of this file. */
export class Columns {
  readonly measurement: Measurement;
  /** Points that are whole. */
  rows = 0;
  /** Low and high words of the time of each row. */
  times = new Int32Array(0);
  series = new Uint32Array(0);
  /** Rows that there is room for. */
  capacity = 0;
  /** The field that the last point began with. */
  first: Column | undefined;
  readonly #columns = new Map<string, Column>();
  /** What the next batch is likely to need. */
  #expectedRows = FIRST_ROWS;

  constructor(measurement: Measurement) {
    this.measurement = measurement;
    for (const { name, type } of measurement.fields.values()) {
      this.#columns.set(name, new Column(name, NOT_SEEN, type));
    }
  }

  /** The column of a field; a new one, which {@linkcode know} adds, if there is none. */
  column(name: string, raw: Uint8Array): Column {
    const found = this.#columns.get(name);
    if (found === undefined) return new Column(name, raw.slice(), undefined);
    if (found.raw === NOT_SEEN) found.raw = raw.slice();
    return found;
  }

  /** Adds a column that is new, and its field to the measurement. */
  know(column: Column): void {
    column.isKnown = true;
    this.#columns.set(column.name, column);
    this.measurement.addField(column.name, column.type!);
  }

  /** Makes room for one more row. */
  reserve(): void {
    if (this.rows < this.capacity) return;
    this.capacity = Math.max(this.#expectedRows, this.capacity * 2);
    this.times = grown(this.times, new Int32Array(this.capacity * 2));
    this.series = grown(this.series, new Uint32Array(this.capacity));
  }

  /** All that is whole, as a batch; it is empty afterwards. */
  take(): Batch {
    const { measurement, rows } = this;
    const fields: BatchField[] = [];
    for (const column of this.#columns.values()) {
      const field = column.take(rows);
      if (field !== undefined) fields.push(field);
    }
    const batch: Batch = {
      measurement: measurement.name,
      table: measurement.table,
      rows,
      times: new BigInt64Array(this.times.buffer, 0, rows),
      series: this.series.subarray(0, rows),
      fields,
      ...measurement.takeNew(),
    };
    this.#expectedRows = Math.max(FIRST_ROWS, rows + (rows >> 3));
    this.rows = this.capacity = 0;
    this.times = new Int32Array(0);
    this.series = new Uint32Array(0);
    return batch;
  }
}

/** Of a field that no line had since this was made; the first one is found by its name. */
const NOT_SEEN = new Uint8Array(0);

function grown<T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
