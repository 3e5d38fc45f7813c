/**
 * The functions that every program can call. They know nothing of a run, so any worker has them.
 *
 * | call                                   | gives                                                   |
 * | -------------------------------------- | ------------------------------------------------------- |
 * | `seconds_between(a, b)`                | b less a                                                |
 * | `unit_of(t, unit, zone, start)`        | the first date of the day, week or month of a time      |
 * | `units_between(a, b, unit, zone, start)` | how many units b's is behind a's, by the calendar     |
 * | `units_since(a, b, unit, zone)`        | how many whole units have passed from a to b            |
 *
 * Where a time is empty, as at the end of a trail, so is what they give.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { TrailsError } from "../errors.ts";
import { type CalendarUnit, calendarUnits, UNITS } from "./calendar_units.ts";

/** By name. */
export const BUILT_IN: Readonly<Record<string, (...args: string[]) => string>> = {
  seconds_between: (a, b) => {
    if (a === "" || b === "") return "";
    return String(timeOf("seconds_between", b) - timeOf("seconds_between", a));
  },
  unit_of: (t, unit, zone = "UTC", weekStart = "monday") => {
    if (t === "") return "";
    const units = calendarUnits(zone, weekStart);
    const one = unitOf("unit_of", unit);
    return units.label(one, units.index(one, timeOf("unit_of", t)));
  },
  units_between: (a, b, unit, zone = "UTC", weekStart = "monday") => {
    if (a === "" || b === "") return "";
    const units = calendarUnits(zone, weekStart);
    const one = unitOf("units_between", unit);
    const index = (time: string) => units.index(one, timeOf("units_between", time));
    return String(index(b) - index(a));
  },
  units_since: (a, b, unit, zone = "UTC") => {
    if (a === "" || b === "") return "";
    const [from, to] = [a, b].map((time) => timeOf("units_since", time));
    return String(
      calendarUnits(zone, "monday").elapsed(unitOf("units_since", unit), from, to),
    );
  },
};

function timeOf(name: string, text: string): number {
  const seconds = Number(text);
  if (/\d/.test(text) && Number.isFinite(seconds)) return seconds;
  throw new TrailsError(
    `Cannot run ${name}(): wanted unix seconds such as timestamp, received ${show(text)}`,
  );
}

function unitOf(name: string, text: string): CalendarUnit {
  const unit = UNITS.find((one) => one === text);
  if (unit !== undefined) return unit;
  throw new TrailsError(
    `Cannot run ${name}(): wanted ${UNITS.join(" or ")}, received ${show(text)}`,
  );
}
