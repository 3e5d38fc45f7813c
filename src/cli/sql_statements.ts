/**
 * Statements of SQL in a text, parted by `;`.
 *
 * @module
 */

/** What a `;` in it does not end: quoted text and names, `$tag$…$tag$`, comments. */
const WHOLE =
  /[eE]'(?:[^'\\]|\\[^]|'')*'?|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\$(\w*)\$[^]*?(?:\$\1\$|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)|;|[^]/g;

/** The statements, without those that are empty; what is not closed belongs to the last one. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let statement = "";
  let isEmpty = true;
  const end = () => {
    if (!isEmpty) statements.push(statement.trim());
    statement = "";
    isEmpty = true;
  };
  for (const [part] of text.matchAll(WHOLE)) {
    if (part === ";") {
      end();
      continue;
    }
    statement += part;
    if (!/^(?:\s|--|\/\*)/.test(part)) isEmpty = false;
  }
  end();
  return statements;
}
