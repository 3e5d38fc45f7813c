/**
 * What a command is.
 *
 * @module
 */
import type { FlagGroup, Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** A command of the program. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What may stand after the name: `[FILE...]`. */
  readonly usage: string;
  /** Whether files may; they are `rest` of its values. */
  readonly takesFiles?: true;
  /** What it can do, where that is said by a word behind the name: `journal dump`. */
  readonly words?: readonly string[];
  /** A paragraph or several; lines are broken for the terminal. */
  readonly about: readonly string[];
  readonly groups: readonly FlagGroup[];
  /** What `deno run` must allow, by situation, with the defaults of the flags. */
  readonly permissions: readonly { readonly when: string; readonly flags: string }[];
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Runs it and gives the exit code. */
  run(values: Values, terminal: Terminal): Promise<number>;
}
