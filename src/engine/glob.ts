/**
 * Globs with minimatch's rules, matched in bounded time: whoever may query may send any, and
 * `+(*)+(*)+(*)x` as a regular expression of V8's would stop everything else for good.
 *
 * @module
 */
import minimatch from "minimatch";
import { show } from "../base/show.ts";
import { BoundedRegExp } from "./bounded_regexp.ts";

/** A glob that was compiled. */
export interface Glob {
  /** Whether a name is one that it means. */
  match(name: string): boolean;
}

/** minimatch's own: for each alternative of the braces a test for each part of a path. */
interface Compiled extends Glob {
  set: unknown[][];
}

// Version 5 is the newest that reads no environment variable, which would need a permission. It has
// no types.
const { Minimatch, braceExpand }: {
  Minimatch: new (glob: string) => Compiled;
  braceExpand: (glob: string) => string[];
} = minimatch;

/** Characters of all globs of a list together, as they came and with their braces written out. */
export const MAX_GLOB_CHARACTERS = 4096;
/** Of one glob: each doubles what stands behind it. */
const MAX_NEGATIONS = 4;

/**
 * Compiles a list of globs.
 *
 * @throws {RangeError} if they are too long or too complex
 */
export function compileGlobs(globs: readonly string[]): Glob[] {
  let characters = 0;
  return globs.map((glob) => {
    if (characters + glob.length <= MAX_GLOB_CHARACTERS) {
      for (const one of braceExpand(glob)) characters += Math.max(1, one.length);
    } else characters = Infinity;
    if (characters > MAX_GLOB_CHARACTERS) {
      throw new RangeError(
        `Cannot query: wanted globs of at most ${MAX_GLOB_CHARACTERS} characters together, braces written out, received ${
          show(glob)
        }`,
      );
    }
    if (glob.split("!(").length - 1 > MAX_NEGATIONS) {
      throw new RangeError(
        `Cannot query: wanted at most ${MAX_NEGATIONS} times !( in a glob, received ${show(glob)}`,
      );
    }
    return bounded(new Minimatch(glob));
  });
}

/** minimatch asks its expressions by `text.match`, which takes ours too. */
function bounded(compiled: Compiled): Glob {
  compiled.set = compiled.set.map((parts) =>
    parts.map((part) => part instanceof RegExp ? new BoundedRegExp(part) : part)
  );
  return compiled;
}
