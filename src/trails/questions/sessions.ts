/**
 * Sessions: what a user does without a long pause. They are never cut at the end of a day.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import type { Alternatives } from "../language/text.ts";
import type { TrailsResult } from "../results.ts";
import { isOf } from "./event_match.ts";
import {
  type CalendarOptions,
  type Duration,
  fieldName,
  readCalendar,
  readDuration,
} from "./options.ts";
import { NEVER, ProgramWriter } from "./program_writer.ts";
import { TrailQuestion } from "./question.ts";

/** What sessions can be told. */
export interface SessionsOptions extends CalendarOptions {
  /** A pause of this or longer ends a session; default `30m`. */
  gap?: Duration;
  /** A row for every value that this field has where a session begins. */
  by?: string;
}

/** The sessions that begin with one value of `by`, or all of them. */
export interface SessionsRow {
  /** The value of `by`; absent without it. */
  readonly by?: string;
  /** Users with such a session. */
  readonly users: number;
  /** The sessions. */
  readonly sessions: number;
  /** The events in them. */
  readonly events: number;
  /** Sessions of one event. */
  readonly single: number;
  /** How long they last, from the first to the last event; the shortest first. */
  readonly lengths: readonly { readonly seconds: number; readonly sessions: number }[];
  /** Seconds of all sessions together. */
  readonly totalSeconds: number;
  /** Half of the sessions last this long or less; null: there is none. */
  readonly medianSeconds: number | null;
  /** How many begin in which unit, by its first date; where a `unit` was asked for. */
  readonly starts?: readonly { readonly start: string; readonly sessions: number }[];
}

/** What sessions give: a row, or with `by` one for each value, the most sessions first. */
export interface SessionsAnswer {
  /** The rows. */
  readonly rows: readonly SessionsRow[];
}

/**
 * Sessions of each user. `docs/trails.md` has the exact rules.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sessions, TrailData } from "@traqq/traqq/trails";
 *
 * const data = TrailData.fromEvents([
 *   { user: "ada", time: 86_000 },
 *   { user: "ada", time: 87_000 }, // another day, the same session
 *   { user: "ada", time: 90_000 },
 * ], { by: "user" });
 * const { rows } = await sessions({ gap: "30m" }).run(data);
 * assertEquals([rows[0].sessions, rows[0].medianSeconds], [2, 0]);
 * ```
 *
 * @throws {TrailsError} for options that cannot be
 */
export function sessions(options: SessionsOptions = {}): TrailQuestion<SessionsAnswer> {
  const { gap = "30m", by, unit, timezone, weekStart } = options;
  if (unit === undefined && (timezone ?? weekStart) !== undefined) {
    throw new TrailsError(
      "Cannot use timezone or weekStart alone: give a unit, to count sessions by their start",
    );
  }
  const program = sessionsProgram(
    readDuration("gap", gap),
    by === undefined ? undefined : isOf(fieldName("by", by)),
    unit === undefined ? undefined : readCalendar(options).args,
  );
  return new TrailQuestion("sessions", program, (result) => answerOf(result, by, unit));
}

function sessionsProgram(gap: string, by: Alternatives, unit: string | undefined): string {
  const writer = new ProgramWriter();
  if (by !== undefined) writer.foreach("%by");
  const count = [
    "yield $sessions",
    "yield $events",
    ...(unit === undefined ? [] : [`yield unit_of(timestamp, ${unit}) to &starts`]),
  ].join(", ");
  // Of another value: the session is over after the same pause, and is none of this row.
  const between = (name: string, first: string, other: string) => {
    writer.receive(name, [
      [by, `${first}${count}, session`],
      ...(by === undefined ? [] : [[undefined, other] as const]),
    ]);
    if (by !== undefined) writer.receive(other, [[undefined, other]], `${gap} -> ${name}`);
  };
  between("start", "yield $users, ", "other_first");
  const ended =
    "yield seconds_between(start_timestamp[session], start_timestamp) to &seconds, again";
  writer.comment("the time of the window never comes: it is there to know when the session began");
  writer.window("session", `${NEVER} -> again`, () => {
    writer.receive(
      "one",
      [[undefined, "yield $events, more"]],
      `${gap} -> yield $single, ${ended}`,
    );
    writer.receive("more", [[undefined, "yield $events, more"]], `${gap} -> ${ended}`);
  });
  between("again", "", "other_again");
  return writer.toString();
}

function answerOf(
  result: TrailsResult,
  by: string | undefined,
  unit: string | undefined,
): SessionsAnswer {
  const rows = result.rows.map(({ vars }, row): SessionsRow => {
    const count = (name: string) => result.number(name, row)!;
    const lengths = [...result.multiset("&seconds", row)]
      .map(([text, times]) => ({ seconds: Number(text), sessions: times }))
      .sort((a, b) => a.seconds - b.seconds);
    return {
      ...(by === undefined ? {} : { by: vars.get("%by") as string }),
      users: count("$users"),
      sessions: count("$sessions"),
      events: count("$events"),
      single: count("$single"),
      lengths,
      totalSeconds: lengths.reduce((sum, { seconds, sessions }) => sum + seconds * sessions, 0),
      medianSeconds: medianOf(lengths, count("$sessions")),
      ...(unit === undefined ? {} : { starts: startsOf(result, row) }),
    };
  });
  if (by === undefined) return { rows };
  return {
    rows: rows.filter((row) => row.sessions > 0)
      .sort((a, b) => b.sessions - a.sessions || (a.by! < b.by! ? -1 : 1)),
  };
}

function startsOf(result: TrailsResult, row: number): SessionsRow["starts"] {
  return [...result.multiset("&starts", row)]
    .map(([start, sessions]) => ({ start, sessions }))
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

/** The shortest length that half of the sessions, or more, do not exceed. */
function medianOf(lengths: SessionsRow["lengths"], all: number): number | null {
  let seen = 0;
  for (const { seconds, sessions } of lengths) {
    seen += sessions;
    if (2 * seen >= all) return seconds;
  }
  return null;
}
