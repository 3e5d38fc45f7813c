/**
 * Tries a regular expression in bounded time: steps grow with its length times that of the text, and
 * for each look ahead in it once more by that of the text.
 *
 * V8 goes back and tries again, and a short expression can keep it busy for years: `^(a+)+(a+)+x$`.
 * Here all ways are gone at the same time, a character after the other, as Ken Thompson described it
 * ("Regular expression search algorithm", 1968). It reads what the globs become: characters, classes,
 * groups, alternatives, `*`, `+`, `?`, `^`, `$` and looks ahead; no flags, references or counts.
 *
 * @module
 */

/** One step; the next one follows unless it says where to go on. */
type Step =
  | { readonly kind: "one"; readonly is: (char: string) => boolean }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "match" }
  | { readonly kind: "go"; to: number[] }
  | { readonly kind: "look"; isWanted: boolean; behind: number };

/** The next thing in a source: the beginning or end of a group, a sign, or what stands for a character. */
const TOKEN = /\(\?[:=!]|[()|^$*+?]|\\u[\da-f]{4}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|[^]/gy;

/** See the top of this file. */
export class BoundedRegExp {
  readonly #steps: Step[] = [];
  readonly #tokens: readonly string[];
  #at = 0;

  constructor({ source }: RegExp) {
    this.#tokens = source.match(TOKEN) ?? [];
    this.#alternatives();
    if (this.#at < this.#tokens.length) throw new Error(`BUG: cannot read all of /${source}/`);
    this.#steps.push({ kind: "match" });
  }

  /** Whether the text matches, from any character on: not every alternative need begin with `^`. */
  test(text: string): boolean {
    return this.#matches(0, text, 0, new Map(), false);
  }

  /** So that `text.match(this)` works. */
  [Symbol.match](text: string): string[] | null {
    return this.test(text) ? [text] : null;
  }

  /**
   * @param looked what looks ahead have found
   * @param isAnchored whether it must match from `at` on, not from a later character
   */
  #matches(
    first: number,
    text: string,
    at: number,
    looked: Map<number, boolean>,
    isAnchored = true,
  ): boolean {
    const steps = this.#steps;
    let begins = [first];
    for (; begins.length > 0 && at <= text.length; at++) {
      const seen = new Set<number>();
      const next: number[] = [];
      while (begins.length > 0) {
        const index = begins.pop()!;
        if (seen.has(index)) continue;
        seen.add(index);
        const step = steps[index];
        switch (step.kind) {
          case "match":
            return true;
          case "go":
            begins.push(...step.to);
            break;
          case "one":
            if (at < text.length && step.is(text[at])) next.push(index + 1);
            break;
          case "start":
            if (at === 0) begins.push(index + 1);
            break;
          case "end":
            if (at === text.length) begins.push(index + 1);
            break;
          case "look": {
            const key = index * (text.length + 1) + at;
            const found = looked.get(key) ?? this.#matches(index + 1, text, at, looked);
            looked.set(key, found);
            if (found === step.isWanted) begins.push(step.behind);
          }
        }
      }
      begins = next;
      if (!isAnchored) begins.push(first);
    }
    return false;
  }

  #alternatives(): void {
    const ends: { to: number[] }[] = [];
    let first = this.#steps.length;
    this.#sequence();
    while (this.#tokens[this.#at] === "|") {
      this.#at++;
      // What was read so far goes behind a fork: its steps move by one.
      this.#insert(first, { kind: "go", to: [first + 1] });
      const end = this.#go();
      ends.push(end);
      const fork = this.#steps[first] as { to: number[] };
      first = this.#steps.length;
      fork.to.push(first);
      this.#sequence();
    }
    for (const { to } of ends) to.push(this.#steps.length);
  }

  #sequence(): void {
    for (let token; (token = this.#tokens[this.#at]) !== undefined;) {
      if (token === "|" || token === ")") return;
      const first = this.#steps.length;
      this.#atom(token);
      this.#repeated(first);
    }
  }

  #atom(token: string): void {
    this.#at++;
    if (token === "^") this.#steps.push({ kind: "start" });
    else if (token === "$") this.#steps.push({ kind: "end" });
    else if (token === "(?:" || token === "(") this.#group();
    else if (token === "(?=" || token === "(?!") {
      const look: Step = { kind: "look", isWanted: token === "(?=", behind: 0 };
      const index = this.#steps.push(look);
      this.#group();
      this.#steps.push({ kind: "match" });
      // Steps may have moved behind it, never before it.
      (this.#steps[index - 1] as typeof look).behind = this.#steps.length;
    } else this.#steps.push({ kind: "one", is: testOf(token) });
  }

  #group(): void {
    this.#alternatives();
    if (this.#tokens[this.#at++] !== ")") throw new Error("BUG: a group has no end");
  }

  /** `*`, `+` and `?`; which way is tried first, as a `?` behind them says, makes no difference here. */
  #repeated(first: number): void {
    const sign = this.#tokens[this.#at];
    if (sign !== "*" && sign !== "+" && sign !== "?") return;
    this.#at++;
    if (this.#tokens[this.#at] === "?") this.#at++;
    if (sign !== "?") this.#steps.push({ kind: "go", to: [first, this.#steps.length + 1] });
    if (sign === "+") return;
    this.#insert(first, { kind: "go", to: [first + 1] });
    (this.#steps[first] as { to: number[] }).to.push(this.#steps.length);
  }

  /** A step that goes on to where others tell. */
  #go(): { to: number[] } {
    const step = { kind: "go" as const, to: [] };
    this.#steps.push(step);
    return step;
  }

  /** Puts a step before others, and has all that lead to those lead there still. */
  #insert(at: number, step: Step): void {
    for (const moved of this.#steps.slice(at)) {
      if (moved.kind === "go") moved.to = moved.to.map((to) => to + 1);
      else if (moved.kind === "look") moved.behind++;
    }
    this.#steps.splice(at, 0, step);
  }
}

/** What a character must be. */
function testOf(token: string): (char: string) => boolean {
  if (token.length === 1 && token !== ".") return (char) => char === token;
  const one = new RegExp(`^(?:${token})$`);
  return (char) => one.test(char);
}
