/**
 * What a compiled program is: a function that runs the machine over one trail.
 *
 * @module
 */
import { type Compat, TrailsError } from "../errors.ts";
import type { Dictionary } from "../data/dictionary.ts";
import type { Functions } from "../run/functions.ts";
import type { Output } from "./output.ts";
import type { Plan, PlanStep, PlanTerm } from "./plan.ts";

/** Around a run over one trail. */
export interface MachineContext {
  /** Where this round's results go. */
  out: Output;
  /** Which round of the loop. */
  round: number;
  /** What `cookie` is. */
  readonly cookie: () => string;
  /** The bounds of a window file, 0 where there are none. */
  windowStart: number;
  windowEnd: number;
}

/** Runs the machine over the events `from` up to but not `to`, and to the end of the trail. */
export type Machine = (
  times: Float64Array,
  columns: readonly Uint32Array[],
  from: number,
  to: number,
  context: MachineContext,
) => void;

/** What machines need beside the plan. */
export interface MachineParts {
  readonly plan: Plan;
  readonly dictionaries: readonly Dictionary[];
  readonly functions: Functions;
}

/** @throws {TrailsError} always: an event that no clause matches, in the original's mode */
export function unmatched({ file, states }: Plan, state: number): never {
  throw new TrailsError(
    `Cannot run ${file}: no clause of ${states[state].name} matches an event; ` +
      "add * -> repeat, or leave compat out",
  );
}

/** @throws {TrailsError} always: a value of an event where there is none, in the original's mode */
export function noEvent({ file }: Plan): never {
  throw new TrailsError(
    `Cannot run ${file}: an after yields a value of an event at the end of a trail, where the ` +
      "original crashes; leave compat out",
  );
}

/** Whether a step yields what only an event has. */
export function needsEvent({ yields }: PlanStep, { shapes }: Plan): boolean {
  return yields.some((one) => one.kind === "shape" && shapes[one.shape].terms.some(ofEvent));
}

function ofEvent(term: PlanTerm): boolean {
  if (term.kind === "call") return term.args.some(ofEvent);
  return term.kind === "column" || term.kind === "time" || term.kind === "text" && term.ofEvent;
}

/** Whether it fails at the end of a trail. */
export function failsAtEnd(step: PlanStep, plan: Plan, compat: Compat): boolean {
  return compat === "trck" && needsEvent(step, plan);
}
