/**
 * How many points a second an import brings into series: three million real flights, with two tags and two
 * fields, directly and over HTTP into a server that syncs every write, in requests of 5,000 points.
 */
import { createRequire } from "node:module";
// Loaded by nobody: it has the file.
import "vega-datasets";
import { directTarget } from "../../src/series/import/direct_target.ts";
import { importTable } from "../../src/series/import/importer.ts";
import { serverTarget } from "../../src/series/import/server_target.ts";
import type { ImportTarget } from "../../src/series/import/target.ts";
import { TableReader } from "../../src/series/import/table_reader.ts";
import { Series } from "../../src/series/series.ts";
import { spawn } from "../../tests/program/_program.ts";

const FLIGHTS = createRequire(import.meta.url).resolve("vega-datasets")
  .replace(/build[\\/][^\\/]*$/, "data/flights-3m.parquet");

const folder = await Deno.makeTempDir({ prefix: "traqq-bench-" });
try {
  const path = `${folder}/flights.parquet`;
  await Deno.copyFile(FLIGHTS, path);
  const directory = `${folder}/direct`;
  {
    await using target = await directTarget(await Series.open({ directory }), directory);
    await measure("direct", path, target);
  }
  const port = freePort();
  const server = spawn({
    cwd: folder,
    allow: ["--unstable-kv", "--allow-all"],
    args: [
      ...["serve", "--addr", "127.0.0.1:0", "--storage", "memory", "--http", `127.0.0.1:${port}`],
      ...["--series", "served", "--series-durability", "every_write"],
    ],
  });
  try {
    await server.out.line(/ listens on /);
    const url = `http://127.0.0.1:${port}`;
    await measure("HTTP, every_write, 5,000 a request", path, serverTarget({ url }), 5000);
  } finally {
    server.process.kill("SIGTERM");
    await Promise.all([server.process.status, server.out.ended, server.err.ended]);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function measure(
  what: string,
  path: string,
  target: ImportTarget,
  batchSize?: number,
): Promise<void> {
  const table = {
    ...{ format: "parquet", measurement: "flights", timestampColumn: "date" } as const,
    tags: ["origin", "destination"],
  };
  const startedMs = performance.now();
  using reader = await TableReader.open(path, table);
  const { points } = await importTable(path, reader, table, { target, batchSize });
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `${what}: ${points} points in ${seconds.toFixed(2)} s, ${Math.round(points / seconds)}/s`,
  );
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
