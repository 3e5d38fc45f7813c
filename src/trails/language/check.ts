/**
 * A tree to a program: looks up every name, numbers blocks and results, and refuses what cannot work.
 *
 * @module
 */
import { type Compat, type Place, ProgramError } from "../errors.ts";
import { neverEnding } from "./endless.ts";
import { parse } from "./parser.ts";
import {
  type Deadline,
  isSpecial,
  type Lag,
  type Loop,
  PREVIOUS,
  type Program,
  type ResultName,
  type ResultSigil,
  SPECIAL,
  type StartOf,
  type State,
  type Step,
  type StepTarget,
  type TermStep,
  type Window,
  type YieldStep,
} from "./program.ts";
import type { Actions, After, Argument, Block, Clause, Condition, Fold, Tree } from "./tree.ts";

/** How a text is read. */
export interface ParseOptions {
  /** What errors call the text; default `program`. */
  file?: string;
  /** `"trck"`: the original's answers, also where they are wrong. */
  compat?: Compat;
}

/**
 * Reads a program.
 *
 * @throws {ProgramError} with file, line and column, what was found and what would be right
 */
export function parseProgram(text: string, options: ParseOptions = {}): Program {
  const { file = "program", compat } = options;
  const checker = new Checker(file, compat);
  return { file, text, compat, ...checker.check(parse(text, file, compat)) };
}

/** Where a block stands: what a name leads to. */
interface Label {
  readonly block: Block;
  /** The windows around it. */
  readonly around: readonly number[];
  /** What entering it means. */
  readonly state: number;
  /** Itself, if it is a window, and the first ones in it. */
  readonly opens: readonly number[];
}

/** Around what a step stands. */
interface Scope {
  readonly around: readonly number[];
  /** The receive block, where the step is of one. */
  readonly state: Extract<Block, { kind: "receive" }> | undefined;
  /** The window, where the step is that of its end. */
  readonly window: number | undefined;
}

class Checker {
  readonly #file: string;
  readonly #compat: Compat;
  readonly #labels = new Map<string, Label>();
  readonly #blocks: { block: Block; around: readonly number[] }[] = [];
  readonly #windowBlocks: Extract<Block, { kind: "window" }>[] = [];
  readonly #results = new Map<string, { -readonly [K in keyof ResultName]: ResultName[K] }>();
  readonly #fields = new Set<string>();
  readonly #parameters = new Set<string>();
  readonly #functions = new Set<string>();
  readonly #lags = new Map<string, Lag>();
  /** With their sigil. */
  #loopVars: ReadonlySet<string> = new Set();
  #loopField: string | undefined;
  #first: Label | undefined;

  constructor(file: string, compat: Compat) {
    this.#file = file;
    this.#compat = compat;
  }

