/** Commits that Deno KV refuses: as a whole, half-way, and for what. */
import { assertEquals, assertLessOrEqual, assertRejects, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../../src/base/errors.ts";
import { cellKey, versionKey } from "../../../src/storage/kv/keys.ts";
import { reachOf } from "../../../src/storage/kv/torn.ts";
import { KvStorage } from "../../../src/storage/kv.ts";
import {
  contents,
  count,
  names,
  PREFIX,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  totals,
} from "../../contract/kit.ts";
import { disturbed, Faults, faultyKv, realKv } from "../_faulty_kv.ts";

Deno.test("Deno KV keeps what a refused commit did before the mutation that failed", async () => {
  // This is why a chunk of sums begins with a marker (src/storage/kv/torn.ts). If it fails, Deno has
  // mended it, and the marker is no longer needed.
  using _ = await realKv();
  const kv = _.kv;
  await kv.set(["b"], "a string");
  await assertRejects(
    () => kv.atomic().sum(["a"], 1n).sum(["b"], 1n).sum(["c"], 1n).commit(),
    TypeError,
    "non-U64",
  );
  assertEquals((await kv.get<Deno.KvU64>(["a"])).value?.value, 1n);
  assertEquals((await kv.get(["c"])).value, null);
});

Deno.test("KvStorage.commit() mends a torn commit that another writer has written over", async () => {
  await using it = await disturbed();
  const { storage, faults, kv } = it;
  const cells = names("f", 10).map((field) => count(field, 5));
  const guilty = cells[6];
  const good = cells.filter((cell) => cell !== guilty);
  await kv.set(cellKey(PREFIX, guilty), "not traqq's");
  const chunk = new TestWriter(storage).chunk(cells);
  faults.dieAfter = 1; // f0 … f5 stand
  await assertRejects(() => storage.commit(chunk), StorageError);
  faults.heal();
  await new TestWriter(storage, { writer: "other" }).flush(good); // no trace is left of what stands

  const report = await storage.commit(chunk);
  assertEquals(report.refused.map(({ cell }) => cell), [guilty]);
  await kv.delete(cellKey(PREFIX, guilty));
  assertEquals(await contents(storage), totals([...good, ...good]));
});

Deno.test("KvStorage.commit() reports what may be in storage or not, and says so", async () => {
  await using it = await disturbed();
  const { storage, faults, kv } = it;
  const cells = names("f", 10).map((field) => count(field, 5));
  const guilty = cells[6];
  await kv.set(cellKey(PREFIX, guilty), "not traqq's");
  const chunk = new TestWriter(storage).chunk(cells);
  faults.dieAfter = 1; // f0 … f5 stand
  await assertRejects(() => storage.commit(chunk), StorageError);
  faults.heal();
  // Nothing tells any more where it stopped: what stopped it is gone, and f4 … f7 were changed.
  await kv.delete(cellKey(PREFIX, guilty));
  await new TestWriter(storage, { writer: "other" }).flush(cells.slice(4, 8));

  const report = await storage.commit(chunk);
  assertEquals(report.refused.map(({ cell }) => cell), cells.slice(4, 8));
  for (const { error } of report.refused) assertStringIncludes(error.message, "may be in storage");
  const left = totals(cells.flatMap((cell, i) => i < 4 || i > 7 ? [cell] : []));
  const found = await contents(storage);
  for (const [id, value] of Object.entries(left)) assertEquals(found[id], value);
});

Deno.test("reachOf() tells from versionstamps and values how far a commit came", () => {
  const entry = (key: string, versionstamp: string | null, value: unknown = new Deno.KvU64(1n)) =>
    ({ key: [key], value, versionstamp }) as Deno.KvEntryMaybe<unknown>;
  const ok = (spec: string, applied: number, unclear = 0) => {
    const entries = spec.split(" ").filter(Boolean).map((word) => {
      const [key, versionstamp, guilty] = [word[0], word[1], word[2] === "!"];
      if (versionstamp === "-") return entry(key, null, null);
      return entry(key, versionstamp, guilty ? "text" : undefined);
    });
    assertEquals(reachOf(entries, "5"), { applied, unclear }, spec);
  };
  // A letter is a key; then its versionstamp, where 5 is the commit's; ! is no number.
  ok("", 0);
  ok("a5 b5 c5", 3);
  ok("a5 b5 c-", 2);
  ok("a5 b5 c3 d-", 2);
  ok("a- b-", 0);
  ok("a3! b3", 0);
  ok("a5 b9 c5 d3", 3); // changed by others since, but not the last that stands
  ok("a5 b9 c3! d9", 2);
  ok("a9 b9 c9! d9", 2); // what stopped it is still there
  ok("a5 b9 c9 d3", 1, 2);
  ok("a9 b9", 0, 2);
  ok("a5 b5 c3! a5 d-", 2); // a key twice: the second proves nothing
  ok("a5 b3 a5", 1);
  ok("a5 a5 b-", 1, 1);
});

Deno.test("KvStorage.commit() mends after a death between a torn commit and its mending", async () => {
  await using it = await disturbed();
  const { storage, faults, kv } = it;
  const cells = [...names("f", 6).map((field) => count(field, 5)), sum("s", 2_500_000n)];
  const guilty = cells[6];
  await kv.set([...cellKey(PREFIX, guilty), 1], "not traqq's"); // the fraction: the whole is added
  const chunk = new TestWriter(storage).chunk(cells);
  faults.dieAfter = 1;
  await assertRejects(() => storage.commit(chunk), StorageError);
  faults.heal();
  // While it was dead others touched what the torn commit had reached.
  const other = new TestWriter(storage, { writer: "other" });
  await other.flush(cells.slice(0, 6));
  assertEquals((await storage.checkpoint(PREFIX, "writer"))?.applied, 0);

  await using again = await KvStorage.open(kv);
  const report = await again.commit(chunk);
  assertEquals(report.refused.map(({ cell }) => cell), [guilty]);
  await kv.delete([...cellKey(PREFIX, guilty), 1]);
  const good = cells.slice(0, 6);
  assertEquals(
    await contents(again),
    totals([...good, ...good, sum("s", 0n)]),
    "2 whole taken back",
  );
});

Deno.test("KvStorage.commit() survives a foreign value where a bucket's version belongs", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  await kv.set(versionKey(PREFIX, "d", START), "not traqq's");
  const bad = [count("a", 1), sum("a", 1n), sketch(["x"])];
  const good = [count("a", 1, { start: 0 }), sketch(["x"], { start: 0 }), tally(1, { start: 0 })];
  const reports = await new TestWriter(storage).flush([...bad, ...good]);
  const refused = reports.flatMap((report) => report.refused.map(({ cell }) => cell));
  assertEquals(totals(refused), totals(bad));
  await kv.delete(versionKey(PREFIX, "d", START));
  assertEquals(await contents(storage), totals(good));
});

