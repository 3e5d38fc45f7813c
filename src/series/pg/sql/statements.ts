/**
 * Several statements in one text → each by itself, as the simple protocol takes them.
 *
 * @module
 */
import { CODE, PgError } from "../errors.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** Characters of a text, with all its statements: twice what one statement may have behind the gate. */
export const MAX_TEXT_CHARS = 262_144;

/** One statement of a text. */
export interface Statement {
  /** Without space and comments around it, and without its semicolon. */
  readonly text: string;
  /** Its tokens; their places are those in `text`. At least one. */
  readonly tokens: readonly Token[];
  /** Where it begins in the whole text, in UTF-16 units. */
  readonly start: number;
}

/**
 * The statements of a text; none for one that holds only space, comments and semicolons. O(length).
 *
 * @throws {PgError} if it is too long
 */
export function statementsOf(text: string): Statement[] {
  if (text.length > MAX_TEXT_CHARS) {
    throw new PgError(
      CODE.tooMany,
      `Cannot read the text: it has ${text.length} characters, ${MAX_TEXT_CHARS} are allowed; bind values as parameters`,
    );
  }
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  const close = () => {
    if (tokens.length === 0) return;
    const start = tokens[0].start;
    statements.push({
      text: text.slice(start, tokens[tokens.length - 1].end),
      tokens: tokens.map((token) => ({
        ...token,
        start: token.start - start,
        end: token.end - start,
      })),
      start,
    });
    tokens = [];
  };
  for (const token of tokensOf(text)) {
    if (token.text === ";") close();
    else tokens.push(token);
  }
  close();
  return statements;
}

/** A part of a statement as one by itself; from a token to before another. */
export function partOf({ text, tokens, start }: Statement, from: number, to: number): Statement {
  const part = tokens.slice(from, to);
  if (part.length === 0) return { text: "", tokens: [], start };
  const shift = part[0].start;
  return {
    text: text.slice(shift, part[part.length - 1].end),
    tokens: part.map((token) => ({
      ...token,
      start: token.start - shift,
      end: token.end - shift,
    })),
    start: start + shift,
  };
}
