/**
 * In the original, rounds of a `foreach` that no clause can tell apart share one run, and what the
 * first of them yields. Ours each have their own.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import type { Round } from "./parameters.ts";

/** The rounds that are run, and for each round which of those it is. */
export function sameRuns(
  program: Program,
  rounds: readonly Round[],
): { distinct: readonly Round[]; runOf: readonly number[] } {
  // A merged loop adds up what each round yields.
  if (program.compat !== "trck" || program.loop?.merged !== false) {
    return { distinct: rounds, runOf: rounds.map((_, i) => i) };
  }
  const tested = testedVars(program);
  const distinct: Round[] = [];
  const known = new Map<string, number>();
  const runOf = rounds.map((round) => {
    const key = JSON.stringify(round.vars.filter(([name]) => tested.has(name)));
    const run = known.get(key) ?? distinct.push(round) - 1;
    known.set(key, run);
    return run;
  });
  return { distinct, runOf };
}

/** What conditions on fields compare with, with sigil. */
function testedVars({ states }: Program): Set<string> {
  const conditions = states.flatMap(({ clauses }) =>
    clauses.flatMap(({ alternatives }) => alternatives?.flat() ?? [])
  );
  return new Set(
    conditions.flatMap(({ operand }) =>
      operand.kind === "scalar"
        ? [`%${operand.name}`]
        : operand.kind === "hash"
        ? [`#${operand.name}`]
        : []
    ),
  );
}
