/**
 * Every point kept, in columns: what was measured, of what, and when. Points come as InfluxDB's line
 * protocol or as objects, and are kept in DuckDB, embedded.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Series } from "@traqq/traqq/series";
 *
 * await using series = await Series.open({ durability: "none" });
 * await series.write("cpu,host=a usage=64.5 1609459200000000000");
 * await series.write([{
 *   measurement: "cpu",
 *   tags: { host: "b" },
 *   fields: { usage: 71.2, cores: 8n },
 *   time: new Date("2021-01-01T00:00:00Z"),
 * }]);
 * const { rows } = await series.sql("SELECT host, usage FROM cpu ORDER BY host");
 * assertEquals(rows, [{ host: "a", usage: 64.5 }, { host: "b", usage: 71.2 }]);
 * ```
 *
 * @module
 */
export { ConfigError, JournalError, StorageError, type StorageErrorCode } from "../base/errors.ts";
export type { Durability } from "../engine/journal_options.ts";
export type {
  Batch,
  BatchField,
  FieldColumn,
  FieldType,
  FieldValues,
  NewSeries,
  Tag,
  TagColumn,
} from "./points/batch.ts";
export type {
  Engine,
  EngineOptions,
  EngineState,
  EngineStats,
  MeasurementState,
  OpenEngine,
  Unit,
} from "./engine/engine.ts";
export type {
  AggregateInfo,
  MaintenanceEvent,
  MaintenancePlan,
  RetentionPolicy,
} from "./engine/maintenance.ts";
export { EngineError, type EngineErrorCode } from "./engine/errors.ts";
export type { AddValue, Mapping } from "../engine/config.ts";
export type { EventKeeper } from "../engine/event_keeper.ts";
export type { SeriesOptions } from "./options.ts";
export { Series, type SeriesStats } from "./series.ts";
export type { WriteOptions, WriteReport } from "./write_report.ts";
export type {
  Refusal,
  SeriesCounters,
  SeriesRequest,
  SeriesRoute,
  SeriesRoutes,
} from "./http/routes.ts";
export type { AppenderStats } from "../journal/appender.ts";
export type { PointLogStats } from "./log/point_log.ts";
export { SqlError, type SqlState } from "./sql/errors.ts";
export type { Aggregation, Question, QuestionSql, TagFilter } from "./sql/question.ts";
export type { Row, RowValue, SqlRows } from "./sql/results/rows.ts";
export type { SeriesSession } from "./ask.ts";
export type {
  SqlDescription,
  SqlParameter,
  SqlResult,
  SqlRunOptions,
  SqlSession,
} from "./sql/session.ts";
export type { SqlBatch, SqlColumn, SqlInterval, SqlValue, SqlVector } from "./sql/values.ts";
export { encodePoint, encodePoints } from "./points/encode.ts";
export type { Limits } from "./points/limits.ts";
export type { RejectedLine } from "./points/line_error.ts";
export type { Precision } from "./points/numbers.ts";
export type { Point, PointValue } from "./points/point.ts";
export type { PointColumns } from "./points/point_columns.ts";
export { type PgCounters, type PgOptions, type PgServer, servePg } from "./pg/server.ts";
export type { Limits as PgLimits } from "./pg/session/executor.ts";
export type { TlsKeys } from "./pg/stream.ts";
