/**
 * A program made for its data: states and values are numbers, conditions are comparisons of numbers or
 * tables of bits. Plain data, so that workers get it as it is; `code.ts` and `closures.ts` make
 * machines of it.
 *
 * @module
 */
import type { Compat } from "../errors.ts";
import type { TimeTest } from "../run/conditions.ts";

/** A program for its data. */
export interface Plan {
  readonly file: string;
  readonly compat: Compat;
  readonly states: readonly PlanState[];
  readonly windows: readonly PlanWindow[];
  /** The most windows around a state. */
  readonly depth: number;
  /** A bit for each value of a field: whether a condition holds. */
  readonly tables: readonly Uint32Array[];
  /** What is yielded, apart from counts. */
  readonly shapes: readonly Shape[];
  /** The functions that are called. */
  readonly functions: readonly string[];
  /** What differs between the rounds of a `foreach`. */
  readonly slots: readonly Slot[];
  readonly roundCount: number;
  /** How many results the program has. */
  readonly resultCount: number;
}

/** A receive block. */
export interface PlanState {
  readonly name: string;
  readonly windows: readonly number[];
  readonly clauses: readonly PlanClause[];
  readonly after: PlanDeadline | undefined;
}

/** A window. */
export interface PlanWindow {
  readonly after: PlanDeadline & { readonly seconds: number };
}

/** An `after`. */
export interface PlanDeadline {
  readonly seconds: number | undefined;
  readonly step: PlanStep;
}

/** A clause. */
export interface PlanClause {
  /** One of them must hold, and within it all; undefined: always. An impossible one is left out. */
  readonly alternatives: readonly (readonly PlanTest[])[] | undefined;
  readonly step: PlanStep;
}

/** A condition. */
export type PlanTest =
  | {
    readonly kind: "id";
    readonly column: number;
    readonly id: number;
    readonly isNegated: boolean;
  }
  | { readonly kind: "bits"; readonly column: number; readonly table: number }
  | { readonly kind: "time"; readonly test: TimeTest }
  /** The value has the number that the slot has in this round. */
  | {
    readonly kind: "slotId";
    readonly column: number;
    readonly slot: number;
    readonly isNegated: boolean;
  }
  /** The value is one of those that the slot has in this round. */
  | { readonly kind: "slotSet"; readonly column: number; readonly slot: number }
  | { readonly kind: "slotTime"; readonly op: TimeTest["op"]; readonly slot: number };

/** A step. */
export interface PlanStep {
  readonly yields: readonly PlanYield[];
  readonly target: PlanTarget;
}

/** Where it leads. */
export type PlanTarget =
  | { readonly kind: "repeat" }
  | { readonly kind: "quit" }
  | { readonly kind: "enter"; readonly state: number; readonly opens: readonly number[] };

/** A result that grows. */
export type PlanYield =
  | { readonly kind: "count"; readonly result: number }
  | { readonly kind: "shape"; readonly shape: number };

/** What is yielded, and to which result. */
export interface Shape {
  readonly result: number;
  /** It is a number for min, max, sum or avg. */
  readonly isNumber: boolean;
  readonly isCookie: boolean;
  /** Whether it matters how often: not for sets and sketches. */
  readonly isCounted: boolean;
  readonly terms: readonly PlanTerm[];
  /**
   * Where all terms are columns: their numbers are counted as one, the first times `strides[0]` and so
   * on, and become text at the end of the run.
   */
  readonly keyed: Keyed | undefined;
}

/** How the numbers of several columns become one. */
export interface Keyed {
  readonly columns: readonly number[];
  readonly strides: readonly number[];
  /** One more than the highest key. */
  readonly size: number;
}

/** A part of a tuple. */
export type PlanTerm =
  | { readonly kind: "column"; readonly column: number }
  /** Also for a field that the data lack: the original fails on it at the end of a trail. */
  | { readonly kind: "text"; readonly text: string; readonly ofEvent: boolean }
  | { readonly kind: "time" }
  | { readonly kind: "cookie" | "windowStart" | "windowEnd" }
  /** Undefined window: the receive block. */
  | { readonly kind: "start"; readonly window: number | undefined; readonly seconds: number }
  | { readonly kind: "slotText"; readonly slot: number }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly PlanTerm[] };

/** What differs between rounds, by round. */
export type Slot =
  /** Numbers of values; -1: no event has it. */
  | { readonly kind: "ids"; readonly ids: Int32Array }
  | { readonly kind: "sets"; readonly sets: readonly ReadonlySet<number>[] }
  | { readonly kind: "times"; readonly times: Float64Array }
  | { readonly kind: "texts"; readonly texts: readonly string[] };
