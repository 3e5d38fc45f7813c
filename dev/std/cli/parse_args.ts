/**
 * Stand-in for `@std/cli/parse-args` (see dev/std/README.md): minimist's rules with the changes of the real package.
 *
 * - `--name value`, `--name=value`, `-n value`, `-abc`, `--` ends the options;
 * - numbers become numbers unless the option is a string; a repeated option keeps its last value unless it is in `collect`;
 * - a value that starts with `-` is only taken after `=`: `--days=-1`, not `--days -1`;
 * - `--no-name` is `name: false` only for names in `negatable`, else an option called `no-name`.
 *
 * @module
 */

type Aliases = Readonly<Record<string, string | readonly string[]>>;

/** What {@linkcode parseArgs} understands beyond plain flags. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D extends Record<string, unknown> = Record<string, unknown>,
  A extends Aliases = Aliases,
  DD extends boolean = boolean,
> {
  /** Put what follows `--` into `result["--"]` instead of `result._`. */
  "--"?: DD;
  /** Other names of an option: `{ help: "h" }`. */
  alias?: A;
  /** Options without a value, `false` by default; `true`: all `--name` without `=`. */
  boolean?: boolean | B | readonly B[];
  /** Values of options that are not given. */
  default?: D;
  /** Everything after the first argument that is not an option goes to `_` unparsed. */
  stopEarly?: boolean;
  /** Options whose value stays a string. */
  string?: S | readonly S[];
  /** Options that may be given several times; always an array. */
  collect?: C | readonly C[];
  /** Options that `--no-NAME` sets to `false`. */
  negatable?: N | readonly N[];
  /** Called for what is not declared; `false` leaves it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Negated<K, N> = K extends N ? false : never;

/** The declared options and their types, before defaults and aliases. */
type Declared<B extends string, S extends string, C extends string, N extends string> =
  & { [K in Exclude<B, C>]: boolean }
  & { [K in Extract<B, C>]: boolean[] }
  & { [K in Exclude<S, C>]?: string | Negated<K, N> }
  & { [K in Extract<S, C>]: string[] | Negated<K, N> }
  & { [K in Exclude<C, B | S>]: unknown[] | Negated<K, N> };

type WithDefaults<T, D> =
  & Omit<T, keyof D>
  & { [K in keyof D]: K extends keyof T ? D[K] | NonNullable<T[K]> : unknown };

type WithAliases<T, A extends Aliases> = {
  [
    K in keyof T as
      | K
      | (K extends keyof A ? A[K] extends string ? A[K]
        : A[K] extends readonly string[] ? A[K][number]
        : never
        : never)
  ]: T[K];
};

/** The result of {@linkcode parseArgs}. */
export type Args<
  // deno-lint-ignore no-explicit-any
  T extends Record<string, any> = Record<string, any>,
  DD extends boolean = false,
> = T & { _: (string | number)[] } & (DD extends true ? { "--": string[] } : unknown);

type Values<
  B extends string,
  S extends string,
  C extends string,
  N extends string,
  D extends Record<string, unknown>,
  A extends Aliases,
> = [B | S | C] extends [never]
  // deno-lint-ignore no-explicit-any
  ? Record<string, any>
  : Record<string, unknown> & WithAliases<WithDefaults<Declared<B, S, C, N>, D>, A>;

/** Parses command line arguments (without the program's name): `parseArgs(Deno.args, …)`. */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  const N extends string = never,
  // deno-lint-ignore ban-types
  D extends Record<string, unknown> = {},
  // deno-lint-ignore ban-types
  const A extends Aliases = {},
  const DD extends boolean = false,
