/**
 * Stand-in for `@std/assert` (see dev/std/README.md): the same names and meaning. What counts as equal is
 * written here, because `@std/assert` is milder than `node:assert` (`0` equals `-0`, `{}` equals an empty object
 * without a prototype); the diff of a failure is the one of `node:assert`.
 *
 * @module
 */
import nodeAssert from "node:assert";
import { inspect, stripVTControlCharacters } from "node:util";

/** A failed assertion. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A class, abstract ones too: what `instanceof` takes. */
// deno-lint-ignore no-explicit-any
export type AnyConstructor = new (...args: any[]) => any;
/** The instance type of {@linkcode AnyConstructor}. */
export type GetConstructorType<T extends AnyConstructor> = InstanceType<T>;
/** What {@linkcode assertFalse} accepts. */
export type Falsy = false | 0 | 0n | "" | null | undefined;
// deno-lint-ignore no-explicit-any
type ErrorClass<E> = abstract new (...args: any[]) => E;

/** `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** `expr` is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Always fails. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** `actual` and `expected` are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`Values are not equal${suffix(msg)}\n\n${diff(actual, expected)}`);
}

/** `actual` and `expected` are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${show(actual)} not to be: ${show(expected)}${suffix(msg)}`,
  );
}

/** `actual` and `expected` are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const why = equal(actual, expected) ? "not reference equal" : "not strictly equal";
  throw new AssertionError(`Values are ${why}${suffix(msg)}\n\n${diff(actual, expected)}`);
}

/** `actual` is neither `undefined` nor `null`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
  );
}

/** `actual` is an instance of `expectedType`. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;
  const was = actual === null
    ? "null"
    : typeof actual === "object"
    ? `"${actual.constructor?.name ?? "Object"}"`
    : `"${typeof actual}"`;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was ${was}${suffix(msg)}`,
  );
}

/** `actual` matches the regular expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}

/** `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/** The two differ by at most `tolerance`; by default a ten-millionth of `expected`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  tolerance ??= Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7;
  if (Math.abs(expected - actual) <= tolerance) return;
  throw new AssertionError(
    `Expected actual: ${actual} to be close to ${expected}: delta ${
      Math.abs(expected - actual)
    } is greater than ${tolerance}${suffix(msg)}`,
  );
}

/** `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(`Expect ${show(actual)} > ${show(expected)}${suffix(msg)}`);
}

/** `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(`Expect ${show(actual)} >= ${show(expected)}${suffix(msg)}`);
}

/** `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(`Expect ${show(actual)} < ${show(expected)}${suffix(msg)}`);
}

/** `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw new AssertionError(`Expect ${show(actual)} <= ${show(expected)}${suffix(msg)}`);
}

/** `fn` throws. Returns what was thrown. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** `fn` throws an `ErrorClass` whose message contains `msgIncludes`. Returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const wanted = expectation(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    return checkError(error, wanted, "thrown");
  }
  throw new AssertionError(`Expected function to throw${suffix(wanted.msg)}`);
}

/** `fn` returns a promise that rejects. Resolves to the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** `fn`'s promise rejects with an `ErrorClass` whose message contains `msgIncludes`. Resolves to the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const wanted = expectation(classOrMsg, msgIncludes, msg);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      `Function throws when expected to reject${suffix(wanted.msg)}`,
      { cause: error },
    );
  }
  if (typeof promise?.then !== "function") {
    throw new AssertionError(`Function throws when expected to reject${suffix(wanted.msg)}`);
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, wanted, "rejected");
  }
  throw new AssertionError(`Expected function to reject${suffix(wanted.msg)}`);
}

interface Expectation {
  ErrorClass?: ErrorClass<Error>;
  msgIncludes?: string;
  msg?: string;
}

function expectation(
  classOrMsg: ErrorClass<Error> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  return { ErrorClass: classOrMsg, msgIncludes, msg };
}

/** Like `assertIsError` of the real package: a class or a message is only asked of real errors. */
function checkError(error: unknown, wanted: Expectation, verb: "thrown" | "rejected"): unknown {
  const { ErrorClass, msgIncludes, msg } = wanted;
  if (ErrorClass === undefined) return error;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${verb}${suffix(msg)}`, { cause: error });
  }
  if (!(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was ${show(error)}${suffix(msg)}`,
      { cause: error },
    );
  }
  if (
    msgIncludes &&
    !stripVTControlCharacters(error.message).includes(stripVTControlCharacters(msgIncludes))
  ) {
    throw new AssertionError(
      `Expected error message to include ${JSON.stringify(msgIncludes)}, but got ${
        JSON.stringify(error.message)
      }${suffix(msg)}`,
      { cause: error },
    );
  }
  return error;
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

