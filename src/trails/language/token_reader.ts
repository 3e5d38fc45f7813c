/**
 * Tokens one after the other, and how a parser says that one does not fit.
 *
 * @module
 */
import { type Compat, ProgramError } from "../errors.ts";
import { describe, type Token, type TokenKind } from "./tokens.ts";

/** The tokens, and what every part of the grammar does with them. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #file: string;
  /** Whose language it is. */
  readonly compat: Compat;
  #at = 0;

  constructor(tokens: readonly Token[], file: string, compat: Compat) {
    this.#tokens = tokens;
    this.#file = file;
    this.compat = compat;
  }

  /** The token that comes next. */
  get next(): Token {
    return this.#tokens[this.#at];
  }

  /** The one behind it. */
  get second(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)];
  }

  /** Takes the next token. */
  take(): Token {
    const token = this.next;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  /** Takes the next token if it is of this kind, and has this text where one is given. */
  takeIf(kind: TokenKind, text?: string): Token | undefined {
    const { next } = this;
    return next.kind === kind && (text === undefined || next.text === text)
      ? this.take()
      : undefined;
  }

  /** Takes a token that must be there. @throws {ProgramError} saying what was wanted */
  want(kind: TokenKind, wanted: string, text?: string): Token {
    return this.takeIf(kind, text) ?? this.fail(wanted);
  }

  /** @throws {ProgramError} */
  fail(wanted: string, token: Token = this.next): never {
    throw new ProgramError(this.#file, token, `found ${describe(token)}; wanted ${wanted}`);
  }
}
