/**
 * How many users come how far through some steps.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { TrailsError } from "../errors.ts";
import type { TrailsResult } from "../results.ts";
import { type Alternatives, alternativesText } from "../language/text.ts";
import { type EventMatch, isOf, readMatch } from "./event_match.ts";
import { funnelProgram } from "./funnel_program.ts";
import { type Duration, fieldName, oneOfWords, readDuration } from "./options.ts";
import { TrailQuestion } from "./question.ts";

/** How the steps follow each other. */
export const ORDERS = ["strict", "ordered", "any"] as const;

/** The most steps in any order: their program has a block for every two sets of them. */
const MAX_ANY = 5;
const MAX_STEPS = 30;

/** What a funnel can be told. */
export interface FunnelOptions {
  /** All steps lie in less than this from the first one on; default: however long it takes. */
  within?: Duration;
  /**
   * `ordered` (default): one after the other, whatever lies between; `strict`: with nothing between;
   * `any`: in any order.
   */
  order?: "strict" | "ordered" | "any";
  /** Events that may not lie between the steps; such an event is never a step. */
  exclude?: EventMatch | readonly EventMatch[];
  /** A row for every value that this field has where the funnel begins. */
  by?: string;
  /** What steps that are a mere name are compared with; default `event`. */
  field?: string;
}

/** A step, and who came there. */
export interface FunnelStep {
  /** The step as a condition. */
  readonly step: string;
  /** How many users came this far. */
  readonly users: number;
}

/** How far the users came who began with one value of `by`, or all of them. */
export interface FunnelRow {
  /** The value of `by`; absent without it. */
  readonly by?: string;
  /** In the order of the question. */
  readonly steps: readonly FunnelStep[];
}

/** What a funnel gives: a row, or with `by` one for each value with a user, the most users first. */
export interface FunnelAnswer {
  /** The rows. */
  readonly rows: readonly FunnelRow[];
}

/**
 * How many users come how far through some steps. `docs/trails.md` has the exact rules.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { funnel, TrailData } from "@traqq/traqq/trails";
 *
 * const data = TrailData.fromEvents([
 *   { user: "ada", time: 0, event: "visit" },
 *   { user: "ada", time: 60, event: "signup" },
 *   { user: "grace", time: 5, event: "visit" },
 * ], { by: "user" });
 * const { rows } = await funnel(["visit", "signup"], { within: "1h" }).run(data);
 * assertEquals(rows[0].steps.map(({ users }) => users), [2, 1]);
 * ```
 *
 * @throws {TrailsError} for options that cannot be
 */
export function funnel(
  steps: readonly EventMatch[],
  options: FunnelOptions = {},
): TrailQuestion<FunnelAnswer> {
  const { within, exclude, by, field = "event" } = options;
  const order = oneOfWords("order", options.order ?? "ordered", ORDERS);
  const most = order === "any" ? MAX_ANY : MAX_STEPS;
  if (!Array.isArray(steps) || steps.length < 1 || steps.length > most) {
    throw new TrailsError(
      `Cannot make a funnel: wanted 1 to ${most} steps, received ${
        Array.isArray(steps) ? steps.length : show(steps)
      }`,
    );
  }
  const name = fieldName("field", field);
  const conditions = steps.map((step, i) => readMatch(`step ${i + 1}`, step, name));
  const texts = conditions.map(alternativesText);
  const program = funnelProgram({
    steps: conditions,
    order,
    within: within === undefined ? undefined : readDuration("within", within),
    exclude: readExclude(exclude, name),
    by: by === undefined ? undefined : isOf(fieldName("by", by)),
  });
  return new TrailQuestion("funnel", program, (result) => ({ rows: rowsOf(result, texts, by) }));
}

function readExclude(exclude: FunnelOptions["exclude"], field: string): Alternatives | "nothing" {
  const all = exclude === undefined ? [] : Array.isArray(exclude) ? exclude : [exclude];
  if (all.length === 0) return "nothing";
  const read = all.map((one: EventMatch) => readMatch("exclude", one, field));
  if (read.some((one) => one === undefined)) {
    throw new TrailsError("Cannot exclude every event: nothing would be left; name some");
  }
  return read.flatMap((one) => one!);
}

function rowsOf(
  result: TrailsResult,
  texts: readonly string[],
  by: string | undefined,
): FunnelRow[] {
  const rows = result.rows.map(({ vars }, row): FunnelRow => ({
    ...(by === undefined ? {} : { by: vars.get("%by") as string }),
    steps: texts.map((step, i) => ({ step, users: result.set(`#step_${i + 1}`, row).length })),
  }));
  if (by === undefined) return rows;
  return rows.filter(({ steps }) => steps.some(({ users }) => users > 0))
    .sort((a, b) => b.steps[0].users - a.steps[0].users || (a.by! < b.by! ? -1 : 1));
}
