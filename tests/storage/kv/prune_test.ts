/** Pruning much, and while others write. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { knownKey } from "../../../src/storage/kv/keys.ts";
import { KvStorage } from "../../../src/storage/kv.ts";
import {
  ADD,
  ADV,
  contents,
  count,
  DAY,
  everything,
  names,
  PREFIX,
  START,
  sum,
  TestWriter,
  totals,
} from "../../contract/kit.ts";
import { disturbed, entriesOf } from "../_faulty_kv.ts";

Deno.test("KvStorage.prune() leaves nothing of what it removes, even with the longest keys", async () => {
  await using it = await disturbed();
  const { storage, kv, faults } = it;
  const cells = [
    ...names("x".repeat(1900), 900).map((field) => count(field, 1)),
    ...names("y".repeat(1000), 600).map((field) => sum(field, 1_500_000n)),
  ];
  await new TestWriter(storage).flush(cells);
  faults.commits = 0;
  const report = await storage.prune({ prefix: PREFIX, unit: "d", before: START + 1 });
  assertEquals(report, { buckets: 1, cells: 1500 });
  const left = [...(await entriesOf(kv)).keys()].filter((key) => !key.includes('"cp"'));
  assertEquals(
    left.sort(),
    [ADD, ADV].map((it) => JSON.stringify(knownKey(PREFIX, "d", it))).sort(),
  );
  assertLessOrEqual(faults.commits, 7);
});

Deno.test("KvStorage.prune() keeps the version of a bucket that is touched meanwhile", async () => {
  await using it = await disturbed();
  const { storage, kv, faults } = it;
  const starts = names("", 15).map((_, i) => START + i * DAY);
  const writer = new TestWriter(storage);
  await writer.flush(starts.map((start) => count("a", 1, { start })));
  const late = new TestWriter(await KvStorage.open(kv), { writer: "late" });
  let once = true;
  faults.beforeCommit = async () => {
    if (!once) return;
    once = false;
    await late.flush([count("late", 1, { start: starts[3] })]);
  };
  await storage.prune({ prefix: PREFIX, unit: "d", before: START + 15 * DAY });
  assertEquals([...(await storage.versions(everything())).keys()], [starts[3]]);
  assertEquals(await contents(storage), totals([count("late", 1, { start: starts[3] })]));
});
