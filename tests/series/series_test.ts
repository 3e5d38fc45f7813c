import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { ConfigError, StorageError } from "../../src/base/errors.ts";
import type { SeriesOptions } from "../../src/series/options.ts";
import { Series } from "../../src/series/series.ts";
import { again, lines, numbersIn, range, TestDatabase, until } from "./_engine.ts";

const MODES = ["every_write", "periodic", "os_default"] as const;

/** A directory that is removed at the end. */
async function folder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await Deno.makeTempDir({ prefix: "traqq-series-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function open(database: TestDatabase, options: SeriesOptions): Promise<Series> {
  return Series.open({ openEngine: database.openEngine, ...options });
}

Deno.test("in every mode the database has what was written once flush has resolved, in order", async () => {
  for (const durability of [...MODES, "none"] as const) {
    await using dir = await folder();
    const database = new TestDatabase();
    const directory = durability === "none" ? undefined : dir.path;
    await using series = await open(database, { directory, durability });
    assertEquals((await series.write(lines(0, 50))).written, 50);
    await Promise.all([series.write(lines(50, 10)), series.write(lines(60, 10))]);
    await series.flush();
    assertEquals(numbersIn(database), range(0, 70));
    assertEquals(series.stats().appliedPoints, 70);
  }
});

Deno.test("what comes together goes to the database in one unit", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  await using series = await open(database, { directory: dir.path, applyIntervalMs: 60_000 });
  for (const n of range(0, 100)) await series.write(lines(n, 1));
  assertEquals(database.units, 0);
  await series.flush();
  assertEquals(database.units, 1);
});

Deno.test("points that nobody asks for go to the database by themselves", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  const applied = Promise.withResolvers<void>();
  database.afterApply = () => applied.resolve();
  await using series = await open(database, { directory: dir.path, applyIntervalMs: 1 });
  await series.write(lines(0, 3));
  await applied.promise;
  assertEquals(numbersIn(database), [0, 1, 2]);
});

Deno.test("what was acknowledged comes from the log if the database never got it", async () => {
  for (const durability of MODES) {
    await using dir = await folder();
    const database = new TestDatabase();
    const options = { directory: dir.path, durability, limits: { maxSeries: 7 } };
    const stuck = Promise.withResolvers<void>();
    database.beforeApply = () => stuck.promise;
    const first = await open(database, options);
    const { written, rejected } = await first.write(
      `${lines(0, 20)}bad\n${lines(20, 5)}m,k=no n=1i`,
    );
    assertEquals([written, rejected.map(({ line }) => line)], [25, [21, 27]]);
    await assertRejects(() => first.close(1), StorageError, "they are in the log");
    stuck.resolve();
    database.beforeApply = () => {};
    // Limits are not asked again of what was accepted.
    await using second = await open(database, { ...options, limits: { maxSeries: 1 } });
    assertEquals(numbersIn(database), range(0, 25));
    assertEquals(second.stats().series, 7);
    assertEquals((await second.write("m,k=new n=1i")).rejectedLines, 1);
  }
});

Deno.test("a unit that fails before or after it was applied is applied once, and nobody waits in vain", async () => {
  for (const place of ["beforeApply", "afterApply"] as const) {
    await using dir = await folder();
    const database = new TestDatabase();
    const errors: Error[] = [];
    let failures = 3;
    database[place] = () => {
      if (failures-- > 0) throw new Error("the test's failure");
    };
    await using series = await open(database, {
      directory: dir.path,
      onError: (error) => errors.push(error),
    });
    await series.write(lines(0, 30));
    // It may be told that the database is gone for now.
    await again(() => series.flush());
    await series.write(lines(30, 30));
    await series.flush();
    assertEquals(numbersIn(database), range(0, 60));
    assertEquals(series.stats().series, 7);
    assertStringIncludes(errors[0].message, "the test's failure");
  }
});

Deno.test("an engine that dies is followed by another, which gets what the first had not", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  await using series = await open(database, { directory: dir.path, applyIntervalMs: 60_000 });
  await series.write(lines(0, 10));
  await series.flush();
  await series.write(lines(10, 10));
  for (const engine of database.open) engine.die();
  await series.write(lines(20, 10));
  await series.flush();
  assertEquals(numbersIn(database), range(0, 30));
  assertEquals(series.stats().restarts, 1);
});

Deno.test("while the database cannot be opened, writers and askers are told, and it is tried until it can", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  await using series = await open(database, { directory: dir.path });
  await series.write(lines(0, 10));
  await series.flush();
  database.beforeOpen = () => {
    throw new Error("no room");
  };
  for (const engine of database.open) engine.die();
  // Its death is heard of a little later.
  await until(() => series.flush().then(() => false, () => true));
  await assertRejects(
    () => series.flush(),
    StorageError,
    "Cannot open the database again: no room",
  );
  await assertRejects(() => series.write(lines(10, 1)), StorageError, "no room");
  database.beforeOpen = () => {};
  await again(() => series.write(lines(10, 1)));
  await series.flush();
  assertEquals(numbersIn(database), range(0, 11));
});

