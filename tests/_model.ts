/**
 * What traqq must count, written from the words of the design and docs alone: slow, obvious, and
 * sharing no code with src. Property tests compare the two.
 *
 * @module
 */
import type { Mapping } from "../src/engine/config.ts";
import type { Metric, MetricType, Unit } from "../src/storage/storage.ts";

/** A number, or text in JSON's number grammar, in millionths; undefined for anything else. */
export function microsOf(value: unknown): bigint | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const match = /^([-+]?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction);
  if (digits === 0n) return 0n;
  // digits × 10^power are the millionths.
  const power = Number(exponent) - fraction.length + 6;
  if (power > 100) return undefined;
  let size: bigint;
  if (power >= 0) size = digits * 10n ** BigInt(power);
  else if (-power > whole.length + fraction.length + 1) size = 0n;
  else {
    const divisor = 10n ** BigInt(-power);
    size = (2n * digits + divisor) / (2n * divisor);
  }
  if (size > 2n ** 53n * 1_000_000n) return undefined;
  return sign === "-" ? -size : size;
}

/** Well-formed, trimmed, cut, stripped of the separators, trimmed, the inner separators replaced. */
export function sanitizedByWords(text: string, maxCodePoints: number): string {
  const wellFormed = [...text].map((point) => /^\p{Surrogate}$/u.test(point) ? "\ufffd" : point);
  let points = [...wellFormed.join("").trim()].slice(0, maxCodePoints);
  const isSeparator = (point: string) => point === "~" || point === ":";
  while (points.length > 0 && isSeparator(points[0])) points = points.slice(1);
  while (points.length > 0 && isSeparator(points[points.length - 1])) points = points.slice(0, -1);
  return points.join("").trim().replaceAll("~", "_").replaceAll(":", "_");
}

/** The first second of the bucket that holds an instant. */
export function bucketStart(zone: string, unit: Unit, seconds: number): number {
  const at = (seconds: number) => new Temporal.ZonedDateTime(BigInt(seconds) * 10n ** 9n, zone);
  if (unit === "d") {
    // A clock that is put back across midnight shows yesterday again; the new day goes on.
    const today = at(seconds).toPlainDate();
    const starts = [today.add({ days: 1 }), today].map((date) =>
      date.toZonedDateTime(zone).epochMilliseconds / 1000
    );
    return starts.find((start) => start <= seconds)!;
  }
  let start = seconds - at(seconds).second;
  for (;;) {
    const now = at(start);
    const before = at(start - 60);
    const sameHour = before.hour === now.hour && before.day === now.day;
    const repeated = now.minute === 0 && before.minute === 59;
    if (!sameHour || repeated) return start;
    start -= 60;
  }
}

/** What the model is told. */
export interface ModelOptions {
  mapping: Mapping;
  timezone: string;
  hourly: boolean;
  maxFieldLength: number;
  maxValueLength: number;
  timeProperty?: string;
}

/** What one metric holds in one bucket. */
export interface ModelCell {
  metric: Metric;
  unit: Unit;
  start: number;
  /** Counts, or sums in millionths, by field. */
  fields: Map<string, bigint>;
  /** How many values `adv` summed. */
  summed: number;
}

