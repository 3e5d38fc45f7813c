/**
 * Tables that fit the terminal: text is cut, numbers never are. Where not even that helps, each row
 * is drawn as a list.
 *
 * @module
 */
import { PLAIN, type Style } from "./style.ts";
import { cut, harmless, pad, widthOf } from "./text.ts";

/** A column. Numbers stand on the right and are never cut. */
export interface Column {
  title: string;
  align?: "left" | "right";
  /** Never cut either, as a date. */
  whole?: boolean;
}

/** How a table is drawn. */
export interface TableOptions {
  /** Columns of the terminal; absent: as wide as it needs. */
  width?: number;
  style?: Style;
}

const GAP = "  ";
/** A column of text is not cut below this. */
const LEAST_TEXT = 5;

/** A table as lines, its title line first. */
export function drawTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { width = Infinity, style = PLAIN }: TableOptions = {},
): string[] {
  const titles = columns.map(({ title }) => harmless(title));
  const cells = rows.map((row) => row.map(harmless));
  const widths = fit(columns, titles, cells, width);
  if (widths === undefined) return drawList(titles, cells, width, style);
  const line = (row: readonly string[], mark: (text: string) => string) =>
    row.map((cell, i) => {
      const text = pad(cut(cell, widths[i]), widths[i], columns[i].align);
      return cell === "" ? text : mark(text);
    }).join(GAP).trimEnd();
  return [line(titles, style.bold), ...cells.map((row) => line(row, (text) => text))];
}

/** How wide each column gets, or undefined if they cannot be made to fit. */
function fit(
  columns: readonly Column[],
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): number[] | undefined {
  const isText = (i: number) => columns[i].align !== "right" && columns[i].whole !== true;
  const widths = titles.map((title, i) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[i])), widthOf(title))
  );
  let over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  while (over > 0) {
    // The widest text gives way first.
    let widest = -1;
    for (let i = 0; i < widths.length; i++) {
      if (isText(i) && widths[i] > (widths[widest] ?? LEAST_TEXT)) widest = i;
    }
    if (widest < 0) return undefined;
    const others = widths.filter((_, i) => i !== widest && isText(i));
    const second = Math.max(LEAST_TEXT, ...others.filter((one) => one < widths[widest]));
    const less = Math.min(over, Math.max(1, widths[widest] - second));
    widths[widest] -= less;
    over -= less;
  }
  return widths;
}

function drawList(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  style: Style,
): string[] {
  const titleWidth = Math.max(0, ...titles.map(widthOf));
  return rows.flatMap((row, n) => [
    ...(n === 0 ? [] : [""]),
    ...row.flatMap((cell, i) => {
      if (cell === "") return [];
      const title = style.bold(pad(titles[i], titleWidth));
      const room = width - titleWidth - GAP.length;
      // Where there is no room beside the title, the value gets a line of its own, whole.
      return widthOf(cell) <= room ? [`${title}${GAP}${cell}`] : [title.trimEnd(), cell];
    }),
  ]);
}
