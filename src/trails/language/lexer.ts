/**
 * Text to tokens. Layout counts: the end of a line, and lines that stand further in or out, are
 * tokens. Blank lines and comments are none.
 *
 * @module
 */
import { type Compat, type Place, ProgramError } from "../errors.ts";
import { KEYWORDS, SIGILS, type Token, type TokenKind } from "./tokens.ts";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** What may stand behind a backslash in a string, and what it means. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

const NAME = /[A-Za-z_][A-Za-z_0-9]*/y;
const NUMBER = /-?\d+(?:\.\d+)?/y;
const PUNCTUATION = /->|!=|<=|>=|[,()[\]*=<>]/y;
const SPACES = / */y;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** The tokens of a program, `end` the last. @throws {ProgramError} */
export function tokenize(text: string, file: string, compat: Compat): Token[] {
  return new Lexer(text, file, compat).run();
}

class Lexer {
  readonly #text: string;
  readonly #file: string;
  readonly #compat: Compat;
  readonly #tokens: Token[] = [];
  /** Columns of the open levels, from 0; the first line of the program is the first. */
  readonly #levels: number[] = [];
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string, file: string, compat: Compat) {
    // Editors on Windows write a byte order mark and \r\n.
    this.#text = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
    this.#file = file;
    this.#compat = compat;
  }

  run(): Token[] {
    while (this.#at < this.#text.length) this.#readLine();
    for (let level = this.#levels.length; level > 1; level--) this.#push("dedent", "");
    this.#push("end", "");
    return this.#tokens;
  }

  /** One logical line: its indentation, its tokens, its end. */
  #readLine(): void {
    this.#skip(SPACES);
    if (this.#skipBlank()) return;
    this.#indent(this.#at - this.#lineStart);
    while (!this.#skipBlank()) {
      this.#readToken();
      this.#skip(SPACES);
    }
  }

  /** Passes a comment and the end of a line; false if a token is there. */
  #skipBlank(): boolean {
    if (this.#text.startsWith("--", this.#at)) {
      const end = this.#text.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#text.length : end;
    }
    const ended = this.#at >= this.#text.length;
    if (!ended && this.#text[this.#at] !== "\n") return false;
    const last = this.#tokens.at(-1)?.kind ?? "newline";
    if (last !== "newline" && last !== "dedent" && last !== "indent") this.#push("newline", "");
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
    return true;
  }

  #indent(column: number): void {
    const levels = this.#levels;
    if (levels.length === 0) {
      levels.push(column);
    } else if (column > levels[levels.length - 1]) {
      levels.push(column);
      this.#push("indent", "");
    } else {
      while (column < levels[levels.length - 1] && levels.length > 1) {
        levels.pop();
        this.#push("dedent", "");
      }
      if (column !== levels[levels.length - 1]) {
        const wanted = levels.map((level) => level + 1).join(", ");
        this.#fail(`this line begins at column ${column + 1}; begin it at one of ${wanted}`);
      }
    }
  }

  #readToken(): void {
    const char = this.#text[this.#at];
    if (char === "\\" && this.#text[this.#at + 1] === "\n") {
      this.#at += 2;
      this.#line++;
      this.#lineStart = this.#at;
    } else if (char === '"' || char === "'") {
      this.#readString(char);
    } else if (Object.hasOwn(SIGILS, char)) {
      this.#readSigil(char as keyof typeof SIGILS);
    } else if (this.#matches(NAME)) {
      const name = this.#match(NAME);
      this.#add(KEYWORDS.has(name) ? "keyword" : "name", name, name.length);
    } else if (this.#matches(NUMBER)) {
      this.#readNumber();
    } else if (this.#matches(PUNCTUATION)) {
      const mark = this.#match(PUNCTUATION);
      this.#add(mark as TokenKind, mark, mark.length);
    } else {
      const name = char === "\t" ? "a tab" : JSON.stringify(char);
      this.#fail(`found ${name}; ${char === "\t" ? "use spaces" : "leave it out"}`);
    }
  }

  #readSigil(sigil: keyof typeof SIGILS): void {
    this.#at++;
    const name = this.#match(NAME);
    this.#at--;
    if (name === "") {
      this.#fail(`found ${sigil} alone; a name follows it at once, as in ${sigil}name`);
    }
    this.#add(SIGILS[sigil], name, name.length + 1);
  }

  #readNumber(): void {
    const digits = this.#match(NUMBER);
    const unit = this.#text[this.#at + digits.length] ?? "";
    this.#at += digits.length;
    const behind = this.#match(NAME);
    this.#at -= digits.length;
    if (behind === "") return this.#add("number", digits, digits.length);
    if (behind.length > 1 || !Object.hasOwn(SECONDS, unit) || !/^\d+$/.test(digits)) {
      this.#fail(
        `found ${digits}${behind}; a duration is digits and one of s, m, h, d, as in 90m`,
      );
    }
    const seconds = Number(digits) * SECONDS[unit as keyof typeof SECONDS];
    if (!Number.isSafeInteger(seconds)) {
      this.#fail(`found ${digits}${unit}; a duration has at most 2^53 seconds`);
    }
    this.#add("duration", digits + unit, digits.length + 1, seconds);
  }

  #readString(quote: string): void {
    let value = "";
    let at = this.#at + 1;
    for (; this.#text[at] !== quote; at++) {
      const char = this.#text[at];
      if (char === undefined || char === "\n") {
        this.#fail(`this string has no end on its line; close it with ${quote}`);
      }
      if (char !== "\\") {
        value += char;
        continue;
      }
      const next = this.#text[++at];
      // The original keeps the backslash, and what it keeps never equals a value.
      if (this.#compat === "trck") value += `\\${next}`;
      else value += this.#unescape(next, at);
    }
    const length = at + 1 - this.#at;
    const date = quote === "'" ? DATE.exec(value) : null;
    if (date === null) return this.#add("string", value, length);
    const ms = Date.UTC(Number(date[1]), Number(date[2]) - 1, Number(date[3]));
    if (new Date(ms).toISOString().slice(0, 10) !== value) {
      this.#fail(`found the date '${value}', which no calendar has; write it as 'YYYY-MM-DD'`);
    }
    this.#add("date", value, length, ms / 1000);
  }

  #unescape(char: string | undefined, at: number): string {
    if (char !== undefined && Object.hasOwn(ESCAPES, char)) return ESCAPES[char];
    const known = Object.keys(ESCAPES).map((name) => `\\${name}`).join(" ");
    this.#fail(
      `found \\${char ?? ""} in a string; there is ${known}`,
      at - 1,
    );
  }

  #matches(pattern: RegExp): boolean {
    return this.#match(pattern) !== "";
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? "";
  }

  #skip(pattern: RegExp): void {
    this.#at += this.#match(pattern).length;
  }

  #add(kind: TokenKind, text: string, length: number, seconds?: number): void {
    this.#push(kind, text, seconds);
    this.#at += length;
  }

  #push(kind: TokenKind, text: string, seconds?: number): void {
    const token = { kind, text, ...this.#place(this.#at) };
    this.#tokens.push(seconds === undefined ? token : { ...token, seconds });
  }

  #place(at: number): Place {
    return { line: this.#line, column: at - this.#lineStart + 1 };
  }

  #fail(what: string, at: number = this.#at): never {
    throw new ProgramError(this.#file, this.#place(at), what);
  }
}
