/**
 * Who comes back: users by the day, week or month in which they began, and how many of them are seen
 * again one, two, three units later.
 *
 * @module
 */
import type { TrailsResult } from "../results.ts";
import { type Alternatives, stringText } from "../language/text.ts";
import type { CalendarUnit, CalendarUnits } from "../run/calendar_units.ts";
import { type EventMatch, readMatch } from "./event_match.ts";
import { type CalendarOptions, fieldName, oneOfWords, readCalendar } from "./options.ts";
import { NEVER, ProgramWriter } from "./program_writer.ts";
import { TrailQuestion } from "./question.ts";

/** What units are counted from. */
export const MODES = ["calendar", "rolling"] as const;

/** What retention can be told. */
export interface RetentionOptions extends CalendarOptions {
  /** A user begins with the first of these; default `*`, any event. */
  start?: EventMatch;
  /** A later one of these is a return; default `*`, any event. */
  return?: EventMatch;
  /**
   * `calendar` (default): units are those of the calendar, 0 the one in which the user began;
   * `rolling`: they are counted from the very second in which the user began.
   */
  mode?: "calendar" | "rolling";
  /** What a mere name is compared with; default `event`. */
  field?: string;
}

/** The users who began in one unit. */
export interface Cohort {
  /** The first date of the unit. */
  readonly start: string;
  /** How many users began in it. */
  readonly users: number;
  /** How many of them returned in unit 0, 1, 2 and so on, up to the last that any return lies in. */
  readonly returned: readonly number[];
}

/** What retention gives. */
export interface RetentionAnswer {
  /** What the rows and columns are. */
  readonly unit: CalendarUnit;
  /** The earliest first; units in which nobody began are left out. */
  readonly cohorts: readonly Cohort[];
}

/**
 * Who comes back. `docs/trails.md` has the exact rules.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { retention, TrailData } from "@traqq/traqq/trails";
 *
 * const data = TrailData.fromEvents([
 *   { user: "ada", time: "2026-11-02T09:00:00Z", event: "signup" },
 *   { user: "ada", time: "2026-11-10T09:00:00Z", event: "visit" },
 *   { user: "grace", time: "2026-11-08T23:00:00Z", event: "signup" },
 * ], { by: "user" });
 * const question = retention({ start: "signup", return: "visit", unit: "week" });
 * const { cohorts } = await question.run(data);
 * assertEquals(cohorts, [{ start: "2026-11-02", users: 2, returned: [0, 1] }]);
 * ```
 *
 * @throws {TrailsError} for options that cannot be
 */
export function retention(options: RetentionOptions = {}): TrailQuestion<RetentionAnswer> {
  const { field = "event", start = "*", timezone = "UTC" } = options;
  const mode = oneOfWords("mode", options.mode ?? "calendar", MODES);
  const { unit, units, args } = readCalendar(options);
  const name = fieldName("field", field);
  const elapsed = mode === "calendar"
    ? `units_between(start_timestamp, timestamp, ${args})`
    : `units_since(start_timestamp, timestamp, ${stringText(unit)}, ${stringText(timezone)})`;
  const program = retentionProgram(
    readMatch("start", start, name),
    readMatch("return", options.return ?? "*", name),
    (time) => `unit_of(${time}, ${args})`,
    elapsed,
  );
  return new TrailQuestion("retention", program, (result) => answerOf(result, unit, units));
}

function retentionProgram(
  start: Alternatives,
  returned: Alternatives,
  unitOf: (time: string) => string,
  elapsed: string,
): string {
  const writer = new ProgramWriter();
  writer.receive("start", [
    [start, `yield ${unitOf("timestamp")} to &began, began`],
    [undefined, "repeat"],
  ]);
  writer.comment("this time never comes: it is there to know when the user began");
  writer.receive("began", [
    [
      returned,
      `yield cookie,${unitOf("start_timestamp")},${elapsed} to #returned, repeat`,
    ],
    [undefined, "repeat"],
  ], `${NEVER} -> quit`);
  return writer.toString();
}

function answerOf(
  result: TrailsResult,
  unit: CalendarUnit,
  units: CalendarUnits,
): RetentionAnswer {
  const began = result.multiset("&began");
  const returned = new Map<string, Map<number, number>>();
  for (const tuple of result.set("#returned")) {
    // Neither the date nor the number has a comma; the user may.
    const at = tuple.lastIndexOf(",");
    const start = tuple.slice(tuple.lastIndexOf(",", at - 1) + 1, at);
    const index = Number(tuple.slice(at + 1));
    let counts = returned.get(start);
    if (counts === undefined) returned.set(start, counts = new Map());
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  const numberOf = (start: string) => units.indexOfDate(unit, start);
  const starts = [...began.keys()].sort((a, b) => numberOf(a) - numberOf(b));
  const last = Math.max(
    ...starts.map((start) => numberOf(start) + Math.max(0, ...returned.get(start)?.keys() ?? [])),
  );
  return {
    unit,
    cohorts: starts.map((start) => ({
      start,
      users: began.get(start)!,
      returned: Array.from(
        { length: last - numberOf(start) + 1 },
        (_, index) => returned.get(start)?.get(index) ?? 0,
      ),
    })),
  };
}
