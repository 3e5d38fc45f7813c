/**
 * How `traqq sql` draws rows: a table, and bars beside it.
 *
 * @module
 */
import { lyingBar } from "./draw/bars.ts";
import { type Column, drawTable } from "./draw/table.ts";
import type { ShownRows } from "./sql_source.ts";
import type { Terminal } from "./terminal.ts";

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;
const TIME = /^(DATE|TIME|TIMESTAMP.*)$/;
const BAR_COLUMNS = 30;

/** Lines of a table, and how many rows there are. */
export function drawRows(shown: ShownRows, hasBars: boolean, terminal: Terminal): string {
  const { columns: width, style } = terminal;
  const { rows, isCut } = shown;
  const columns: Column[] = shown.columns.map(({ name, type }) => ({
    title: name,
    align: NUMBER.test(type) ? "right" : "left",
    whole: TIME.test(type),
  }));
  const bars = hasBars
    ? barsOf(shown, Math.min(BAR_COLUMNS, Math.floor((width ?? 80) / 3)))
    : undefined;
  const lines = drawTable(
    bars === undefined ? columns : [...columns, { title: "", whole: true }],
    bars === undefined ? rows : rows.map((row, i) => [...row, bars[i]]),
    { width, style },
  );
  const count = isCut
    ? `the first ${rows.length} rows; --limit 0 shows all`
    : `${rows.length} row${rows.length === 1 ? "" : "s"}`;
  return `${[...lines, "", style.dim(count)].join("\n")}\n`;
}

/** A bar for each row; undefined where no column has numbers. */
function barsOf({ columns, rows }: ShownRows, width: number): string[] | undefined {
  const at = columns.findLastIndex(({ type }) => NUMBER.test(type));
  if (at < 0) return undefined;
  const values = rows.map((row) => Number(row[at] || "NaN"));
  const max = values.reduce((most, value) => value > most && value < Infinity ? value : most, 0);
  return values.map((value) => value > 0 ? lyingBar(Math.min(value, max), max, width) : "");
}
