import { assert, assertEquals } from "@std/assert";
import { openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { readRows } from "../../../../src/series/sql/results/rows.ts";
import { temporaryFolder, Units } from "../_engine.ts";

const DAY_NS = 86_400_000_000_000n;
const UNITS = 25;

Deno.test("questions see whole units while points, fields, files and aggregates change", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path, isTiered: true, threads: 2 });
  const units = new Units();
  /** Ten points of a day, with a field that no unit had before; the last one is late. */
  const unit = (day: number) =>
    units.unit(Array.from({ length: 10 }, (_, at) => ({
      measurement: "cpu",
      tags: { host: `h${at % 3}` },
      fields: { value: 1, [`field ${day}`]: at },
      time: BigInt(day) * DAY_NS + (at === 9 ? 0n : BigInt(at + 1)),
    })));
  await engine.apply(unit(0));
  await engine.command(
    `CREATE CONTINUOUS AGGREGATE daily AS SELECT time_bucket(INTERVAL '1 day', time) AS day,
     sum(value) AS total FROM cpu GROUP BY day`,
  );
  let isDone = false;
  const count = async (sql: string) =>
    Number((await readRows(await engine.session.run(sql))).rows[0].n);
  const asked = (async () => {
    let [asked, least] = [0, 0];
    while (!isDone) {
      for (const sql of ["SELECT count(*) AS n FROM cpu", "SELECT sum(total) AS n FROM daily"]) {
        const n = await count(sql);
        assert(n % 10 === 0 && n >= least, `${sql}: ${n} after ${least}`);
        least = n;
        asked++;
      }
    }
    return asked;
  })();
  const kept = (async () => {
    while (!isDone) {
      const done = await engine.maintain(
        { retention: [], coldAfterMs: 2 * 86_400_000 },
        86_400_000 * UNITS,
      );
      assertEquals(done.filter(({ kind }) => kind === "failed"), []);
    }
  })();
  for (let day = 1; day < UNITS; day++) await engine.apply(unit(day));
  isDone = true;
  await kept;
  assert(await asked > 0);
  assertEquals(await count("SELECT count(*) AS n FROM cpu"), UNITS * 10);
  assertEquals(await count("SELECT sum(total) AS n FROM daily"), UNITS * 10);
  await engine.close();
});
