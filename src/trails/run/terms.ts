/**
 * What can be said of the terms of a tuple before anything is run.
 *
 * @module
 */
import { SPECIAL, type TermStep } from "../language/program.ts";

/** Whether a tuple is the user's id and nothing else. */
export function isCookieAlone(terms: readonly TermStep[]): boolean {
  return terms.length === 1 && terms[0].kind === "field" && terms[0].name === SPECIAL.cookie;
}
