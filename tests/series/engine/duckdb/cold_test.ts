import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { COLD_NAME, DAY_NS } from "../../../../src/series/engine/duckdb/cold.ts";
import { EngineError, openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { type Ask, askOf, temporaryFolder, type TestPoint, Units } from "../_engine.ts";

const NOON = 1_700_000_000_000_000_000n / DAY_NS * DAY_NS + DAY_NS / 2n;
const noonMs = Number(NOON / 1_000_000n);
const MONTH = { retention: [], coldAfterMs: 86_400_000 };

const point = (host: string, daysAgo: number, fields: TestPoint["fields"]): TestPoint => ({
  measurement: "cpu",
  tags: { host },
  fields,
  time: NOON - BigInt(daysAgo) * DAY_NS,
});

const everything = (ask: Ask) =>
  ask("SELECT epoch_ns(time) AS at, * EXCLUDE time FROM cpu ORDER BY ALL");

async function files(path: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(`${path}/${COLD_NAME}`));
  return entries.map(({ name }) => name).sort();
}

Deno.test("days that are old enough go to files, and the same rows are read, also after a restart", async () => {
  await using folder = await temporaryFolder();
  const options = { directory: folder.path, isTiered: true };
  let engine = await openDuckDb(options);
  const units = new Units();
  await engine.apply(units.unit([
    point("a", 4, { f: -0, i: -(2n ** 63n), u: 2n ** 64n - 1n, s: "", b: true }),
    point("b", 4, { f: NaN, s: "o'clock \0" }),
    point("a", 3, { f: 1.5 }),
    point("a", 0, { f: 2 }),
  ]));
  const before = await everything(askOf(engine));
  const done = await engine.maintain(MONTH, noonMs);
  assertEquals(
    done.map((event) => event.kind === "moved" && [event.rows, event.measurement]),
    [[2, "cpu"], [1, "cpu"]],
  );
  assertEquals(await askOf(engine)("SELECT count(*) FROM traqq.m1"), [[1n]]);
  assertEquals(await everything(askOf(engine)), before);
  assertEquals((await files(folder.path)).length, 2);
  assertEquals(await engine.maintain(MONTH, noonMs), []);

  // A field that came later is absent in the files.
  await engine.apply(units.unit([point("c", 0, { later: 1 })]));
  await engine.close();
  engine = await openDuckDb({ directory: folder.path });
  const rows = await askOf(engine)("SELECT later, count(*) FROM cpu GROUP BY ALL ORDER BY ALL");
  assertEquals(rows, [[1, 1n], [null, 4n]]);
  await engine.close();
});

Deno.test("a late point brings its day back, is merged, and the day goes to a file again", async () => {
  await using folder = await temporaryFolder();
  const options = { directory: folder.path, isTiered: true };
  let engine = await openDuckDb(options);
  await engine.apply(new Units().unit([point("a", 4, { f: 1, g: 1 }), point("a", 3, { f: 2 })]));
  await engine.maintain(MONTH, noonMs);
  await engine.close();

  // Opened again: what the files hold is not in the table from which the newest times are read.
  engine = await openDuckDb(options);
  const units = new Units(engine.state);
  await engine.apply(units.unit([point("a", 4, { f: 9 }), point("new", 3, { f: 5 })]));
  const rows = [[9, 1, "a"], [2, null, "a"], [5, null, "new"]];
  const ask = askOf(engine);
  const read = () => ask("SELECT f, g, host FROM cpu ORDER BY time, f");
  assertEquals(await read(), rows);
  const [old] = await files(folder.path);
  await engine.maintain(MONTH, noonMs);
  assertEquals(await read(), rows);
  assertEquals(await ask("SELECT count(*) FROM traqq.m1"), [[0n]]);
  // Files that are out of use stay for one run more, for those who may be reading them.
  assert((await files(folder.path)).includes(old));
  await engine.maintain(MONTH, noonMs);
  assertEquals((await files(folder.path)).length, 2);
  assert(!(await files(folder.path)).includes(old));
  assertEquals(await read(), rows);
  await engine.close();
});

Deno.test("retention drops days in files too", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ directory: folder.path, isTiered: true });
  const units = new Units();
  await engine.apply(units.unit([5, 4, 3, 0].map((days) => point("a", days, { f: days }))));
  await engine.maintain(MONTH, noonMs);
  const retention = [{ measurement: "cpu", keepMs: 3 * 86_400_000 }];
  const done = await engine.maintain({ ...MONTH, retention }, noonMs);
  assertEquals(done.map((event) => event.kind === "dropped" && event.rows), [2]);
  assertEquals(await askOf(engine)("SELECT f FROM cpu ORDER BY f"), [[0], [3]]);
  await engine.maintain(MONTH, noonMs);
  assertEquals((await files(folder.path)).length, 1);
  await engine.close();
});

Deno.test("a file that is missing is said when the engine is opened, and leftovers are removed", async () => {
  await using folder = await temporaryFolder();
  const options = { directory: folder.path, isTiered: true };
  let engine = await openDuckDb(options);
  await engine.apply(new Units().unit([point("a", 4, { f: 1 })]));
  await engine.maintain(MONTH, noonMs);
  await engine.close();
  const [name] = await files(folder.path);
  const path = `${folder.path}/${COLD_NAME}/${name}`;
  await Deno.rename(path, `${path}.away`);
  const error = await assertRejects(() => openDuckDb(options), EngineError);
  assertEquals(error.code, "damaged");
  assertStringIncludes(error.message, name);

  await Deno.rename(`${path}.away`, path);
  const leftover = `m1-2020-01-01-${"0".repeat(12)}.parquet`;
  await Deno.writeTextFile(`${folder.path}/${COLD_NAME}/${leftover}`, "half of a file");
  await Deno.writeTextFile(`${folder.path}/${COLD_NAME}/notes.txt`, "not ours");
  engine = await openDuckDb(options);
  assertEquals(await askOf(engine)("SELECT f FROM cpu"), [[1]]);
  await engine.maintain(MONTH, noonMs);
  assertEquals(await files(folder.path), [name, "notes.txt"].sort());
  await engine.close();
});

Deno.test("days go to files only where the engine was opened for it", async () => {
  await using folder = await temporaryFolder();
  for (const directory of [folder.path, undefined]) {
    const engine = await openDuckDb({ directory });
    await engine.apply(new Units().unit([point("a", 4, { f: 1 })]));
    const [done] = await engine.maintain(MONTH, noonMs);
    assertEquals(done.kind, "failed");
    assertEquals(await askOf(engine)("SELECT f FROM cpu"), [[1]]);
    await engine.close();
  }
});
