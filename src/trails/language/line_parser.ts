/**
 * What stands within a line: conditions, yields and where the machine goes.
 *
 * @module
 */
import type { TokenReader } from "./token_reader.ts";
import type { Token, TokenKind } from "./tokens.ts";
import type {
  Actions,
  Argument,
  Clause,
  Condition,
  Fold,
  Operand,
  OrderOp,
  Target,
  Term,
  Yield,
} from "./tree.ts";

const FOLDS: readonly string[] = ["min", "max", "sum", "avg"] satisfies Fold[];
const ORDER: readonly TokenKind[] = ["<", "<=", ">", ">="] satisfies OrderOp[];
const MAX_CALL_DEPTH = 64;

/** Reads clauses and actions. */
export class LineParser {
  readonly #tokens: TokenReader;
  #callDepth = 0;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
  }

  /** `condition, … -> actions`, without the end of the line. */
  clause(): Clause {
    const tokens: TokenReader = this.#tokens;
    const { line, column } = tokens.next;
    let alternatives: Condition[][] | undefined;
    if (tokens.takeIf("*") === undefined) {
      alternatives = [this.#conjunction()];
      while (tokens.takeIf("name", "or") !== undefined) alternatives.push(this.#conjunction());
    }
    tokens.want("->", alternatives === undefined ? "-> behind *" : "a comma, or or ->");
    return { line, column, alternatives, actions: this.actions() };
  }

  #conjunction(): Condition[] {
    const conditions = [this.#condition()];
    while (this.#tokens.takeIf(",") !== undefined) conditions.push(this.#condition());
    return conditions;
  }

  #condition(): Condition {
    const tokens: TokenReader = this.#tokens;
    const name = tokens.want("name", "a field, or *");
    const place = { field: name.text, line: name.line, column: name.column };
    if (tokens.takeIf("name", "not") !== undefined) {
      tokens.want("keyword", "in behind not", "in");
      return { ...place, op: "not in", operand: this.#hash() };
    }
    if (tokens.takeIf("keyword", "in") !== undefined) {
      return { ...place, op: "in", operand: this.#hash() };
    }
    const op = tokens.takeIf("=") ?? tokens.takeIf("!=");
    if (op !== undefined) {
      if (tokens.next.kind === "date" && name.text !== "timestamp") {
        tokens.fail(`text in double quotes, "${tokens.next.text}"; single quotes make it a time`);
      }
      return { ...place, op: op.kind as "=" | "!=", operand: this.#operand(false) };
    }
    const order = ORDER.map((kind) => tokens.takeIf(kind)).find((token) => token !== undefined);
    if (order === undefined) tokens.fail("=, !=, in, not in, <, <=, > or >= behind a field");
    return { ...place, op: order.kind as OrderOp, operand: this.#operand(true) };
  }

  #hash(): Operand {
    return { kind: "hash", name: this.#tokens.want("hash", "a set such as #values").text };
  }

  #operand(isOrder: boolean): Operand {
    const tokens: TokenReader = this.#tokens;
    const scalar = tokens.takeIf("scalar");
    if (scalar !== undefined) return { kind: "scalar", name: scalar.text };
    const number = tokens.takeIf("number");
    if (number !== undefined) return { kind: "number", text: number.text };
    const date = tokens.takeIf("date");
    if (date !== undefined) return { kind: "number", text: String(date.seconds) };
    if (isOrder) tokens.fail("a number, a date such as '2026-11-01', or a parameter such as %x");
    const { text } = tokens.want("string", "a string, a number, or a parameter such as %x");
    // The original takes such a string for the parameter of that name.
    if (tokens.compat === "trck" && /^%[A-Za-z_]\w*$/.test(text)) {
      return { kind: "scalar", name: text.slice(1) };
    }
    return { kind: "text", text };
  }

  /** `yield …, target`. */
  actions(): Actions {
    const tokens: TokenReader = this.#tokens;
    const { line, column } = tokens.next;
    const yields: Yield[] = [];
    let target: Target | undefined;
    do {
      const word = tokens.takeIf("keyword", "yield");
      if (word === undefined) target = this.#target(yields.length > 0);
      else yields.push(this.#yield(word));
    } while (target === undefined && tokens.takeIf(",") !== undefined);
    if (tokens.next.kind === ",") {
      tokens.fail("the end of the line; where the machine goes stands last");
    }
    return { line, column, yields, target };
  }

  #target(behindYield: boolean): Target {
    const tokens: TokenReader = this.#tokens;
    const { line, column } = tokens.next;
    for (const kind of ["repeat", "quit"] as const) {
      if (tokens.takeIf("keyword", kind) !== undefined) return { kind, name: kind, line, column };
    }
    const name = tokens.want(
      "name",
      `${behindYield ? "another yield, " : "yield, "}a block, repeat or quit`,
    );
    return { kind: "block", name: name.text, line, column };
  }

  #yield({ line, column }: Token): Yield {
    const tokens: TokenReader = this.#tokens;
    const counter = tokens.takeIf("counter");
    if (counter !== undefined) return { kind: "count", result: counter.text, line, column };
    const fold = this.#fold({ line, column } as Token);
    if (fold !== undefined) return fold;
    const terms = [this.#term()];
    while (tokens.takeIf(",") !== undefined) terms.push(this.#term());
    tokens.want("keyword", "a comma, or to and a result such as #set, &multiset, ^sketch", "to");
    const place = { terms, line, column };
    const hash = tokens.takeIf("hash");
    if (hash !== undefined) return { kind: "tuple", sigil: "#", result: hash.text, ...place };
    const multiset = tokens.takeIf("multiset");
    if (multiset !== undefined) {
      return { kind: "tuple", sigil: "&", result: multiset.text, ...place };
    }
    const sketch = tokens.want("sketch", "a result such as #set, &multiset or ^sketch");
    return { kind: "tuple", sigil: "^", result: sketch.text, ...place };
  }

  /** `sum amount to $revenue`: two names side by side are nothing else. */
  #fold({ line, column }: Token): Yield | undefined {
    const tokens: TokenReader = this.#tokens;
    const { next, second } = tokens;
    if (next.kind !== "name" || second.kind !== "name") return undefined;
    if (!FOLDS.includes(next.text)) tokens.fail(`one of ${FOLDS.join(", ")}, or a comma behind it`);
    tokens.take();
    const field = tokens.take().text;
    tokens.want("keyword", "to and a result such as $total", "to");
    const result = tokens.want("counter", "a result such as $total").text;
    return { kind: "fold", fold: next.text as Fold, field, result, line, column };
  }

  #term(): Term {
    const tokens: TokenReader = this.#tokens;
    const { line, column } = tokens.next;
    if (tokens.takeIf("keyword", "start_timestamp") !== undefined) {
      return { kind: "start", window: this.#label(), line, column };
    }
    const name = tokens.want("name", "a field, start_timestamp or a function").text;
    if (tokens.next.kind === "(") {
      return { kind: "call", name, args: this.#arguments(), line, column };
    }
    return { kind: "field", name, line, column };
  }

  #label(): string | undefined {
    const tokens: TokenReader = this.#tokens;
    if (tokens.takeIf("[") === undefined) return undefined;
    const { text } = tokens.want("name", "the name of a window");
    tokens.want("]", "]");
    return text;
  }

  #arguments(): Argument[] {
    const tokens: TokenReader = this.#tokens;
    if (++this.#callDepth > MAX_CALL_DEPTH) {
      tokens.fail(`at most ${MAX_CALL_DEPTH} calls in each other`);
    }
    const args: Argument[] = [];
    do {
      tokens.take(); // ( or ,
      args.push(this.#argument());
    } while (tokens.next.kind === ",");
    tokens.want(")", "a comma or )");
    this.#callDepth--;
    return args;
  }

  #argument(): Argument {
    const tokens: TokenReader = this.#tokens;
    const { line, column } = tokens.next;
    const scalar = tokens.takeIf("scalar");
    if (scalar !== undefined) return { kind: "scalar", name: scalar.text, line, column };
    const literal = tokens.takeIf("string") ?? tokens.takeIf("number");
    if (literal !== undefined) return { kind: "text", text: literal.text, line, column };
    return this.#term();
  }
}