/** Counts events one by one. */
export class Model {
  recorded = 0;
  rejected = 0;
  rejectedValues = 0;
  readonly cells = new Map<string, ModelCell>();
  readonly metrics: Metric[];
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
    const { bitmap = [], add = [], addValue = [], top = [] } = options.mapping;
    const sorted = (pattern: string) => pattern.split("~").sort().join("~");
    this.metrics = [
      ...bitmap.map((pattern): Metric => ({ type: "bmp", pattern: sorted(pattern) })),
      ...add.map((pattern): Metric => ({ type: "add", pattern: sorted(pattern) })),
      ...addValue.map(({ key, addKey }): Metric => ({
        type: "adv",
        pattern: sorted(key),
        addKey,
      })),
      ...top.map((pattern): Metric => ({ type: "top", pattern: sorted(pattern) })),
    ];
  }

  /** Counts an event of a unix second; false if it must be refused. */
  record(event: unknown, seconds: number): boolean {
    const texts = this.#texts(event);
    if (texts === undefined) {
      this.rejected++;
      return false;
    }
    this.recorded++;
    for (const metric of this.metrics) {
      const parts = metric.pattern.split("~").map((name) => texts(name));
      if (parts.includes("")) continue;
      const field = parts.join("~");
      if (metric.type === "adv") {
        const value = own(event as object, metric.addKey!);
        if (value === undefined || value === null) continue;
        const micros = microsOf(value);
        if (micros === undefined) this.rejectedValues++;
        else this.#add(metric, seconds, field, micros);
      } else {
        this.#add(metric, seconds, field, 1n);
      }
    }
    return true;
  }

  /** What a metric holds in the buckets of a unit, in order of time. */
  find(metric: Metric, unit: Unit): ModelCell[] {
    return [...this.cells.values()]
      .filter((cell) => cell.unit === unit && name(cell.metric) === name(metric))
      .sort((a, b) => a.start - b.start);
  }

  /** The sanitized text of each property, `""` where it is absent; undefined for a refused event. */
  #texts(event: unknown): ((name: string) => string) | undefined {
    if (typeof event !== "object" || event === null || Array.isArray(event)) return undefined;
    const { maxFieldLength, maxValueLength } = this.#options;
    const textOf = (name: string) => {
      const value = own(event, name);
      if (typeof value === "string") {
        return sanitizedByWords(value, name === "event" ? maxFieldLength : maxValueLength);
      }
      return typeof value === "number" || typeof value === "boolean" ? `${value}` : "";
    };
    if (typeof own(event, "event") !== "string" || textOf("event") === "") return undefined;
    for (const { pattern } of this.metrics) {
      for (const name of pattern.split("~")) {
        const value = own(event, name);
        if (typeof value === "number" && !Number.isFinite(value)) return undefined;
      }
    }
    return textOf;
  }

  #add(metric: Metric, seconds: number, field: string, value: bigint): void {
    const { timezone, hourly } = this.#options;
    for (const unit of hourly ? ["d", "h"] as const : ["d"] as const) {
      const start = bucketStart(timezone, unit, seconds);
      const key = `${name(metric)} ${unit} ${start}`;
      let cell = this.cells.get(key);
      if (cell === undefined) {
        cell = { metric, unit, start, fields: new Map(), summed: 0 };
        this.cells.set(key, cell);
      }
      cell.fields.set(field, (cell.fields.get(field) ?? 0n) + value);
      cell.summed++;
    }
  }
}

/** Several cells of one metric as one. */
export function mergeCells(metric: Metric, cells: readonly ModelCell[]): ModelCell {
  const merged: ModelCell = { metric, unit: "d", start: 0, fields: new Map(), summed: 0 };
  for (const { fields, summed } of cells) {
    for (const [field, value] of fields) {
      merged.fields.set(field, (merged.fields.get(field) ?? 0n) + value);
    }
    merged.summed += summed;
  }
  return merged;
}

/** Highest first, ties ascending by UTF-16 code units, 250 of them. */
export function rankedByWords(fields: ReadonlyMap<string, bigint>): [string, number][] {
  const before = (a: string, b: string) => (a < b ? -1 : 1);
  return [...fields].map(([member, score]): [string, number] => [member, Number(score)])
    .sort((a, b) => (a[1] !== b[1] ? b[1] - a[1] : before(a[0], b[0])))
    .slice(0, 250);
}

/** The decimal that so many millionths are, as the nearest number. */
export function numberOf(micros: bigint): number {
  const digits = String(micros < 0n ? -micros : micros).padStart(7, "0");
  return Number(`${micros < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`);
}

function own(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

function name({ type, pattern, addKey }: Metric): string {
  return JSON.stringify([type, pattern, addKey] satisfies [MetricType, string, string?]);
}
