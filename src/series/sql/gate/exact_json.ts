/**
 * JSON that comes out as it went in, also where a number of it is none that JavaScript has: DuckDB's tree
 * has constants of 64 bits, and `-0.0`.
 *
 * @module
 */

/** A number, as it was written. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** What the language has and TypeScript's library does not know yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source: string }) => unknown,
  ): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}

const exact = JSON as unknown as ExactJson;

/** Whether it stands for a number that JavaScript would write in another way. */
export function isExact(value: unknown): value is ExactNumber {
  return exact.isRawJSON(value);
}

/** A DOUBLE: DuckDB takes a number without a point for an integer, and refuses it for one. */
export function toExact(double: number): ExactNumber {
  const text = String(double);
  return exact.rawJSON(/[.e]/.test(text) ? text : `${text}.0`);
}

/** Like `JSON.parse`; `JSON.stringify` of the result has each number as `text` has it. */
export function parseExactly(text: string): unknown {
  return exact.parse(
    text,
    (_, value, { source }) =>
      typeof value === "number" && String(value) !== source ? exact.rawJSON(source) : value,
  );
}
