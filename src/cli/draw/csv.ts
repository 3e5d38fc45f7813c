/**
 * CSV as in RFC 4180, with `\n` as Unix tools want it.
 *
 * @module
 */

import { harmless } from "./text.ts";

/** How CSV is written. */
export interface CsvOptions {
  /**
   * Puts `'` before text that a spreadsheet would take for a formula. It changes the data, so it is
   * not the default.
   */
  escapeFormulas?: boolean;
  /** Writes control characters out, which a file needs as they are. */
  onTerminal?: boolean;
}

/** One line of CSV with its line end. Numbers are written plainly. */
export function csvLine(
  cells: readonly (string | number)[],
  { escapeFormulas = false, onTerminal = false }: CsvOptions = {},
): string {
  return `${
    cells.map((cell) => {
      if (typeof cell === "number") return String(cell);
      const shown = onTerminal ? harmless(cell) : cell;
      const text = escapeFormulas && /^[=+\-@\t\r]/.test(cell) ? `'${shown}` : shown;
      return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    }).join(",")
  }\n`;
}
