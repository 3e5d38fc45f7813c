/** Reading what changes, breaks, or is not ours. */
import { assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../../src/base/errors.ts";
import { cellKey } from "../../../src/storage/kv/keys.ts";
import { KvStorage } from "../../../src/storage/kv.ts";
import type { Cell } from "../../../src/storage/storage.ts";
import {
  ADD,
  ADV,
  BMP,
  count,
  names,
  PREFIX,
  readAll,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  totals,
} from "../../contract/kit.ts";
import { disturbed } from "../_faulty_kv.ts";

Deno.test("KvStorage.read() names the key of what traqq did not write", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  await new TestWriter(storage).flush([count("a", 1), sum("a", 1n), tally(1), sketch(["x"])]);
  const adv = cellKey(PREFIX, sum("z", 0n));
  const cases: [Cell["metric"], Deno.KvKey, unknown][] = [
    [ADD, cellKey(PREFIX, count("z", 1)), "text"],
    [ADD, cellKey(PREFIX, count("z", 1)), 7],
    [ADD, [...cellKey(PREFIX, count("z", 1)), "more"], new Deno.KvU64(1n)],
    [ADD, [PREFIX, "add", "d", "event", START, 7], new Deno.KvU64(1n)],
    [ADV, adv, null],
    [ADV, [...adv, 2], new Deno.KvU64(1n)],
    [ADV, [...adv, 1], "text"],
    [ADV, [PREFIX, "adv", "d", "amount:event~geo", START, false], new Deno.KvU64(1n)],
    [BMP, [PREFIX, "bmp", "d", "user", START + 1], "text"],
    [BMP, [PREFIX, "bmp", "d", "user", START, "more"], new Uint8Array(3)],
  ];
  for (const [metric, key, value] of cases) {
    await kv.set(key, value);
    const error = await assertRejects(() => readAll(storage, metric), StorageError);
    assertStringIncludes(error.message, JSON.stringify(key.at(-1)));
    assertEquals(error.code, "refused");
    await kv.delete(key);
    await readAll(storage, metric);
  }
});

Deno.test("KvStorage.read() sees both parts of a sum from one moment, whatever comes between", async () => {
  const kv = await Deno.openKv(":memory:");
  const field = "f";
  const writer = new TestWriter(await KvStorage.open(kv));
  const step = [sum(field, 1_750_000n)];
  const other = [...names("a", 3).map((it) => sum(it, 250_000n))];
  await writer.flush([...other, ...step]);
  // A list that is read in batches, and a commit between the two parts of the sum.
  const slow = {
    get: kv.get.bind(kv),
    getMany: kv.getMany.bind(kv),
    list: async function* (selector: Deno.KvListSelector, options?: Deno.KvListOptions) {
      for await (const entry of kv.list(selector, { ...options, batchSize: 1 })) {
        yield entry;
        if (entry.key.at(-1) === field) await writer.flush(step);
      }
    },
  } as unknown as Deno.Kv;
  const storage = await KvStorage.open(slow);
  for (let i = 2; i < 6; i++) {
    const sums = (await readAll(storage, ADV)).flatMap((cell) =>
      cell.kind === "sum" && cell.field === field ? [cell.sum] : []
    );
    assertEquals(sums, [BigInt(i) * 1_750_000n]);
  }
  kv.close();
});

Deno.test("KvStorage.read() goes on where it was when the connection came back", async () => {
  const kv = await Deno.openKv(":memory:");
  const cells = names("f", 1300).map((field) => count(field, 1));
  await new TestWriter(await KvStorage.open(kv)).flush(cells);
  let seen = 0;
  const breaking = {
    list(selector: Deno.KvListSelector, options?: Deno.KvListOptions) {
      const entries = kv.list(selector, options);
      return {
        get cursor() {
          return entries.cursor;
        },
        async *[Symbol.asyncIterator]() {
          for await (const entry of entries) {
            if (++seen % 400 === 0) throw new TypeError("connection reset");
            yield entry;
          }
        },
      };
    },
  } as unknown as Deno.Kv;
  const storage = await KvStorage.open(breaking);
  assertEquals(totals(await readAll(storage, ADD)), totals(cells));
  assertGreater(seen, 1300);
  kv.close();
});
