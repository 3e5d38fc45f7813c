/**
 * Colours, or none: `NO_COLOR`, a pipe and a file get plain text.
 *
 * @module
 */

/** Ways to mark text. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

const paint = (start: number, end: number) => (text: string): string =>
  text === "" ? "" : `\x1b[${start}m${text}\x1b[${end}m`;

/** For a terminal. */
export const COLOURS: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  cyan: paint(36, 39),
};

const same = (text: string): string => text;

/** For everything else. */
export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, cyan: same };
