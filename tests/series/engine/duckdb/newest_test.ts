import { assertEquals } from "@std/assert";
import { DuckDBConnection } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import { NewestTimes } from "../../../../src/series/engine/duckdb/newest.ts";

const HOUR_NS = 3_600_000_000_000n;

/** The newest times of a table of these points, as an engine that was just opened reads them. */
async function read(
  points: readonly (readonly [series: number, time: bigint])[],
  series: number,
  more = "",
): Promise<NewestTimes> {
  const database = await bindings.open(":memory:");
  const api = new DuckDBConnection(await bindings.connect(database));
  await api.run("CREATE TABLE m (time TIMESTAMP_NS, series UINTEGER)");
  for (const [id, time] of points) {
    await api.run(`INSERT INTO m VALUES (make_timestamp_ns(${time}), ${id})`);
  }
  if (more !== "") await api.run(more);
  const newest = await NewestTimes.read(api, "m", series);
  api.disconnectSync();
  bindings.close_sync(database);
  return newest;
}

/** Which of some points are late. */
function late(newest: NewestTimes, points: readonly (readonly [number, bigint])[]): number[] {
  return newest.late(
    BigInt64Array.from(points, ([, time]) => time),
    Uint32Array.from(points, ([series]) => series),
  );
}

Deno.test("NewestTimes says which rows are not newer than all before of their series", () => {
  const newest = new NewestTimes(0);
  newest.grow(100);
  assertEquals(late(newest, [[0, 5n], [99, 5n], [0, 5n], [0, 6n], [99, 4n], [0, 7n]]), [2, 4]);
  assertEquals(late(newest, [[0, 7n], [0, 8n], [98, -(2n ** 63n) + 2n]]), [0]);
});

Deno.test("NewestTimes reads each series' newest time, however far apart they are", async () => {
  const newest = await read([[0, 10n], [0, 20n], [1, 500n * HOUR_NS], [2, -HOUR_NS]], 4);
  assertEquals(
    late(newest, [[0, 20n], [0, 21n], [1, 500n * HOUR_NS], [2, -HOUR_NS + 1n], [3, 0n]]),
    [0, 2],
  );
});

Deno.test("NewestTimes takes what it did not read for as new as the begin of what it read", async () => {
  // A million rows in the last hour are enough: series 1 is older than that.
  const newest = await read(
    [[1, 10n]],
    2,
    `INSERT INTO m SELECT make_timestamp_ns(${100n * HOUR_NS} + i), 0 FROM range(1_000_000) r(i)`,
  );
  const last = 100n * HOUR_NS + 999_999n;
  assertEquals(late(newest, [[0, last]]), [0]);
  assertEquals(late(newest, [[1, 11n]]), [0]); // it is newer, but that is not known
  assertEquals(late(newest, [[1, last]]), []);
});

Deno.test("NewestTimes of an empty table knows nothing", async () => {
  assertEquals(late(await read([], 0), []), []);
  assertEquals(late(await read([], 3), [[2, 0n], [2, 0n]]), [1]);
});
