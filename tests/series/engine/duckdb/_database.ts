/** Files of DuckDB as others would write them. */
import { DuckDBConnection } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";

/** Opens a file in this thread, runs statements, closes it. */
export async function withDatabase(path: string, ...statements: string[]): Promise<void> {
  const database = await bindings.open(path);
  const api = new DuckDBConnection(await bindings.connect(database));
  for (const statement of statements) await api.run(statement);
  api.disconnectSync();
  bindings.close_sync(database);
}
