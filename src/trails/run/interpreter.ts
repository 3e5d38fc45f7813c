/**
 * The meaning of a program, slow and obvious: one event after the other, values as text. What is
 * compiled must give the same results. Programs that are attached to a running engine are run by it.
 *
 * It is one machine over events as they are given: where `foreach event` starts machines, and what
 * `previous()` was, is up to the caller; its value stands among those of the event by its own name.
 *
 * ## Time
 *
 * Every receive block with a timed `after`, and every window, has a deadline from the moment it is
 * entered. A trail begins in the first block with no clock running. When an event comes, all deadlines
 * at or before its time fire first, the earliest first, of equal ones the outermost; what a deadline
 * leads to starts its own clock at that deadline, not at the event. When the trail ends, one deadline
 * fires, as if time went on; where no clock is running, the `after` without a time.
 *
 * The original looks at windows only when the receive block within is past its own deadline, prefers
 * the outermost window, and counts on from the deadline of the receive block.
 *
 * @module
 */
import { type Compat, TrailsError } from "../errors.ts";
import {
  type Deadline,
  type Program,
  SPECIAL,
  type Step,
  type TermStep,
  type YieldStep,
} from "../language/program.ts";
import type { Condition } from "../language/tree.ts";
import { type Bindings, isTimeCondition, timeHolds, timeTest, valueTest } from "./conditions.ts";
import { type Functions, functionsOf } from "./functions.ts";
import { isCookieAlone } from "./terms.ts";

/** An event. */
export interface TrailEvent {
  /** Unix seconds. */
  readonly time: number;
  /** Its values; what is absent is the empty text. */
  readonly values: ReadonlyMap<string, string>;
}

/** Whose trail it is. */
export interface Owner {
  /** What `cookie` is. */
  readonly cookie: string;
  /** The bounds of a window file, 0 where there are none. */
  readonly windowStart: number;
  readonly windowEnd: number;
}

/** Where results go. */
export interface ResultSink {
  count(result: number, times: number): void;
  number(result: number, text: string, times: number): void;
  tuple(result: number, terms: readonly string[], times: number, isCookie: boolean): void;
}

/** What one machine remembers of its trail. */
export interface MachineState {
  /** The receive block. */
  state: number;
  /** Its deadline; Infinity: none. */
  deadline: number;
  /** The deadlines of the windows around it, the outermost first. */
  windows: number[];
  /** It has met `quit`. */
  stopped: boolean;
}

/** The state in which every trail begins. */
export function initialState(program: Program): MachineState {
  return {
    state: 0,
    deadline: Infinity,
    windows: program.states[0].windows.map(() => Infinity),
    stopped: false,
  };
}

/** Whether nothing has happened that the end of the trail could bring out. */
export function isPristine({ state, deadline, windows }: MachineState): boolean {
  return state === 0 && deadline === Infinity && windows.every((one) => one === Infinity);
}

/** The earliest deadline that is running; Infinity: none. */
export function nextDeadline({ deadline, windows }: MachineState): number {
  let earliest = deadline;
  for (const one of windows) if (one < earliest) earliest = one;
  return earliest;
}

/** A program with its parameters, for one trail after the other. */
export class Interpreter {
  readonly #program: Program;
  readonly #compat: Compat;
  readonly #bindings: Bindings;
  readonly #functions: Functions;
  readonly #tests = new Map<Condition, (event: TrailEvent) => boolean>();

  constructor(program: Program, bindings: Bindings, functions: Functions) {
    this.#program = program;
    this.#compat = program.compat;
    this.#bindings = bindings;
    this.#functions = functionsOf(functions);
  }

