/**
 * Makes the plan of a program for its data and parameters.
 *
 * @module
 */
import { type Program, SPECIAL, type Step, type TermStep } from "../language/program.ts";
import type { Condition } from "../language/tree.ts";
import type { TrailSource } from "../data/source.ts";
import { isTimeCondition, timeTest, valueTest } from "../run/conditions.ts";
import type { Round } from "../run/parameters.ts";
import { isCookieAlone } from "../run/terms.ts";
import type {
  Keyed,
  Plan,
  PlanClause,
  PlanStep,
  PlanTerm,
  PlanTest,
  PlanYield,
  Shape,
  Slot,
} from "./plan.ts";

/** Keys are numbers that a double holds exactly. */
const MAX_KEYS = Number.MAX_SAFE_INTEGER;

/** @throws {TrailsError} if a parameter does not fit its condition */
export function makePlan(program: Program, source: TrailSource, rounds: readonly Round[]): Plan {
  return new Planner(program, source, rounds).plan();
}

class Planner {
  readonly #program: Program;
  readonly #source: TrailSource;
  readonly #rounds: readonly Round[];
  readonly #tables: Uint32Array[] = [];
  readonly #slots: Slot[] = [];
  readonly #shapes: Shape[] = [];
  /** By what they are, so that equal ones are one. */
  readonly #known = new Map<string, number>();
  /** Numbers of all literals and parameters, found in one pass over each dictionary. */
  readonly #ids = new Map<number, Map<string, number>>();

  constructor(program: Program, source: TrailSource, rounds: readonly Round[]) {
    this.#program = program;
    this.#source = source;
    this.#rounds = rounds;
  }

