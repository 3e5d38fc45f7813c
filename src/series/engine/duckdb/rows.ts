/**
 * Parts of a batch: some of its rows, in columns again.
 *
 * @module
 */
import type { Batch, BatchField } from "../../points/batch.ts";

/** Rows of a batch, without what it announces. */
export type Rows = Pick<Batch, "rows" | "times" | "series" | "fields">;

/** The rows of these numbers, in this order. */
export function pick(batch: Rows, numbers: Uint32Array): Rows {
  const times = new BigInt64Array(numbers.length);
  const series = new Uint32Array(numbers.length);
  numbers.forEach((from, to) => {
    times[to] = batch.times[from];
    series[to] = batch.series[from];
  });
  return {
    rows: numbers.length,
    times,
    series,
    fields: batch.fields.map((field) => pickField(field, numbers)),
  };
}

function pickField(field: BatchField, numbers: Uint32Array): BatchField {
  const picked = <T extends { [row: number]: unknown }>(values: T, into: T): T => {
    numbers.forEach((from, to) => into[to] = values[from]);
    return into;
  };
  const { length } = numbers;
  const present = field.present && picked(field.present, new Uint8Array(length));
  switch (field.type) {
    case "float":
      return { ...field, present, values: picked(field.values, new Float64Array(length)) };
    case "integer":
      return { ...field, present, values: picked(field.values, new BigInt64Array(length)) };
    case "unsigned":
      return { ...field, present, values: picked(field.values, new BigUint64Array(length)) };
    case "boolean":
      return { ...field, present, values: picked(field.values, new Uint8Array(length)) };
    case "string":
      return { ...field, present, values: picked(field.values, new Array<string>(length)) };
  }
}

/** All numbers below `rows` but those given, which are ascending. */
export function others(rows: number, without: readonly number[]): Uint32Array {
  const rest = new Uint32Array(rows - without.length);
  let next = 0;
  for (let row = 0, at = 0; row < rows; row++) {
    if (without[next] === row) next++;
    else rest[at++] = row;
  }
  return rest;
}
