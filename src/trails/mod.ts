/**
 * Trails: state machines over each user's events, in order of time. A program counts, collects and
 * times out; its language is that of trck. `docs/trails.md` teaches it.
 *
 * @module
 */
export { TrailData } from "./data/data.ts";
export type { EventShape, ReadReport } from "./data/event_reader.ts";
export {
  type EventFilter,
  type FilterCondition,
  readExcluded,
  readFilter,
  readWindows,
  type TrailWindow,
} from "./data/selection.ts";
export { type Compat, type Place, ProgramError, TrailsError } from "./errors.ts";
export type { ParseOptions } from "./language/check.ts";
export { attach, type AttachOptions, type LiveStats, LiveTrails } from "./live/attach.ts";
export type { EventMatch } from "./questions/event_match.ts";
export {
  funnel,
  type FunnelAnswer,
  type FunnelOptions,
  type FunnelRow,
  type FunnelStep,
} from "./questions/funnel.ts";
export type { CalendarOptions, Duration } from "./questions/options.ts";
export { type Path, paths, type PathsAnswer, type PathsOptions } from "./questions/paths.ts";
export type { TrailQuestion } from "./questions/question.ts";
export {
  type Cohort,
  retention,
  type RetentionAnswer,
  type RetentionOptions,
} from "./questions/retention.ts";
export {
  sessions,
  type SessionsAnswer,
  type SessionsOptions,
  type SessionsRow,
} from "./questions/sessions.ts";
export { type JsonValue, TrailsResult, type TrailsRow } from "./results.ts";
export type { CalendarUnit, WeekDay } from "./run/calendar_units.ts";
export type { Functions } from "./run/functions.ts";
export type { Parameters } from "./run/parameters.ts";
export type { RunOptions } from "./run/run.ts";
export type { ResultValue } from "./run/totals.ts";
export type { UnitTestReport, UnitTestResult } from "./run/unit_tests.ts";
export { HyperLogLog } from "../sketch/hyperloglog.ts";
export { TrailProgram } from "./trail_program.ts";
