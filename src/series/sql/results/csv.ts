/**
 * An answer as CSV by RFC 4180: a line of names, then a line a row. A null is nothing, an empty text is
 * `""`.
 *
 * @module
 */
import type { SqlResult } from "../session.ts";
import { valueAt } from "../values.ts";
import { textWriter } from "./json_value.ts";

/** Its lines, in pieces. */
export async function* toCsv({ columns, rows }: SqlResult): AsyncGenerator<string> {
  yield `${columns.map(({ name }) => quoted(name)).join(",")}\r\n`;
  const writers = columns.map(({ type }) => textWriter(type));
  for await (const batch of rows) {
    let text = "";
    for (let row = 0; row < batch.length; row++) {
      for (let i = 0; i < columns.length; i++) {
        const value = valueAt(batch.columns[i], row);
        if (i > 0) text += ",";
        if (value !== null) text += quoted(writers[i](value));
      }
      text += "\r\n";
    }
    yield text;
  }
}

function quoted(text: string): string {
  return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
