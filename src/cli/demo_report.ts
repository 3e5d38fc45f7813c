/**
 * What `demo` prints: pure, from numbers to lines, for any width.
 *
 * @module
 */
import { lyingBar, standingBars } from "./draw/bars.ts";
import { formatNumber } from "./draw/number.ts";
import type { Style } from "./draw/style.ts";
import { drawTable } from "./draw/table.ts";
import { pad, widthOf } from "./draw/text.ts";

/** How it is drawn. */
export interface Look {
  /** Columns there are. */
  readonly width: number;
  /** Thousands separators. */
  readonly grouped: boolean;
  readonly style: Style;
}

/** A day with its number. */
export interface Day {
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly count: number;
}

/** A month, or all of them. */
export interface Period {
  readonly title: string;
  readonly flights: number;
  readonly origins: number;
  readonly routes: number;
}

/** An origin, the rest of them, or all. */
export interface Origin {
  readonly title: string;
  readonly flights: number;
  readonly delaySum: number;
}

const CHART_HEIGHT = 6;
const MAX_STEP = 3;
const MONTH = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });

/** `January 2001` */
export function monthName(date: string): string {
  return MONTH.format(new Date(`${date.slice(0, 7)}-01T00:00:00Z`));
}

/** A chart for each month, one below the other, all with the same scale. */
export function dayCharts(days: readonly Day[], look: Look): string[] {
  const max = days.reduce((most, { count }) => Math.max(most, count), 0);
  const top = number(max, look);
  const axis = top.length + 2;
  const step = Math.min(MAX_STEP, Math.floor((look.width - axis) / 31));
  const lines: string[] = [];
  for (const [month, own] of Map.groupBy(days, ({ date }) => date.slice(0, 7))) {
    if (lines.length > 0) lines.push("");
    const total = own.reduce((sum, { count }) => sum + count, 0);
    lines.push(
      `${look.style.bold(monthName(own[0].date))}  ${
        look.style.dim(
          `${number(total, look)} flights, ${number(Math.round(total / own.length), look)} a day`,
        )
      }`,
    );
    if (step < 1) lines.push(...dayList(own, max, look));
    else lines.push(...monthChart(month, own, { max, top, step }, look));
  }
  return lines;
}

function monthChart(
  month: string,
  days: readonly Day[],
  { max, top, step }: { max: number; top: string; step: number },
  { style }: Look,
): string[] {
  const byDay = new Map(days.map(({ date, count }) => [Number(date.slice(8)), count]));
  const length = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0))
    .getUTCDate();
  const values = Array.from({ length }, (_, i) => byDay.get(i + 1));
  const bars = standingBars(values, { max, height: CHART_HEIGHT, step });
  const blank = " ".repeat(top.length);
  const lines = bars.map((bar, i) => {
    const label = i === 0 ? `${top} ┤` : `${blank} │`;
    return `${style.dim(label)}${style.cyan(bar)}`;
  });
  let days7 = "";
  for (let day = 1; day <= length; day += 7) {
    days7 = days7.padEnd((day - 1) * step) + day;
  }
  return [
    ...lines,
    style.dim(
      `${pad("0", top.length, "right")} └${"─".repeat(length * step - (step > 1 ? 1 : 0))}`,
    ),
    style.dim(`${blank}  ${days7}`),
  ];
}

/** Where a month does not fit side by side. */
function dayList(days: readonly Day[], max: number, look: Look): string[] {
  const columns = Math.max(1, look.width - 4 - number(max, look).length);
  return days.map(({ date, count }) =>
    `${date.slice(8)} ${look.style.cyan(lyingBar(count, max, columns))} ${number(count, look)}`
  );
}

/** Unique origins and routes. */
export function periodTable(periods: readonly Period[], look: Look): string[] {
  return drawTable(
    [
      { title: "" },
      { title: "flights", align: "right" },
      { title: "origins", align: "right" },
      { title: "routes", align: "right" },
    ],
    periods.map(({ title, flights, origins, routes }) => [
      title,
      number(flights, look),
      number(origins, look),
      number(routes, look),
    ]),
    look,
  );
}

/** Flights and delays by origin, with a bar where there is room. */
export function originTable(origins: readonly Origin[], look: Look, ranked: number): string[] {
  const rows = origins.map(({ title, flights, delaySum }) => [
    title,
    number(flights, look),
    number(delaySum, look),
    flights === 0 ? "" : formatNumber(delaySum / flights, look, 2),
  ]);
  const lines = drawTable(
    [
      { title: "origin" },
      { title: "flights", align: "right" },
      { title: "delay sum", align: "right" },
      { title: "mean", align: "right" },
    ],
    rows,
    look,
  );
  const width = Math.max(...lines.slice(1).map(widthOf));
  const room = Math.min(30, look.width - width - 2);
  if (room < 8) return lines;
  const max = Math.max(...origins.slice(0, ranked).map(({ flights }) => flights));
  return lines.map((line, i) => {
    if (i === 0 || i > ranked) return line;
    const bar = lyingBar(origins[i - 1].flights, max, room);
    return `${pad(line, width)}  ${look.style.cyan(bar)}`;
  });
}

function number(value: number, { grouped }: Look): string {
  return formatNumber(value, { grouped });
}