function show(value: unknown): string {
  return inspect(value, { depth: 10, sorted: true, maxStringLength: 10_000 });
}

function diff(actual: unknown, expected: unknown): string {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    if (error instanceof nodeAssert.AssertionError) return error.message;
  }
  return `+ actual:   ${show(actual)}\n- expected: ${show(expected)}`;
}

/** Deep equality as `@std/assert` defines it. */
export function equal(actual: unknown, expected: unknown): boolean {
  const seen = new Map<object, unknown>(); // breaks circles: a pair that is being compared counts as equal
  return compare(actual, expected);

  function compare(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
    if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
    if (a instanceof URL && b instanceof URL) return String(a) === String(b);
    if (a instanceof WeakRef && b instanceof WeakRef) return compare(a.deref(), b.deref());
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError(`cannot compare ${a.constructor.name} instances`);
    }
    if (!sameConstructor(a, b)) return false;
    if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return compareViews(a, b);
    if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
      return compareViews(new Uint8Array(a), new Uint8Array(b));
    }
    if (seen.get(a) === b) return true;
    seen.set(a, b);
    if (a instanceof Set && b instanceof Set) return compareSets(a, b);
    if (a instanceof Map && b instanceof Map) return compareMaps(a, b);
    if (a instanceof Error && b instanceof Error) {
      if (a.name !== b.name || a.message !== b.message || !compare(a.cause, b.cause)) return false;
    }
    // Date, String, Number, Temporal …: objects whose value is not in their properties
    if (hasValueOf(a) && hasValueOf(b) && !compare(a.valueOf(), b.valueOf())) return false;
    if (isTemporal(a) && String(a) !== String(b)) return false;
    if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
    const keys = Reflect.ownKeys(a).filter((key) => enumerable(a, key));
    if (keys.length !== Reflect.ownKeys(b).filter((key) => enumerable(b, key)).length) return false;
    return keys.every((key) =>
      enumerable(b, key) && compare(Reflect.get(a, key), Reflect.get(b, key))
    );
  }

  function compareSets(a: Set<unknown>, b: Set<unknown>): boolean {
    if (a.size !== b.size) return false;
    const rest = [...b].filter((value) => !a.has(value));
    for (const value of a) {
      if (b.has(value)) continue;
      const at = rest.findIndex((other) => compare(value, other));
      if (at < 0) return false;
      rest.splice(at, 1);
    }
    return true;
  }

  function compareMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
    if (a.size !== b.size) return false;
    const rest = [...b].filter(([key]) => !a.has(key));
    for (const [key, value] of a) {
      if (b.has(key)) {
        if (!compare(value, b.get(key))) return false;
        continue;
      }
      const at = rest.findIndex(([other, v]) => compare(key, other) && compare(value, v));
      if (at < 0) return false;
      rest.splice(at, 1);
    }
    return true;
  }
}

function enumerable(object: object, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(object, key);
}

/** The same class; an object without a prototype may stand for a plain one. */
function sameConstructor(a: object, b: object): boolean {
  return a.constructor === b.constructor ||
    a.constructor === Object && !b.constructor ||
    !a.constructor && b.constructor === Object;
}

function hasValueOf(value: object): value is { valueOf(): unknown } {
  return value instanceof String || value instanceof Number || value instanceof Boolean;
}

function isTemporal(value: object): boolean {
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return typeof tag === "string" && tag.startsWith("Temporal.");
}

function compareViews(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a.byteLength !== b.byteLength) return false;
  if (a instanceof Float32Array || a instanceof Float64Array) { // by value: 0 equals -0, NaN equals NaN
    const other = b as Float32Array | Float64Array;
    return a.every((value, i) => value === other[i] || Object.is(value, other[i]));
  }
  const left = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
  const right = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  return left.every((byte, i) => byte === right[i]);
}
