/**
 * Event analytics for Deno: send JSON events, keep counts, unique counts, sums and leaderboards per
 * day and hour in Deno KV, Redis or memory, and ask for them at once.
 *
 * @example Record and query
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MemoryStorage, Traqq } from "@traqq/traqq";
 *
 * await using traqq = await Traqq.open({
 *   storage: new MemoryStorage(),
 *   mapping: {
 *     add: ["event", "event~geo"],
 *     bitmap: ["ip"],
 *     addValue: [{ key: "event~geo", addKey: "amount" }],
 *     top: ["geo"],
 *   },
 * });
 * await traqq.record({ event: "purchase", ip: "1.2.3.4", geo: "US", amount: 99.99 });
 *
 * const result = await traqq.queryDays(7);
 * assertEquals(result.merged("top/geo").ranked, [["US", 1]]);
 * assertEquals(result.merged("adv/event~geo/amount").sum, 99.99);
 * ```
 *
 * @module
 */
export {
  Client,
  type ClientOptions,
  type ClientQueryResult,
  type ClientRecordManyOptions,
  type ClientStats,
  ConnectionError,
  type FindOptions,
  PartialRecordError,
  type RecordProgress,
  type TlsClientOptions,
} from "./src/client/client.ts";
export {
  ConfigError,
  EventError,
  type EventErrorReason,
  JournalError,
  ProtocolError,
  StorageError,
  type StorageErrorCode,
} from "./src/base/errors.ts";
export type { HistogramStats } from "./src/base/histogram.ts";
export type {
  AddValue,
  FileOptions,
  FlushOptions,
  Limits,
  Mapping,
  Retention,
  TimeOptions,
  TraqqOptions,
} from "./src/engine/config.ts";
export type { EventKeeper } from "./src/engine/event_keeper.ts";
export type { Durability, JournalOptions } from "./src/engine/journal_options.ts";
export type { Filter, Instant, QueryDaysOptions, QueryOptions } from "./src/engine/query.ts";
export type { KnownMetric, Overview } from "./src/engine/overview.ts";
export {
  type AddResult,
  type AdvResult,
  type BmpResult,
  type InflatedRow,
  type MetricResult,
  type MetricResultBase,
  type QueryResult,
  type ResultBucket,
  type ResultOf,
  type TopResult,
} from "./src/engine/result.ts";
export type { MetricPath, MetricSelector } from "./src/engine/selector.ts";
export type { AppenderStats } from "./src/journal/appender.ts";
export type { EventLines } from "./src/journal/event_text.ts";
export type { JournalStats } from "./src/journal/journal.ts";
export { KvStorage, type KvStorageOptions } from "./src/storage/kv.ts";
export { MemoryStorage } from "./src/storage/memory.ts";
export {
  type RedisClient,
  RedisStorage,
  type RedisStorageOptions,
  type RedisTarget,
  type RedisTlsOptions,
} from "./src/storage/redis.ts";
export type * from "./src/storage/storage.ts";
export {
  type RecordManyOptions,
  type RecordOptions,
  type RecordReport,
  Traqq,
  type TraqqStats,
} from "./src/traqq.ts";
export { exportCells, type ExportOptions } from "./src/transfer/export.ts";
export {
  importCells,
  type ImportOptions,
  type ImportProgress,
  type ImportReport,
} from "./src/transfer/import.ts";
export type { FlusherStats } from "./src/writer/flusher.ts";
export type { WriterStats } from "./src/writer/writer.ts";
