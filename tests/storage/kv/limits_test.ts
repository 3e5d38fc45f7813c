/** Commits up to the limits of Deno KV, and the limits themselves: if one fails, a new Deno has others. */
import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { cellKey, encodedLength, type Key } from "../../../src/storage/kv/keys.ts";
import {
  MAX_CHECKS,
  MAX_COMMIT_BYTES,
  MAX_KEY_BYTES,
  MAX_KEY_BYTES_PER_COMMIT,
  MAX_MUTATIONS,
  MAX_SKETCHES,
  MAX_VALUE_BYTES,
} from "../../../src/storage/kv/limits.ts";
import type { Cell } from "../../../src/storage/storage.ts";
import {
  contents,
  count,
  DAY,
  names,
  PREFIX,
  sketch,
  sum,
  TestWriter,
  totals,
} from "../../contract/kit.ts";
import { disturbed, entriesOf, type Faults, realKv } from "../_faulty_kv.ts";

Deno.test("Deno KV takes commits up to each limit, and nothing over", async (t) => {
  using _ = await realKv();
  const kv = _.kv;
  const longKey = (bytes: number, i: number): Key => ["x".repeat(bytes - 2 - 9), i];
  const attempt = async (fill: (op: Deno.AtomicOperation) => void) => {
    const op = kv.atomic();
    fill(op);
    try {
      return (await op.commit()).ok;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const sums = (n: number, keyOf: (i: number) => Key) =>
    attempt((op) => names("", n).forEach((_, i) => op.sum(keyOf(i), 1n)));

  await t.step("mutations", async () => {
    assertEquals(await sums(MAX_MUTATIONS, (i) => ["m", i]), true);
    assertStringIncludes(`${await sums(MAX_MUTATIONS + 1, (i) => ["m", i])}`, "mutations");
  });
  await t.step("bytes of a key", async () => {
    assertEquals(encodedLength(longKey(MAX_KEY_BYTES, 0)), MAX_KEY_BYTES);
    assertEquals(await sums(1, () => longKey(MAX_KEY_BYTES, 0)), true);
    assertStringIncludes(`${await sums(1, () => longKey(MAX_KEY_BYTES + 1, 0))}`, "Key too large");
  });
  await t.step("bytes of all keys", async () => {
    const keys = (extra: number) => (i: number) => longKey(2000 + (i === 0 ? extra : 0), i);
    const n = Math.floor(MAX_KEY_BYTES_PER_COMMIT / 2000);
    const rest = MAX_KEY_BYTES_PER_COMMIT - n * 2000;
    const free = MAX_KEY_BYTES - 2000;
    const more = (extra: number) =>
      attempt((op) => {
        names("", n).forEach((_, i) => op.sum(keys(free)(i), 1n));
        op.sum(longKey(rest - free + extra, 99), 1n);
      });
    assert(rest > free);
    assertEquals(await more(0), true);
    assertStringIncludes(`${await more(1)}`, "Total key size");
  });
  await t.step("bytes of a value", async () => {
    const set = (bytes: number) => attempt((op) => op.set(["v"], new Uint8Array(bytes)));
    assertEquals(await set(MAX_VALUE_BYTES), true);
    assertStringIncludes(`${await set(MAX_VALUE_BYTES + 1)}`, "Value too large");
  });
  await t.step("bytes of a commit: keys twice, values, checks", async () => {
    const key = (i: number): Key => ["v", i];
    const keyBytes = encodedLength(key(0));
    const n = 12;
    const full = n * (MAX_VALUE_BYTES + 2 * keyBytes);
    const rest = MAX_COMMIT_BYTES - full - 2 * keyBytes - keyBytes;
    const more = (extra: number) =>
      attempt((op) => {
        op.check({ key: key(50), versionstamp: null });
        for (let i = 0; i < n; i++) op.set(key(i), new Uint8Array(MAX_VALUE_BYTES));
        op.set(key(n), new Uint8Array(rest + extra));
      });
    assertEquals(await more(0), true);
    assertStringIncludes(`${await more(1)}`, "Total mutation size");
  });
});

Deno.test("KvStorage.split() fills commits, and none passes a limit", async () => {
  await using it = await disturbed();
  const { storage, faults, kv } = it;
  const cases: Record<string, Cell[]> = {
    "short keys: mutations bind": names("", 4000).map((field) => count(field, 1)),
    "long keys: key bytes bind": names("x".repeat(900), 300).map((field) => count(field, 1)),
    "NULs count twice": names("\0".repeat(400), 300).map((field) => count(field, 1)),
    "three bytes a character": names("日".repeat(300), 300).map((field) => count(field, 1)),
    "fractions take two": names("", 2000).map((field, i) => sum(field, BigInt(i) * 500_000n + 1n)),
    "a bucket a cell": names("", 2000).map((field, i) => count(field, 1, { start: i * DAY })),
    "a metric a cell": names("p", 1200).map((pattern) =>
      count("f", 1, { metric: { type: "add", pattern } })
    ),
    "sketches": names("u", 40).map((user, i) => sketch([user], { start: i * DAY })),
    "full sketches": names("u", 12).map((user, i) => sketch(names(user, 9000), { start: i * DAY })),
  };
  for (const [name, cells] of Object.entries(cases)) {
    const writer = new TestWriter(storage, { prefix: name, writer: crypto.randomUUID() });
    const chunks = writer.chunks(cells);
    for (const chunk of chunks) {
      faults.log.length = 0;
      faults.commits = 0;
      const report = await storage.commit(chunk);
      assertEquals([report.refused, faults.commits], [[], 1], name);
      const { mutations, keyBytes, checks } = weigh(faults);
      assertLessOrEqual(mutations, MAX_MUTATIONS, name);
      assertLessOrEqual(keyBytes, MAX_KEY_BYTES_PER_COMMIT, name);
      assertLessOrEqual(checks, MAX_CHECKS, name);
      // All but the last are full: one more cell would not have fitted.
      const longest = Math.max(...chunk.cells.map((cell) => encodedLength(cellKey(name, cell))));
      const full = mutations > MAX_MUTATIONS - 4 || checks === MAX_CHECKS ||
        keyBytes + 3 * longest + 300 > MAX_KEY_BYTES_PER_COMMIT;
      assert(full || chunk === chunks.at(-1), `${name}: ${mutations} ${keyBytes} ${checks}`);
    }
    assertEquals(await contents(storage, name), totals(cells), name);
  }
  assertEquals(storage.split("p", cases.sketches)[0].length, MAX_SKETCHES);
  assertEquals((await entriesOf(kv, ["sketches", "bmp"])).size, 40);
});

Deno.test("KvStorage.split() cuts exactly at 1,000 mutations", async () => {
  await using it = await disturbed();
  const { storage, faults } = it;
  // Beside the sums: two sets of the checkpoint, one known metric, one bucket's version.
  const most = MAX_MUTATIONS - 4;
  for (const [n, lists] of [[most - 1, 1], [most, 1], [most + 1, 2]]) {
    const cells = names("", n).map((field) => count(field, 1));
    assertEquals(storage.split("p", cells).length, lists, `${n} cells`);
  }
  const writer = new TestWriter(storage, { prefix: "p" });
  const chunk = writer.chunk(names("", most).map((field) => count(field, 1)));
  assertEquals((await storage.commit(chunk)).refused, []);
  assertEquals(weigh(faults).mutations, MAX_MUTATIONS);
});

Deno.test("KvStorage.commit() refuses a key over 2,048 bytes and keeps the rest", async () => {
  await using it = await disturbed();
  const { storage } = it;
  const fits = MAX_KEY_BYTES - encodedLength(cellKey(PREFIX, count("", 1)));
  const good = [count("x".repeat(fits), 1), count("y", 1)];
  const bad = [count("x".repeat(fits + 1), 1), count("\0".repeat(1100), 1)];
  const reports = await new TestWriter(storage).flush([...bad, ...good]);
  assertEquals(reports.flatMap(({ refused }) => refused.map(({ cell }) => cell)), bad);
  assertStringIncludes(reports[0].refused[0].error.message, "2049 bytes");
  assertEquals(await contents(storage), totals(good));
});

function weigh(faults: Faults): { mutations: number; keyBytes: number; checks: number } {
  const keyed = faults.log.filter(({ name }) => name === "set" || name === "sum");
  return {
    mutations: keyed.length,
    keyBytes: keyed.reduce((bytes, { args }) => bytes + encodedLength(args[0] as Key), 0),
    checks: faults.log.filter(({ name }) => name === "check").length,
  };
}
