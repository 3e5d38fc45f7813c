/** Files to import, and where they go. */
import { DuckDBInstance } from "@duckdb/node-api";
import { MemoryStorage, Traqq } from "../../../mod.ts";
import { directTarget } from "../../../src/series/import/direct_target.ts";
import {
  importLines,
  type ImportOptions,
  type ImportReport,
  importTable,
} from "../../../src/series/import/importer.ts";
import { serverTarget } from "../../../src/series/import/server_target.ts";
import type { ImportTarget } from "../../../src/series/import/target.ts";
import { type TableOptions, TableReader } from "../../../src/series/import/table_reader.ts";
import { Series } from "../../../src/series/series.ts";
import { handler } from "../../../src/server/http.ts";

/** A folder that goes with its test. */
export class Folder implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "traqq-import-" });

  file(name: string, content: string | Uint8Array): string {
    const path = `${this.path}/${name}`;
    Deno.writeFileSync(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return path;
  }

  /** A Parquet file with what a statement gives. */
  async parquet(name: string, sql: string): Promise<string> {
    const path = `${this.path}/${name}`;
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Where points go, and what can be asked of it. */
export interface Place extends AsyncDisposable {
  readonly series: Series;
  readonly target: ImportTarget;
}

/** Series that are opened here. */
export async function direct(folder: Folder, name = "points"): Promise<Place> {
  const directory = `${folder.path}/${name}`;
  const series = await Series.open({ directory });
  const target = await directTarget(series, directory);
  return { series, target, [Symbol.asyncDispose]: () => series.close() };
}

/** Series behind a server. */
export async function served(token?: string): Promise<Place> {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  const series = await Series.open({ durability: "none" });
  const answer = handler(traqq, { series, token });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const target = serverTarget({ url: `http://127.0.0.1:${server.addr.port}/`, token });
  return {
    series,
    target,
    [Symbol.asyncDispose]: async () => {
      await answer.close();
      await server.shutdown();
      await series.close();
      await traqq.close();
    },
  };
}

/** Imports a table. */
export async function importOf(
  path: string,
  table: Partial<TableOptions> & Pick<TableOptions, "format">,
  options: ImportOptions,
): Promise<ImportReport> {
  const full = { measurement: "m", timestampColumn: "timestamp", tags: [], ...table };
  using reader = await TableReader.open(path, full);
  return await importTable(path, reader, full, options);
}

export { importLines };

/** All rows of an answer, as arrays. */
export async function ask(series: Series, sql: string): Promise<unknown[][]> {
  return (await series.sql(sql)).rows.map((row) => Object.values(row));
}

/** A target that fails when it has taken so many parts; with `late`, after it has written the last. */
export function dying(target: ImportTarget, parts: number, late: boolean): ImportTarget {
  let left = parts;
  const then = async <T>(write: () => Promise<T>): Promise<T> => {
    if (left === 0 && !late) throw new Error("Cannot write: the test's failure");
    const written = await write();
    if (left-- === 0) throw new Error("Cannot write: the test's failure");
    return written;
  };
  return {
    ...target,
    writeLines: (lines, points) => then(() => target.writeLines(lines, points)),
    tableWriter: (part) => {
      const write = target.tableWriter(part);
      return () => then(write);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
