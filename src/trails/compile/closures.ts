/**
 * The same machine as `code.ts` makes, of functions in functions: for where code must not be
 * generated, such as a page with a strict content security policy.
 *
 * @module
 */
import type { TimeTest } from "../run/conditions.ts";
import { timeHolds } from "../run/conditions.ts";
import {
  failsAtEnd,
  type Machine,
  type MachineContext,
  type MachineParts,
  noEvent,
  unmatched,
} from "./machine.ts";
import type { PlanDeadline, PlanStep, PlanTerm, PlanTest, PlanYield } from "./plan.ts";

/** What a run over a trail remembers. */
interface Run {
  times: Float64Array;
  columns: readonly Uint32Array[];
  context: MachineContext;
  /** The event; -1 at the end of the trail. */
  i: number;
  state: number;
  /** The deadline of the state; Infinity: none. */
  deadline: number;
  /** Those of the windows around it, by depth. */
  readonly windows: Float64Array;
}

type Test = (run: Run) => boolean;
type Text = (run: Run) => string;
/** Yields and moves; what becomes of the event. */
type Action = (run: Run, base: number) => Outcome;

/** The event is consumed, the trail is done, or the event goes to the state that was entered. */
type Outcome = "next" | "stop" | "entered";

interface StateActions {
  readonly clauses: readonly { readonly test: Test; readonly act: Action }[];
  readonly after: Action | undefined;
  /** Of the windows around it, the outermost first. */
  readonly windows: readonly Action[];
  readonly end: (run: Run) => void;
}

/** A machine of closures. */
export function compileClosures(parts: MachineParts): Machine {
  const states = new ClosureMaker(parts).states();
  const { plan } = parts;
  const isOriginal = plan.compat === "trck";
  const run: Run = {
    times: new Float64Array(0),
    columns: [],
    context: undefined as unknown as MachineContext,
    i: 0,
    state: 0,
    deadline: Infinity,
    windows: new Float64Array(plan.depth),
  };
  return (times, columns, from, to, context) => {
    Object.assign(run, { times, columns, context, state: 0, deadline: Infinity });
    run.windows.fill(Infinity);
    for (run.i = from; run.i < to; run.i++) {
      const time = times[run.i];
      let outcome: Outcome = "entered";
      while (outcome === "entered") {
        const state = states[run.state];
        const due = isOriginal ? originalDue(run, state, time) : earliestDue(run, state, time);
        if (due !== undefined) {
          outcome = due.act(run, due.at);
          continue;
        }
        const clause = state.clauses.find(({ test }) => test(run));
        if (clause === undefined && isOriginal) unmatched(plan, run.state);
        outcome = clause === undefined || clause.act(run, time) !== "stop" ? "next" : "stop";
      }
      if (outcome === "stop") return;
    }
    const state = states[run.state];
    if (run.state === 0 && earliest(run, state) === Infinity) return;
    run.i = -1;
    state.end(run);
  };
}

function earliest(run: Run, { windows }: StateActions): number {
  let at = run.deadline;
  for (let depth = 0; depth < windows.length; depth++) at = Math.min(at, run.windows[depth]);
  return at;
}

function earliestDue(
  run: Run,
  state: StateActions,
  time: number,
): { act: Action; at: number } | undefined {
  const at = earliest(run, state);
  if (at > time) return undefined;
  const depth = state.windows.findIndex((_, depth) => run.windows[depth] === at);
  return { act: depth < 0 ? state.after! : state.windows[depth], at };
}

function originalDue(
  run: Run,
  state: StateActions,
  time: number,
): { act: Action; at: number } | undefined {
  if (run.deadline > time) return undefined;
  const depth = state.windows.findIndex((_, depth) => run.windows[depth] <= time);
  return { act: depth < 0 ? state.after! : state.windows[depth], at: run.deadline };
}

class ClosureMaker {
  readonly #parts: MachineParts;

  constructor(parts: MachineParts) {
    this.#parts = parts;
  }

  states(): StateActions[] {
    const { plan } = this.#parts;
    return plan.states.map(({ windows, clauses, after }) => ({
      clauses: clauses.map(({ alternatives, step }) => ({
        test: alternatives === undefined ? () => true : this.#any(alternatives),
        act: this.#action(step),
      })),
      after: after && this.#action(after.step),
      windows: windows.map((window) => this.#action(plan.windows[window].after.step)),
      end: this.#end(windows.map((window) => plan.windows[window].after), after),
    }));
  }

  #end(
    windows: readonly PlanDeadline[],
    after: PlanDeadline | undefined,
  ): (run: Run) => void {
    const { plan } = this.#parts;
    const fire = ({ step }: PlanDeadline): (run: Run) => void => {
      if (failsAtEnd(step, plan, plan.compat)) return () => noEvent(plan);
      return this.#yields(step.yields);
    };
    const ofWindows = windows.map(fire);
    const own = after === undefined ? () => {} : fire(after);
    return (run) => {
      const open = windows.map((_, depth) => run.windows[depth]);
      const due = plan.compat === "trck"
        ? open.find((deadline) => deadline < Infinity)
        : Math.min(run.deadline, ...open);
      const depth = due === undefined || due === Infinity ? -1 : open.indexOf(due);
      (depth < 0 ? own : ofWindows[depth])(run);
    };
  }

