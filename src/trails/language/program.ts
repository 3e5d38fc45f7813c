/**
 * A program whose names are looked up: what is run. Receive blocks are numbered in the order of the
 * text, the first is where every trail begins; windows likewise.
 *
 * @module
 */
import type { Compat } from "../errors.ts";
import type { Condition, Fold } from "./tree.ts";

/** A program that can be run. Made by {@linkcode parseProgram}; it holds nothing of a run. */
export interface Program {
  /** The file, or what stands for it. */
  readonly file: string;
  /** The text. */
  readonly text: string;
  /** `"trck"` where the original's answers are wanted. */
  readonly compat: Compat;
  /** The receive blocks. */
  readonly states: readonly State[];
  /** The windows. */
  readonly windows: readonly Window[];
  /** The results, in the order in which they first appear. */
  readonly results: readonly ResultName[];
  /** The fields that are compared or yielded, without the special ones. */
  readonly fields: readonly string[];
  /** The parameters that a run must give, with their sigil: `%a`, `#b`, `@list`. */
  readonly parameters: readonly string[];
  /** The functions that are called. */
  readonly functions: readonly string[];
  /** The loop around all of it. */
  readonly loop: Loop | undefined;
  /** `foreach event`: it is run from every event of a trail on, as if the trail began there. */
  readonly fromEveryEvent: boolean;
  /** Values of earlier events that it yields; among `fields` by their name. */
  readonly lags: readonly Lag[];
}

/** `previous(page, 2)`: what a field was some events ago. */
export interface Lag {
  /** As it stands in the program; no field that conditions can name is called so. */
  readonly name: string;
  readonly field: string;
  /** How many events ago, from 1. */
  readonly back: number;
}

/** The word for the value of an earlier event; it looks like a call and is none. */
export const PREVIOUS = "previous";

/** `foreach`. */
export interface Loop {
  /** The variables with their sigil, in the order of a tuple. */
  readonly vars: readonly string[];
  /** The array with the tuples, without `@`; undefined: all values of `field`. */
  readonly array: string | undefined;
  /** Where there is no array: the field that the variable is compared with. */
  readonly field: string | undefined;
  readonly merged: boolean;
}

/** The sigil of a result. */
export type ResultSigil = "$" | "#" | "&" | "^";

/** A result. */
export interface ResultName {
  readonly sigil: ResultSigil;
  /** Without its sigil. */
  readonly name: string;
  /** For `$`: what it does with numbers; undefined: it counts. */
  readonly fold: Fold | undefined;
  /** Whether tuples of other than one term are yielded to it. */
  readonly isCompound: boolean;
}

/** A receive block. */
export interface State {
  readonly name: string;
  readonly clauses: readonly ClauseStep[];
  readonly after: Deadline | undefined;
  /** The windows around it, the outermost first. */
  readonly windows: readonly number[];
}

/** A window. */
export interface Window {
  readonly name: string;
  /** How many windows are around it. */
  readonly depth: number;
  readonly after: Deadline & { readonly seconds: number };
}

/** What happens when the time of a block is up. */
export interface Deadline {
  /** Undefined: only at the end of the trail. */
  readonly seconds: number | undefined;
  readonly step: Step;
}

/** A clause. */
export interface ClauseStep {
  /** One of them must hold, and within it all; undefined: always. */
  readonly alternatives: readonly (readonly Condition[])[] | undefined;
  readonly step: Step;
}

/** Yields, and where the machine goes then. */
export interface Step {
  readonly yields: readonly YieldStep[];
  readonly target: StepTarget;
}

/** Where the machine goes. */
export type StepTarget =
  | { readonly kind: "repeat" }
  | { readonly kind: "quit" }
  | {
    readonly kind: "enter";
    /** The receive block. */
    readonly state: number;
    /** The windows that open, the outermost first; those around them stay as they are. */
    readonly opens: readonly number[];
  };

/** A result that grows. */
export type YieldStep =
  | { readonly kind: "count"; readonly result: number }
  | { readonly kind: "fold"; readonly result: number; readonly field: string }
  | { readonly kind: "tuple"; readonly result: number; readonly terms: readonly TermStep[] };

/** A part of a tuple, or what a function is called with. */
export type TermStep =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "start"; readonly of: StartOf }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly TermStep[] }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "scalar"; readonly name: string };

/** Whose start: that of the receive block or of a window; its deadline less `seconds`. */
export interface StartOf {
  /** Undefined: of the receive block. */
  readonly window: number | undefined;
  readonly seconds: number;
}

/** Names that are no property of an event. */
export const SPECIAL = {
  timestamp: "timestamp",
  cookie: "cookie",
  windowStart: "cookie_timestamp_filter_start",
  windowEnd: "cookie_timestamp_filter_end",
} as const;

const SPECIALS: ReadonlySet<string> = new Set(Object.values(SPECIAL));

/** Whether a name is no property of an event. */
export function isSpecial(name: string): boolean {
  return SPECIALS.has(name);
}

/** The name of a result with its sigil. */
export function resultText({ sigil, name }: ResultName): string {
  return `${sigil}${name}`;
}