  /** The machine takes an event. @throws {TrailsError} in the original's mode, if nothing matches */
  event(machine: MachineState, event: TrailEvent, owner: Owner, sink: ResultSink): void {
    while (!machine.stopped) {
      const due = this.#due(machine, event.time);
      const state = this.#program.states[machine.state];
      if (due === undefined) {
        const clause = state.clauses.find(({ alternatives }) =>
          alternatives === undefined ||
          alternatives.some((all) => all.every((one) => this.#holds(one, event)))
        );
        if (clause === undefined && this.#compat === "trck") {
          throw new TrailsError(
            `Cannot run ${this.#program.file}: no clause of ${state.name} matches an event; ` +
              "add * -> repeat, or leave compat out",
          );
        }
        if (clause !== undefined) {
          this.#take(machine, clause.step, event.time, { machine, event, owner, sink });
        }
        return;
      }
      const { step } = due.after;
      this.#take(machine, step, due.at, { machine, event, owner, sink });
      if (step.target.kind === "repeat") return;
    }
  }

  /** The earliest deadline has passed and no event is there. Not for the original's mode. */
  fire(machine: MachineState, owner: Owner, sink: ResultSink): void {
    const due = this.#due(machine, nextDeadline(machine));
    if (due === undefined) throw new TypeError("BUG: no deadline is running");
    this.#take(machine, due.after.step, due.at, { machine, event: undefined, owner, sink });
  }

  /** The trail has ended. */
  end(machine: MachineState, owner: Owner, sink: ResultSink): void {
    if (machine.stopped || isPristine(machine)) return;
    const after = this.#afterTheEnd(machine);
    if (after === undefined) return;
    this.#yield(after.step, { machine, event: undefined, owner, sink });
  }

  /** The deadline that has passed at `time`. */
  #due(machine: MachineState, time: number): { after: Deadline; at: number } | undefined {
    const { states, windows } = this.#program;
    const state = states[machine.state];
    if (this.#compat === "trck") {
      if (machine.deadline > time) return undefined;
      const depth = machine.windows.findIndex((deadline) => deadline <= time);
      const after = depth < 0 ? state.after! : windows[state.windows[depth]].after;
      return { after, at: machine.deadline };
    }
    const earliest = nextDeadline(machine);
    if (earliest > time) return undefined;
    const depth = machine.windows.indexOf(earliest);
    return { after: depth < 0 ? state.after! : windows[state.windows[depth]].after, at: earliest };
  }

  #afterTheEnd(machine: MachineState): Deadline | undefined {
    const { states, windows } = this.#program;
    const state = states[machine.state];
    if (this.#compat === "trck") {
      const depth = machine.windows.findIndex((deadline) => deadline < Infinity);
      return depth < 0 ? state.after : windows[state.windows[depth]].after;
    }
    const earliest = nextDeadline(machine);
    const depth = earliest === Infinity ? -1 : machine.windows.indexOf(earliest);
    return depth < 0 ? state.after : windows[state.windows[depth]].after;
  }

  /** Yields, then goes where the step leads; clocks start at `base`. */
  #take(machine: MachineState, step: Step, base: number, context: Context): void {
    this.#yield(step, context);
    const { target } = step;
    if (target.kind === "quit") machine.stopped = true;
    if (target.kind !== "enter") return;
    const { states, windows } = this.#program;
    const entered = states[target.state];
    machine.windows = entered.windows.map((window, depth) =>
      target.opens.includes(window) ? base + windows[window].after.seconds : machine.windows[depth]
    );
    machine.state = target.state;
    machine.deadline = base + (entered.after?.seconds ?? Infinity);
  }

  #yield({ yields }: Step, context: Context): void {
    for (const one of yields) this.#yieldOne(one, context);
  }

  #yieldOne(one: YieldStep, context: Context): void {
    const { sink } = context;
    switch (one.kind) {
      case "count":
        return sink.count(one.result, 1);
      case "fold":
        return sink.number(one.result, this.#field(one.field, context), 1);
      case "tuple": {
        const terms = one.terms.map((term) => this.#term(term, context));
        return sink.tuple(one.result, terms, 1, isCookieAlone(one.terms));
      }
    }
  }

  #term(term: TermStep, context: Context): string {
    switch (term.kind) {
      case "field":
        return this.#field(term.name, context);
      case "text":
        return term.text;
      case "scalar":
        return this.#bindings.scalars.get(term.name)!;
      case "call":
        return String(
          this.#functions[term.name](...term.args.map((arg) => this.#term(arg, context))),
        );
      case "start":
        return startText(this.#program, context.machine, term.of.window, term.of.seconds);
    }
  }

  #field(name: string, { event, owner }: Context): string {
    if (name === SPECIAL.cookie) return owner.cookie;
    if (name === SPECIAL.windowStart) return String(owner.windowStart);
    if (name === SPECIAL.windowEnd) return String(owner.windowEnd);
    if (event === undefined) {
      if (this.#compat !== "trck") return "";
      throw new TrailsError(
        `Cannot run ${this.#program.file}: an after yields ${name} at the end of a trail, where ` +
          "the original crashes; leave compat out",
      );
    }
    return name === SPECIAL.timestamp ? String(event.time) : event.values.get(name) ?? "";
  }

  #holds(condition: Condition, event: TrailEvent): boolean {
    let test = this.#tests.get(condition);
    if (test === undefined) {
      test = this.#test(condition);
      this.#tests.set(condition, test);
    }
    return test(event);
  }

  #test(condition: Condition): (event: TrailEvent) => boolean {
    if (isTimeCondition(condition)) {
      const test = timeTest(condition, this.#bindings, this.#compat);
      return ({ time }) => timeHolds(test, time);
    }
    const test = valueTest(condition, this.#bindings, this.#compat);
    return ({ values }) => test(values.get(condition.field) ?? "");
  }
}

/** Around a yield. */
interface Context {
  readonly machine: MachineState;
  /** Undefined at the end of the trail. */
  readonly event: TrailEvent | undefined;
  readonly owner: Owner;
  readonly sink: ResultSink;
}

/** When a block was entered: its deadline less its length; empty where no clock is running. */
function startText(
  program: Program,
  { state, deadline, windows }: MachineState,
  window: number | undefined,
  seconds: number,
): string {
  const end = window === undefined
    ? deadline
    : windows[program.states[state].windows.indexOf(window)];
  return end === Infinity ? "" : String(end - seconds);
}
