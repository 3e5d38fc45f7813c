import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type MaintenanceEvent, Series } from "../../src/series/mod.ts";
import { readSeriesOptions } from "../../src/series/options.ts";
import { temporaryFolder } from "./engine/_engine.ts";

const DAY_MS = 86_400_000;
const NOON_MS = Math.floor(1_700_000_000_000 / DAY_MS) * DAY_MS + DAY_MS / 2;
const HOURLY =
  "SELECT time_bucket(INTERVAL '1 hour', time) AS hour, sum(usage) AS total FROM cpu " +
  "GROUP BY hour";

/** A line of each of these days before noon. */
function lines(...daysAgo: number[]): string {
  return daysAgo.map((days) => `cpu,host=a usage=${days + 1} ${NOON_MS - days * DAY_MS}`).join(
    "\n",
  );
}

Deno.test("a series drops, moves and sums up as its options say, and the same is asked afterwards", async () => {
  await using folder = await temporaryFolder();
  const told: MaintenanceEvent[] = [];
  const options = {
    directory: folder.path,
    retention: [{ measurement: "*", keepMs: 5 * DAY_MS }],
    coldAfterMs: 2 * DAY_MS,
    aggregates: { hourly: HOURLY },
    onMaintenance: (event: MaintenanceEvent) => void told.push(event),
  };
  const series = await Series.open(options);
  // Its measurement is not there yet: that is told, and it is made later.
  assertEquals((await series.maintain(NOON_MS)).map(({ kind }) => kind), ["failed"]);
  await series.write(lines(8, 4, 1, 0), { precision: "ms" });
  const done = await series.maintain(NOON_MS);
  assertEquals(done.map(({ kind }) => kind), ["refreshed", "dropped", "moved"]);
  assertEquals(told.slice(1), done);
  assertEquals(await series.aggregates(), [{ name: "hourly", table: "cpu", query: HOURLY }]);
  const asked = async (series: Series) => [
    (await series.sql("SELECT usage FROM cpu ORDER BY usage")).rows,
    (await series.sql("SELECT total FROM hourly ORDER BY total")).rows,
  ];
  const expected = [
    [{ usage: 1 }, { usage: 2 }, { usage: 5 }],
    [{ total: 1 }, { total: 2 }, { total: 5 }, { total: 9 }],
  ];
  assertEquals(await asked(series), expected);
  // A file is nothing that a question may name.
  await assertRejects(() => series.sql(`FROM read_parquet('${folder.path}/cold/*.parquet')`));
  await assertRejects(() => series.sql(`COPY cpu TO '${folder.path}/cold/x.parquet'`));
  await series.close();

  await using again = await Series.open({ directory: folder.path });
  assertEquals(await asked(again), expected);
  await again.write(`cpu,host=a usage=50 ${NOON_MS - 4 * DAY_MS}`, { precision: "ms" });
  const { rows } = await again.sql("SELECT sum(total) AS total FROM hourly");
  assertEquals(rows, [{ total: 1 + 2 + 50 + 9 }]);
  await again.command("DROP CONTINUOUS AGGREGATE hourly");
  assertEquals(await again.aggregates(), []);
});

Deno.test("a series does its maintenance by itself", async () => {
  const dropped = Promise.withResolvers<MaintenanceEvent>();
  await using series = await Series.open({
    durability: "none",
    retention: [{ measurement: "cpu", keepMs: DAY_MS }],
    maintenanceIntervalMs: 20,
    onMaintenance: (event) => dropped.resolve(event),
  });
  await series.write(lines(8), { precision: "ms" });
  const event = await dropped.promise;
  assertEquals(event.kind === "dropped" && event.rows, 1);
});

Deno.test("options of maintenance that cannot be used are refused by name", () => {
  const refused = (options: Parameters<typeof readSeriesOptions>[0], text: string) => {
    assertThrows(() => readSeriesOptions({ durability: "none", ...options }), Error, text);
  };
  refused({ retention: [{ measurement: "", keepMs: 1 }] }, "series.retention[0].measurement");
  refused({ retention: [{ measurement: "cpu", keepMs: 0 }] }, "series.retention[0].keepMs");
  const twice = { measurement: "cpu", keepMs: 1 };
  refused({ retention: [twice, twice] }, "cpu has a policy already");
  refused({ coldAfterMs: 1 }, "series.coldAfterMs");
  refused({ maintenanceIntervalMs: 0 }, "series.maintenanceIntervalMs");
});
