/**
 * The text of a JavaScript function that runs a plan: states are the cases of a switch, deadlines are
 * local variables, conditions are comparisons of numbers.
 *
 * ```text
 *  for each event i at time t:
 *    again: switch (state)
 *      a deadline is due      → its yields, its target; again, with the same event
 *      a clause holds         → its yields, its target; next event
 *  at the end: the one after that fires
 * ```
 *
 * Of a program, only numbers get into the text, and its literals as JSON: no name does.
 *
 * @module
 */
import { failsAtEnd, type Machine, type MachineParts, noEvent, unmatched } from "./machine.ts";
import type { Plan, PlanDeadline, PlanStep, PlanTerm, PlanTest, PlanYield } from "./plan.ts";

/** Where a step is taken. */
type Moment = "event" | "deadline" | "end";

/** A machine from generated code. @throws {EvalError} where code may not be generated */
export function compileCode(parts: MachineParts): Machine {
  const { plan, dictionaries, functions } = parts;
  const make = new Function(
    "plan",
    "dictionaries",
    "functions",
    "unmatched",
    "noEvent",
    codeOf(plan),
  );
  return make(
    plan,
    dictionaries,
    plan.functions.map((name) => functions[name]),
    (state: number) => unmatched(plan, state),
    () => noEvent(plan),
  );
}

/** The text of a function that gives the machine. */
export function codeOf(plan: Plan): string {
  return new CodeWriter(plan).write();
}

