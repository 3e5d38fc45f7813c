/**
 * Which trails are run, and which of their events are seen: filters, window files and exclude files,
 * in the forms of the original.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { TrailsError } from "../errors.ts";
import type { CompiledFilter, FilterTerm } from "./sieve.ts";
import type { TrailSource } from "./source.ts";

/** One of these must hold in every clause of a filter. */
export interface FilterCondition {
  /** The field. */
  field: string;
  /** Its value; the empty text also where the field is not there. */
  value: string;
  /** `notequal`: any other value. Every other text means equal. */
  op?: string;
}

/** Of every clause, one condition must hold. No clause, or one without conditions, lets nothing pass. */
export interface EventFilter {
  /** The clauses. */
  clauses: FilterCondition[][];
}

/** The events of one user within bounds. */
export interface TrailWindow {
  /** The user; for `.tdb` 32 hexadecimal digits. */
  user: string;
  /** From this unix second; 0: from the first event. */
  start: number;
  /** Before this unix second; 0: to the last event. */
  end: number;
  /** What `cookie` is in this window; default the user. */
  id?: string;
}

/** What of the data is run. */
export interface Selection {
  readonly filter: EventFilter | undefined;
  readonly windows: readonly TrailWindow[] | undefined;
  readonly exclude: ReadonlySet<string> | undefined;
}

/** One run over one trail. */
export interface Job {
  readonly trail: number;
  readonly window: TrailWindow | undefined;
}

/** What is to be run, in an order that workers share. Plain data. */
export interface Jobs {
  readonly count: number;
  /** By job; undefined: job and trail are the same. */
  readonly trails: Uint32Array | undefined;
  /** By job; undefined: no bounds. */
  readonly windows: readonly TrailWindow[] | undefined;
}

/** Reads what a JSON file with a filter holds. @throws {TrailsError} */
export function readFilter(value: unknown): EventFilter {
  const fail = (what: string, received: unknown): never => {
    throw new TrailsError(`Cannot use the filter: wanted ${what}, received ${show(received)}`);
  };
  const clauses = isRecord(value) ? value.clauses : undefined;
  if (!Array.isArray(clauses)) fail('{"clauses": [[{"field": …, "value": …}]]}', value);
  for (const clause of clauses as unknown[]) {
    if (!Array.isArray(clause)) fail("an array of conditions as a clause", clause);
    for (const one of clause as unknown[]) {
      const { field, value, op = "" } = isRecord(one) ? one : {};
      if ([field, value, op].every((text) => typeof text === "string")) continue;
      fail('a condition such as {"field": "type", "value": "x"}, all of it text', one);
    }
  }
  return { clauses: clauses as FilterCondition[][] };
}

/** Reads a window file: `user,start,end` or `user,start,end,id` a line. @throws {TrailsError} */
export function readWindows(text: string): TrailWindow[] {
  const seen = new Set<string>();
  return linesOf(text).map(({ line, number }): TrailWindow => {
    const [user, start, end, id, ...more] = line.split(",");
    const isTime = (one: string | undefined) => one !== undefined && /^\d{1,15}$/.test(one);
    if (user === "" || !isTime(start) || !isTime(end) || more.length > 0) {
      throw new TrailsError(
        `Cannot use line ${number} of the window file: wanted user,start,end or ` +
          `user,start,end,id with unix seconds, received ${show(line)}`,
      );
    }
    const key = id === undefined ? user : line;
    if (seen.has(key)) {
      throw new TrailsError(
        `Cannot use line ${number} of the window file: ${show(line)} is there twice; with an id ` +
          "behind each, one user can have several windows",
      );
    }
    seen.add(key);
    const window = { user, start: Number(start), end: Number(end) };
    return id === undefined ? window : { ...window, id };
  });
}

/** Reads an exclude file: a user a line. @throws {TrailsError} */
export function readExcluded(text: string): Set<string> {
  return new Set(linesOf(text).map(({ line }) => line));
}

/** Lines that are not blank, and their numbers. */
function linesOf(text: string): { line: string; number: number }[] {
  return text.split(/\r?\n/).map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line !== "");
}

/** What is to be run. */
export function jobsOf(source: TrailSource, { windows, exclude }: Selection): Jobs {
  if (windows === undefined && exclude === undefined) {
    return { count: source.trailCount, trails: undefined, windows: undefined };
  }
  const trails: number[] = [];
  const bounds: TrailWindow[] = [];
  const ofUser = Map.groupBy(windows ?? [], ({ user }) => user);
  for (let trail = 0; trail < source.trailCount; trail++) {
    const name = source.nameOf(trail);
    if (exclude?.has(name)) continue;
    if (windows === undefined) trails.push(trail);
    for (const window of ofUser.get(name) ?? []) {
      trails.push(trail);
      bounds.push(window);
    }
  }
  return {
    count: trails.length,
    trails: Uint32Array.from(trails),
    windows: windows === undefined ? undefined : bounds,
  };
}

/** A filter for the numbers of a source. */
export function compileFilter(
  filter: EventFilter | undefined,
  source: TrailSource,
): CompiledFilter {
  if (filter === undefined) return undefined;
  // No clause lets nothing pass, as a clause without conditions does.
  const clauses = filter.clauses.length === 0 ? [[]] : filter.clauses;
  return clauses.map((clause) =>
    clause.map(({ field, value, op }): FilterTerm => {
      const column = source.fields.indexOf(field);
      const id = column >= 0 ? source.dictionaries[column].find([value])[0] : value === "" ? 0 : -1;
      return { column, id, isNegated: op === "notequal" };
    })
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
