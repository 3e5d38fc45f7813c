/** The parser on texts that are no programs: an error with its place, never a crash or a hang. */
import { assert } from "@std/assert";
import fc from "fast-check";
import { ProgramError } from "../../../src/trails/errors.ts";
import { parseProgram } from "../../../src/trails/language/check.ts";
import { randomProgram } from "../_random.ts";

/** Reads a text; whatever is wrong with it has a place in it. */
function read(text: string): void {
  for (const compat of [undefined, "trck"] as const) {
    try {
      parseProgram(text, { compat });
    } catch (error) {
      if (!(error instanceof ProgramError)) throw new Error(`${JSON.stringify(text)}: ${error}`);
      const lines = text.split("\n");
      assert(error.line >= 1 && error.line <= lines.length + 1, `${error}`);
      assert(error.column >= 1 && /: found|: [a-z]/.test(error.message), `${error}`);
    }
  }
}

const WORDS = [
  "start",
  "->",
  "receive",
  "window",
  "after",
  "yield",
  "foreach",
  "in",
  "not",
  "or",
  "to",
  "repeat",
  "quit",
  "*",
  ",",
  "=",
  "(",
  ")",
  "[",
  "]",
  "$n",
  "#s",
  "%p",
  "@l",
  "&m",
  "^h",
  "30m",
  "7",
  '"x"',
  "'2026-11-01'",
  "start_timestamp",
  "\n",
  "\n  ",
  "\n    ",
  " ",
  "--",
  "\\",
];

Deno.test("parseProgram() of words in any order is a program or an error with a place", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }), (words) => {
      read(words.join(" "));
      read(words.join(""));
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseProgram() of any text is a program or an error with a place", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), read), { numRuns: 300 });
});

Deno.test("parseProgram() of a program with a piece cut out or put in elsewhere is one or an error", () => {
  fc.assert(
    fc.property(
      randomProgram(false),
      fc.nat(),
      fc.nat(20),
      fc.nat(),
      ({ text }, from, length, to) => {
        const start = from % text.length;
        const piece = text.slice(start, start + length);
        const rest = text.slice(0, start) + text.slice(start + length);
        read(rest);
        const at = to % (rest.length + 1);
        read(rest.slice(0, at) + piece + rest.slice(at));
      },
    ),
    { numRuns: 300 },
  );
});
