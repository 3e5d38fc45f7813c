/**
 * `EXPLAIN` before a statement. DuckDB gives no tree for it, so it is taken off, the rest goes through
 * the gate, and it is put back. `EXPLAIN ANALYZE` and options do not pass: what is left then is no SELECT.
 *
 * @module
 */

/** White space and comments. DuckDB's comments do not nest. */
const BLANK = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*/;

/** `explain` is `EXPLAIN ` as it stands, with what is before it; "" if it is not there. */
export function splitExplain(sql: string): { explain: string; statement: string } {
  const start = BLANK.exec(sql)![0].length;
  const word = /^explain(?![\w$\u0080-\uffff])/i.exec(sql.slice(start));
  if (word === null) return { explain: "", statement: sql };
  const end = start + word[0].length;
  return { explain: sql.slice(0, end), statement: sql.slice(end) };
}
