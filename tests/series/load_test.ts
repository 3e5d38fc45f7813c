import { assertEquals, assertRejects } from "@std/assert";
import { Series } from "../../src/series/series.ts";
import { again, lines, numbersIn, range, TestDatabase, until } from "./_engine.ts";

/** Points with the field `n`, in columns. */
function columns(from: number, count: number) {
  const rows = range(from, count);
  return {
    measurement: "m",
    times: BigInt64Array.from(rows, BigInt),
    series: Uint32Array.from(rows, (n) => n % 2),
    tags: [[["k", "0"]], [["k", "load"]]] as const,
    fields: [{
      name: "n",
      type: "integer" as const,
      values: BigInt64Array.from(rows, BigInt),
    }],
  };
}

Deno.test("columns that are loaded and lines that are written meanwhile are all there, in the series of their tags", async () => {
  const directory = await Deno.makeTempDir();
  const database = new TestDatabase();
  const options = { directory, openEngine: database.openEngine };
  try {
    const series = await Series.open(options);
    await series.write(lines(0, 20));
    const loading = series.load(columns(20, 10));
    const writing = series.write(`${lines(30, 10)}m,k=load n=40i,new=1`);
    await Promise.all([loading, writing]);
    // The reader of lines knows what the columns brought, and the other way round.
    await series.load({
      ...columns(41, 1),
      fields: [{ name: "n", type: "integer", values: BigInt64Array.of(41n) }, {
        name: "new",
        type: "float",
        values: Float64Array.of(2),
      }],
    });
    await series.write("m,k=load n=42i,new=3");
    await series.close();
    // A log with a gap in its numbers is read as well.
    await using again = await Series.open(options);
    await again.write(lines(43, 1));
    await again.flush();
    assertEquals(numbersIn(database).sort((a, b) => a - b), range(0, 44));
    const tagsOf = new Map(database.points.map(({ fields, tags }) => [Number(fields.n[1]), tags]));
    assertEquals(JSON.stringify(tagsOf.get(21)), JSON.stringify(tagsOf.get(42)));
    assertEquals(again.stats().series, 8);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a load that fails before or after it was applied is told, and lines go on, also after a restart", async () => {
  for (const place of ["beforeApply", "afterApply"] as const) {
    const directory = await Deno.makeTempDir();
    const database = new TestDatabase();
    const options = { directory, openEngine: database.openEngine };
    try {
      const series = await Series.open(options);
      await series.write(lines(0, 10));
      await series.flush();
      database[place] = () => {
        throw new Error("the test's failure");
      };
      await assertRejects(() => series.load(columns(100, 5)), Error, "the test's failure");
      database[place] = () => {};
      await until(() => series.stats().restarts > 0);
      await again(() => series.write(lines(10, 10)));
      await series.close();
      await using next = await Series.open(options);
      await next.write(lines(20, 1));
      await next.flush();
      const loaded = place === "afterApply" ? range(100, 5) : [];
      assertEquals(numbersIn(database).sort((a, b) => a - b), [...range(0, 21), ...loaded]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
});

Deno.test("columns that cannot be written are refused as a whole, and leave no trace", async () => {
  const database = new TestDatabase();
  await using series = await Series.open({
    durability: "none",
    openEngine: database.openEngine,
    limits: { maxSeries: 8, maxFields: 2 },
  });
  await series.write(lines(0, 7));
  const bad = (change: object, message: string) =>
    assertRejects(() => series.load({ ...columns(0, 2), ...change }), RangeError, message);
  const floats = (name: string) => ({ name, type: "float" as const, values: new Float64Array(2) });
  await bad({ fields: [floats("n")] }, 'its field "n" is integer since its first point');
  await bad({ tags: [[["k", "x"]], [["k", "y"]]] }, "there would be 9 series");
  await bad({ fields: [floats("a"), floats("b")] }, "there would be 3 fields");
  await bad({ tags: [[]] }, "a row has the tags 1, and there are 1");
  await bad({ fields: [{ ...floats("a"), values: new Float64Array(1) }] }, "not as many values");
  await bad({ measurement: "a\nb" }, "it has a line break");
  assertEquals([series.stats().series, series.stats().measurements], [7, 1]);
  await series.load(columns(0, 2));
  assertEquals(series.stats().series, 8);
});