  plan(): Plan {
    const { file, compat, states, windows, functions, results } = this.#program;
    this.#findTexts();
    return {
      file,
      compat,
      states: states.map(({ name, windows, clauses, after }) => ({
        name,
        windows,
        clauses: clauses.flatMap(({ alternatives, step }): PlanClause[] => {
          const possible = alternatives?.flatMap((all) => this.#conjunction(all));
          if (possible?.length === 0) return [];
          const always = possible?.some((all) => all.length === 0);
          return [{ alternatives: always ? undefined : possible, step: this.#step(step) }];
        }),
        after: after && { seconds: after.seconds, step: this.#step(after.step) },
      })),
      windows: windows.map(({ after }) => ({
        after: { seconds: after.seconds, step: this.#step(after.step) },
      })),
      depth: Math.max(0, ...states.map(({ windows }) => windows.length)),
      tables: this.#tables,
      shapes: this.#shapes,
      functions,
      slots: this.#slots,
      roundCount: this.#rounds.length,
      resultCount: results.length,
    };
  }

  /** The tests of a conjunction, without those that always hold; none if it never does. */
  #conjunction(all: readonly Condition[]): PlanTest[][] {
    const tests: PlanTest[] = [];
    for (const condition of all) {
      const test = this.#test(condition);
      if (test === false) return [];
      if (test !== true) tests.push(test);
    }
    return [tests];
  }

  #test(condition: Condition): PlanTest | boolean {
    const { compat } = this.#program;
    const differs = this.#differs(condition);
    if (isTimeCondition(condition)) {
      if (!differs) {
        // Without rounds nothing runs, and what is asked of the parameters does not matter.
        if (this.#rounds.length === 0) return false;
        return { kind: "time", test: timeTest(condition, this.#rounds[0].bindings, compat) };
      }
      const tests = this.#rounds.map(({ bindings }) => timeTest(condition, bindings, compat));
      const times = Float64Array.from(tests, ({ seconds }) => seconds);
      return {
        kind: "slotTime",
        op: condition.op as Extract<PlanTest, { kind: "slotTime" }>["op"],
        slot: this.#slots.push({ kind: "times", times }) - 1,
      };
    }
    const column = this.#source.fields.indexOf(condition.field);
    return differs ? this.#roundTest(condition, column) : this.#sameTest(condition, column);
  }

  /** A condition that is the same in every round. */
  #sameTest(condition: Condition, column: number): PlanTest | boolean {
    if (this.#rounds.length === 0) return false;
    const test = valueTest(condition, this.#rounds[0].bindings, this.#program.compat);
    if (column < 0) return test("");
    const { op } = condition;
    const text = this.#equalText(condition, this.#rounds[0]);
    if (text !== undefined) {
      // What compares as equal with its own text is an equality of texts.
      const id = test(text) === (op === "=") ? this.#idOf(column, text) : -1;
      if (id < 0) return op === "!=";
      return { kind: "id", column, id, isNegated: op === "!=" };
    }
    const { bits, holds } = op === "in" || op === "not in"
      ? this.#memberBits(column, condition, test)
      : this.#bits(column, test);
    if (holds === 0) return false;
    if (holds === this.#source.dictionaries[column].size) return true;
    return { kind: "bits", column, table: this.#tables.push(bits) - 1 };
  }

  /** A condition on a variable of the loop. */
  #roundTest(condition: Condition, column: number): PlanTest | boolean {
    const { compat } = this.#program;
    const { op, operand } = condition;
    if (column >= 0 && operand.kind === "scalar" && (op === "=" || op === "!=")) {
      const ids = Int32Array.from(
        this.#rounds,
        (round) => this.#idOf(column, round.bindings.scalars.get(operand.name)!),
      );
      const slot = this.#slots.push({ kind: "ids", ids }) - 1;
      return { kind: "slotId", column, slot, isNegated: op === "!=" };
    }
    const sets = this.#rounds.map(({ bindings }) => {
      const test = valueTest(condition, bindings, compat);
      if (column < 0) return new Set(test("") ? [0] : []);
      if (op !== "in" || operand.kind !== "hash") return this.#idsWhere(column, test);
      const members = [...bindings.hashes.get(operand.name)!].filter(test);
      return new Set(members.map((text) => this.#idOf(column, text)).filter((id) => id >= 0));
    });
    return { kind: "slotSet", column, slot: this.#slots.push({ kind: "sets", sets }) - 1 };
  }

  /** The text that a value must have, where a condition is that and nothing else. */
  #equalText({ op, operand }: Condition, { bindings }: Round): string | undefined {
    if (op !== "=" && op !== "!=") return undefined;
    if (operand.kind === "text") return operand.text;
    return operand.kind === "scalar" ? bindings.scalars.get(operand.name) : undefined;
  }

  #differs({ operand }: Condition): boolean {
    if (operand.kind !== "scalar" && operand.kind !== "hash") return false;
    const name = `${operand.kind === "scalar" ? "%" : "#"}${operand.name}`;
    return this.#program.loop?.vars.includes(name) ?? false;
  }

  #bits(column: number, test: (value: string) => boolean): { bits: Uint32Array; holds: number } {
    const dictionary = this.#source.dictionaries[column];
    const bits = new Uint32Array((dictionary.size + 31) >>> 5);
    let id = 0, holds = 0;
    for (const text of dictionary.texts()) {
      if (test(text)) {
        bits[id >>> 5] |= 1 << (id & 31);
        holds++;
      }
      id++;
    }
    return { bits, holds };
  }

  /** The same for a set, by its members: nothing is decoded. */
  #memberBits(
    column: number,
    { op, operand }: Condition,
    test: (value: string) => boolean,
  ): { bits: Uint32Array; holds: number } {
    const { size } = this.#source.dictionaries[column];
    const bits = new Uint32Array((size + 31) >>> 5);
    if (op === "not in") bits.fill(0xffff_ffff);
    const members = operand.kind === "hash"
      ? this.#rounds[0].bindings.hashes.get(operand.name)!
      : [];
    let found = 0;
    for (const text of members) {
      const id = this.#idOf(column, text);
      // The empty text may be a member that does not count.
      if (id < 0 || test(text) !== (op === "in")) continue;
      bits[id >>> 5] ^= 1 << (id & 31);
      found++;
    }
    return { bits, holds: op === "in" ? found : size - found };
  }

  #idsWhere(column: number, test: (value: string) => boolean): Set<number> {
    const ids = new Set<number>();
    let id = 0;
    for (const text of this.#source.dictionaries[column].texts()) {
      if (test(text)) ids.add(id);
      id++;
    }
    return ids;
  }

  #step({ yields, target }: Step): PlanStep {
    return {
      target,
      yields: yields.map((one): PlanYield => {
        if (one.kind === "count") return one;
        const isNumber = one.kind === "fold";
        const terms: readonly TermStep[] = isNumber
          ? [{ kind: "field", name: one.field }]
          : one.terms;
        return { kind: "shape", shape: this.#shape(one.result, isNumber, terms) };
      }),
    };
  }

  #shape(result: number, isNumber: boolean, steps: readonly TermStep[]): number {
    const key = `${result} ${JSON.stringify(steps)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const terms = steps.map((step) => this.#term(step));
    const { sigil } = this.#program.results[result];
    const shape = {
      result,
      isNumber,
      isCounted: sigil === "$" || sigil === "&",
      isCookie: isCookieAlone(steps),
      terms,
      keyed: this.#keyed(terms),
    };
    const at = this.#shapes.push(shape) - 1;
    this.#known.set(key, at);
    return at;
  }

  #keyed(terms: readonly PlanTerm[]): Keyed | undefined {
    const columns: number[] = [];
    for (const term of terms) {
      if (term.kind !== "column") return undefined;
      columns.push(term.column);
    }
    const strides: number[] = [];
    let size = 1;
    for (const column of columns.toReversed()) {
      strides.unshift(size);
      size *= this.#source.dictionaries[column].size;
    }
    return size <= MAX_KEYS ? { columns, strides, size } : undefined;
  }

  #term(step: TermStep): PlanTerm {
    switch (step.kind) {
      case "text":
        return { kind: "text", text: step.text, ofEvent: false };
      case "start":
        return { kind: "start", ...step.of };
      case "call":
        return { kind: "call", name: step.name, args: step.args.map((arg) => this.#term(arg)) };
      case "scalar": {
        const texts = this.#rounds.map(({ bindings }) => bindings.scalars.get(step.name)!);
        return { kind: "slotText", slot: this.#slots.push({ kind: "texts", texts }) - 1 };
      }
      case "field":
        return this.#field(step.name);
    }
  }

  #field(name: string): PlanTerm {
    if (name === SPECIAL.timestamp) return { kind: "time" };
    if (name === SPECIAL.cookie) return { kind: "cookie" };
    if (name === SPECIAL.windowStart) return { kind: "windowStart" };
    if (name === SPECIAL.windowEnd) return { kind: "windowEnd" };
    const column = this.#source.fields.indexOf(name);
    return column < 0 ? { kind: "text", text: "", ofEvent: true } : { kind: "column", column };
  }

  /** Looks up, once for each column, every text that it is compared with. */
  #findTexts(): void {
    const wanted = new Map<number, Set<string>>();
    const conditions = this.#program.states.flatMap(({ clauses }) =>
      clauses.flatMap(({ alternatives }) => alternatives?.flat() ?? [])
    );
    for (const { field, operand } of conditions) {
      const column = this.#source.fields.indexOf(field);
      if (column < 0) continue;
      let texts = wanted.get(column);
      if (texts === undefined) wanted.set(column, texts = new Set());
      if (operand.kind === "text") texts.add(operand.text);
      if (operand.kind !== "scalar" && operand.kind !== "hash") continue;
      for (const { bindings } of this.#rounds) {
        if (operand.kind === "scalar") texts.add(bindings.scalars.get(operand.name)!);
        else for (const text of bindings.hashes.get(operand.name)!) texts.add(text);
      }
    }
    for (const [column, texts] of wanted) {
      const list = [...texts];
      const ids = this.#source.dictionaries[column].find(list);
      this.#ids.set(column, new Map(list.map((text, i) => [text, ids[i]])));
    }
  }

  #idOf(column: number, text: string): number {
    return this.#ids.get(column)?.get(text) ?? -1;
  }
}
