/**
 * The engine on DuckDB: points in columns on one machine, in a file or in memory.
 *
 * @module
 */
import { DuckDbEngine } from "./host.ts";
import type { EngineOptions } from "../engine.ts";

export { DuckDbEngine } from "./host.ts";
export { EngineError, type EngineErrorCode } from "../errors.ts";
export type {
  AggregateInfo,
  MaintenanceEvent,
  MaintenancePlan,
  RetentionPolicy,
} from "../maintenance.ts";

/** Opens an engine on DuckDB, and makes its database where there is none. @throws {EngineError} */
export function openDuckDb(options: EngineOptions): Promise<DuckDbEngine> {
  return DuckDbEngine.open(options);
}