Deno.test("KvStorage.commit() halves a chunk that a database refuses whole", async () => {
  // Deno Deploy undoes a refused commit, unlike SQLite; only then halves are needed.
  const kv = await Deno.openKv(":memory:");
  const faults = new Faults();
  await using storage = await KvStorage.open(faultyKv(kv, faults), { retries: 3 });
  let sums: string[] = [];
  const guilty = new Set(["f3", "f4", "f11"]);
  const isGuilty = (text: string) => [...guilty].some((field) => text.endsWith(`"${field}"]`));
  faults.refuse = () => {
    const all = faults.log.map(({ args }) => JSON.stringify(args[0]));
    sums = all.splice(0);
    faults.log.length = 0;
    return sums.some(isGuilty) ? new TypeError("refused") : null;
  };
  const cells = names("f", 16).map((field) => count(field, 1));
  const chunk = new TestWriter(storage).chunk(cells);
  const report = await storage.commit(chunk);
  assertEquals(report.refused.map(({ cell }) => "field" in cell && cell.field), [...guilty]);
  faults.heal();
  const good = cells.filter((cell) => !("field" in cell && guilty.has(cell.field)));
  assertEquals(await contents(storage), totals(good));
  kv.close();
});

Deno.test("KvStorage.commit() blames no cell when the database refuses every write", async () => {
  await using it = await disturbed();
  const { storage, faults } = it;
  const cells = [...names("f", 20).map((field) => count(field, 1)), sketch(["x"])];
  const chunks = new TestWriter(storage).chunks(cells);
  faults.refuse = () => new TypeError("database or disk is full");
  for (const chunk of chunks.slice(0, 1)) {
    const error = await assertRejects(() => storage.commit(chunk), StorageError, "disk is full");
    assertEquals(error.code, "unavailable");
  }
  assertLessOrEqual(faults.commits, 2, "it does not ask for each cell");
  faults.heal();
  for (const chunk of chunks) assertEquals((await storage.commit(chunk)).refused, []);
  assertEquals(await contents(storage), totals(cells));
});
