/**
 * Durations as a user writes them: `90`, `90s`, `10m`, `2h`.
 *
 * @module
 */
import { DAY, HOUR, MINUTE, SECOND } from "@std/datetime/constants";
import { UsageError } from "./errors.ts";
import { quoted, type Values } from "./flags.ts";

const UNITS: Record<string, number> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/**
 * The milliseconds of a flag that sets a timer; a bare number is seconds.
 *
 * @throws {UsageError}
 */
export function durationMs(values: Values, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const milliseconds = parseDuration(text);
  // A timer cannot wait longer, and would not wait at all.
  if (!(milliseconds <= 2 ** 31 - 1)) {
    throw new UsageError(
      `--${name} wants a duration up to 24 days such as 90s, 10m or 2h, received ${quoted(text)}`,
    );
  }
  return milliseconds;
}

/**
 * The milliseconds of a flag that says how long something is kept; `null` is for ever.
 *
 * @throws {UsageError}
 */
export function keptMs(values: Values, name: string): number | null | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (text === "forever") return null;
  const milliseconds = parseDuration(text);
  if (!Number.isSafeInteger(milliseconds)) {
    throw new UsageError(
      `--${name} wants a duration such as 12h or 30d, or forever, received ${quoted(text)}`,
    );
  }
  return milliseconds;
}

/** Milliseconds; NaN if it is no duration. */
function parseDuration(text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|[smhd])?$/.exec(text);
  return match === null ? NaN : Math.round(Number(match[1]) * UNITS[match[2] ?? "s"]);
}