  check(tree: Tree): Omit<Program, "file" | "text" | "compat"> {
    const { foreach } = tree;
    const vars = foreach?.vars.map(({ sigil, name }) => sigil + name) ?? [];
    this.#loopVars = new Set(vars);
    if (this.#loopVars.size < vars.length) {
      this.#fail(foreach!, "found a variable twice in one foreach; give each a name of its own");
    }
    this.#number(tree.blocks, []);
    this.#first = this.#labels.get(tree.blocks[0].name)!;
    const states: State[] = [];
    const windows: Window[] = [];
    for (const { block, around } of this.#blocks) {
      if (block.kind === "receive") states.push(this.#state(block, around));
      else windows.push(this.#window(block, around));
    }
    if (foreach?.array !== undefined) this.#parameters.add(`@${foreach.array}`);
    const loop: Loop | undefined = foreach && {
      vars,
      array: foreach.array,
      field: foreach.array === undefined ? this.#loopField : undefined,
      merged: foreach.merged,
    };
    if (loop !== undefined && loop.array === undefined && loop.field === undefined) {
      this.#fail(foreach!, `no clause compares ${vars[0]} with a field; do so, or add in @list`);
    }
    const endless = neverEnding(states, windows);
    if (endless !== undefined) {
      this.#fail(
        this.#labels.get(endless)!.block.after!,
        `the block ${endless} comes back to itself in no time; give one after on the way a duration`,
      );
    }
    return {
      states,
      windows,
      results: [...this.#results.values()],
      fields: [...this.#fields],
      parameters: [...this.#parameters],
      functions: [...this.#functions],
      loop,
      fromEveryEvent: tree.fromEveryEvent,
      lags: [...this.#lags.values()],
    };
  }

  /** Numbers blocks in the order of the text. */
  #number(blocks: readonly Block[], around: readonly number[]): void {
    for (const block of blocks) {
      if (this.#labels.has(block.name) && this.#compat !== "trck") {
        this.#fail(block, `the name ${block.name} is taken; give this block another`);
      }
      this.#blocks.push({ block, around });
      const state = this.#blocks.filter(({ block }) => block.kind === "receive").length -
        (block.kind === "receive" ? 1 : 0);
      if (block.kind === "receive") {
        this.#labels.set(block.name, { block, around, state, opens: [] });
        continue;
      }
      const window = this.#windowBlocks.push(block) - 1;
      // Entering a window is entering its first block, which may be one again.
      const opens = [window];
      for (let first = block.blocks[0]; first.kind === "window"; first = first.blocks[0]) {
        opens.push(window + opens.length);
      }
      this.#labels.set(block.name, { block, around, state, opens });
      this.#number(block.blocks, [...around, window]);
    }
  }

  #state(block: Extract<Block, { kind: "receive" }>, around: readonly number[]): State {
    const scope = { around, state: block, window: undefined };
    const isFirst = block === this.#blocks.find(({ block }) => block.kind === "receive")!.block;
    return {
      name: block.name,
      windows: around,
      clauses: block.clauses.map((clause) => ({
        alternatives: clause.alternatives,
        step: this.#clause(clause, scope, isFirst),
      })),
      after: block.after && this.#deadline(block.after, scope),
    };
  }

  #window(block: Extract<Block, { kind: "window" }>, around: readonly number[]): Window {
    const window = this.#windowBlocks.indexOf(block);
    const scope = { around, state: undefined, window };
    const { seconds } = block.after;
    return {
      name: block.name,
      depth: around.length,
      after: { seconds, step: this.#deadline(block.after, scope).step },
    };
  }

  #deadline(after: After, scope: Scope): Deadline {
    return { seconds: after.seconds, step: this.#step(after.actions, scope, "first") };
  }

  #clause({ alternatives, actions }: Clause, scope: Scope, isFirst: boolean): Step {
    for (const condition of alternatives?.flat() ?? []) this.#condition(condition);
    if (actions.target === undefined && !isFirst) {
      this.#fail(
        actions,
        "nothing says where the machine goes from here; end the line with repeat, quit or a block",
      );
    }
    return this.#step(actions, scope, "repeat");
  }

  #condition(condition: Condition): void {
    const { field, op, operand } = condition;
    const isTime = field === SPECIAL.timestamp;
    if (isSpecial(field) && !isTime) {
      this.#fail(condition, `${field} cannot be compared; use it in yield, or compare a field`);
    }
    if (isTime && (op === "in" || op === "not in")) {
      this.#fail(condition, "timestamp is compared by =, !=, <, <=, > or >=");
    }
    if (isTime && operand.kind === "text" && !/^\d+$/.test(operand.text)) {
      this.#fail(condition, "timestamp is compared with unix seconds or a date like '2026-11-01'");
    }
    if (!isTime) this.#fields.add(field);
    if (operand.kind !== "scalar" && operand.kind !== "hash") return;
    const name = `${operand.kind === "scalar" ? "%" : "#"}${operand.name}`;
    if (!this.#loopVars.has(name)) this.#parameters.add(name);
    else if (!isTime) this.#loopField ??= field;
  }

  #step(actions: Actions, scope: Scope, without: "repeat" | "first"): Step {
    const yields = actions.yields.map((one): YieldStep => {
      if (one.kind === "count") {
        return { kind: "count", result: this.#result("$", one.result, one) };
      }
      if (one.kind === "fold") {
        const { fold, field } = one;
        if (isSpecial(field) && field !== SPECIAL.timestamp) {
          this.#fail(one, `${field} is no number; take a field`);
        }
        if (!isSpecial(field)) this.#fields.add(field);
        return { kind: "fold", result: this.#result("$", one.result, one, fold), field };
      }
      const result = this.#result(one.sigil, one.result, one, undefined, one.terms.length);
      return { kind: "tuple", result, terms: one.terms.map((term) => this.#term(term, scope)) };
    });
    return { yields, target: this.#target(actions, scope, without) };
  }

  #target({ target }: Actions, { around }: Scope, without: "repeat" | "first"): StepTarget {
    if (target === undefined) {
      return without === "repeat" ? { kind: "repeat" } : enter(this.#first!);
    }
    if (target.kind !== "block") return { kind: target.kind };
    const label = this.#labels.get(target.name);
    if (label === undefined) {
      const names = [...this.#labels.keys()].join(", ");
      this.#fail(target, `there is no block ${target.name}; there is ${names}`);
    }
    if (label.around.some((window, depth) => around[depth] !== window)) {
      const window = this.#windowBlocks[label.around.at(-1)!].name;
      this.#fail(target, `${target.name} is inside the window ${window}; go to ${window} instead`);
    }
    return enter(label);
  }

  #term(term: Argument, scope: Scope): TermStep {
    switch (term.kind) {
      case "field":
        if (!isSpecial(term.name)) this.#fields.add(term.name);
        return { kind: "field", name: term.name };
      case "start":
        return { kind: "start", of: this.#start(term.window, term, scope) };
      case "call":
        if (term.name === PREVIOUS) return this.#previous(term);
        this.#functions.add(term.name);
        return {
          kind: "call",
          name: term.name,
          args: term.args.map((arg) => this.#term(arg, scope)),
        };
      case "scalar":
        if (!this.#loopVars.has(`%${term.name}`)) this.#parameters.add(`%${term.name}`);
        return { kind: "scalar", name: term.name };
      case "text":
        return { kind: "text", text: term.text };
    }
  }

  /** `previous(page)`, `previous(page, 2)`: a field like others, which the run makes. */
  #previous(term: Extract<Argument, { kind: "call" }>): TermStep {
    const [field, count, ...more] = term.args;
    const text = count === undefined ? "1" : count.kind === "text" ? count.text : "";
    if (field?.kind !== "field" || isSpecial(field.name) || more.length > 0) {
      this.#fail(term, "previous wants a field and how many events ago, as in previous(page, 2)");
    }
    if (!/^[1-9]\d{0,2}$/.test(text)) {
      this.#fail(term, "previous goes back 1 to 999 events, as in previous(page, 2)");
    }
    const name = `${PREVIOUS}(${field.name}, ${text})`;
    this.#lags.set(name, { name, field: field.name, back: Number(text) });
    this.#fields.add(name);
    return { kind: "field", name };
  }

  #start(label: string | undefined, place: Place, scope: Scope): StartOf {
    if (label === undefined && scope.window === undefined) {
      const { state } = scope;
      if (state?.after?.seconds !== undefined) {
        return { window: undefined, seconds: state.after.seconds };
      }
      this.#fail(place, "start_timestamp needs a block with a timed after, as in after 30m ->");
    }
    if (label === undefined) {
      const { seconds } = this.#windowBlocks[scope.window!].after;
      // The original takes the length of the window from the end of the block within.
      return { window: this.#compat === "trck" ? undefined : scope.window, seconds };
    }
    const own = scope.window === undefined ? [] : [scope.window];
    const found = [...scope.around, ...own].find((at) => this.#windowBlocks[at].name === label);
    if (found === undefined) this.#fail(place, `${label} is no window around this block`);
    return { window: found, seconds: this.#windowBlocks[found].after.seconds };
  }

  #result(sigil: ResultSigil, name: string, place: Place, fold?: Fold, terms = 1): number {
    const key = sigil + name;
    const known = this.#results.get(key);
    if (known === undefined) {
      this.#results.set(key, { sigil, name, fold, isCompound: terms !== 1 });
      return this.#results.size - 1;
    }
    if (known.fold !== fold) {
      const use = (fold?: Fold) =>
        fold === undefined ? `yield ${key}` : `yield ${fold} … to ${key}`;
      this.#fail(place, `found ${use(fold)} beside ${use(known.fold)}; give each its own result`);
    }
    known.isCompound ||= terms !== 1;
    return [...this.#results.keys()].indexOf(key);
  }

  #fail(place: Place, what: string): never {
    throw new ProgramError(this.#file, place, what);
  }
}

function enter({ state, opens }: Label): StepTarget {
  return { kind: "enter", state, opens };
}
