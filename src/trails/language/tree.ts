/**
 * A program as it was written: what the parser makes of tokens, before anything is looked up.
 *
 * @module
 */
import type { Place } from "../errors.ts";

/** The whole text. */
export interface Tree {
  readonly foreach: Foreach | undefined;
  /** `foreach event`: the program is run from every event of a trail on. */
  readonly fromEveryEvent: boolean;
  readonly blocks: readonly Block[];
}

/** `foreach %a, #b in @list merged results`. */
export interface Foreach extends Place {
  readonly vars: readonly ForeachVar[];
  /** The name of the array; undefined: all values of the field that the one scalar is compared with. */
  readonly array: string | undefined;
  readonly merged: boolean;
}

/** A variable that takes a value, `%`, or a set of values, `#`, from each tuple. */
export interface ForeachVar extends Place {
  readonly sigil: "%" | "#";
  readonly name: string;
}

/** A named block. */
export type Block = ReceiveBlock | WindowBlock;

/** A state of the machine. */
export interface ReceiveBlock extends Place {
  readonly kind: "receive";
  readonly name: string;
  readonly clauses: readonly Clause[];
  readonly after: After | undefined;
}

/** Blocks that share a deadline. */
export interface WindowBlock extends Place {
  readonly kind: "window";
  readonly name: string;
  readonly blocks: readonly Block[];
  readonly after: After & { readonly seconds: number };
}

/** What happens when the time is up. */
export interface After extends Place {
  /** Undefined: only when the trail ends. */
  readonly seconds: number | undefined;
  readonly actions: Actions;
}

/** `a = "x", b = "y" or c = "z" -> actions`. */
export interface Clause extends Place {
  /** One of them must hold, and within it all; undefined: `*`. */
  readonly alternatives: readonly (readonly Condition[])[] | undefined;
  readonly actions: Actions;
}

/** Comparisons of text. */
export type EqualityOp = "=" | "!=" | "in" | "not in";
/** Comparisons of numbers and times. */
export type OrderOp = "<" | "<=" | ">" | ">=";

/** One comparison. */
export interface Condition extends Place {
  readonly field: string;
  readonly op: EqualityOp | OrderOp;
  readonly operand: Operand;
}

/** What a field is compared with. */
export type Operand =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "scalar"; readonly name: string }
  | { readonly kind: "hash"; readonly name: string };

/** What a clause or an `after` does. */
export interface Actions extends Place {
  readonly yields: readonly Yield[];
  readonly target: Target | undefined;
}

/** Where the machine goes. */
export interface Target extends Place {
  readonly kind: "repeat" | "quit" | "block";
  /** The block's name. */
  readonly name: string;
}

/** What is done with numbers that are yielded. */
export type Fold = "min" | "max" | "sum" | "avg";

/** A result. */
export type Yield =
  & Place
  & (
    | { readonly kind: "count"; readonly result: string }
    | {
      readonly kind: "fold";
      readonly fold: Fold;
      readonly field: string;
      readonly result: string;
    }
    | {
      readonly kind: "tuple";
      readonly sigil: "#" | "&" | "^";
      readonly result: string;
      readonly terms: readonly Term[];
    }
  );

/** A part of a tuple. */
export type Term =
  & Place
  & (
    | { readonly kind: "field"; readonly name: string }
    | { readonly kind: "start"; readonly window: string | undefined }
    | { readonly kind: "call"; readonly name: string; readonly args: readonly Argument[] }
  );

/** What a function is called with. */
export type Argument =
  | Term
  | (Place & { readonly kind: "text"; readonly text: string })
  | (Place & { readonly kind: "scalar"; readonly name: string });
