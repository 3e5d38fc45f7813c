/**
 * The parameters of a request: what stands behind the `?`.
 *
 * One that is not known is refused: a `merg=true` must not silently give other numbers.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import { type Moment, parseMoment } from "../../protocol/moment.ts";
import { Problem } from "./problem.ts";

/** How bare numbers are read and times are written: seconds or milliseconds. */
export type Precision = "s" | "ms";

/** @throws {Problem} 400 for a parameter that is not known, or stands there twice */
export function checkParameters(
  parameters: URLSearchParams,
  known: readonly string[],
  repeatable: readonly string[] = [],
): void {
  for (const name of new Set(parameters.keys())) {
    if (!known.includes(name)) {
      throw new Problem(
        400,
        `Cannot read the parameter ${show(name)}: there are only ${known.join(", ")}`,
      );
    }
    if (!repeatable.includes(name) && parameters.getAll(name).length > 1) {
      throw new Problem(400, `Cannot read ${name}: it stands there several times; give it once`);
    }
  }
}

/** The time that a parameter gives: a day, or unix seconds. @throws {Problem} 400 */
export function readTime(
  name: string,
  value: string,
  precision: Precision,
): Moment {
  // In a query string a plus is a space; in RFC 3339 no offset begins with one.
  const meant = value.replace(/^(\d{4}-\d\d-\d\d[Tt ].*) (\d\d:\d\d)$/, "$1+$2");
  try {
    return parseMoment(meant, precision);
  } catch (error) {
    const hint = /milliseconds/.test(messageOf(error))
      ? "; for milliseconds give precision=ms"
      : "";
    throw new Problem(
      400,
      `Cannot read ${name}: wanted a day such as 2026-11-01, a time such as 2026-11-01T12:00:00Z, or unix seconds, received ${
        show(value)
      }${hint}`,
    );
  }
}

/** The time of all events of a request, if it gives one. @throws {Problem} 400 */
export function readAt(parameters: URLSearchParams): Date | undefined {
  const precision = readPrecision(parameters);
  const value = parameters.get("at");
  if (value === null) return undefined;
  const moment = readTime("at", value, precision);
  if (moment.kind === "instant") return new Date(moment.seconds * 1000);
  throw new Problem(
    400,
    `Cannot read at: wanted a time such as ${moment.date}T12:00:00Z, not a day`,
  );
}

/** @throws {Problem} 400 */
export function readPrecision(parameters: URLSearchParams): Precision {
  return oneOf(parameters, "precision", ["s", "ms"]) ?? "s";
}

/** One of some words. @throws {Problem} 400 */
export function oneOf<const T extends string>(
  parameters: URLSearchParams,
  name: string,
  words: readonly T[],
): T | undefined {
  const given = parameters.get(name);
  if (given === null) return undefined;
  const word = words.find((word) => word === given);
  if (word === undefined) {
    throw new Problem(
      400,
      `Cannot read ${name}: wanted ${words.join(" or ")}, received ${show(given)}`,
    );
  }
  return word;
}
