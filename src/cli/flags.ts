/**
 * The flags of a command as a table, from which both the parser and `--help` are made, so that one
 * cannot know what the other does not.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { suggestion } from "./did_you_mean.ts";
import { UsageError } from "./errors.ts";

/** A flag. */
export interface Flag {
  readonly name: string;
  /** One letter: `m` for `-m`. */
  readonly short?: string;
  /** What stands for its value in `--help`; absent: the flag has none. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: true;
  /** What it does, with unit and default. */
  readonly help: string;
}

/** Flags under a heading of `--help`. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

/** A command line that was read. */
export class Values {
  readonly #given: ReadonlyMap<string, readonly string[]>;
  /** What is no flag. */
  readonly rest: readonly string[];

  constructor(given: ReadonlyMap<string, readonly string[]>, rest: readonly string[]) {
    this.#given = given;
    this.rest = rest;
  }

  /** All flags that were given, to make another of them. */
  get given(): ReadonlyMap<string, readonly string[]> {
    return this.#given;
  }

  /** Whether the flag was given. */
  has(name: string): boolean {
    return this.#given.has(name);
  }

  /** The flag's value, if it was given. */
  get(name: string): string | undefined {
    return this.#given.get(name)?.[0];
  }

  /** All values of a flag that may be given several times. */
  all(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  /** The first of these flags that was given. */
  firstOf(names: readonly string[]): string | undefined {
    return names.find((name) => this.has(name));
  }
}

/** Every command has it. */
export const HELP: Flag = { name: "help", short: "h", help: "Show this and exit" };

/**
 * Reads a command line.
 *
 * @throws {UsageError} for an unknown flag, a missing value, or one given twice
 */
export function readFlags(groups: readonly FlagGroup[], args: readonly string[]): Values {
  const flags = [...groups.flatMap((group) => group.flags), HELP];
  const valued = flags.filter((flag) => flag.value !== undefined).map((flag) => flag.name);
  const switches = flags.filter((flag) => flag.value === undefined).map((flag) => flag.name);
  const parsed: Record<string, unknown> & { _: (string | number)[] } = parseArgs([...args], {
    string: [...valued, "_"],
    boolean: switches,
    // Everything is collected, so that a flag given twice is noticed.
    collect: valued,
    alias: {
      ...Object.fromEntries(flags.flatMap(({ name, short }) => short ? [[name, short]] : [])),
    },
    unknown(arg, key) {
      // Only flags have a key.
      if (key === undefined) return true;
      const name = arg.replace(/=.*/s, "");
      if (/^-\d/.test(arg)) {
        throw new UsageError(`A value that begins with "-" is given as --flag=${name}`);
      }
      if (/^--(allow|deny|unstable)-|^--no-prompt$/.test(name)) {
        throw new UsageError(
          `${name} is for Deno, not for traqq: put it before the program, deno run ${name} …`,
        );
      }
      // "--days=" comes as a flag of that name.
      const flag = flags.find((flag) => `--${flag.name}` === name);
      if (flag !== undefined) throw needsValue(flag);
      throw new UsageError(
        `Unknown flag ${name}${suggestion(key, flags.map((flag) => flag.name), "--")}`,
      );
    },
  });
  const given = new Map<string, readonly string[]>();
  for (const flag of flags) {
    const value = parsed[flag.name];
    if (flag.value === undefined) {
      if (value === true) given.set(flag.name, []);
      continue;
    }
    const values = (Array.isArray(value) ? value : []).map(String);
    if (values.length === 0) continue;
    if (values.includes("")) {
      throw needsValue(flag);
    }
    if (values.length > 1 && flag.many !== true) {
      throw new UsageError(`--${flag.name} is given ${values.length} times; give it once`);
    }
    given.set(flag.name, values);
  }
  return new Values(given, parsed._.map(String));
}

function needsValue({ name, value }: Flag): UsageError {
  return new UsageError(
    value === undefined
      ? `--${name} takes no value`
      : `--${name} needs a value: --${name} ${value} (one that begins with "-" as --${name}=-…)`,
  );
}

/** A whole number. @throws {UsageError} */
export function wholeNumber(values: Values, name: string, least: number): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(number) || number < least) {
    throw new UsageError(`--${name} wants a whole number from ${least}, received ${quoted(text)}`);
  }
  return number;
}

/** One of some words. @throws {UsageError} */
export function oneOf<const T extends string>(
  values: Values,
  name: string,
  words: readonly T[],
): T | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const word = words.find((word) => word === text);
  if (word === undefined) {
    throw new UsageError(
      `--${name} wants ${words.join(" or ")}, received ${quoted(text)}${suggestion(text, words)}`,
    );
  }
  return word;
}

/** A value in a message: as JSON, cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text);
}
