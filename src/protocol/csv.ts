/**
 * CSV as in RFC 4180, with `\n` as Unix tools want it.
 *
 * @module
 */
import { type Answer, cellsOf, fieldColumns, rowsOf } from "./rows.ts";

/** How CSV is written. */
export interface CsvOptions {
  /**
   * Puts `'` before text that a spreadsheet would take for a formula. It changes the data, so it is
   * not the default.
   */
  escapeFormulas?: boolean;
  /** Writes control characters out for a terminal; a file needs them as they are. */
  shown?: (text: string) => string;
}

/** A title line, then one line a row. */
export function* toCsv(answer: Answer, options: CsvOptions = {}): Generator<string> {
  const isMerged = answer.buckets.length === 0;
  const names = fieldColumns(answer, isMerged ? ["value"] : ["date", "value"]);
  yield csvLine([...(isMerged ? [] : ["date"]), ...names, "value"], options);
  for (const entry of answer.entries) {
    const { bucket, result } = entry;
    for (const row of rowsOf(result)) {
      const cells = cellsOf(answer, entry, row);
      yield csvLine(
        [...(bucket === undefined ? [] : [bucket.label]), ...cells, row.value],
        options,
      );
    }
  }
}

/** One line of CSV with its line end. Numbers are written plainly. */
export function csvLine(
  cells: readonly (string | number)[],
  { escapeFormulas = false, shown = (text) => text }: CsvOptions = {},
): string {
  return `${
    cells.map((cell) => {
      if (typeof cell === "number") return String(cell);
      const plain = shown(cell);
      const text = escapeFormulas && /^[=+\-@\t\r]/.test(cell) ? `'${plain}` : plain;
      return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    }).join(",")
  }\n`;
}
