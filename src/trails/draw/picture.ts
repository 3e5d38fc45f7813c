/**
 * What is in a picture of a program: blocks in their windows, what each does, and where it leads.
 *
 * @module
 */
import type { Deadline, Program, Step } from "../language/program.ts";
import { alternativesText, durationText, yieldTexts } from "../language/text.ts";

/** A block, or a window with those in it. */
export type Node =
  | { readonly kind: "state"; readonly index: number; readonly name: string }
  | {
    readonly kind: "window";
    readonly index: number;
    readonly name: string;
    readonly nodes: Node[];
  };

/** What a block does on an event or when its time is up. */
export interface Row {
  /** The condition, or `after 30m`. */
  readonly when: string;
  readonly isDeadline: boolean;
  readonly yields: readonly string[];
  readonly target: RowTarget;
}

/** Where a row leads. */
export type RowTarget =
  | { readonly kind: "repeat" | "quit" }
  | {
    readonly kind: "enter";
    /** The block that is entered. */
    readonly state: number;
    /** The outermost window that opens, if one does. */
    readonly window: number | undefined;
  };

/** The blocks and windows, in the order of the text. */
export function nodesOf({ states, windows }: Program): Node[] {
  const top: Node[] = [];
  let open: Extract<Node, { kind: "window" }>[] = [];
  for (const [index, state] of states.entries()) {
    const same = open.findIndex((window, depth) => window.index !== state.windows[depth]);
    open = same < 0 ? open : open.slice(0, same);
    for (const window of state.windows.slice(open.length)) {
      const node: typeof open[number] = {
        kind: "window",
        index: window,
        name: windows[window].name,
        nodes: [],
      };
      (open.at(-1)?.nodes ?? top).push(node);
      open.push(node);
    }
    (open.at(-1)?.nodes ?? top).push({ kind: "state", index, name: state.name });
  }
  return top;
}

/** What a block does, in the order in which it is tried. */
export function rowsOfState(program: Program, state: number): Row[] {
  const { clauses, after } = program.states[state];
  return [
    ...clauses.map(({ alternatives, step }) =>
      rowOf(program, alternativesText(alternatives), step)
    ),
    ...(after === undefined ? [] : [deadlineRow(program, after)]),
  ];
}

/** What happens at the end of a window. */
export function rowOfWindow(program: Program, window: number): Row {
  return deadlineRow(program, program.windows[window].after);
}

/** The loops around the program, as they stand in it. */
export function loopsOf({ loop, fromEveryEvent }: Program): string[] {
  const vars = loop === undefined ? [] : [
    `foreach ${loop.vars.join(", ")}${loop.array === undefined ? "" : ` in @${loop.array}`}` +
    (loop.merged ? " merged results" : ""),
  ];
  return fromEveryEvent ? [...vars, "foreach event"] : vars;
}

function deadlineRow(program: Program, { seconds, step }: Deadline): Row {
  const when = seconds === undefined ? "after the last event" : `after ${durationText(seconds)}`;
  return { ...rowOf(program, when, step), isDeadline: true };
}

function rowOf(program: Program, when: string, step: Step): Row {
  const { target } = step;
  return {
    when,
    isDeadline: false,
    yields: yieldTexts(program, step),
    target: target.kind === "enter"
      ? { kind: "enter", state: target.state, window: target.opens.at(0) }
      : target,
  };
}
