/**
 * Rows of a file on their way into columns of points: a part of the file that is written at once.
 *
 * @module
 */
import type { BatchField, FieldType, FieldValues } from "../points/batch.ts";
import type { SqlVector } from "../sql/values.ts";
import type { FieldPlan } from "./column_plan.ts";

/** Columns for so many rows at most. */
export class PartBuilder {
  readonly #times: BigInt64Array<ArrayBuffer>;
  readonly #series: Uint32Array<ArrayBuffer>;
  readonly #fields: FieldBuilder[];
  /** Rows that are in it. */
  rows = 0;

  constructor(fields: readonly FieldPlan[], capacity: number) {
    this.#times = new BigInt64Array(capacity);
    this.#series = new Uint32Array(capacity);
    this.#fields = fields.map(({ name, type }) => new FieldBuilder(name, type, capacity));
  }

  /**
   * Adds rows of a batch.
   *
   * @param numbers which of its rows, ascending
   * @param series of each row of the batch
   */
  add(
    numbers: Uint32Array,
    times: BigInt64Array,
    series: Uint32Array,
    fields: readonly SqlVector[],
  ): void {
    let at = this.rows;
    for (const row of numbers) {
      this.#times[at] = times[row];
      this.#series[at++] = series[row];
    }
    this.#fields.forEach((field, i) => field.add(numbers, fields[i], this.rows));
    this.rows += numbers.length;
  }

  /** The columns; it is of no use afterwards. */
  take(): {
    times: BigInt64Array<ArrayBuffer>;
    series: Uint32Array<ArrayBuffer>;
    fields: BatchField[];
  } {
    return {
      times: this.#times.slice(0, this.rows),
      series: this.#series.slice(0, this.rows),
      fields: this.#fields.flatMap((field) => field.take(this.rows) ?? []),
    };
  }
}

class FieldBuilder {
  readonly #name: string;
  readonly #type: FieldType;
  readonly #capacity: number;
  readonly #values: FieldValues[FieldType];
  #present: Uint8Array<ArrayBuffer> | undefined;
  #count = 0;

  constructor(name: string, type: FieldType, capacity: number) {
    this.#name = name;
    this.#type = type;
    this.#capacity = capacity;
    this.#values = emptyValues(type, capacity);
  }

  add(numbers: Uint32Array, { values, nulls }: SqlVector, from: number): void {
    // The type of a column of the file is that of the array.
    const to = this.#values as { [row: number]: unknown };
    if (nulls === undefined) {
      for (let i = 0; i < numbers.length; i++) to[from + i] = values[numbers[i]];
      this.#present?.fill(1, from, from + numbers.length);
      this.#count += numbers.length;
      return;
    }
    this.#present ??= new Uint8Array(this.#capacity).fill(1, 0, from);
    for (let i = 0; i < numbers.length; i++) {
      const row = numbers[i];
      if (nulls[row] === 1) {
        if (this.#type === "string") to[from + i] = "";
        continue;
      }
      to[from + i] = values[row];
      this.#present[from + i] = 1;
      this.#count++;
    }
  }

  /** Undefined if no row has it. */
  take(rows: number): BatchField | undefined {
    if (this.#count === 0) return undefined;
    return {
      name: this.#name,
      type: this.#type,
      values: this.#values.slice(0, rows),
      present: this.#count < rows ? this.#present?.slice(0, rows) : undefined,
    } as BatchField;
  }
}

function emptyValues(type: FieldType, capacity: number): FieldValues[FieldType] {
  switch (type) {
    case "float":
      return new Float64Array(capacity);
    case "integer":
      return new BigInt64Array(capacity);
    case "unsigned":
      return new BigUint64Array(capacity);
    case "boolean":
      return new Uint8Array(capacity);
    case "string":
      return [];
  }
}
