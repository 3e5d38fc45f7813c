import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { DATABASE_NAME } from "../../../../src/series/engine/duckdb/database.ts";
import {
  type DuckDbEngine,
  EngineError,
  openDuckDb,
} from "../../../../src/series/engine/duckdb/mod.ts";
import { type Ask, askOf, temporaryFolder, type TestPoint, Units } from "../_engine.ts";

const HOUR_NS = 3_600_000_000_000n;
const DAY_NS = 24n * HOUR_NS;
const NOON = 1_700_000_000_000_000_000n / DAY_NS * DAY_NS + 12n * HOUR_NS;
const noonMs = Number(NOON / 1_000_000n);
const NOTHING = { retention: [], coldAfterMs: undefined };

const point = (host: string, time: bigint, value: number): TestPoint => ({
  measurement: "cpu",
  tags: { host },
  fields: { usage: value },
  time,
});

const SELECT = `SELECT time_bucket(INTERVAL '1 hour', time) AS bucket, host, count(*) AS points,
  sum(usage) AS total, max(usage) AS highest FROM cpu WHERE usage <> 13 GROUP BY bucket, host`;

/** What an aggregate says beside what its query says now: the same, whatever came. */
async function assertRight(ask: Ask, name: string, query: string): Promise<void> {
  const columns = "SELECT COLUMNS(*)::VARCHAR FROM";
  const expected = await ask(`${columns} (${query}) ORDER BY ALL`);
  assertEquals(await ask(`${columns} ${name} ORDER BY ALL`), expected);
}

async function withEngine(run: (engine: DuckDbEngine, ask: Ask, units: Units) => Promise<void>) {
  const engine = await openDuckDb({ directory: undefined });
  try {
    await run(engine, askOf(engine), new Units());
  } finally {
    await engine.close();
  }
}

Deno.test("a continuous aggregate says what its query says, whatever comes, refreshed or not", async () => {
  const WIDTHS = ["1 hour", "7 hours", "1 day", "90 minutes", "1 week", "1 microsecond"];
  const time = fc.oneof(
    fc.bigInt({ min: -3n * DAY_NS, max: 3n * DAY_NS }),
    fc.constantFrom(
      -(2n ** 63n) + 2n,
      2n ** 63n - 2n,
      -1n,
      0n,
      -1000n,
      HOUR_NS,
      HOUR_NS - 1n,
      -HOUR_NS,
      DAY_NS - 999n,
    ),
  );
  const points = fc.array(
    fc.record({ host: fc.constantFrom("a", "b"), time, value: fc.integer({ min: 0, max: 20 }) }),
    { minLength: 1, maxLength: 30 },
  );
  const steps = fc.array(fc.oneof(points, fc.constant("maintain" as const)), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(...WIDTHS), async (steps, width) => {
      await withEngine(async (engine, ask, units) => {
        await engine.apply(units.unit([point("a", 5n, 1)]));
        const query = SELECT.replace("1 hour", width);
        await engine.command(`CREATE CONTINUOUS AGGREGATE rolled AS ${query}`);
        for (const step of steps) {
          if (step === "maintain") await engine.maintain(NOTHING, Number(DAY_NS / 1_000_000n));
          else {
            await engine.apply(units.unit(step.map((p) => point(p.host, p.time, p.value))));
          }
          await assertRight(ask, "rolled", query);
        }
      });
    }),
    { numRuns: 6, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false },
  );
});

Deno.test("a continuous aggregate is kept over a restart, with its dirty buckets", async () => {
  await using folder = await temporaryFolder();
  const options = { directory: folder.path };
  let engine = await openDuckDb(options);
  await engine.apply(new Units().unit([point("a", NOON, 1)]));
  await engine.command(`CREATE CONTINUOUS AGGREGATE "by hour" AS ${SELECT};`);
  // The same again changes nothing.
  await engine.command(`CREATE CONTINUOUS AGGREGATE "by hour" AS ${SELECT};`);
  await engine.close();

  engine = await openDuckDb(options);
  assertEquals(await engine.aggregates(), [{ name: "by hour", table: "cpu", query: SELECT }]);
  await engine.apply(new Units(engine.state).unit([point("a", NOON - HOUR_NS, 2)]));
  await assertRight(askOf(engine), `"by hour"`, SELECT);
  const done = await engine.maintain(NOTHING, noonMs + 7_200_000);
  assertEquals(done, [{ kind: "refreshed", measurement: "by hour", buckets: 2 }]);
  assertEquals(await engine.maintain(NOTHING, noonMs + 7_200_000), []);
  await assertRight(askOf(engine), `"by hour"`, SELECT);
  await engine.command(`DROP CONTINUOUS AGGREGATE "by hour"`);
  assertEquals(await engine.aggregates(), []);
  await assertRejects(() => askOf(engine)(`FROM "by hour"`));
  await engine.close();
});

