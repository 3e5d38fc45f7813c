/**
 * What every reader of options asks of a value: each throws a ConfigError that names the option, what
 * was wanted and what was received.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";

/** The longest a timer can wait: 2^31 - 1 milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Refuses what no timer can wait. */
export function timerMs(where: string, milliseconds: number): void {
  if (milliseconds <= MAX_TIMER_MS) return;
  throw new ConfigError(
    `Cannot use ${where}: wanted at most ${MAX_TIMER_MS} ms, received ${milliseconds}`,
  );
}

/** An object of whole positive numbers with defaults; `T` is fixed by the defaults. */
export function numbers<T extends { [K in keyof T]: number }>(
  where: string,
  value: unknown,
  defaults: T,
): T {
  const given = record(where, value ?? {}, Object.keys(defaults));
  const result = { ...defaults };
  for (const [key, number] of Object.entries(given)) {
    if (number === undefined) continue;
    if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) {
      throw new ConfigError(
        `Cannot use ${where}.${key}: wanted a whole number from 1, received ${show(number)}`,
      );
    }
    result[key as keyof T] = number as T[keyof T];
  }
  return result;
}

/** True, false, or false where there is nothing. */
export function boolean(where: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw new ConfigError(`Cannot use ${where}: wanted true or false, received ${show(value)}`);
}

/** An array, or none where there is nothing. */
export function list(where: string, value: unknown): unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new ConfigError(`Cannot use ${where}: wanted an array, received ${show(value)}`);
}

/** An object with no other keys than the allowed ones. */
export function record(
  where: string,
  value: unknown,
  allowed: readonly string[],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(`Cannot use ${where}: wanted an object, received ${show(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown !== undefined) {
    throw new ConfigError(
      `Cannot use ${where}: there is no ${show(unknown)}, only ${allowed.join(", ")}`,
    );
  }
  return value as Record<string, unknown>;
}
