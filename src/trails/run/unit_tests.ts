/**
 * Tests within programs, in comments behind a line `-- unit tests --`: JSON in the form of the
 * original.
 *
 * ```text
 * -- unit tests --
 * -- {"tests": [{"desc": "one click",
 * --             "trails": [{"ada": [{"timestamp": 1, "type": "click"}]}],
 * --             "expected": {"$clicks": 1}}],
 * --  "params": {"%x": "a"}}
 * ```
 *
 * `trails` is a list of files, each an object of users and their events. Rows of a `foreach` that are
 * not expected are passed over, as are results that are not named.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import { ColumnBuilder } from "../data/columns.ts";
import { readFilter } from "../data/selection.ts";
import type { TrailSource } from "../data/source.ts";
import { TrailsError } from "../errors.ts";
import type { Program } from "../language/program.ts";
import type { JsonValue } from "../results.ts";
import { type RunOptions, runProgram } from "./run.ts";

/** What came of a test. */
export interface UnitTestResult {
  /** Its `desc`, or its number from 1. */
  readonly name: string;
  /** Why it failed; undefined: it passed. */
  readonly failure: string | undefined;
}

/** What came of all tests of a program. */
export interface UnitTestReport {
  /** The tests in their order. */
  readonly tests: readonly UnitTestResult[];
  /** How many failed. */
  readonly failed: number;
}

const HEADING = /^-- ?unit tests ?--|^-+ ?unit tests ?-+/;

/** @throws {TrailsError} if there are none, or they are not in that form */
export async function runUnitTests(
  program: Program,
  options: Pick<RunOptions, "functions">,
): Promise<UnitTestReport> {
  const { tests, params } = readTests(program);
  const results: UnitTestResult[] = [];
  for (const [i, test] of tests.entries()) {
    const one = record(program, test, "a test");
    const name = typeof one.desc === "string" ? one.desc : String(i + 1);
    results.push({ name, failure: await failureOf(program, one, params, options) });
  }
  return { tests: results, failed: results.filter(({ failure }) => failure !== undefined).length };
}

async function failureOf(
  program: Program,
  test: Record<string, unknown>,
  params: Record<string, unknown>,
  options: Pick<RunOptions, "functions">,
): Promise<string | undefined> {
  if (!Array.isArray(test.trails)) return fault(program, "trails must be a list of files");
  const sources = test.trails.map((file: unknown) =>
    sourceOf(program, record(program, file, "a file"))
  );
  const parameters = test.params === undefined ? params : record(program, test.params, "params");
  const filter = test.filter === undefined ? {} : { filter: readFilter(test.filter) };
  try {
    const result = await runProgram(program, sources, {
      ...options,
      ...filter,
      parameters,
      workers: 1,
    });
    return difference(test.expected, result.toJSON());
  } catch (error) {
    if (error instanceof TrailsError) return messageOf(error);
    throw error;
  }
}

function readTests(
  program: Program,
): { tests: readonly unknown[]; params: Record<string, unknown> } {
  const lines = program.text.split(/\r?\n/);
  const heading = lines.findIndex((line) => HEADING.test(line));
  if (heading < 0) {
    throw new TrailsError(
      `Cannot test ${program.file}: it has no tests; write them behind a line "-- unit tests --"`,
    );
  }
  const text = lines.slice(heading + 1).map((line) => line.replace(/^-+/, "")).join("\n");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TrailsError(
      `Cannot test ${program.file}: what stands behind line ${heading + 1} is not JSON: ` +
        messageOf(error),
      { cause: error },
    );
  }
  const all = record(program, json, "the tests");
  if (!Array.isArray(all.tests)) fault(program, '"tests" must be a list');
  const params = all.params === undefined ? {} : record(program, all.params, "params");
  return { tests: all.tests as unknown[], params };
}

/** The trails of one file. */
function sourceOf(program: Program, file: Record<string, unknown>): TrailSource {
  const builder = new ColumnBuilder();
  for (const [user, events] of Object.entries(file)) {
    if (!Array.isArray(events)) fault(program, `the events of ${show(user)} must be a list`);
    for (const event of events as unknown[]) {
      const { timestamp, ...values } = record(program, event, "an event");
      if (typeof timestamp !== "number" || !Number.isSafeInteger(timestamp)) {
        fault(program, `timestamp must be unix seconds, received ${show(timestamp)}`);
      }
      builder.add(
        cookieOf(user),
        timestamp as number,
        Object.entries(values).map(([name, value]) => [name, String(value)]),
      );
    }
  }
  return builder.build();
}

/** The original's tests name users by text, of which the bytes, filled up with zeros, are the id. */
function cookieOf(user: string): string {
  if (/^[0-9a-f]{32}$/.test(user)) return user;
  const bytes = new TextEncoder().encode(user).subarray(0, 16);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("").padEnd(32, "0");
}

/** What is wrong with a result, or undefined. */
function difference(
  expected: unknown,
  actual: Record<string, JsonValue> | Record<string, JsonValue>[],
): string | undefined {
  if (!Array.isArray(expected)) {
    return Array.isArray(actual)
      ? `expected ${show(expected)}, received a list`
      : isWithin(expected, actual)
      ? undefined
      : `expected ${JSON.stringify(expected)}, received ${JSON.stringify(actual)}`;
  }
  if (!Array.isArray(actual)) return `expected a list, received ${JSON.stringify(actual)}`;
  for (const row of expected) {
    if (actual.some((one) => isWithin(row, one))) continue;
    return `expected a row ${JSON.stringify(row)}, received ${JSON.stringify(actual)}`;
  }
  return undefined;
}

/** Whether everything that is expected of a row is there. */
function isWithin(expected: unknown, actual: Record<string, JsonValue>): boolean {
  if (typeof expected !== "object" || expected === null) return false;
  return Object.entries(expected).every(([name, value]) =>
    Object.hasOwn(actual, name) && canonical(name, value) === canonical(name, actual[name])
  );
}

/** Text that is the same for values that count as equal: sets have no order, nor have multisets. */
function canonical(name: string, value: unknown): string {
  if (name.startsWith("#") && Array.isArray(value)) return JSON.stringify(value.toSorted());
  if (name.startsWith("&") && typeof value === "object" && value !== null) {
    return JSON.stringify(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  }
  return JSON.stringify(value);
}

function record(program: Program, value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  return fault(program, `${what} must be an object, received ${show(value)}`);
}

function fault(program: Program, what: string): never {
  throw new TrailsError(`Cannot test ${program.file}: ${what}`);
}
