/**
 * The parts of a question, checked.
 *
 * @module
 */
import { show } from "../../../base/show.ts";
import { isExact } from "../gate/exact_json.ts";

/** Anything that a question can hold. */
export type Json = unknown;

/** @throws {RangeError} always */
export function refuse(why: string): never {
  throw new RangeError(`Cannot read the question: ${why}`);
}

/** An object without properties that are not known. */
export function readObject(
  value: Json,
  what: string,
  known: readonly string[],
): Readonly<Record<string, Json>> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isExact(value)) {
    refuse(`${what} is an object, received ${show(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) refuse(`${what} has ${show(unknown)}; wanted ${known.join(", ")}`);
  return value as Record<string, Json>;
}

/** A text. */
export function readText(value: Json, what: string): string {
  if (typeof value !== "string") refuse(`${what} is a text, received ${show(value)}`);
  return value;
}

/** A list, its items read. */
export function readList<T>(value: Json, what: string, read: (item: Json, what: string) => T): T[] {
  if (!Array.isArray(value)) refuse(`${what} is a list, received ${show(value)}`);
  return value.map((item, i) => read(item, `${what}[${i}]`));
}

/** A whole number from 0. */
export function readWhole(value: Json, what: string): number {
  const number = readInteger(value);
  if (number === undefined || number < 0n || number > Number.MAX_SAFE_INTEGER) {
    refuse(`${what} is a whole number, received ${show(isExact(value) ? value.rawJSON : value)}`);
  }
  return Number(number);
}

/** An integer, whatever it comes as; undefined if it is none. Numbers of JSON keep their digits. */
export function readInteger(value: Json): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  const text = isExact(value) ? value.rawJSON : value;
  return typeof text === "string" && /^-?\d{1,30}$/.test(text) ? BigInt(text) : undefined;
}

/** A name as SQL quotes it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
