/**
 * The functions that a program calls: those that it is given, and those that every program has.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import { BUILT_IN } from "./built_in.ts";

/** Functions that programs call. */
export type Functions = Readonly<Record<string, (...args: string[]) => string>>;

/** All that a program can call. What it is given wins. */
export function functionsOf(given: Functions): Functions {
  return { ...BUILT_IN, ...given };
}

/** The first function that is called and not there. */
export function missingFunction(program: Program, given: Functions): string | undefined {
  const all = functionsOf(given);
  return program.functions.find((name) =>
    !Object.hasOwn(all, name) || typeof all[name] !== "function"
  );
}
