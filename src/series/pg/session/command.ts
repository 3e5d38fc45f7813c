/**
 * What a statement can ask the server for.
 *
 * @module
 */
import { CODE } from "../errors.ts";
import type { Statement } from "../sql/statements.ts";

/** How the rows of a COPY are written. */
export interface CopyOptions {
  readonly format: "text" | "csv";
  readonly hasHeader: boolean;
  readonly delimiter: string;
  readonly nullText: string;
}

/** What a statement asks for. */
export type Command =
  | { readonly kind: "query"; readonly statement: Statement }
  | { readonly kind: "begin" | "commit" | "rollback" }
  | { readonly kind: "savepoint" | "release" | "rollback to"; readonly name: string }
  | { readonly kind: "set"; readonly name: string; readonly value: string }
  /** Back to what was: one setting, or all. */
  | { readonly kind: "reset"; readonly name?: string }
  | { readonly kind: "show"; readonly name: string }
  | { readonly kind: "discard"; readonly tag: string }
  | { readonly kind: "deallocate"; readonly name?: string }
  | {
    readonly kind: "declare";
    readonly name: string;
    readonly isHeld: boolean;
    readonly query: Statement;
  }
  | { readonly kind: "fetch" | "move"; readonly name: string; readonly count: number }
  | { readonly kind: "close"; readonly name?: string }
  | { readonly kind: "copy"; readonly query: Statement; readonly options: CopyOptions }
  /** Done by doing nothing. */
  | { readonly kind: "nothing"; readonly tag: string }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** Why SQL does not write, and what does. */
export function writes(verb: string): Command {
  return {
    kind: "refused",
    code: CODE.readOnly,
    message:
      `Cannot ${verb.toUpperCase()}: SQL reads here, it does not write; send points as line protocol to POST /write`,
  };
}

/** It cannot be done here. */
export function refused(message: string): Command {
  return { kind: "refused", code: CODE.notSupported, message };
}
