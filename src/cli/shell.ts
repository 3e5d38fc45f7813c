/**
 * Words as a shell takes them, for lines that people copy.
 *
 * @module
 */

/** The word, in single quotes if a shell would read something else into it. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=[\]-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