Deno.test("a continuous aggregate knows the functions that questions know", async () => {
  await withEngine(async (engine, ask, units) => {
    await engine.apply(units.unit([point("a", NOON + 2n, 1), point("a", NOON + 3n, 2)]));
    await engine.command(
      `CREATE CONTINUOUS AGGREGATE ends AS SELECT time_bucket('1 hour', time) AS hour,
       first(usage) AS first, last(usage) AS last, percentile(usage, 50) AS middle
       FROM cpu GROUP BY hour`,
    );
    const read = () => ask("SELECT first, last, middle FROM ends");
    assertEquals(await read(), [[1, 2, 1.5]]);
    await engine.apply(units.unit([point("b", NOON + 1n, 9)]));
    assertEquals(await read(), [[9, 2, 2]]);
    await engine.maintain(NOTHING, noonMs + 3_600_000);
    assertEquals(await read(), [[9, 2, 2]]);
  });
});

Deno.test("retention drops whole days, tells how many, and leaves continuous aggregates whole", async () => {
  await withEngine(async (engine, ask, units) => {
    await engine.apply(units.unit([
      point("a", NOON - 5n * DAY_NS, 1),
      point("a", NOON - 2n * DAY_NS, 2),
      point("a", NOON - DAY_NS, 3),
      point("a", NOON, 4),
      { measurement: "mem", fields: { used: 1 }, time: NOON - 9n * DAY_NS },
    ]));
    await engine.command(`CREATE CONTINUOUS AGGREGATE hourly AS ${SELECT}`);
    const before = await ask("SELECT COLUMNS(*)::VARCHAR FROM hourly ORDER BY ALL");
    const plan = {
      retention: [{ measurement: "cpu", keepMs: 86_400_000 }],
      coldAfterMs: undefined,
    };
    const done = await engine.maintain(plan, noonMs);
    const day = new Date(noonMs - 36 * 3_600_000).toISOString();
    assertEquals(done.at(-1), { kind: "dropped", measurement: "cpu", rows: 2, before: day });
    assertEquals(await ask("SELECT usage FROM cpu ORDER BY time"), [[3], [4]]);
    assertEquals(await ask("SELECT used FROM mem"), [[1]]);
    assertEquals(await ask("SELECT COLUMNS(*)::VARCHAR FROM hourly ORDER BY ALL"), before);

    // A point for what is dropped changes no bucket, and goes with the next run; others still count.
    await engine.apply(units.unit([point("a", NOON - 5n * DAY_NS, 9), point("b", NOON, 5)]));
    const now = await ask("SELECT host, total FROM hourly ORDER BY bucket, host");
    assertEquals(now, [["a", 1], ["a", 2], ["a", 3], ["a", 4], ["b", 5]]);
    const again = await engine.maintain(plan, noonMs);
    assertEquals(again.at(-1), { kind: "dropped", measurement: "cpu", rows: 1, before: day });
    assertEquals(await engine.maintain(plan, noonMs), []);
  });
});

Deno.test("the space of points that were dropped is used again", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path, threads: 1 });
  const units = new Units();
  const retention = [{ measurement: "cpu", keepMs: 86_400_000 }];
  const sizes: number[] = [];
  for (let month = 0n; month < 4n; month++) {
    const start = NOON + month * 30n * DAY_NS;
    const points = Array.from({ length: 20_000 }, (_, at) => ({
      ...point(`h${at % 10}`, start + BigInt(at), Math.random()),
    }));
    await engine.apply(units.unit(points));
    await engine.maintain(
      { retention, coldAfterMs: undefined },
      noonMs + Number(month + 1n) * 30 * 86_400_000,
    );
    assertEquals(await askOf(engine)("SELECT count(*) FROM cpu"), [[0n]]);
    sizes.push((await Deno.stat(`${folder.path}/${DATABASE_NAME}`)).size);
  }
  assert(sizes[3] <= 2 * sizes[0], `${sizes}`);
  await engine.close();
});

Deno.test("retention cuts no bucket of a continuous aggregate in two", async () => {
  await withEngine(async (engine, ask, units) => {
    const days = Array.from({ length: 20 }, (_, day) => point("a", NOON - BigInt(day) * DAY_NS, 1));
    await engine.apply(units.unit(days));
    const weekly = SELECT.replace("1 hour", "7 days");
    await engine.command(`CREATE CONTINUOUS AGGREGATE weekly AS ${weekly}`);
    const plan = {
      retention: [{ measurement: "*", keepMs: 3 * 86_400_000 }],
      coldAfterMs: undefined,
    };
    await engine.maintain(plan, noonMs);
    assertEquals(await ask("SELECT sum(points)::INTEGER FROM weekly"), [[20]]);
    // What is left begins with a week.
    assertEquals(
      await ask(
        "SELECT min(time)::TIMESTAMP = time_bucket(INTERVAL '7 days', min(time)) + INTERVAL 12 HOUR FROM cpu",
      ),
      [[true]],
    );
    await engine.apply(units.unit([point("b", NOON - 3n * DAY_NS, 1)]));
    assertEquals(await ask("SELECT sum(points)::INTEGER FROM weekly"), [[21]]);
  });
});

