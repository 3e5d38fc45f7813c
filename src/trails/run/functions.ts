/**
 * The functions that a program calls, and those that it is given.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import type { Functions } from "./interpreter.ts";

/** The first function that is called and not given. */
export function missingFunction(program: Program, functions: Functions): string | undefined {
  return program.functions.find((name) =>
    !Object.hasOwn(functions, name) || typeof functions[name] !== "function"
  );
}
