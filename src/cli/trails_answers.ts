/**
 * The answers of ready questions as rows, for NDJSON and CSV, and as tables with charts, for people.
 *
 * @module
 */
import type {
  FunnelAnswer,
  PathsAnswer,
  RetentionAnswer,
  SessionsAnswer,
  SessionsRow,
} from "../trails/mod.ts";
import { lyingBar, standingBars } from "./draw/bars.ts";
import { formatNumber } from "./draw/number.ts";
import { type Column, drawTable } from "./draw/table.ts";
import type { Terminal } from "./terminal.ts";

/** A cell; undefined where a row has none. */
type Cell = string | number | null | undefined;

/** An answer in every form. */
export interface Drawn {
  /** As JSON has it. */
  readonly answer: unknown;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** For people; at most `limit` rows where there may be many, 0 for all. */
  readonly table: (limit: number, terminal: Terminal) => string[];
}

const BAR = 24;
/** Lengths of sessions in the chart: up to but not so many seconds. */
const LENGTHS = [
  [1, "0 s"],
  [60, "under 1 m"],
  [300, "1 to 5 m"],
  [900, "5 to 15 m"],
  [1800, "15 to 30 m"],
  [3600, "30 to 60 m"],
  [14_400, "1 to 4 h"],
  [Infinity, "4 h and more"],
] as const;

/** A funnel: how many users come how far, of the first step and of the one before. */
export function funnelDrawn(answer: FunnelAnswer): Drawn {
  const { rows } = answer;
  const hasBy = rows.some(({ by }) => by !== undefined);
  return {
    answer,
    columns: [...(hasBy ? ["by"] : []), "step", "condition", "users"],
    rows: rows.flatMap(({ by, steps }) =>
      steps.map(({ step, users }, i) => [...(hasBy ? [by] : []), i + 1, step, users])
    ),
    table: (_, terminal) => {
      const most = Math.max(0, ...rows.map(({ steps }) => steps[0].users));
      return drawn(
        [...(hasBy ? [text("begins with")] : []), text("step"), bar("")],
        ["users", "of first", "of previous"],
        rows.flatMap(({ by, steps }) =>
          steps.map(({ step, users }, i) => [
            ...(hasBy ? [i === 0 ? by! : ""] : []),
            `${i + 1} ${step}`,
            lyingBar(users, most, BAR),
            number(users, terminal),
            percent(users, steps[0].users),
            i === 0 ? "" : percent(users, steps[i - 1].users),
          ])
        ),
        terminal,
      );
    },
  };
}

/** Sessions, how long they last and, where that was asked for, when they begin. */
export function sessionsDrawn(answer: SessionsAnswer): Drawn {
  const { rows } = answer;
  const hasBy = rows.some(({ by }) => by !== undefined);
  const hasStarts = rows.some(({ starts }) => starts !== undefined);
  const byCell = ({ by }: SessionsRow) => hasBy ? [by] : [];
  return {
    answer,
    columns: [
      ...(hasBy ? ["by"] : []),
      ...(hasStarts
        ? ["start", "sessions"]
        : ["users", "sessions", "events", "single", "total_seconds", "median_seconds"]),
    ],
    rows: hasStarts
      ? rows.flatMap((row) => row.starts!.map((one) => [...byCell(row), one.start, one.sessions]))
      : rows.map((row) => [
        ...byCell(row),
        row.users,
        row.sessions,
        row.events,
        row.single,
        row.totalSeconds,
        row.medianSeconds,
      ]),
    table: (_, terminal) => [
      ...drawn(
        hasBy ? [text("begins with")] : [],
        ["users", "sessions", "events", "of one event", "mean", "median"],
        rows.map((row) => [
          ...(hasBy ? [row.by!] : []),
          ...[row.users, row.sessions, row.events].map((one) => number(one, terminal)),
          percent(row.single, row.sessions),
          row.sessions === 0 ? "" : duration(Math.round(row.totalSeconds / row.sessions)),
          row.medianSeconds === null ? "" : duration(row.medianSeconds),
        ]),
        terminal,
      ),
      "",
      ...chart("length", lengthsOf(rows), terminal),
      ...(hasStarts ? ["", ...chart("start", startsOf(rows), terminal)] : []),
    ],
  };
}

