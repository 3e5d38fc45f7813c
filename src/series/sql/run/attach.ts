/**
 * What the engine's worker loads for questions in SQL.
 *
 * @module
 */
import type { Store } from "../../engine/duckdb/store.ts";
import { serveSql } from "./serve.ts";

/** Schemas that may be read beside the measurements: that of PostgreSQL's catalog. */
const SCHEMAS = ["postgres"];

/** Answers questions that come through the port; what is given back ends that. */
export function attach({ database }: Store, port: MessagePort): () => Promise<void> {
  const connections = {
    connect: async () => (await database.connect()).api,
    disconnect: database.disconnect.bind(database),
  };
  const server = serveSql(connections, port, { extras: { schemas: SCHEMAS } });
  return () => server.close();
}