Deno.test("retention of a continuous aggregate drops its old buckets for good", async () => {
  await withEngine(async (engine, ask, units) => {
    await engine.apply(units.unit([point("a", NOON - 5n * DAY_NS, 1), point("a", NOON, 2)]));
    await engine.command(`CREATE CONTINUOUS AGGREGATE hourly AS ${SELECT}`);
    const plan = {
      retention: [{ measurement: "hourly", keepMs: 86_400_000 }],
      coldAfterMs: undefined,
    };
    await engine.maintain(plan, noonMs + 3_600_000);
    assertEquals(await ask("SELECT total FROM hourly"), [[2]]);
    await engine.apply(units.unit([point("b", NOON - 5n * DAY_NS, 1)]));
    assertEquals(await ask("SELECT total FROM hourly"), [[2]]);
    assertEquals(await ask("SELECT count(*) FROM cpu"), [[3n]]);
  });
});

Deno.test("a measurement that comes with the name of a continuous aggregate gets it", async () => {
  await withEngine(async (engine, ask, units) => {
    await engine.apply(units.unit([point("a", NOON, 1)]));
    await engine.command(`CREATE CONTINUOUS AGGREGATE rolled AS ${SELECT}`);
    await engine.apply(units.unit([{ measurement: "Rolled", fields: { x: 1 }, time: 1n }]));
    assertEquals(await ask("SELECT x FROM rolled"), [[1]]);
    assertEquals((await engine.aggregates()).map(({ name }) => name), ["rolled_1"]);
    await assertRight(ask, "rolled_1", SELECT);
  });
});

Deno.test("what cannot be a continuous aggregate is refused with the reason", async () => {
  await withEngine(async (engine, ask, units) => {
    await engine.apply(units.unit([point("a", NOON, 1)]));
    const bucket = "time_bucket(INTERVAL '1 hour', time) AS b";
    const refused: [statement: string, reason: string][] = [
      ["CREATE VIEW x AS SELECT 1", "wanted CREATE CONTINUOUS AGGREGATE"],
      ["DROP CONTINUOUS AGGREGATE x", "there is none of this name"],
    ];
    const queries: [query: string, reason: string][] = [
      [`SELECT ${bucket} FROM cpu ORDER BY b`, "ORDER BY, LIMIT and DISTINCT"],
      [`SELECT DISTINCT ${bucket} FROM cpu`, "ORDER BY, LIMIT and DISTINCT"],
      [`SELECT ${bucket} FROM cpu JOIN cpu d USING (time)`, "the name of one measurement"],
      [`SELECT ${bucket} FROM main.cpu`, "without a schema"],
      [`SELECT ${bucket} FROM read_csv('/etc/passwd')`, "read_csv() cannot be called"],
      [`SELECT ${bucket}, (SELECT 1) AS c FROM cpu`, "a SELECT inside it"],
      [`SELECT ${bucket}, row_number() OVER () AS c FROM cpu`, "OVER reads other buckets"],
      [`SELECT ${bucket}, * FROM cpu`, "received *"],
      [`SELECT ${bucket}, random() AS r FROM cpu`, "random is something else each time"],
      [`SELECT ${bucket}, now() AS r FROM cpu`, "now is something else each time"],
      [`SELECT ${bucket}, current_date AS r FROM cpu`, "current_date is something else"],
      [`SELECT ${bucket} FROM cpu WHERE usage > $1`, "it has a parameter"],
      ["SELECT count(*) FROM cpu", "wanted a column time_bucket"],
      ["SELECT time_bucket(INTERVAL '1 month', time) AS b FROM cpu", "of a fixed width"],
      [`SELECT ${bucket} FROM nothing`, "there is no measurement of that name"],
      [`SELECT ${bucket}, missing FROM cpu`, "missing"],
      [`SELECT ${bucket}; SELECT 1`, "wanted one, received 2"],
      [`SELECT ${bucket} FROM cpu UNION SELECT now()`, "wanted a SELECT"],
      [`WITH c AS (SELECT 1) SELECT ${bucket} FROM cpu`, "wanted CREATE CONTINUOUS"],
      ["SELECT FROM", "syntax error"],
    ];
    for (const [query, reason] of queries) {
      refused.push([`CREATE CONTINUOUS AGGREGATE x AS ${query}`, reason]);
    }
    refused.push([`CREATE CONTINUOUS AGGREGATE CPU AS ${SELECT}`, "something else of this name"]);
    for (const [statement, reason] of refused) {
      const error = await assertRejects(
        () => engine.command(statement),
        EngineError,
        "",
        statement,
      );
      assertEquals(error.code, "refused", statement);
      assertStringIncludes(error.message, reason, statement);
    }
    assertEquals(await engine.aggregates(), []);
    assertEquals(await ask("SELECT count(*) FROM cpu"), [[1n]]);
  });
});
