/**
 * Tokens to a tree: blocks and their layout. What stands within a line is read by `line_parser.ts`.
 *
 * @module
 */
import type { Compat } from "../errors.ts";
import { tokenize } from "./lexer.ts";
import { LineParser } from "./line_parser.ts";
import { TokenReader } from "./token_reader.ts";
import type { After, Block, Clause, Foreach, ForeachVar, ReceiveBlock, Tree } from "./tree.ts";

/** Windows in windows, more than anybody writes; it bounds the depth of recursion. */
const MAX_DEPTH = 64;

/** Reads the text of a program. @throws {ProgramError} at the first token that does not fit */
export function parse(text: string, file: string, compat: Compat): Tree {
  return new Parser(new TokenReader(tokenize(text, file, compat), file, compat)).tree();
}

class Parser {
  readonly #tokens: TokenReader;
  readonly #line: LineParser;
  #depth = 0;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
    this.#line = new LineParser(tokens);
  }

  tree(): Tree {
    const tokens: TokenReader = this.#tokens;
    let foreach: Foreach | undefined;
    if (this.#isForeach() && !this.#isForeachEvent()) {
      foreach = this.#foreach();
      tokens.want("indent", "the blocks of the foreach, further in than it");
    }
    const fromEveryEvent = this.#isForeach();
    if (fromEveryEvent) this.#foreachEvent();
    const blocks = this.#blocks();
    if (fromEveryEvent) tokens.want("dedent", "a block, or the end of the program");
    if (foreach !== undefined) tokens.want("dedent", "a block, or the end of the program");
    tokens.want("end", "a block, as in name ->");
    return { foreach, fromEveryEvent, blocks };
  }

  #isForeach(): boolean {
    const { next } = this.#tokens;
    return next.kind === "keyword" && next.text === "foreach";
  }

  #isForeachEvent(): boolean {
    return this.#tokens.second.kind === "name" && this.#tokens.second.text === "event";
  }

  /** `foreach event`, without any variable. */
  #foreachEvent(): void {
    const tokens: TokenReader = this.#tokens;
    tokens.take();
    tokens.want("name", "event; another foreach stands around this one", "event");
    tokens.want("newline", "the end of the line");
    tokens.want("indent", "the blocks of the foreach, further in than it");
  }

  #foreach(): Foreach {
    const tokens: TokenReader = this.#tokens;
    const { line, column } = tokens.take();
    const vars: ForeachVar[] = [];
    do {
      const scalar = tokens.takeIf("scalar");
      const token = scalar ?? tokens.want("hash", "a variable such as %value or #values, or event");
      vars.push({
        line: token.line,
        column: token.column,
        sigil: scalar === undefined ? "#" : "%",
        name: token.text,
      });
    } while (tokens.takeIf(",") !== undefined);
    let array: string | undefined;
    if (tokens.takeIf("keyword", "in") !== undefined) {
      array = tokens.want("array", "the array with the tuples, such as @list").text;
    } else if (vars.length !== 1 || vars[0].sigil !== "%") {
      tokens.fail("in @list; only one scalar, as in foreach %x, can do without");
    }
    const merged = tokens.takeIf("keyword", "merged") !== undefined;
    if (merged) tokens.takeIf("keyword", "results");
    tokens.want("newline", "the end of the line");
    return { line, column, vars, array, merged };
  }

  #blocks(): Block[] {
    const blocks = [this.#block()];
    while (this.#tokens.next.kind === "name") blocks.push(this.#block());
    return blocks;
  }

  #block(): Block {
    const tokens: TokenReader = this.#tokens;
    const name = tokens.want("name", "a block, as in name ->");
    tokens.want("->", "-> behind the name of the block");
    tokens.want("newline", "the end of the line; receive or window begins a line of its own");
    tokens.want("indent", "receive or window, further in than the name of the block");
    const place = { name: name.text, line: name.line, column: name.column };
    let block: Block;
    if (tokens.takeIf("keyword", "receive") !== undefined) {
      block = { kind: "receive", ...place, ...this.#receive() };
    } else if (tokens.takeIf("keyword", "window") !== undefined) {
      block = { kind: "window", ...place, ...this.#window() };
    } else {
      tokens.fail("receive or window");
    }
    tokens.want("dedent", "the next block");
    return block;
  }

  #receive(): Pick<ReceiveBlock, "clauses" | "after"> {
    const tokens: TokenReader = this.#tokens;
    tokens.want("newline", "the end of the line; clauses begin a line of their own");
    tokens.want("indent", "a clause, further in than receive");
    const clauses: Clause[] = [];
    do {
      clauses.push(this.#line.clause());
      tokens.want("newline", "the end of the line");
    } while (tokens.next.kind !== "dedent");
    tokens.take();
    return { clauses, after: this.#after() };
  }

  #window(): { blocks: Block[]; after: After & { seconds: number } } {
    const tokens: TokenReader = this.#tokens;
    tokens.want("newline", "the end of the line; blocks begin a line of their own");
    tokens.want("indent", "a block, further in than window");
    if (++this.#depth > MAX_DEPTH) tokens.fail(`at most ${MAX_DEPTH} windows in each other`);
    const blocks = this.#blocks();
    this.#depth--;
    tokens.want("dedent", "a block, or the after of the window");
    const { next } = tokens;
    const after = this.#after();
    if (after === undefined) tokens.fail("after, below the window it ends", next);
    if (after.seconds === undefined) {
      tokens.fail("after with a duration; a window always has one, as in after 30m ->", next);
    }
    return { blocks, after: { ...after, seconds: after.seconds } };
  }

  #after(): After | undefined {
    const tokens: TokenReader = this.#tokens;
    const token = tokens.takeIf("keyword", "after");
    if (token === undefined) return undefined;
    const seconds = tokens.takeIf("duration")?.seconds;
    tokens.want("->", seconds === undefined ? "a duration such as 30m, or ->" : "->");
    const actions = this.#line.actions();
    tokens.want("newline", "the end of the line");
    return { line: token.line, column: token.column, seconds, actions };
  }
}
