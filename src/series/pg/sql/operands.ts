/**
 * What stands where in a statement: parentheses and their partners, and where the expressions before and
 * behind an operator begin and end. Places are the indexes of tokens.
 *
 * @module
 */
import type { Token } from "./tokens.ts";

/** Keywords that a value follows. */
const BEFORE_OPERAND: ReadonlySet<string> = new Set(
  "select distinct where and or not on by having when then else case in limit between like".split(
    " ",
  ),
);

/** Casts behind each other; more are none that anybody writes. */
const MAX_CASTS = 10;

/** See the top of this file. */
export class Operands {
  readonly #tokens: readonly Token[];
  readonly #partners = new Map<number, number>();

  /** O(length), once: the partners of parentheses and brackets. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    const open: number[] = [];
    for (const [i, { text }] of tokens.entries()) {
      if (text === "(" || text === "[") open.push(i);
      else if (text === ")" || text === "]") {
        const partner = open.pop();
        if (partner === undefined) continue;
        this.#partners.set(i, partner);
        this.#partners.set(partner, i);
      }
    }
  }

  /** The opening parenthesis of a closing one; -1 if there is none. */
  openingOf(close: number): number {
    return this.#partners.get(close) ?? -1;
  }

  /** The closing parenthesis of an opening one; behind the last token if there is none. */
  closingOf(open: number): number {
    return this.#partners.get(open) ?? this.#tokens.length;
  }

  /** Where the expression before a `::` begins: a value, a name, a call, or something in parentheses. */
  operandStart(last: number): number {
    let first = this.#valueStart(last);
    // `'cpu'::text::regclass` is a cast of a cast.
    for (let casts = 0; casts < MAX_CASTS && first > 1 && this.is(first - 1, "::"); casts++) {
      first = this.#valueStart(first - 2);
    }
    return first;
  }

  #valueStart(last: number): number {
    if (last < 0) return -1;
    let first = last;
    while (/^[)\]]$/.test(this.#tokens[first].text)) {
      const open = this.openingOf(first);
      if (open < 0) return -1;
      // What is before a call or an index belongs to it.
      const isCall = this.isName(open - 1) || /^[)\]]$/.test(this.#tokens[open - 1]?.text ?? "");
      if (!isCall) return open;
      first = open - 1;
    }
    while (this.is(first - 1, ".") && this.isName(first - 2)) first -= 2;
    return first;
  }

  /** Where the expression behind an operator ends. */
  operandEnd(first: number): number {
    let last = first;
    if (this.is(first, "(")) last = this.closingOf(first);
    else {
      while (this.is(last + 1, ".") && this.isName(last + 2)) last += 2;
      if (this.isName(last) && this.is(last + 1, "(")) last = this.closingOf(last + 1);
    }
    return last < this.#tokens.length ? last : -1;
  }

  /** Whether a value ends there: then the `~` behind it is between two, and does not invert bits. */
  endsOperand(i: number): boolean {
    const token = this.#tokens[i];
    if (token === undefined || token.kind === "operator") return false;
    if (token.kind === "symbol") return /^[)\]]$/.test(token.text);
    return token.kind !== "word" || !BEFORE_OPERAND.has(token.name);
  }

  /** Whether the token is this word or sign, not quoted. */
  is(i: number, name: string): boolean {
    const token = this.#tokens[i];
    return token !== undefined && token.kind !== "quoted" && token.kind !== "string" &&
      token.name === name;
  }

  /** Whether it is a word or a quoted name. */
  isName(i: number): boolean {
    return /^(word|quoted)$/.test(this.#tokens[i]?.kind ?? "");
  }
}
