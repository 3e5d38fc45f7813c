/**
 * Lists as PostgreSQL writes them, `{a,"b c",NULL}`, and as DuckDB reads them, `["a", "b c", NULL]`.
 *
 * @module
 */

/** More than a parameter of the greatest message can hold. */
const MAX_ELEMENTS = 1_000_000;

/** PostgreSQL's text of a list. */
export function arrayText(elements: readonly (string | null)[]): string {
  return `{${
    elements.map((element) => {
      if (element === null) return "NULL";
      if (/^[^\s{},"\\]+$/.test(element) && !/^null$/i.test(element)) return element;
      return `"${element.replace(/["\\]/g, "\\$&")}"`;
    }).join(",")
  }}`;
}

/** Reads PostgreSQL's text of a list of one dimension; undefined if it is none. */
export function parseArray(text: string): (string | null)[] | undefined {
  // Bounds before the list, as `[1:3]={…}`, say where it begins: no matter.
  const inner = /^\s*(?:\[[\d:]+\]=)?\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const elements: (string | null)[] = [];
  if (inner.trim() === "") return elements;
  const element = /\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^",{}\\]|\\.)+))\s*(,|$)/sy;
  for (let end = false; !end;) {
    const match = element.exec(inner);
    if (match === null || elements.length >= MAX_ELEMENTS) return undefined;
    const [, quoted, bare, comma] = match;
    const raw = quoted ?? bare.trim();
    const isNull = quoted === undefined && /^null$/i.test(raw);
    elements.push(isNull ? null : raw.replace(/\\(.)/gs, "$1"));
    end = comma !== ",";
  }
  return elements;
}

/** What DuckDB casts to a list. */
export function listLiteral(elements: readonly (string | null)[]): string {
  return `[${
    elements.map((element) => element === null ? "NULL" : `"${element.replace(/["\\]/g, "\\$&")}"`)
      .join(", ")
  }]`;
}
