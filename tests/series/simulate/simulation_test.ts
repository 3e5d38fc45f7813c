import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { questionAt } from "../../../src/series/simulate/questions.ts";
import { countAll, latenciesOf, simulate } from "../../../src/series/simulate/simulation.ts";
import { Device } from "../../../src/series/simulate/workload.ts";
import { Series } from "../../../src/series/series.ts";
import { served } from "../import/_import.ts";

Deno.test("a thousand devices have 7,500 series, and the same seed gives the same reports", async () => {
  const devices = Array.from({ length: 1000 }, (_, i) => new Device(i, 1));
  assertEquals(devices.reduce((sum, { seriesCount }) => sum + seriesCount, 0), 7500);
  const reports = (seed: number) => {
    const device = new Device(7, seed);
    return device.report(1000) + device.report(2000);
  };
  assertEquals(reports(3), reports(3));
  assertEquals(reports(3) === reports(4), false);
  await using series = await Series.open({ durability: "none" });
  for (const device of devices) {
    const { written, rejectedLines } = await series.write(device.report(1000));
    assertEquals([written, rejectedLines], [device.seriesCount, 0]);
  }
  assertEquals([series.stats().series, series.stats().measurements], [7500, 4]);
});

Deno.test("of ten questions six are of dashboards, three of alerts, one of a device, and each has an answer", async () => {
  await using series = await Series.open({ durability: "none" });
  await series.write(new Device(0, 1).report(Date.now()));
  const kinds: Record<string, number> = {};
  const asked = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const { kind, sql, parameters } = questionAt(i, "device-00000");
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    const { rows } = await series.sql(sql, parameters);
    if (kind !== "alerting") assertEquals(rows.length > 0, true, sql);
    asked.add(sql);
  }
  assertEquals(kinds, { dashboard: 24, alerting: 12, historical: 4 });
  assertEquals(asked.size, 9);
});

Deno.test("percentiles are the smallest value that so many are not above", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assertEquals(latenciesOf(hundred), { count: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99 });
  assertEquals(latenciesOf([7]), { count: 1, p50Ms: 7, p95Ms: 7, p99Ms: 7 });
  assertEquals(latenciesOf([]).count, 0);
});

Deno.test("a simulation writes what it says, and asks while it writes", async () => {
  await using place = await served("secret");
  const url = place.target.name.replace("server ", "");
  const load = {
    ...{ url, token: "secret", devices: 20, seed: 1, queryRate: 20 },
    ...{ writeIntervalMs: 250, durationMs: 1000 },
  };
  const report = await simulate(load);
  assertEquals([report.errors, report.firstError], [0, undefined]);
  // Four reports of each device while it is measured, one before.
  assertEquals([report.series, report.points, report.allPoints], [150, 600, 750]);
  assertEquals(report.writes.count, 80);
  const { dashboard, alerting, historical } = report.queries;
  assertEquals([dashboard.count, alerting.count, historical.count], [12, 6, 2]);
  assertEquals(await countAll(load), 750);
  await assertRejects(() => simulate({ ...load, token: "wrong" }), Error, "it answers 40");
});

Deno.test("requests that fail are counted and named, and the others go on", async () => {
  let requests = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.text();
      return new Response(null, { status: ++requests % 2 === 0 ? 503 : 204 });
    },
  );
  const report = await simulate({
    ...{ url: `http://127.0.0.1:${server.addr.port}`, devices: 10, seed: 1, queryRate: 0 },
    ...{ writeIntervalMs: 100, durationMs: 200 },
  });
  await server.shutdown();
  assertEquals([report.errors, report.writes.count], [10, 10]);
  assertStringIncludes(report.firstError!, "it answers 503");
});
