/**
 * Writes the text of a program: blocks with their clauses, further in for loops and windows.
 *
 * @module
 */
import { type Alternatives, alternativesText } from "../language/text.ts";

/** A clause: what it waits for, and what it does. */
export type ClauseText = readonly [alternatives: Alternatives, actions: string];

/** A clock that never runs out; a block needs one to know when it was entered. */
export const NEVER = "1000000000d";

/** Collects lines. */
export class ProgramWriter {
  readonly #lines: string[] = [];
  #depth = 0;

  /** A line of its own, which nothing reads. */
  comment(text: string): void {
    this.#line(`-- ${text}`);
  }

  /** `foreach …`, around all that follows. */
  foreach(what: string): void {
    this.#line(`foreach ${what}`);
    this.#depth++;
  }

  /** A receive block. Clauses behind one that always holds are left out: nothing reaches them. */
  receive(name: string, clauses: readonly ClauseText[], after?: string): void {
    this.#line(`${name} ->`);
    this.#line("  receive");
    for (const [alternatives, actions] of clauses) {
      this.#line(`    ${alternativesText(alternatives)} -> ${actions}`);
      if (alternatives === undefined) break;
    }
    if (after !== undefined) this.#line(`  after ${after}`);
  }

  /** A window around what `write` writes; without a time, the blocks stand there alone. */
  window(name: string, after: string | undefined, write: () => void): void {
    if (after === undefined) return write();
    this.#line(`${name} ->`);
    this.#line("  window");
    this.#depth += 2;
    write();
    this.#depth -= 2;
    this.#line(`  after ${after}`);
  }

  /** The text. */
  toString(): string {
    return this.#lines.join("\n") + "\n";
  }

  #line(text: string): void {
    this.#lines.push("  ".repeat(this.#depth) + text);
  }
}