/** Retention: a row for each cohort, in percent, and one for all of them. */
export function retentionDrawn(answer: RetentionAnswer): Drawn {
  const { unit, cohorts } = answer;
  return {
    answer,
    columns: ["start", "users", unit, "returned"],
    rows: cohorts.flatMap(({ start, users, returned }) =>
      returned.map((count, index) => [start, users, index, count])
    ),
    table: (_, terminal) => {
      const most = Math.max(0, ...cohorts.map(({ returned }) => returned.length));
      // Dates, users, and units of at most 8 columns; what is too much is named below.
      const room = Math.max(1, Math.floor(((terminal.columns ?? Infinity) - 24) / 8));
      const width = Math.min(most, room);
      const share = (count: number, users: number) =>
        users === 0 ? "" : `${standingBars([count], { max: users, height: 1 })[0]} ` +
          percent(count, users);
      const all = Array.from({ length: width }, (_, index) => {
        // Only those that have been around so long.
        const some = cohorts.filter(({ returned }) => returned.length > index);
        const sum = (of: (one: typeof some[number]) => number) =>
          some.reduce((total, one) => total + of(one), 0);
        return share(sum(({ returned }) => returned[index]), sum(({ users }) => users));
      });
      const lines = drawn(
        [{ title: unit, whole: true }],
        ["users", ...all.map((_, index) => String(index))],
        [
          ...cohorts.map(({ start, users, returned }) => [
            start,
            number(users, terminal),
            ...all.map((_, index) => index < returned.length ? share(returned[index], users) : ""),
          ]),
          ["all", number(cohorts.reduce((sum, { users }) => sum + users, 0), terminal), ...all],
        ],
        terminal,
      );
      const more = most - width;
      const plural = more === 1 ? unit : `${unit}s`;
      return more === 0 ? lines : [...lines, `… ${more} more ${plural}; --format csv has all`];
    },
  };
}

/** Paths: in a table those that were taken to their end, in rows every beginning too. */
export function pathsDrawn(answer: PathsAnswer): Drawn {
  const { paths } = answer;
  const longest = Math.max(0, ...paths.map(({ values }) => values.length));
  return {
    answer,
    columns: [
      ...Array.from({ length: longest }, (_, i) => `step_${i + 1}`),
      "count",
      "ended",
    ],
    rows: paths.map(({ values, count, ended }) => [
      ...Array.from({ length: longest }, (_, i) => values[i]),
      count,
      ended,
    ]),
    table: (limit, terminal) => {
      const whole = paths.filter(({ ended }) => ended > 0).sort((a, b) => b.ended - a.ended);
      const some = limit === 0 ? whole : whole.slice(0, limit);
      const all = whole.reduce((sum, { ended }) => sum + ended, 0);
      const more = whole.length - some.length;
      return drawn(
        [text("path"), bar("")],
        ["paths", "share"],
        [
          ...some.map(({ values, ended }) => [
            values.map((value) => value === "" ? "(none)" : value).join(" → "),
            lyingBar(ended, whole[0].ended, BAR),
            number(ended, terminal),
            percent(ended, all),
          ]),
          ...(more === 0 ? [] : [[`… ${number(more, terminal)} more`, "", "", ""]]),
        ],
        terminal,
      );
    },
  };
}

function lengthsOf(rows: readonly SessionsRow[]): [string, number][] {
  const all = rows.flatMap(({ lengths }) => lengths);
  return LENGTHS.map(([below, name], i) => {
    const from = i === 0 ? 0 : LENGTHS[i - 1][0];
    const own = all.filter(({ seconds }) => seconds >= from && seconds < below);
    return [name, own.reduce((sum, { sessions }) => sum + sessions, 0)];
  });
}

function startsOf(rows: readonly SessionsRow[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { start, sessions } of rows.flatMap(({ starts = [] }) => starts)) {
    counts.set(start, (counts.get(start) ?? 0) + sessions);
  }
  return [...counts].sort(([a], [b]) => a < b ? -1 : 1);
}

function chart(title: string, counts: readonly [string, number][], terminal: Terminal): string[] {
  const most = Math.max(0, ...counts.map(([, count]) => count));
  return drawn(
    [{ title, whole: true }, bar("")],
    ["sessions"],
    counts.map(([name, count]) => [name, lyingBar(count, most, BAR), number(count, terminal)]),
    terminal,
  );
}

function drawn(
  texts: readonly Column[],
  numbers: readonly string[],
  rows: readonly (readonly string[])[],
  terminal: Terminal,
): string[] {
  return drawTable(
    [...texts, ...numbers.map((title) => ({ title, align: "right" as const }))],
    rows,
    { width: terminal.columns, style: terminal.style },
  );
}

function text(title: string): Column {
  return { title };
}

/** A bar is never cut: it would be another number. */
function bar(title: string): Column {
  return { title, whole: true };
}

function number(value: number, terminal: Terminal): string {
  return formatNumber(value, { grouped: terminal.columns !== undefined });
}

/** Cut, not rounded: 100% are all, and 0% may be a few. */
function percent(part: number, whole: number): string {
  return whole === 0 ? "" : `${Math.floor((100 * part) / whole)}%`;
}

/** `1h 5m`, `12m 3s`, `40s`. */
function duration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return m === 0 ? `${h}h` : `${h}h ${m}m`;
  if (m > 0) return s === 0 ? `${m}m` : `${m}m ${s}s`;
  return `${s}s`;
}