Deno.test("with the durability none an engine that dies takes all with it, and that is told", async () => {
  let database = new TestDatabase();
  const errors: Error[] = [];
  await using series = await open(database, {
    durability: "none",
    openEngine: () => database.openEngine(),
    onError: (error) => errors.push(error),
  });
  await series.write(lines(0, 10));
  await series.flush();
  const dead = database;
  database = new TestDatabase();
  for (const engine of dead.open) engine.die();
  await until(() => series.stats().restarts > 0);
  await series.write(lines(10, 5));
  await series.flush();
  assertEquals(numbersIn(database), range(10, 5));
  assertInstanceOf(errors[0], StorageError);
  assertStringIncludes(errors[0].message, "all its 10 points are lost");
});

Deno.test("writes wait while the database is slower than they are, and memory stays bounded", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  const slow = Promise.withResolvers<void>();
  database.beforeApply = () => slow.promise;
  await using series = await open(database, {
    directory: dir.path,
    maxWaitingBytes: 1000,
    applyIntervalMs: 0,
  });
  let done = 0;
  const writes = range(0, 50).map(async (i) => {
    await series.write(lines(i * 10, 10));
    done++;
  });
  // The first that fills it is taken whole.
  const most = 1000 + lines(490, 10).length;
  await until(() => series.stats().waitingBytes >= 1000);
  assertEquals(series.stats().waitingBytes < most, true);
  assertEquals(done < 50, true);
  slow.resolve();
  await Promise.all(writes);
  await series.flush();
  assertEquals(numbersIn(database).sort((a, b) => a - b), range(0, 500));
});

Deno.test("a second process, or a second opener in this one, does not get the directory", async () => {
  await using dir = await folder();
  await using _first = await open(new TestDatabase(), { directory: dir.path });
  const error = await assertRejects(
    () => open(new TestDatabase(), { directory: dir.path }),
    StorageError,
    "has it open",
  );
  assertEquals((error as StorageError).code, "held");
});

Deno.test("a log that belongs to another database is refused, and left as it is", async () => {
  await using dir = await folder();
  const first = await open(new TestDatabase(), { directory: dir.path });
  await first.close();
  const other = new TestDatabase();
  await assertRejects(() => open(other, { directory: dir.path }), ConfigError, "another database");
  assertEquals(other.open.size, 0);
});

Deno.test("a series that is closed takes nothing, and closing twice is fine", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  const series = await open(database, { directory: dir.path });
  await series.write(lines(0, 5));
  await Promise.all([series.close(), series.close()]);
  assertEquals(numbersIn(database), range(0, 5));
  assertEquals(database.open.size, 0);
  await assertRejects(() => series.write("m n=1i"), StorageError, "they were closed");
  await assertRejects(() => series.write(lines(0, 1)), StorageError, "they were closed");
});

Deno.test("points are written as objects, and a bad one is reported by its place", async () => {
  const database = new TestDatabase();
  await using series = await open(database, { durability: "none" });
  const report = await series.write([
    { measurement: "a", fields: { v: 1, s: "two\nlines" } },
    { measurement: "a", fields: { v: NaN } },
    { measurement: "a", fields: { v: 1n } },
    { measurement: "a", fields: { v: 2 }, time: 5n },
  ]);
  assertEquals([report.written, report.rejectedLines], [2, 2]);
  assertEquals(report.rejected.map(({ line }) => line), [2, 3]);
  await series.flush();
  assertEquals(database.points.map(({ fields }) => fields.v[1]), [1, 2]);
  assertEquals(database.points[1].time, 5n);
});

Deno.test("lines without a time have each their own, also in requests that come at once", async () => {
  const database = new TestDatabase();
  await using series = await open(database, { durability: "none" });
  await Promise.all(range(0, 20).map(() => series.write("a v=1\na v=2\n")));
  await series.flush();
  assertEquals(new Set(database.points.map(({ time }) => time)).size, 40);
});

/** Keeps so many events of one second as points. */
async function keepEvents(series: Series, count: number): Promise<void> {
  const keeper = series.keeper({});
  for (let i = 0; i < count; i++) keeper.keep({ event: "buy" }, 7);
  await keeper.kept;
}

Deno.test("events of one second are apart, also after a restart and read from the log again", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  const options = { directory: dir.path };
  const first = await open(database, options);
  await keepEvents(first, 2);
  await first.close();
  const stuck = Promise.withResolvers<void>();
  database.beforeApply = () => stuck.promise;
  const second = await open(database, options);
  await keepEvents(second, 1);
  await assertRejects(() => second.close(1));
  database.beforeApply = () => {};
  const third = await open(database, options);
  await keepEvents(third, 1);
  await third.close();
  assertEquals(
    database.points.map(({ time }) => time),
    range(1, 4).map((i) => 7_000_000_000n + BigInt(i)),
  );
  stuck.resolve();
});

