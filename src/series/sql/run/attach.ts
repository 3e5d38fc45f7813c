/**
 * What the engine's worker loads for questions in SQL.
 *
 * @module
 */
import type { Store } from "../../engine/duckdb/store.ts";
import { catalogStatements } from "../../pg/catalog/catalog.ts";
import { CATALOG_SCHEMA } from "../../pg/catalog/names.ts";
import { serveSql } from "./serve.ts";

/** Answers questions that come through the port; what is given back ends that. */
export async function attach({ database }: Store, port: MessagePort): Promise<() => Promise<void>> {
  const { api } = await database.connect();
  for (const statement of catalogStatements()) await api.run(statement);
  database.disconnect(api);
  const connections = {
    connect: async () => (await database.connect()).api,
    disconnect: database.disconnect.bind(database),
  };
  const server = serveSql(connections, port, { extras: { schemas: [CATALOG_SCHEMA] } });
  return () => server.close();
}
