/**
 * Where an error of DuckDB's lies: its message shows a line of the statement and a mark below it.
 * PostgreSQL's clients draw that themselves, of a number.
 *
 * @module
 */

/** An error's message without the drawing, and what the drawing says. */
export interface Placed {
  readonly message: string;
  /** In UTF-16 units from 0; undefined where nothing is drawn. */
  readonly position: number | undefined;
}

/** @param text the statement that DuckDB was given */
export function placeOf(message: string, text: string): Placed {
  const drawing = /\n+LINE (\d+): ([^\n]*)\n( *)\^\n?/.exec(message);
  if (drawing === null) return { message, position: undefined };
  const [whole, number, excerpt, indent] = drawing;
  const without = message.replace(whole, "\n").trim();
  const column = indent.length - `LINE ${number}: `.length;
  const lines = text.split("\n");
  const before = lines.slice(0, +number - 1).reduce((sum, { length }) => sum + length + 1, 0);
  // A long line is cut at both ends.
  const isCut = excerpt.startsWith("...");
  const shown = excerpt.replace(/^\.\.\./, "").replace(/\.\.\.$/, "");
  const at = lines[+number - 1]?.indexOf(shown) ?? -1;
  if (at < 0) return { message: without, position: undefined };
  return { message: without, position: before + at + column - (isCut ? 3 : 0) };
}
