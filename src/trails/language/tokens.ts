/**
 * What the text of a program is made of.
 *
 * @module
 */
import type { Place } from "../errors.ts";

/** The characters before a name that say what it is. */
export const SIGILS = {
  "%": "scalar",
  "#": "hash",
  "@": "array",
  "$": "counter",
  "&": "multiset",
  "^": "sketch",
} as const;

/** What a name with a sigil is. */
export type SigilKind = typeof SIGILS[keyof typeof SIGILS];

/** What a token is. Punctuation is its own kind. */
export type TokenKind =
  | "name"
  | "keyword"
  | SigilKind
  | "string"
  | "date"
  | "duration"
  | "number"
  | "->"
  | ","
  | "("
  | ")"
  | "["
  | "]"
  | "*"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "newline"
  | "indent"
  | "dedent"
  | "end";

/** A token. */
export interface Token extends Place {
  readonly kind: TokenKind;
  /** As it stands in the text; a name without its sigil; a string without quotes, escapes undone. */
  readonly text: string;
  /** A date as unix seconds, a duration as seconds. */
  readonly seconds?: number;
}

/** Words that cannot be the name of a field or a block. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  "after",
  "receive",
  "yield",
  "quit",
  "window",
  "repeat",
  "in",
  "foreach",
  "to",
  "merged",
  "results",
  "start_timestamp",
]);

/** How a token is called in a message. */
export function describe(token: Token): string {
  switch (token.kind) {
    case "end":
      return "the end of the program";
    case "newline":
      return "the end of the line";
    case "indent":
      return "a line that is further in";
    case "dedent":
      return "a line that is further out";
    case "string":
      return `the string ${JSON.stringify(token.text)}`;
    case "name":
      return `the name ${token.text}`;
    case "keyword":
      return `the word ${token.text}`;
    default: {
      const sigil = Object.entries(SIGILS).find(([, kind]) => kind === token.kind)?.[0] ?? "";
      return `${sigil}${token.text}`;
    }
  }
}
