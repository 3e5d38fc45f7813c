/**
 * `COPY … TO STDOUT`: what is copied, and how it is written.
 *
 * @module
 */
import { partOf, type Statement } from "../sql/statements.ts";
import { stringValue, type Token, tokensOf } from "../sql/tokens.ts";
import { type Command, type CopyOptions, refused, writes } from "./command.ts";

/** Reads `COPY table | (query) TO STDOUT [[WITH] (options)]`. */
export function parseCopy(statement: Statement): Command {
  const { tokens } = statement;
  const close = tokens[1]?.text === "(" ? closing(tokens, 1) : -1;
  const to = tokens.findIndex(({ kind, name }, i) =>
    i > Math.max(close, 0) && kind === "word" && /^(to|from)$/.test(name)
  );
  if (tokens[to]?.name === "from") return writes("COPY FROM");
  if (to < 2 || tokens[to + 1]?.name !== "stdout") {
    return refused("Cannot COPY: wanted COPY table TO STDOUT or COPY (SELECT …) TO STDOUT");
  }
  const options = optionsOf(tokens.slice(to + 2));
  if (typeof options === "string") return refused(options);
  return {
    kind: "copy",
    query: close > 0 ? partOf(statement, 2, close) : wholeTable(statement, to),
    options,
  };
}

/** `COPY cpu (time, usage) TO` is a SELECT of those. */
function wholeTable(statement: Statement, to: number): Statement {
  const { tokens } = statement;
  const open = tokens.findIndex(({ text }, i) => i < to && text === "(");
  const table = partOf(statement, 1, open < 0 ? to : open);
  const columns = open < 0 ? "*" : partOf(statement, open + 1, to - 1).text;
  const text = `SELECT ${columns} FROM ${table.text}`;
  return { text, tokens: tokensOf(text), start: table.start };
}

/** `[WITH] (FORMAT csv, HEADER, …)`, and the older `[WITH] CSV HEADER`. */
function optionsOf(tokens: readonly Token[]): CopyOptions | string {
  const given = new Map<string, string>();
  let name: string | undefined;
  for (const token of tokens) {
    if (/^[(),]$|^(with|as)$/.test(token.name)) continue;
    const value = stringValue(token) ?? token.name;
    if (name !== undefined && /^(format|delimiter|null|encoding)$/.test(name)) {
      given.set(name, value);
      name = undefined;
    } else if (name === "header" && /^(true|false|on|off|1|0|match)$/.test(value)) {
      given.set(name, value);
      name = undefined;
    } else if (/^(csv|text|binary)$/.test(value) && token.kind === "word") {
      given.set("format", value);
    } else {
      name = value;
      given.set(name, "true");
    }
  }
  for (const key of given.keys()) {
    if (!/^(format|header|delimiter|null|encoding)$/.test(key)) {
      return `Cannot COPY with ${key}; leave it out`;
    }
  }
  const format = given.get("format") ?? "text";
  if (format !== "text" && format !== "csv") {
    return `Cannot COPY in the format ${format}: wanted text or csv`;
  }
  const delimiter = given.get("delimiter") ?? (format === "csv" ? "," : "\t");
  if (delimiter.length !== 1 || /[\r\n"\\a-z0-9.]/.test(delimiter)) {
    return "Cannot COPY with such a delimiter: wanted one sign, such as ,";
  }
  return {
    format,
    delimiter,
    hasHeader: /^(true|on|1|match)$/.test(given.get("header") ?? "false"),
    nullText: given.get("null") ?? (format === "csv" ? "" : "\\N"),
  };
}

/** A row as a line. */
export function copyLine(texts: readonly (string | null)[], options: CopyOptions): string {
  const { format, delimiter, nullText } = options;
  const write = format === "csv" ? csvText : escapedText;
  return `${
    texts.map((text) => text === null ? nullText : write(text, options)).join(delimiter)
  }\n`;
}

function csvText(text: string, { delimiter, nullText }: CopyOptions): string {
  // Quoted too where it would be taken for a null, or for the end that psql sees in a line `\.`.
  const isPlain = !/["\r\n]/.test(text) && !text.includes(delimiter) && text !== nullText &&
    text !== "\\.";
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function escapedText(text: string, { delimiter }: CopyOptions): string {
  // deno-lint-ignore no-control-regex
  const escaped = text.replace(/[\\\x08\f\n\r\t\v]/g, (char) => ESCAPES[char]);
  return delimiter === "\t" ? escaped : escaped.replaceAll(delimiter, `\\${delimiter}`);
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i].text === "(") depth++;
    else if (tokens[i].text === ")" && --depth === 0) return i;
  }
  return -1;
}
