/**
 * How `traqq procession` draws: a table of series, and a chart for each.
 *
 * @module
 */
import type { EventFilter } from "../procession/events.ts";
import type { Procession } from "../procession/procession.ts";
import type { ResampledSeries, SeriesSummary, WindowStats } from "../procession/stats.ts";
import { standingBars } from "./draw/bars.ts";
import { formatNumber } from "./draw/number.ts";
import { drawTable } from "./draw/table.ts";
import { cut, harmless, pad, widthOf } from "./draw/text.ts";
import type { Terminal } from "./terminal.ts";

const CHART_HEIGHT = 6;
const DEFAULT_WIDTH = 80;
/** Digits that a measured number is shown with, and a quantile, which is within 1 %. */
const DIGITS = 6;
const QUANTILE_DIGITS = 3;

/** What is in it, and a line for each series. */
export function seriesTable(
  procession: Procession,
  filter: EventFilter,
  limit: number,
  terminal: Terminal,
): string[] {
  const grouped = terminal.columns !== undefined;
  const count = (value: number, noun: string) =>
    `${formatNumber(value, { grouped })} ${noun}${value === 1 || noun === "series" ? "" : "s"}`;
  const all = byName(procession.summarize(filter));
  const { droppedCount } = procession;
  const lines = [
    `${count(procession.eventCount, "event")} of ${count(procession.seriesCount, "series")}` +
    (droppedCount === 0 ? "" : `; ${count(droppedCount, "event")} were dropped before`),
  ];
  if (all.length === 0) return [...lines, terminal.style.dim("Nothing was recorded there.")];
  const shown = limit > 0 ? all.slice(0, limit) : all;
  const number = (value: number | undefined, digits = DIGITS) =>
    value === undefined ? "" : measured(value, grouped, digits);
  lines.push(
    "",
    ...drawTable(
      [
        { title: "kind", whole: true },
        { title: "series" },
        ...["events", "per second", "min", "mean", "p50", "p90", "p99", "p99.9", "max", "latest"]
          .map((title) => ({ title, align: "right" as const })),
      ],
      shown.map((summary) => [
        summary.kind,
        nameOf(summary),
        formatNumber(summary.count, { grouped }),
        number(summary.rate),
        number(summary.min),
        number(summary.mean),
        number(summary.p50, QUANTILE_DIGITS),
        number(summary.p90, QUANTILE_DIGITS),
        number(summary.p99, QUANTILE_DIGITS),
        number(summary.p999, QUANTILE_DIGITS),
        number(summary.max),
        number(summary.latest),
      ]),
      { width: terminal.columns, style: terminal.style },
    ),
  );
  const more = all.length - shown.length;
  if (more > 0) {
    lines.push(
      terminal.style.dim(`… ${formatNumber(more, { grouped })} more; --limit 0 shows all`),
    );
  }
  return lines;
}

/** A chart for each series: one bar a step, as many charts below each other as it takes. */
export function seriesCharts(
  procession: Procession,
  options: EventFilter & { stepMs: number },
  limit: number,
  terminal: Terminal,
): string[] {
  const all = byName(procession.resample(options));
  return (limit > 0 ? all.slice(0, limit) : all).flatMap((
    series,
  ) => ["", ...chart(series, terminal)]);
}

const CHARTED: Readonly<Record<ResampledSeries["kind"], string>> = {
  counter: "per second",
  gauge: "mean",
  histogram: "mean",
};

function chart(series: ResampledSeries, terminal: Terminal): string[] {
  const { style } = terminal;
  const width = terminal.columns ?? DEFAULT_WIDTH;
  const grouped = terminal.columns !== undefined;
  const values = series.points.map((point) => point === null ? undefined : charted(series, point));
  const finite = values.filter((value) =>
    value !== undefined && Number.isFinite(value)
  ) as number[];
  // Bars stand on 0, or on the least value where that is below.
  const floor = finite.reduce((least, value) => Math.min(least, value), 0);
  const top = finite.reduce((most, value) => Math.max(most, value), floor);
  const [topText, floorText] = [measured(top, grouped), measured(floor, grouped)];
  const margin = Math.max(widthOf(topText), widthOf(floorText));
  const perChart = Math.max(1, width - margin - 1);
  const what = CHARTED[series.kind];
  const title = cut(harmless(`${series.kind} ${nameOf(series)}`), width - what.length - 2);
  const lines = [`${style.bold(title)}  ${style.dim(what)}`];
  for (let at = 0; at < values.length; at += perChart) {
    const own = values.slice(at, at + perChart);
    const bars = standingBars(
      own.map((value) => value === undefined ? undefined : value - floor),
      { max: top - floor, height: CHART_HEIGHT },
    );
    bars.forEach((bar, line) => {
      lines.push(`${pad(line === 0 ? topText : "", margin, "right")} ${bar}`.trimEnd());
    });
    // Without it a step at 0 would look like one without an event.
    const axis = own.map((value) => value === undefined ? " " : "─").join("");
    lines.push(`${pad(floorText, margin, "right")} ${axis}`.trimEnd());
    lines.push(
      `${" ".repeat(margin)} ${new Date(series.startMs + at * series.stepMs).toISOString()}`,
    );
  }
  return lines;
}

function charted({ kind }: ResampledSeries, point: WindowStats): number | undefined {
  return kind === "counter" ? point.rate : point.mean;
}

/** `http_requests{route="/"}`. */
function nameOf({ name, labels }: Pick<SeriesSummary, "name" | "labels">): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

function byName<T extends Pick<SeriesSummary, "name" | "labels">>(all: readonly T[]): T[] {
  const named = all.map((one) => ({ one, name: nameOf(one) }));
  named.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  return named.map(({ one }) => one);
}

/** A number with its first digits; tiny and huge ones with an exponent. */
function measured(value: number, grouped: boolean, digits = DIGITS): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(digits));
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return String(Number(value.toPrecision(digits)));
  return formatNumber(rounded, { grouped });
}
