/**
 * A part of a file as line protocol, for a server. Each row is a line, so that a refused line names its row.
 *
 * @module
 */
import type { BatchField } from "../points/batch.ts";
import { encodeFieldKey, encodeValue } from "../points/encode.ts";
import type { TablePart } from "./table_reader.ts";

/** The lines of some rows of a part. */
export function encodeRows(part: TablePart, from: number, to: number): string {
  const { keys, series, times } = part;
  const fields = part.fields.map(writerOf);
  let text = "";
  for (let row = from; row < to; row++) {
    text += keys[series[row]];
    let separator = " ";
    for (const field of fields) {
      const written = field(row);
      if (written === "") continue;
      text += separator + written;
      separator = ",";
    }
    text += ` ${times[row]}\n`;
  }
  return text;
}

/** Gives `key=value` of a row, or nothing where it has none. */
function writerOf({ name, type, values, present }: BatchField): (row: number) => string {
  const key = `${encodeFieldKey(name)}=`;
  const write = (() => {
    switch (type) {
      case "float":
        return (row: number) => `${key}${values[row]}`;
      case "integer":
        return (row: number) => `${key}${values[row]}i`;
      case "unsigned":
        return (row: number) => `${key}${values[row]}u`;
      case "boolean":
        return (row: number) => `${key}${values[row] === 1}`;
      case "string":
        return (row: number) => key + encodeValue(name, values[row]);
    }
  })();
  return present === undefined ? write : (row) => present[row] === 1 ? write(row) : "";
}