  #action({ yields, target }: PlanStep): Action {
    const yieldAll = this.#yields(yields);
    if (target.kind !== "enter") {
      const outcome = target.kind === "quit" ? "stop" : "next";
      return (run) => {
        yieldAll(run);
        return outcome;
      };
    }
    const { states, windows } = this.#parts.plan;
    const { windows: around, after } = states[target.state];
    const opened = around.flatMap((window, depth) =>
      target.opens.includes(window) ? [{ depth, seconds: windows[window].after.seconds }] : []
    );
    const seconds = after?.seconds ?? Infinity;
    return (run, base) => {
      yieldAll(run);
      for (const { depth, seconds } of opened) run.windows[depth] = base + seconds;
      run.state = target.state;
      run.deadline = base + seconds;
      return "entered";
    };
  }

  #any(alternatives: readonly (readonly PlanTest[])[]): Test {
    const all = alternatives.map((tests) => tests.map((test) => this.#test(test)));
    return (run) => all.some((tests) => tests.every((test) => test(run)));
  }

  #test(test: PlanTest): Test {
    const { tables, slots } = this.#parts.plan;
    switch (test.kind) {
      case "id":
        return (run) => (valueOf(run, test.column) === test.id) !== test.isNegated;
      case "bits": {
        const table = tables[test.table];
        return (run) => {
          const id = valueOf(run, test.column);
          return (table[id >>> 5] >>> (id & 31) & 1) === 1;
        };
      }
      case "time":
        return (run) => timeHolds(test.test, run.times[run.i]);
      case "slotId": {
        const slot = slots[test.slot];
        if (slot.kind !== "ids") throw new TypeError("BUG: not a slot of ids");
        return (run) =>
          (valueOf(run, test.column) === slot.ids[run.context.round]) !== test.isNegated;
      }
      case "slotSet": {
        const slot = slots[test.slot];
        if (slot.kind !== "sets") throw new TypeError("BUG: not a slot of sets");
        return (run) => slot.sets[run.context.round].has(valueOf(run, test.column));
      }
      case "slotTime": {
        const slot = slots[test.slot];
        if (slot.kind !== "times") throw new TypeError("BUG: not a slot of times");
        return (run) => {
          const limit: TimeTest = { op: test.op, seconds: slot.times[run.context.round] };
          return timeHolds(limit, run.times[run.i]);
        };
      }
    }
  }

  #yields(yields: readonly PlanYield[]): (run: Run) => void {
    const all = yields.map((one) => this.#yield(one));
    return (run) => {
      for (const one of all) one(run);
    };
  }

  #yield(one: PlanYield): (run: Run) => void {
    if (one.kind === "count") return ({ context }) => context.out.counters[one.result]++;
    const { keyed, terms } = this.#parts.plan.shapes[one.shape];
    if (keyed === undefined) {
      const texts = terms.map((term) => this.#term(term));
      return (run) => run.context.out.text(one.shape, texts.map((text) => text(run)));
    }
    const { columns, strides } = keyed;
    return (run) => {
      let key = 0;
      for (let i = 0; i < columns.length; i++) key += valueOf(run, columns[i]) * strides[i];
      run.context.out.key(one.shape, key);
    };
  }

  #term(term: PlanTerm): Text {
    const { plan, dictionaries, functions } = this.#parts;
    switch (term.kind) {
      case "column":
        return (run) => dictionaries[term.column].text(valueOf(run, term.column));
      case "time":
        return ({ times, i }) => i < 0 ? "" : String(times[i]);
      case "text":
        return () => term.text;
      case "cookie":
        return ({ context }) => context.cookie();
      case "windowStart":
        return ({ context }) => String(context.windowStart);
      case "windowEnd":
        return ({ context }) => String(context.windowEnd);
      case "slotText": {
        const slot = plan.slots[term.slot];
        if (slot.kind !== "texts") throw new TypeError("BUG: not a slot of texts");
        return ({ context }) => slot.texts[context.round];
      }
      case "start":
        return (run) => {
          const { windows } = plan.states[run.state];
          const end = term.window === undefined
            ? run.deadline
            : run.windows[windows.indexOf(term.window)];
          return end === Infinity ? "" : String(end - term.seconds);
        };
      case "call": {
        const args = term.args.map((arg) => this.#term(arg));
        return (run) => String(functions[term.name](...args.map((arg) => arg(run))));
      }
    }
  }
}

/** The number of a value; a field that the data lack, and all at the end of a trail, are empty. */
function valueOf(run: Run, column: number): number {
  return column < 0 || run.i < 0 ? 0 : run.columns[column][run.i];
}
