/**
 * Every counter, gauge and histogram event at millisecond precision, in a few bytes each: an in-memory
 * recorder that keeps the raw time series, so that "what happened in the second before the crash" has
 * an answer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Procession } from "@traqq/traqq/procession";
 *
 * let now = Date.parse("2026-01-01T12:00:00Z");
 * const p = new Procession({ now: () => now });
 * const latency = p.histogram("latency_seconds", { route: "/" });
 * for (let i = 1; i <= 100; i++) {
 *   latency.record(i / 100);
 *   now += 10;
 * }
 *
 * const [summary] = p.summarize({ name: "latency_seconds", labels: { route: "/" } });
 * assertEquals(summary.count, 100);
 * assertEquals(summary.max, 1);
 * assertEquals(Math.abs(summary.p99! - 0.99) < 0.01, true);
 * ```
 *
 * @module
 */
export {
  type CrateChunk,
  type CrateChunkEvent,
  type CrateEntry,
  type CrateEvent,
  type CrateLabelSet,
  type CrateNumber,
  type CrateOp,
  type CrateProcession,
} from "./src/procession/crate_json.ts";
export { type DrainReport, type DrainTarget, type TraqqEvent } from "./src/procession/drain.ts";
export { type EventBase, type EventFilter, type ProcessionEvent } from "./src/procession/events.ts";
export { Counter, Gauge, Histogram } from "./src/procession/handles.ts";
export {
  type MeterAdder,
  type MeterAttributes,
  type MeterBatchCallback,
  type MeterCallback,
  type MeterObservable,
  type MeterRecorder,
  type ProcessionMeter,
  ProcessionMeterProvider,
} from "./src/procession/otel.ts";
export { processionHandler } from "./src/procession/handler.ts";
export {
  type JsonOptions,
  Procession,
  type ProcessionOptions,
} from "./src/procession/procession.ts";
export { type Kind, type Labels, type Op } from "./src/procession/series.ts";
export {
  type ResampledSeries,
  type SeriesSummary,
  type WindowStats,
} from "./src/procession/stats.ts";
export { QuantileSketch } from "./src/sketch/quantiles.ts";
export { ConfigError } from "./src/base/errors.ts";