class CodeWriter {
  readonly #plan: Plan;
  readonly #columns = new Set<number>();
  readonly #slots = new Set<number>();
  readonly #dense = new Set<number>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  write(): string {
    const { states, tables, functions, depth } = this.#plan;
    const cases = states.map((_, state) => this.#case(state));
    const ends = states.map((_, state) => this.#end(state));
    const deadlines = ["e", ...range(depth).map((d) => `w${d}`)];
    return [
      ...tables.map((_, i) => `const t${i} = plan.tables[${i}];`),
      ...functions.map((_, i) => `const f${i} = functions[${i}];`),
      "return (times, columns, from, to, context) => {",
      "const { out } = context, n = out.counters;",
      ...[...this.#columns].map((c) => `const c${c} = columns[${c}];`),
      ...[...this.#slots].map((s) => `const s${s} = ${this.#slotValue(s)};`),
      ...[...this.#dense].map((s) => `const d${s} = out.dense[${s}];`),
      `let s = 0, ${deadlines.map((name) => `${name} = Infinity`).join(", ")};`,
      "next: for (let i = from; i < to; i++) {",
      "const t = times[i];",
      "for (;;) switch (s) {",
      ...cases,
      "}",
      "}",
      `if (s === 0${this.#armed(0).map((name) => ` && ${name} === Infinity`).join("")}) return;`,
      "switch (s) {",
      ...ends,
      "}",
      "};",
    ].join("\n");
  }

  /** The deadlines that may be finite in a state: its windows, the outermost first, and its own. */
  #armed(state: number): string[] {
    const { windows, after } = this.#plan.states[state];
    return [...windows.map((_, d) => `w${d}`), ...(after?.seconds === undefined ? [] : ["e"])];
  }

  #case(state: number): string {
    const { clauses } = this.#plan.states[state];
    const lines = [`case ${state}: {`, this.#deadlines(state)];
    let isTotal = false;
    for (const { alternatives, step } of clauses) {
      const body = this.#step(step, "event", "t");
      if (alternatives === undefined) {
        lines.push(body);
        isTotal = true;
        break;
      }
      const tests = alternatives.map((all) => all.map((test) => this.#test(test)).join(" && "));
      lines.push(`if (${tests.map((test) => `(${test})`).join(" || ")}) {`, body, "}");
    }
    if (!isTotal) {
      lines.push(this.#plan.compat === "trck" ? `unmatched(${state});` : "continue next;");
    }
    lines.push("}");
    return lines.join("\n");
  }

  /** What is due at `t`, the earliest first; in the original's mode the outermost window. */
  #deadlines(state: number): string {
    const { states, windows, compat } = this.#plan;
    const { windows: around, after } = states[state];
    const armed = this.#armed(state);
    if (armed.length === 0) return "";
    const fire = (deadline: PlanDeadline) => this.#step(deadline.step, "deadline", "b");
    const ofWindow = around.map((window) => fire(windows[window].after));
    if (compat === "trck") {
      if (after?.seconds === undefined) return "";
      return [
        "if (e <= t) {",
        "const b = e;",
        ...ofWindow.map((body, d) => `if (w${d} <= t) {\n${body}\n}`),
        fire(after),
        "}",
      ].join("\n");
    }
    const own = after?.seconds === undefined ? undefined : fire(after);
    return [
      `if (${armed.map((name) => `${name} <= t`).join(" || ")}) {`,
      `const b = Math.min(${armed.join(", ")});`,
      ...ofWindow.map((body, d) => `if (w${d} === b) {\n${body}\n}`),
      ...(own === undefined ? [] : [own]),
      "}",
    ].join("\n");
  }

  #end(state: number): string {
    const { states, windows, compat } = this.#plan;
    const { windows: around, after } = states[state];
    const lines = [`case ${state}: {`];
    const fire = (deadline: PlanDeadline) =>
      failsAtEnd(deadline.step, this.#plan, compat)
        ? "noEvent();"
        : `${this.#yields(deadline.step.yields, "end")}\nreturn;`;
    const armed = this.#armed(state);
    if (compat !== "trck" && armed.length > 0) {
      lines.push(`const b = Math.min(${armed.join(", ")});`);
    }
    for (const [d, window] of around.entries()) {
      const isDue = compat === "trck" ? `w${d} < Infinity` : `b < Infinity && w${d} === b`;
      lines.push(`if (${isDue}) {\n${fire(windows[window].after)}\n}`);
    }
    if (after !== undefined) lines.push(fire(after));
    lines.push("return;", "}");
    return lines.join("\n");
  }

  #step({ yields, target }: PlanStep, moment: Moment, base: string): string {
    const lines = [this.#yields(yields, moment)];
    if (target.kind === "repeat") lines.push("continue next;");
    if (target.kind === "quit") lines.push("return;");
    if (target.kind === "enter") {
      const { states, windows } = this.#plan;
      const { windows: around, after } = states[target.state];
      for (const [d, window] of around.entries()) {
        if (target.opens.includes(window)) {
          lines.push(`w${d} = ${base} + ${windows[window].after.seconds};`);
        }
      }
      lines.push(
        `e = ${after?.seconds === undefined ? "Infinity" : `${base} + ${after.seconds}`};`,
      );
      lines.push(`s = ${target.state};`, moment === "event" ? "continue next;" : "continue;");
    }
    return lines.join("\n");
  }

  #test(test: PlanTest): string {
    switch (test.kind) {
      case "id":
        return `${this.#column(test.column)} ${test.isNegated ? "!==" : "==="} ${test.id}`;
      case "bits": {
        const id = this.#column(test.column);
        return `(t${test.table}[${id} >>> 5] >>> (${id} & 31) & 1) === 1`;
      }
      case "time":
        return `t ${operator(test.test.op)} ${test.test.seconds}`;
      case "slotId":
        return `${this.#column(test.column)} ${test.isNegated ? "!==" : "==="} ${
          this.#slot(test.slot)
        }`;
      case "slotSet":
        return `${this.#slot(test.slot)}.has(${this.#column(test.column)})`;
      case "slotTime":
        return `t ${operator(test.op)} ${this.#slot(test.slot)}`;
    }
  }

  #yields(yields: readonly PlanYield[], moment: Moment): string {
    return yields.map((one) => {
      if (one.kind === "count") return `n[${one.result}]++;`;
      const { keyed, terms, isCounted } = this.#plan.shapes[one.shape];
      if (keyed === undefined) {
        return `out.text(${one.shape}, [${
          terms.map((term) => this.#term(term, moment)).join(", ")
        }]);`;
      }
      const key = moment === "end"
        ? "0"
        : keyed.columns.map((column, i) => `${this.#column(column)} * ${keyed.strides[i]}`)
          .join(" + ");
      this.#dense.add(one.shape);
      return `if (d${one.shape} === undefined) out.key(${one.shape}, ${key}); ` +
        `else d${one.shape}[${key}]${isCounted ? "++" : " = 1"};`;
    }).join("\n");
  }

  #term(term: PlanTerm, moment: Moment): string {
    switch (term.kind) {
      case "column":
        if (moment === "end") return '""';
        return `dictionaries[${term.column}].text(${this.#column(term.column)})`;
      case "time":
        return moment === "end" ? '""' : "String(t)";
      case "text":
        return JSON.stringify(term.text);
      case "cookie":
        return "context.cookie()";
      case "windowStart":
        return "String(context.windowStart)";
      case "windowEnd":
        return "String(context.windowEnd)";
      case "slotText":
        return this.#slot(term.slot);
      case "start": {
        const name = term.window === undefined ? "e" : `w${this.#depthOf(term.window)}`;
        return `(${name} === Infinity ? "" : String(${name} - ${term.seconds}))`;
      }
      case "call": {
        const at = this.#plan.functions.indexOf(term.name);
        return `String(f${at}(${term.args.map((arg) => this.#term(arg, moment)).join(", ")}))`;
      }
    }
  }

  #depthOf(window: number): number {
    const around = this.#plan.states.find(({ windows }) => windows.includes(window))!.windows;
    return around.indexOf(window);
  }

  /** The number of a value; a field that the data lack is always empty. */
  #column(column: number): string {
    if (column < 0) return "0";
    this.#columns.add(column);
    return `c${column}[i]`;
  }

  #slot(slot: number): string {
    this.#slots.add(slot);
    return `s${slot}`;
  }

  #slotValue(slot: number): string {
    const { kind } = this.#plan.slots[slot];
    return `plan.slots[${slot}].${kind}[context.round]`;
  }
}

function operator(op: string): string {
  return op === "=" ? "===" : op === "!=" ? "!==" : op;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
