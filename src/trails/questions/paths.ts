/**
 * Which ways users take: the values of a field, one event after the other.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { CsvReader } from "../data/csv.ts";
import { TrailsError } from "../errors.ts";
import type { Alternatives } from "../language/text.ts";
import { type EventMatch, readMatch } from "./event_match.ts";
import type { TrailsResult } from "../results.ts";
import { type Duration, fieldName, readDuration } from "./options.ts";
import { type ClauseText, ProgramWriter } from "./program_writer.ts";
import { TrailQuestion } from "./question.ts";

const MAX_LENGTH = 20;

/** What paths can be told. */
export interface PathsOptions {
  /** The field whose values make the path; default `event`. */
  field?: string;
  /** At most so many events; default 4. */
  length?: number;
  /** A path begins at each of these; default: at the first event of a trail, or with `gap` of a session. */
  from?: EventMatch;
  /** A pause of this or longer ends a path; default: only the end of the trail does. */
  gap?: Duration;
}

/** A way, and how often it was taken. */
export interface Path {
  /** The values, the first event's first; empty where an event lacks the field. */
  readonly values: readonly string[];
  /** How many paths begin with these. */
  readonly count: number;
  /** How many of them are over then. Of paths of the full length, all are. */
  readonly ended: number;
}

/** What paths give. */
export interface PathsAnswer {
  /** All beginnings of paths, the longer ones too; the most frequent first, of equal ones the shorter. */
  readonly paths: readonly Path[];
}

/**
 * Which ways users take. `docs/trails.md` has the exact rules.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { paths, TrailData } from "@traqq/traqq/trails";
 *
 * const data = TrailData.fromEvents([
 *   { user: "ada", time: 0, page: "home" },
 *   { user: "ada", time: 5, page: "shop" },
 *   { user: "grace", time: 7, page: "home" },
 * ], { by: "user" });
 * const answer = await paths({ field: "page", length: 2 }).run(data);
 * assertEquals(answer.paths, [
 *   { values: ["home"], count: 2, ended: 1 },
 *   { values: ["home", "shop"], count: 1, ended: 1 },
 * ]);
 * ```
 *
 * @throws {TrailsError} for options that cannot be
 */
export function paths(options: PathsOptions = {}): TrailQuestion<PathsAnswer> {
  const { length = 4, from, gap } = options;
  if (!Number.isInteger(length) || length < 1 || length > MAX_LENGTH) {
    throw new TrailsError(
      `Cannot make paths: wanted a length of 1 to ${MAX_LENGTH} events, received ${show(length)}`,
    );
  }
  const field = fieldName("field", options.field ?? "event");
  const program = pathsProgram({
    field,
    length,
    from: from === undefined ? undefined : { match: readMatch("from", from, field) },
    gap: gap === undefined ? undefined : readDuration("gap", gap),
  });
  return new TrailQuestion("paths", program, (result) => ({ paths: pathsOf(result, length) }));
}

function pathsProgram({ field, length, from, gap }: {
  field: string;
  length: number;
  from: { match: Alternatives } | undefined;
  gap: string | undefined;
}): string {
  const writer = new ProgramWriter();
  if (from !== undefined) writer.foreach("event");
  // A path of its own begins at each event of `from`; a session has one, and waits for its end.
  const over = from === undefined && gap !== undefined ? "start" : "quit";
  const done = over === "start" ? "rest" : "quit";
  for (let step = 1; step <= length; step++) {
    const before = Array.from(
      { length: step - 1 },
      (_, i) => `previous(${field}, ${step - 1 - i})`,
    );
    const terms = [...before, field].join(",");
    const next = step === length ? done : `step_${step + 1}`;
    const clauses: ClauseText[] = [
      [step === 1 ? from?.match : undefined, `yield ${terms} to &paths, ${next}`],
      [undefined, "quit"],
    ];
    const clock = step === 1 || gap === undefined ? undefined : `${gap} -> ${over}`;
    writer.receive(step === 1 ? "start" : `step_${step}`, clauses, clock);
  }
  if (done === "rest") writer.receive("rest", [[undefined, "rest"]], `${gap} -> start`);
  return writer.toString();
}

function pathsOf(result: TrailsResult, length: number): Path[] {
  const counts = [...result.multiset("&paths")]
    .map(([text, count]) => ({ values: length === 1 ? [text] : valuesOf(text), count }));
  const longer = new Map<string, number>();
  for (const { values, count } of counts) {
    const shorter = JSON.stringify(values.slice(0, -1));
    longer.set(shorter, (longer.get(shorter) ?? 0) + count);
  }
  return counts.map(({ values, count }) => ({
    values,
    count,
    ended: count - (longer.get(JSON.stringify(values)) ?? 0),
  })).sort((a, b) => b.count - a.count || a.values.length - b.values.length);
}

/** The values of a tuple, which is written as a row of CSV; a single empty one is no text at all. */
function valuesOf(text: string): readonly string[] {
  let values: readonly string[] = [""];
  const reader = new CsvReader((cells) => values = cells);
  reader.feed(text);
  reader.end();
  return values;
}
