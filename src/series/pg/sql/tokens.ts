/**
 * Text → tokens, as PostgreSQL cuts SQL: enough to find the ends of statements, and names, casts and
 * operators in them. What cannot be cut (a string without an end) is one last token of the rest: the
 * engine's parser says what is wrong with it.
 *
 * @module
 */

/** What a token is. */
export type TokenKind =
  /** A name or a keyword that is not quoted. */
  | "word"
  /** `"a name"` */
  | "quoted"
  /** `'text'`, `E'text'`, `$$text$$` */
  | "string"
  | "number"
  /** `$1` */
  | "parameter"
  /** `~`, `<=`, `::` */
  | "operator"
  /** One of `( ) [ ] , ; . :` and what is none of all this. */
  | "symbol";

/** A piece of a text that is no space and no comment. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Of words in lower case; of quoted names what is between the quotes; else the text. */
  readonly name: string;
  /** In UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\r\n\f\v\u{FEFF}]+/uy;
const WORD = /[\p{L}_][\p{L}\p{N}\p{M}_$]*/uy;
const NUMBER = /(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const PARAMETER = /\$\d+/y;
const DOLLAR = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const OPERATOR = /[+\-*/<>=~!@#%^&|`?]+/y;

/** Cuts a text. O(length). */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const comment = commentEnd(text, at);
    if (comment > at) {
      at = comment;
      continue;
    }
    const { kind, end } = next(text, at, match);
    const piece = text.slice(at, end);
    tokens.push({ kind, text: piece, name: nameOf(kind, piece), start: at, end });
    at = end;
  }
  return tokens;
}

function next(
  text: string,
  at: number,
  match: (pattern: RegExp) => string | undefined,
): { kind: TokenKind; end: number } {
  const char = text[at];
  if (char === "'") return { kind: "string", end: quoteEnd(text, at, "'", false) };
  if (char === '"') return { kind: "quoted", end: quoteEnd(text, at, '"', false) };
  if (/[eE]/.test(char) && text[at + 1] === "'") {
    return { kind: "string", end: quoteEnd(text, at + 1, "'", true) };
  }
  const parameter = match(PARAMETER);
  if (parameter !== undefined) return { kind: "parameter", end: at + parameter.length };
  const dollar = match(DOLLAR);
  if (dollar !== undefined) {
    const end = text.indexOf(dollar, at + dollar.length);
    return { kind: "string", end: end < 0 ? text.length : end + dollar.length };
  }
  const word = match(WORD);
  if (word !== undefined) return { kind: "word", end: at + word.length };
  const number = match(NUMBER);
  if (number !== undefined) return { kind: "number", end: at + number.length };
  if (text.startsWith("::", at)) return { kind: "operator", end: at + 2 };
  const operator = match(OPERATOR);
  if (operator !== undefined) return { kind: "operator", end: at + operatorLength(operator) };
  return { kind: "symbol", end: at + (text.codePointAt(at)! > 0xffff ? 2 : 1) };
}

/**
 * An operator ends where a comment begins, and with + or - only if it has a character that no sum has:
 * `a =-1` are two operators, `a ~-b` is one.
 */
function operatorLength(operator: string): number {
  const comment = operator.slice(1).search(/--|\/\*/) + 1;
  let length = comment > 0 ? comment : operator.length;
  while (
    length > 1 && /[+-]/.test(operator[length - 1]) &&
    !/[~!@#%^&|`?]/.test(operator.slice(0, length))
  ) length--;
  return length;
}

/** Where the comment at a place ends; the place itself where there is none. Comments nest. */
function commentEnd(text: string, at: number): number {
  if (text.startsWith("--", at)) {
    const end = text.indexOf("\n", at);
    return end < 0 ? text.length : end + 1;
  }
  if (!text.startsWith("/*", at)) return at;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text.startsWith("/*", i)) {
      depth++;
      i++;
    } else if (text.startsWith("*/", i)) {
      i++;
      if (--depth === 0) return i + 1;
    }
  }
  return text.length;
}

function quoteEnd(text: string, at: number, quote: string, escapes: boolean): number {
  for (let i = at + 1; i < text.length; i++) {
    if (escapes && text[i] === "\\") i++;
    else if (text[i] === quote) {
      if (text[i + 1] !== quote) return i + 1;
      i++;
    }
  }
  return text.length;
}

function nameOf(kind: TokenKind, text: string): string {
  if (kind === "word") return text.toLowerCase();
  if (kind !== "quoted") return text;
  return text.slice(1, text.endsWith('"') && text.length > 1 ? -1 : undefined).replaceAll(
    '""',
    '"',
  );
}

/** The value of a token that is a plain string; undefined where it is another or has no end. */
export function stringValue({ kind, text }: Token): string | undefined {
  if (kind !== "string" || !/^'.*'$/s.test(text)) return undefined;
  return text.slice(1, -1).replaceAll("''", "'");
}
