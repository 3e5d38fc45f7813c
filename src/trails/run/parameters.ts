/**
 * The values of parameters and the tuples of a `foreach`: what a file of `--params` holds.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { TrailsError } from "../errors.ts";
import type { Program } from "../language/program.ts";
import type { Bindings } from "./conditions.ts";

/** Values by the parameter's name with its sigil: `{ "%a": "x", "#b": ["y"], "@list": [["z"]] }`. */
export type Parameters = Readonly<Record<string, unknown>>;

/** One round of a `foreach`, or the only one where there is none. */
export interface Round {
  /** The tuple's values by the variable's name with its sigil, in the order of the `foreach`. */
  readonly vars: readonly (readonly [name: string, value: string | readonly string[]])[];
  readonly bindings: Bindings;
}

/**
 * Reads what a program needs of the parameters; others are passed over.
 *
 * @param values all values of the field of a `foreach` without an array, the empty one first
 * @param lacking the fields that no event of the data has
 * @throws {TrailsError} for what is missing or of another shape
 */
export function readRounds(
  program: Program,
  parameters: Parameters,
  values: (field: string) => readonly string[],
  lacking: ReadonlySet<string>,
): Round[] {
  const scalars = new Map<string, string>();
  const hashes = new Map<string, ReadonlySet<string>>();
  for (const name of program.parameters) {
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (name.startsWith("%")) scalars.set(name.slice(1), text(name, value));
    if (name.startsWith("#")) hashes.set(name.slice(1), new Set(texts(name, value)));
  }
  const { loop } = program;
  if (loop === undefined) {
    return [{ vars: [], bindings: { scalars, hashes, loop: new Set(), lacking } }];
  }
  const names = new Set(loop.vars.filter((name) => name[0] === "%").map((name) => name.slice(1)));
  const tuples = loop.array === undefined
    ? values(loop.field!).map((value) => [value])
    : readTuples(loop.vars, `@${loop.array}`, parameters[`@${loop.array}`]);
  return tuples.map((tuple) => {
    const own = { scalars: new Map(scalars), hashes: new Map(hashes) };
    for (const [i, name] of loop.vars.entries()) {
      const value = tuple[i];
      if (typeof value === "string") own.scalars.set(name.slice(1), value);
      else own.hashes.set(name.slice(1), new Set(value));
    }
    return {
      vars: loop.vars.map((name, i) => [name, tuple[i]] as const),
      bindings: { ...own, loop: names, lacking },
    };
  });
}

function readTuples(
  vars: readonly string[],
  name: string,
  value: unknown,
): (string | readonly string[])[][] {
  if (!Array.isArray(value)) {
    throw missing(name, 'an array of tuples, such as [["a"], ["b"]]', value);
  }
  return value.map((tuple: unknown, at) => {
    const where = `${name}[${at}]`;
    if (!Array.isArray(tuple) || tuple.length !== vars.length) {
      throw missing(where, `an array with a value for each of ${vars.join(", ")}`, tuple);
    }
    return vars.map((variable, i) =>
      variable.startsWith("%")
        ? text(`${where}[${i}]`, tuple[i])
        : texts(`${where}[${i}]`, tuple[i])
    );
  });
}

function text(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw missing(name, "a string", value);
}

function texts(name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  throw missing(name, "an array of strings", value);
}

function missing(name: string, wanted: string, value: unknown): TrailsError {
  return new TrailsError(
    `Cannot use the parameter ${name}: wanted ${wanted}, received ${show(value)}`,
  );
}