Deno.test("the log goes once the database has it, and stays as long as it is to be kept", async () => {
  for (const [retainLogMs, expected] of [[0, 1], [null, 3]] as const) {
    await using dir = await folder();
    const database = new TestDatabase();
    for (const round of range(0, 2)) {
      await using series = await open(database, { directory: dir.path, retainLogMs });
      await series.write(lines(round, 1));
      await series.flush();
    }
    await using series = await open(database, { directory: dir.path, retainLogMs });
    await until(() => series.stats().log!.segments === expected);
  }
});

Deno.test("a full segment of the log stays until the database has it, whatever it had before", async () => {
  await using dir = await folder();
  const database = new TestDatabase();
  const options = {
    directory: dir.path,
    // So much is better not synced.
    durability: "os_default" as const,
    maxWaitingBytes: 1 << 30,
    applyIntervalMs: 0,
  };
  const first = await open(database, options);
  const slow = Promise.withResolvers<void>();
  database.beforeApply = () => slow.promise;
  await first.write(lines(0, 1));
  // More than a segment holds, while the database is at work on the first point.
  const text = "x".repeat(1 << 19);
  for (const n of range(1, 140)) await first.write(`m,k=1 n=${n}i,s="${text}"`);
  assertEquals(first.stats().log!.segments, 2);
  database.afterApply = () => {
    database.beforeApply = () => Promise.withResolvers<void>().promise;
  };
  slow.resolve();
  await until(() => first.stats().appliedPoints === 1);
  await first.close(1).catch(() => {});
  database.beforeApply = database.afterApply = () => {};
  await using _second = await open(database, options);
  assertEquals(numbersIn(database), range(0, 141));
});

Deno.test("options that cannot be used are refused by name", async () => {
  const bad = (options: SeriesOptions, message: string) =>
    assertRejects(() => Series.open(options), ConfigError, message);
  await bad({}, "series.directory: wanted the path");
  await bad({ durability: "none", directory: "x" }, "all is in memory");
  await bad({ durability: "never" as "none" }, "series.durability");
  await bad({ durability: "none", syncIntervalMs: 0 }, "series.syncIntervalMs");
  await bad({ durability: "none", threads: 0 }, "series.threads");
  await bad({ durability: "none", limits: { maxTags: 0 } }, "limits.maxTags");
  await bad(
    { durability: "none", limits: { maxTag: 1 } as object },
    "limits.maxTag: wanted one of",
  );
  await bad({ durability: "none", dir: "x" } as SeriesOptions, "series.dir");
});

/** What a run of the model does. */
type Step = "write" | "flush" | "die" | "fail before" | "fail after" | "restart" | "crash";

Deno.test("whatever fails, and whenever it is opened again, each accepted point is there once, in order", async () => {
  const step = fc.constantFrom<Step>(
    ...[
      "write",
      "write",
      "write",
      "flush",
      "die",
      "fail before",
      "fail after",
      "restart",
      "crash",
    ] as Step[],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.constantFrom(...MODES),
      async (steps, durability) => {
        await using dir = await folder();
        const database = new TestDatabase();
        const options = { directory: dir.path, durability, applyIntervalMs: 1 };
        let series = await open(database, options);
        let written = 0;
        for (const step of steps) {
          if (step === "write") {
            let isDone = false;
            await again(async () => {
              if (isDone) return;
              const report = await series.write(`${lines(written, 5)}bad line\n`);
              assertEquals([report.written, report.rejectedLines], [5, 1]);
              written += 5;
              isDone = true;
            });
          } else if (step === "flush") await again(() => series.flush());
          else if (step === "die") { for (const engine of database.open) engine.die(); }
          else if (step === "restart") {
            // What the database does not take is in the log.
            await series.close().catch(() => {});
            await again(async () => series = await open(database, options));
          } else if (step === "crash") {
            // The database gets nothing any more.
            database.beforeApply = () => {
              throw new Error("crashed");
            };
            await series.close(1).catch(() => {});
            database.beforeApply = () => {};
            await again(async () => series = await open(database, options));
          } else {
            const place = step === "fail before" ? "beforeApply" : "afterApply";
            database[place] = () => {
              database[place] = () => {};
              throw new Error("the test's failure");
            };
          }
        }
        database.beforeApply = database.afterApply = () => {};
        await again(() => series.flush());
        await series.close();
        assertEquals(numbersIn(database), range(0, written));
      },
    ),
    { numRuns: 60, interruptAfterTimeLimit: 30_000 },
  );
});
