/**
 * An answer as JSON: in the shape of RusTs, or a row a line.
 *
 * @module
 */
import type { SqlResult } from "../session.ts";
import { type SqlBatch, type SqlColumn, valueAt } from "../values.ts";
import { keysOf } from "./columns.ts";
import { jsonWriter } from "./json_value.ts";

/**
 * `{ "measurement", "columns", "results": [{ "fields": { … } }, …], "total_rows", "execution_time_ms" }`,
 * in pieces. Every column is one of the fields: `time` and tags too.
 */
export async function* toJson(
  { columns, rows }: SqlResult,
  measurement: string,
  startedMs: number,
): AsyncGenerator<string> {
  const list = columns.map(({ name, type }) => JSON.stringify({ name, type }));
  const head = `"measurement":${JSON.stringify(measurement)},"columns":[${list.join(",")}]`;
  yield `{${head},"results":[`;
  const write = rowWriter(columns);
  let count = 0;
  for await (const batch of rows) {
    let text = "";
    for (let row = 0; row < batch.length; row++) {
      text += `${count++ === 0 ? "" : ","}{"fields":${write(batch, row)}}`;
    }
    yield text;
  }
  const tookMs = Math.round((performance.now() - startedMs) * 1000) / 1000;
  yield `],"total_rows":${count},"execution_time_ms":${tookMs}}`;
}

/** A row a line: `{"time":"…","host":"a"}`. */
export async function* toNdjson({ columns, rows }: SqlResult): AsyncGenerator<string> {
  const write = rowWriter(columns);
  for await (const batch of rows) {
    let text = "";
    for (let row = 0; row < batch.length; row++) text += `${write(batch, row)}\n`;
    yield text;
  }
}

/** What writes a row as an object. */
export function rowWriter(
  columns: readonly SqlColumn[],
): (batch: SqlBatch, row: number) => string {
  const keys = keysOf(columns).map((key, i) => `${i === 0 ? "" : ","}${JSON.stringify(key)}:`);
  const writers = columns.map(({ type }) => jsonWriter(type));
  return (batch, row) => {
    let text = "{";
    for (let i = 0; i < keys.length; i++) {
      text += keys[i] + writers[i](valueAt(batch.columns[i], row));
    }
    return `${text}}`;
  };
}
