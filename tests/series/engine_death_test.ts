import { assertEquals } from "@std/assert";
import { type DuckDbEngine, openDuckDb } from "../../src/series/engine/duckdb/mod.ts";
import { Series } from "../../src/series/series.ts";
import { again, lines, until } from "./_engine.ts";
import { askOf, temporaryFolder } from "./engine/_engine.ts";

Deno.test("while the real worker dies again and again under writes, each acknowledged point is there once", async () => {
  await using folder = await temporaryFolder();
  let engine: DuckDbEngine | undefined;
  let isOver = false;
  let written = 0;
  await using series = await Series.open({
    directory: folder.path,
    applyIntervalMs: 1,
    openEngine: async (options) => engine = await openDuckDb(options),
  });
  const writing = (async () => {
    while (!isOver) {
      // Refused while there is no worker: nothing of it was taken then.
      const report = await series.write(lines(written, 20)).catch(() => undefined);
      written += report?.written ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  try {
    for (let deaths = 1; deaths <= 3; deaths++) {
      const before = written;
      await until(() => written > before + 100);
      await askOf(engine!)("throw").catch(() => {});
      await until(() => series.stats().restarts === deaths);
    }
  } finally {
    isOver = true;
    await writing;
  }
  await again(() => series.flush());
  const rows = await askOf(engine!)(
    "SELECT count(*)::INTEGER, count(DISTINCT n)::INTEGER, max(n)::INTEGER, min(n)::INTEGER FROM m",
  );
  assertEquals(rows, [[written, written, written - 1, 0]]);
});
