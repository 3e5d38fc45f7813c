import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type DuckDbEngine, openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { quoteName } from "../../../../src/series/engine/duckdb/quote.ts";
import { askOf, temporaryFolder, type TestPoint, Units, type Value } from "../_engine.ts";

/** What an engine must hold, said slowly: the last value of every field of every series and time. */
class Model {
  readonly rows = new Map<string, Map<string, Value>>();

  add({ measurement, tags = {}, time, fields }: TestPoint): void {
    const key = keyOf(measurement, Object.entries(tags), time);
    const row = this.rows.get(key) ?? new Map();
    this.rows.set(key, row);
    for (const [name, value] of Object.entries(fields)) row.set(name, value);
  }
}

function keyOf(measurement: string, tags: [string, string][], time: bigint): string {
  return JSON.stringify([measurement, tags.sort(([a], [b]) => a < b ? -1 : 1), `${time}`]);
}

/** All that the views of an engine say, in the form of the model. */
async function read(engine: DuckDbEngine, units: Units, names: Iterable<string>): Promise<Model> {
  const ask = askOf(engine);
  const model = new Model();
  for (const measurement of names) {
    const { tags, fields } = units.columns(measurement);
    const columns = [...tags, ...fields].map(({ column }) => quoteName(column));
    const table = quoteName(units.table(measurement));
    const rows = await ask(`SELECT ${["epoch_ns(time)", ...columns].join(", ")} FROM ${table}`);
    for (const [time, ...values] of rows) {
      const tagValues = values.splice(0, tags.length);
      const present = tags.map(({ name }, at) => [name, tagValues[at]] as [string, string | null])
        .filter((pair): pair is [string, string] => pair[1] !== null);
      const key = keyOf(measurement, present, time as bigint);
      assertEquals(model.rows.has(key), false, `twice: ${key}`);
      const row = new Map<string, Value>();
      fields.forEach(({ name }, at) => {
        if (values[at] !== null) row.set(name, values[at] as Value);
      });
      model.rows.set(key, row);
    }
  }
  return model;
}

/** `TRAQQ_RUNS=100` looks longer. */
const RUNS = Number(Deno.env.get("TRAQQ_RUNS") ?? 4);

const MEASUREMENTS = ["cpu", "CPU", 'say "select"', "duckdb_tables", "select", "main", "état 1"];
const floats = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, 0.1, 21.37),
);
const texts = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom("", "a\0b", "'; DROP TABLE x; --", "long ".repeat(20)),
);
/** A field's name says what it is, for the type of a field never changes. */
const FIELDS: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  f: floats,
  "F": floats,
  time: floats,
  "order by": floats,
  i: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  "i'2": fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n),
  u: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  s: texts,
  's"2': texts,
  b: fc.boolean(),
  __proto__x: fc.boolean(),
};
const fields = fc.subarray(Object.keys(FIELDS), { minLength: 1 }).chain((names) =>
  fc.record(Object.fromEntries(names.map((name) => [name, FIELDS[name]])))
);
const tags = fc.record(
  { host: fc.constantFrom("a", "b", 'c"d', "é\n"), Time: fc.constantFrom("x", ""), i: texts },
  { requiredKeys: [] },
);
const times = fc.oneof(
  fc.bigInt({ min: 0n, max: 30n }),
  fc.bigInt({ min: 0n, max: 10n }).map((day) =>
    1_700_000_000_000_000_001n + day * 86_400n * 10n ** 9n
  ),
  fc.constantFrom(-(2n ** 63n) + 2n, 2n ** 63n - 2n, -1n),
);
/** When days go to the cold tier: some of those that `times` has are old then. */
const COLD_MS = 1_700_000_000_000 + 6 * 86_400_000;
const point: fc.Arbitrary<TestPoint> = fc.record({
  measurement: fc.constantFrom(...MEASUREMENTS),
  tags,
  fields,
  time: times,
});
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.array(point, { minLength: 1, maxLength: 40 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("close" as const, "terminate" as const, "cold" as const),
    },
  ),
  { minLength: 2, maxLength: 12 },
);

Deno.test("an engine holds the last value of every field of every series and time, over restarts and in files", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      await using folder = await temporaryFolder();
      const options = { directory: folder.path, threads: 2, isTiered: true };
      const model = new Model();
      const names = new Set<string>();
      let engine = await openDuckDb(options);
      let units = new Units(engine.state);
      for (const step of [...steps, "close" as const]) {
        if (step === "close" || step === "terminate") {
          const held = await read(engine, units, names);
          assertEquals(held.rows, model.rows);
          if (step === "close") await engine.close();
          else engine.terminate();
          engine = await openDuckDb(options);
          units = new Units(engine.state);
        } else if (step === "cold") {
          const done = await engine.maintain({ retention: [], coldAfterMs: 86_400_000 }, COLD_MS);
          assertEquals(done.filter(({ kind }) => kind !== "moved"), []);
        } else {
          await engine.apply(units.unit(step));
          for (const point of step) {
            model.add(point);
            names.add(point.measurement);
          }
        }
      }
      assertEquals((await read(engine, units, names)).rows, model.rows);
      await engine.close();
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 600_000, markInterruptAsFailure: false },
  );
});
