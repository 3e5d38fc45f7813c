/**
 * When a condition holds: the meaning of every comparison, in one place.
 *
 * @module
 */
import { type Compat, TrailsError } from "../errors.ts";
import { SPECIAL } from "../language/program.ts";
import type { Condition, OrderOp } from "../language/tree.ts";
import { compareNumbers, isNumber } from "./numbers.ts";

/** The values of parameters and loop variables, by their name without sigil. */
export interface Bindings {
  readonly scalars: ReadonlyMap<string, string>;
  readonly hashes: ReadonlyMap<string, ReadonlySet<string>>;
  /** Which scalars are loop variables. */
  readonly loop: ReadonlySet<string>;
  /** Fields that no event of the data has. */
  readonly lacking: ReadonlySet<string>;
}

/** A condition on a value, its operand looked up. Pure, so it may be asked once for each value. */
export type ValueTest = (value: string) => boolean;

/** A condition on the time. */
export interface TimeTest {
  readonly op: "=" | "!=" | OrderOp;
  /** Unix seconds. */
  readonly seconds: number;
}

/** Whether a condition is about the time of an event. */
export function isTimeCondition({ field }: Condition): boolean {
  return field === SPECIAL.timestamp;
}

/** @throws {TrailsError} if the operand is a parameter and no number */
export function valueTest(condition: Condition, bindings: Bindings, compat: Compat): ValueTest {
  const { op, operand } = condition;
  if (op === "in" || op === "not in") {
    const members = bindings.hashes.get(nameOf(condition))!;
    // The original drops the empty text from every set.
    const isMember: ValueTest = compat === "trck"
      ? (value) => value !== "" && members.has(value)
      : (value) => members.has(value);
    return op === "in" ? isMember : (value) => !isMember(value);
  }
  if (op === "=" || op === "!=") {
    const isEqual = equality(condition, bindings, compat);
    return op === "=" ? isEqual : (value) => !isEqual(value);
  }
  const limit = operand.kind === "scalar"
    ? numberParameter(operand.name, bindings)
    : textOf(condition);
  return (value) => {
    const order = compareNumbers(value, limit);
    return order !== undefined && inOrder(op, order);
  };
}

function equality(condition: Condition, bindings: Bindings, compat: Compat): ValueTest {
  const { field, operand } = condition;
  if (operand.kind === "number") {
    return (value) => compareNumbers(value, operand.text) === 0;
  }
  if (operand.kind !== "scalar") {
    const text = textOf(condition);
    // The original compares the text as it stands there, and no value has its backslash.
    if (compat === "trck" && text.includes("\\")) return () => false;
    return (value) => value === text;
  }
  const text = bindings.scalars.get(operand.name)!;
  // In the original a parameter never equals a field that is not there.
  if (compat === "trck" && bindings.lacking.has(field)) return () => false;
  return (value) => value === text;
}

/** @throws {TrailsError} if the operand is a parameter and no time */
export function timeTest(condition: Condition, bindings: Bindings, compat: Compat): TimeTest {
  const { op, operand } = condition;
  if (op === "in" || op === "not in") throw new TypeError("BUG: a set of times");
  if (operand.kind !== "scalar") return { op, seconds: Number(textOf(condition)) };
  if (compat === "trck") return { op, seconds: originalSeconds(operand.name, bindings) };
  return { op, seconds: Number(numberParameter(operand.name, bindings)) };
}

/** Whether the time of an event passes. */
export function timeHolds({ op, seconds }: TimeTest, time: number): boolean {
  if (op === "=") return time === seconds;
  if (op === "!=") return time !== seconds;
  return inOrder(op, time - seconds);
}

function inOrder(op: OrderOp, order: number): boolean {
  switch (op) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

/** As the original has it: 32 bits with a sign, then 64 without; a loop variable is the end of time. */
function originalSeconds(name: string, bindings: Bindings): number {
  if (bindings.loop.has(name)) return 2 ** 64;
  const text = bindings.scalars.get(name)!;
  const digits = /^\s*[+-]?\d+/.exec(text)?.[0] ?? "0";
  return Number(BigInt.asUintN(64, BigInt.asIntN(32, BigInt(digits))));
}

function numberParameter(name: string, bindings: Bindings): string {
  const text = bindings.scalars.get(name)!;
  if (isNumber(text)) return text;
  throw new TrailsError(
    `Cannot compare with %${name}: ${JSON.stringify(text)} is no number; give one as text`,
  );
}

function nameOf({ operand }: Condition): string {
  if (operand.kind === "scalar" || operand.kind === "hash") return operand.name;
  throw new TypeError("BUG: a literal has no name");
}

function textOf({ operand }: Condition): string {
  if (operand.kind === "text" || operand.kind === "number") return operand.text;
  throw new TypeError("BUG: a parameter has no text");
}
