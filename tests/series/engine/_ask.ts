/** Runs SQL of tests in the worker of an engine, beside what it does; see `askOf` in `_engine.ts`. */
import { rowsOf } from "../../../src/series/engine/duckdb/database.ts";
import type { Store } from "../../../src/series/engine/duckdb/store.ts";

/** Answers each statement on `port` with its rows, or with what is wrong with it; `throw` breaks the worker. */
export async function attach(store: Store, port: MessagePort): Promise<void> {
  const { api } = await store.database.connect();
  port.onmessage = async ({ data }: MessageEvent<{ number: number; sql: string }>) => {
    if (data.sql === "throw") throw new Error("thrown by the test");
    try {
      const rows = await rowsOf(api, data.sql);
      // Values of DuckDB's own classes (times, intervals) do not cross: tests cast them.
      port.postMessage({ number: data.number, rows });
    } catch (error) {
      port.postMessage({ number: data.number, error: (error as Error).message });
    }
  };
}
