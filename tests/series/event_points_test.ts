import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MemoryStorage, Traqq, type TraqqOptions } from "../../mod.ts";
import { StorageError } from "../../src/base/errors.ts";
import type { SeriesOptions } from "../../src/series/options.ts";
import { Series } from "../../src/series/series.ts";
import { TestDatabase } from "./_engine.ts";

const MAPPING = {
  add: ["event", "event~geo"],
  top: ["page"],
  addValue: [{ key: "geo", addKey: "amount" }],
  bitmap: ["ip", "geo"],
};

/** A traqq whose events are also points. */
class Both implements AsyncDisposable {
  readonly database = new TestDatabase();
  readonly errors: string[] = [];
  readonly traqq: Traqq;
  readonly series: Series;
  readonly #storage: MemoryStorage;

  private constructor(traqq: Traqq, series: Series, storage: MemoryStorage) {
    this.traqq = traqq;
    this.series = series;
    this.#storage = storage;
  }

  static async open(
    options: SeriesOptions = {},
    traqqOptions: Partial<TraqqOptions> = {},
  ): Promise<Both> {
    const database = new TestDatabase();
    const errors: string[] = [];
    const series = await Series.open({
      durability: "none",
      openEngine: database.openEngine,
      onError: (error) => errors.push(error.message),
      ...options,
    });
    const storage = new MemoryStorage();
    const keeper = series.keeper(MAPPING);
    const traqq = await Traqq.open({ storage, mapping: MAPPING, keeper, ...traqqOptions });
    return Object.assign(new Both(traqq, series, storage), { database, errors });
  }

  /** The points that are there. */
  async points() {
    await this.series.flush();
    return this.database.points;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.traqq.close();
    await this.#storage.close();
    await this.series.close();
  }
}

Deno.test("an event that is recorded is a point with tags, texts and floats", async () => {
  await using both = await Both.open();
  await both.traqq.record({
    event: "buy",
    geo: " US ",
    page: 7,
    ip: '1.2.3.4 "x"',
    amount: 9.5,
    time: 5,
    other: "no number",
    deep: { no: 1 },
    nan: NaN,
  }, { at: 1_600_000_000 });
  const [{ measurement, tags, fields, time }] = await both.points();
  assertEquals(measurement, "buy");
  assertEquals(tags, [["geo", "US"], ["page", "7"]]);
  assertEquals({ ...fields }, {
    event: ["integer", 1n],
    ip: ["string", '1.2.3.4 "x"'],
    amount: ["float", 9.5],
  });
  assertEquals(time, 1_600_000_000_000_000_001n);
});

Deno.test("each event of a second is a point of its own, refused ones are none, and the counts agree", async () => {
  await using both = await Both.open();
  const events = Array.from(
    { length: 1000 },
    (_, i) => i % 10 === 9 ? { no: "event" } : { event: "view", geo: "DE" },
  );
  const report = await both.traqq.recordMany(events, { at: 1_600_000_000 });
  assertEquals([report.recorded, report.rejected.length], [900, 100]);
  const points = await both.points();
  assertEquals(points.length, 900);
  assertEquals(new Set(points.map(({ time }) => time)).size, 900);
  const counts = (await both.traqq.query({ from: 1_600_000_000, to: 1_600_000_000 })).merged(
    "add/event",
  );
  assertEquals({ ...counts.counts }, { view: 900 });
});

Deno.test("whatever an event is called and holds, it becomes a point", async () => {
  await using both = await Both.open();
  const odd = ["#x", "a\nb", "ends\\", "a,b c=d", "ä\u0000", "\\", '"q"', "a\r"];
  for (const text of odd) {
    await both.traqq.record({ event: text, geo: text, ip: text, [text]: 1, event2: 1 }, { at: 5 });
  }
  const points = await both.points();
  assertEquals(both.errors, []);
  assertEquals(points.map(({ measurement }) => measurement), [
    "#x",
    "a\\nb",
    "ends\\ ",
    "a,b c=d",
    "ä\u0000",
    "\\ ",
    '"q"',
    "a",
  ]);
  for (const { measurement, tags, fields } of points) {
    assertEquals(tags, [["geo", measurement]]);
    assertEquals(fields.ip, ["string", measurement]);
    assertEquals(fields.event2, ["float", 1]);
  }
});

Deno.test("an event whose point is refused counts all the same, with name and time alone, and that is told", async () => {
  await using both = await Both.open({ limits: { maxFields: 2 } });
  await both.series.write('buy event=1i,amount="text" 1');
  await both.traqq.recordMany([
    { event: "buy", amount: 5 },
    { event: "buy", geo: "US" },
    { event: "buy", a: 1, b: 2 },
  ], { at: 7 });
  const points = (await both.points()).slice(1);
  assertEquals(points.length, 3);
  assertEquals(points.map(({ tags }) => tags.length).sort(), [0, 0, 1]);
  assertStringIncludes(both.errors[0], "of which only name and time are kept");
});

Deno.test("record waits until the point is as durable as the series promise, also beside a journal", async () => {
  const directory = await Deno.makeTempDir({ prefix: "traqq-both-" });
  try {
    const journal = { directory: `${directory}/journal` };
    await using both = await Both.open(
      { durability: "every_write", directory: `${directory}/series` },
      { journal },
    );
    both.database.beforeApply = () => {
      throw new Error("the database takes nothing");
    };
    await both.traqq.record({ event: "buy" }, { at: 7 });
    assertEquals(both.series.stats().written, 1);
    assertEquals(both.series.stats().log!.syncs > 0, true);
    both.database.beforeApply = () => {};
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("while the series take nothing, record waits, and nothing is lost or there twice", async () => {
  await using both = await Both.open({ maxWaitingBytes: 1 });
  const slow = Promise.withResolvers<void>();
  both.database.beforeApply = () => slow.promise;
  await both.series.write("first n=1i");
  let isDone = false;
  const recorded = both.traqq.recordMany([{ event: "a" }, { event: "b" }], { at: 7 })
    .then(() => isDone = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(isDone, false);
  slow.resolve();
  await recorded;
  assertEquals((await both.points()).map(({ measurement }) => measurement), ["first", "a", "b"]);
});

Deno.test("more events than may wait pass through, and each is a point", async () => {
  await using both = await Both.open();
  const geo = "x".repeat(500);
  const events = Array.from({ length: 12_000 }, () => ({ event: "view", geo }));
  assertEquals((await both.traqq.recordMany(events, { at: 7 })).recorded, 12_000);
  assertEquals((await both.points()).length, 12_000);
});

Deno.test("series that are closed before the traqq refuse events, and the caller hears of it", async () => {
  const both = await Both.open();
  await both.series.close();
  await assertRejects(() => both.traqq.record({ event: "a" }), StorageError, "they were closed");
  await both[Symbol.asyncDispose]();
});

Deno.test("a keeper that is none is refused", async () => {
  const storage = new MemoryStorage();
  await assertRejects(
    () => Traqq.open({ storage, keeper: {} as TraqqOptions["keeper"] }),
    Error,
    "Cannot use keeper: wanted one such as series.keeper(mapping)",
  );
});
