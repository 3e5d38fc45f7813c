/**
 * The current state in Prometheus' text format, version 0.0.4. Counters and gauges are what they stand
 * at, histograms are summaries: the sum and number of all values ever, and quantiles of a window.
 *
 * @module
 */
import type { SeriesSummary } from "./stats.ts";
import type { Kind, Labels, Series } from "./series.ts";

/** The content type of the text. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The quantiles that a summary has. */
const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999];

const TYPES: Readonly<Record<Kind, string>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "summary",
};

/** What a series stands at. */
export interface State {
  /** What it stands at; of a histogram the sum. */
  readonly level: number;
  /** How many events it ever had. */
  readonly recorded: number;
}

/**
 * The text.
 *
 * @param states every series with what it stands at
 * @param summaries the histograms in the window of the quantiles
 */
export function prometheusText(
  states: ReadonlyMap<Series, State>,
  summaries: readonly SeriesSummary[],
): string {
  const families = new Map<string, Series[]>();
  for (const series of states.keys()) {
    const id = JSON.stringify([series.kind, series.name]);
    const family = families.get(id);
    if (family === undefined) families.set(id, [series]);
    else family.push(series);
  }
  // Labels objects are one for each series.
  const windows = new Map(summaries.map((summary) => [summary.labels, summary]));
  const taken = new Set<string>();
  let text = "";
  for (const all of families.values()) {
    const { kind } = all[0];
    const name = unique(
      nameOf(all[0].name),
      taken,
      (name) => kind === "histogram" ? [name, `${name}_sum`, `${name}_count`] : [name],
    );
    text += `# TYPE ${name} ${TYPES[kind]}\n`;
    for (const series of all) {
      const { level, recorded } = states.get(series)!;
      const labels = labelsOf(series.labels, kind === "histogram" ? ["quantile"] : []);
      if (kind !== "histogram") {
        text += `${name}${braces(labels)} ${numberOf(level)}\n`;
        continue;
      }
      const sketch = windows.get(series.labels)?.sketch;
      for (const q of QUANTILES) {
        const value = numberOf(sketch?.quantile(q) ?? NaN);
        text += `${name}${braces([...labels, `quantile="${q}"`])} ${value}\n`;
      }
      text += `${name}_sum${braces(labels)} ${numberOf(level)}\n`;
      text += `${name}_count${braces(labels)} ${numberOf(recorded)}\n`;
    }
  }
  return text;
}

/** A name as Prometheus allows it: other characters become `_`. */
function nameOf(name: string): string {
  const allowed = name.replace(/[^a-zA-Z0-9_:]/gu, "_");
  return /^[a-zA-Z_:]/.test(allowed) ? allowed : `_${allowed}`;
}

/** The same of labels, which have no `:`; `__` at the start is for Prometheus itself. */
function labelsOf(labels: Labels, reserved: readonly string[]): string[] {
  const taken = new Set(reserved);
  return Object.entries(labels).map(([label, value]) => {
    const name = nameOf(label).replaceAll(":", "_").replace(/^__+/, "_");
    return `${unique(name, taken, (name) => [name])}="${escape(value)}"`;
  });
}

/** The name, or where it is taken the first of `name_2`, `name_3` … that is not. */
function unique(name: string, taken: Set<string>, names: (name: string) => string[]): string {
  let found = name;
  for (let n = 2; names(found).some((one) => taken.has(one)); n++) found = `${name}_${n}`;
  for (const one of names(found)) taken.add(one);
  return found;
}

function braces(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberOf(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
