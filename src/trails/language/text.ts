/**
 * A program's parts as text: what the parser would read again. For pictures, and for the programs
 * that questions are made into.
 *
 * @module
 */
import {
  type Program,
  resultText,
  type Step,
  type StepTarget,
  type TermStep,
  type YieldStep,
} from "./program.ts";
import type { Condition } from "./tree.ts";

/** What a clause waits for. */
export type Alternatives = readonly (readonly Condition[])[] | undefined;

const ESCAPED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\0": "\\0",
  "\\": "\\\\",
  '"': '\\"',
};

/** A string with its quotes. */
export function stringText(text: string): string {
  return `"${text.replace(/[\n\r\t\0\\"]/g, (char) => ESCAPED[char])}"`;
}

/** `a = "x", b = "y" or c = "z"`, or `*`. */
export function alternativesText(alternatives: Alternatives): string {
  if (alternatives === undefined) return "*";
  return alternatives.map((all) => all.map(conditionText).join(", ")).join(" or ");
}

/** `a = "x"`. */
export function conditionText({ field, op, operand }: Condition): string {
  switch (operand.kind) {
    case "text":
      return `${field} ${op} ${stringText(operand.text)}`;
    case "number":
      return `${field} ${op} ${operand.text}`;
    case "scalar":
      return `${field} ${op} %${operand.name}`;
    case "hash":
      return `${field} ${op} #${operand.name}`;
  }
}

/** `1h`, `90s`: the largest unit that gives a whole number. */
export function durationText(seconds: number): string {
  for (const [unit, size] of [["d", 86_400], ["h", 3600], ["m", 60]] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

/** The yields of a step, each as it stands in a program. */
export function yieldTexts(program: Program, { yields }: Step): string[] {
  return yields.map((one) => yieldText(program, one));
}

function yieldText(program: Program, one: YieldStep): string {
  const result = program.results[one.result];
  switch (one.kind) {
    case "count":
      return `yield ${resultText(result)}`;
    case "fold":
      return `yield ${result.fold} ${one.field} to ${resultText(result)}`;
    case "tuple": {
      const terms = one.terms.map((term) => termText(program, term)).join(",");
      return `yield ${terms} to ${resultText(result)}`;
    }
  }
}

function termText(program: Program, term: TermStep): string {
  switch (term.kind) {
    case "field":
      return term.name;
    case "scalar":
      return `%${term.name}`;
    case "text":
      return stringText(term.text);
    case "call":
      return `${term.name}(${term.args.map((arg) => termText(program, arg)).join(", ")})`;
    case "start":
      return term.of.window === undefined
        ? "start_timestamp"
        : `start_timestamp[${program.windows[term.of.window].name}]`;
  }
}

/** The name of the block that a target leads to: the outermost window that opens, or the block. */
export function targetName(program: Program, target: StepTarget): string | undefined {
  if (target.kind !== "enter") return undefined;
  return target.opens.length > 0
    ? program.windows[target.opens[0]].name
    : program.states[target.state].name;
}