>(
  args: string[],
  options: ParseOptions<B, S, C, N, D, A, DD> = {},
): Args<Values<B, S, C, N, D, A>, DD> {
  const aliases = aliasGroups(options.alias ?? {});
  const allBooleans = options.boolean === true;
  const booleans = withAliases(
    typeof options.boolean === "boolean" ? [] : list(options.boolean),
    aliases,
  );
  const strings = withAliases(list(options.string), aliases);
  const collected = withAliases(list(options.collect), aliases);
  const negatables = withAliases(list(options.negatable), aliases);
  const result: Record<string, unknown> & { _: (string | number)[]; "--"?: string[] } = { _: [] };

  const set = (key: string, value: string | boolean, arg: string, collect = true): void => {
    const declared = booleans.has(key) || strings.has(key) || aliases.has(key) ||
      allBooleans && /^--[^=]+$/.test(arg);
    if (!declared && options.unknown?.(arg, key, value) === false) return;
    const typed = typeof value === "string" && !strings.has(key) && isNumeric(value)
      ? Number(value)
      : value;
    for (const name of [key, ...(aliases.get(key) ?? [])]) {
      assign(result, name.split("."), typed, collect && collected.has(key));
    }
  };
  const takesNext = (key: string, next: string | undefined): next is string =>
    next !== undefined && next !== "" && !booleans.has(key);

  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  const rest = end < 0 ? [] : args.slice(end + 1);

  for (let i = 0; i < words.length; i++) {
    const arg = words[i];
    const next: string | undefined = words[i + 1];

    if (/^--./s.test(arg)) {
      const equals = arg.indexOf("=", 3);
      if (equals >= 0 && equals < arg.length - 1) { // --key=value
        const key = arg.slice(2, equals);
        const value = arg.slice(equals + 1);
        set(key, booleans.has(key) ? value !== "false" : value, arg);
        continue;
      }
      const key = arg.slice(2);
      if (key.startsWith("no-") && negatables.has(key.slice(3))) {
        set(key.slice(3), false, arg, false);
      } else if (!allBooleans && takesNext(key, next) && !next.startsWith("-")) {
        set(key, next, arg);
        i++;
      } else if (next === "true" || next === "false") {
        set(key, next === "true", arg);
        i++;
      } else {
        set(key, strings.has(key) ? "" : true, arg);
      }
      continue;
    }

    if (/^-./s.test(arg)) { // -abc, -n5, -n=5, -n 5
      const last = parseLetters(arg, strings, set);
      if (last === undefined) continue;
      if (takesNext(last, next) && !/^(-|--)[^-]/.test(next)) {
        set(last, next, arg);
        i++;
      } else if (next === "true" || next === "false") {
        set(last, next === "true", arg);
        i++;
      } else {
        set(last, strings.has(last) ? "" : true, arg);
      }
      continue;
    }

    if (options.unknown?.(arg) !== false) {
      result._.push(strings.has("_") || !isNumeric(arg) ? arg : Number(arg));
    }
    if (options.stopEarly) {
      result._.push(...words.slice(i + 1));
      break;
    }
  }

  for (const [key, value] of Object.entries(options.default ?? {})) {
    for (const name of has(result, key) ? [] : [key, ...(aliases.get(key) ?? [])]) {
      assign(result, name.split("."), value, false);
    }
  }
  for (const key of booleans) {
    if (!has(result, key)) assign(result, key.split("."), collected.has(key) ? [] : false, false);
  }
  for (const key of strings) {
    if (collected.has(key) && !has(result, key)) assign(result, key.split("."), [], false);
  }
  if (options["--"]) result["--"] = rest;
  else result._.push(...rest);
  return result as Args<Values<B, S, C, N, D, A>, DD>;
}

/** Sets all letters of `-abc` but the last, and returns that one, unless the word ended in a value. */
function parseLetters(
  arg: string,
  strings: Set<string>,
  set: (key: string, value: string | boolean, arg: string) => void,
): string | undefined {
  const letters = arg.slice(1, -1);
  for (let j = 0; j < letters.length; j++) {
    const letter = letters[j];
    const tail = arg.slice(j + 2);
    if (tail === "-") {
      set(letter, tail, arg);
      continue;
    }
    const value = /[A-Za-z]/.test(letter) && tail.includes("=")
      ? tail.slice(tail.indexOf("=") + 1)
      : /[A-Za-z]/.test(letter) && /-?\d+(\.\d*)?(e-?\d+)?$/.test(tail) ||
          /^\W/.test(letters.slice(j + 1))
      ? tail
      : undefined;
    if (value !== undefined) {
      set(letter, value, arg);
      return undefined;
    }
    set(letter, strings.has(letter) ? "" : true, arg);
  }
  const last = arg.slice(-1);
  return last === "-" ? undefined : last;
}

function list<T extends string>(value: T | readonly T[] | undefined): readonly string[] {
  return typeof value === "string" ? [value] : value ?? [];
}

/** Every name to all the other names of the same option. */
function aliasGroups(alias: Aliases): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key, value] of Object.entries(alias)) {
    const names = [key, ...list(value)];
    for (const name of names) groups.set(name, names.filter((other) => other !== name));
  }
  return groups;
}

function withAliases(names: readonly string[], aliases: Map<string, string[]>): Set<string> {
  return new Set(names.flatMap((name) => [name, ...(aliases.get(name) ?? [])]));
}

function isNumeric(text: string): boolean {
  return /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?$/.test(text);
}

/** `a.b` is the property `b` of an object at `a`. */
function assign(
  target: Record<string, unknown>,
  path: string[],
  value: unknown,
  collect: boolean,
): void {
  if (path.includes("__proto__")) return;
  for (const key of path.slice(0, -1)) {
    target[key] ??= {};
    target = target[key] as Record<string, unknown>;
  }
  const key = path.at(-1)!;
  const old = target[key];
  if (!collect) target[key] = value;
  else if (Array.isArray(old)) old.push(value);
  else target[key] = old ? [old, value] : [value];
}

function has(target: Record<string, unknown>, name: string): boolean {
  const path = name.split(".");
  for (const key of path.slice(0, -1)) {
    if (!target[key]) return false;
    target = target[key] as Record<string, unknown>;
  }
  return Object.hasOwn(target, path.at(-1)!);
}
