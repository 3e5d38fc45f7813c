/** What only KvStorage has: limits, layout, files and processes. The rest is in the contract. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import fc from "fast-check";
import { StorageError } from "../../src/base/errors.ts";
import {
  cellKey,
  encodedLength,
  type Key,
  knownKey,
  summandsOf,
  versionKey,
} from "../../src/storage/kv/keys.ts";
import {
  MAX_CHECKS,
  MAX_COMMIT_BYTES,
  MAX_KEY_BYTES,
  MAX_KEY_BYTES_PER_COMMIT,
  MAX_MUTATIONS,
  MAX_SKETCHES,
  MAX_VALUE_BYTES,
} from "../../src/storage/kv/limits.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import type { Cell } from "../../src/storage/storage.ts";
import {
  ADD,
  ADV,
  BMP,
  contents,
  count,
  DAY,
  everything,
  names,
  PREFIX,
  readAll,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  totals,
} from "../contract/kit.ts";
import { Faults, faultyKv } from "./_faulty_kv.ts";
import { cellsOf } from "./_kv_writer.ts";

/** A real KV in memory, one whose faults are controlled, and a storage on that. */
async function disturbed(retries = 3) {
  const kv = await Deno.openKv(":memory:");
  const faults = new Faults();
  const storage = await KvStorage.open(faultyKv(kv, faults), { retries });
  return {
    kv,
    faults,
    storage,
    async [Symbol.asyncDispose]() {
      await storage.close();
      kv.close();
    },
  };
}

function tempFolder() {
  const path = Deno.makeTempDirSync({ prefix: "traqq-kv-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

async function entriesOf(kv: Deno.Kv, prefix: Deno.KvKey = []): Promise<Map<string, unknown>> {
  const entries = new Map<string, unknown>();
  for await (const { key, value } of kv.list({ prefix })) {
    entries.set(JSON.stringify(key), value instanceof Deno.KvU64 ? value.value : value);
  }
  return entries;
}

// The limits of Deno KV itself: if one of these fails, another Deno has other limits.

Deno.test("Deno KV takes commits up to each limit, and nothing over", async (t) => {
  using _ = closing(await Deno.openKv(":memory:"));
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

function closing(kv: Deno.Kv) {
  return { kv, [Symbol.dispose]: () => kv.close() };
}

Deno.test("Deno KV keeps what a refused commit did before the mutation that failed", async () => {
  // This is why a chunk of sums begins with a marker (src/storage/kv/torn.ts). If it fails, Deno has
  // mended it, and the marker is no longer needed.
  using _ = closing(await Deno.openKv(":memory:"));
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

Deno.test("encodedLength() is what Deno KV reckons with, for any key", async () => {
  using _ = closing(await Deno.openKv(":memory:"));
  const kv = _.kv;
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("\0", "a", "é", "日", "😀", "\ud800", "\udc00") }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
      // Filled up to the limit: with one byte more than encodedLength has room for it is refused.
      const room = MAX_KEY_BYTES - encodedLength(parts) - 2;
      await kv.delete([...parts, "x".repeat(room)]);
      await assertRejects(
        () => kv.delete([...parts, "x".repeat(room + 1)]),
        TypeError,
        "too large",
      );
    }),
    { numRuns: 200 },
  );
});

// split()

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

// commit()

Deno.test("KvStorage.commit() writes the layout that is documented", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  const writer = new TestWriter(storage);
  await writer.flush([
    count("buy", 2),
    sum("buy~US", -3_500_000n),
    sum("buy~DE", 4_000_000n),
    tally(3),
    sketch(["ann"]),
  ]);
  const entries = await entriesOf(kv);
  const at = (...key: Key) => entries.get(JSON.stringify(key));
  assertEquals(at(PREFIX, "add", "d", "event", START, "buy"), 2n);
  const adv = [PREFIX, "adv", "d", "amount:event~geo", START];
  assertEquals(BigInt.asIntN(64, at(...adv, "buy~US") as bigint), -3n);
  assertEquals(BigInt.asIntN(64, at(...adv, "buy~US", 1) as bigint), -500_000n);
  assertEquals(at(...adv, "buy~DE"), 4n);
  assertEquals(at(...adv, "buy~DE", 1), undefined, "no fraction, no second entry");
  assertEquals(at(...adv, true), 3n);
  assertInstanceOf(at(PREFIX, "bmp", "d", "user", START), Uint8Array);
  assertEquals(at(PREFIX, "v", "d", START), 2n);
  for (const metric of [ADD, ADV, BMP]) assertEquals(at(...knownKey(PREFIX, "d", metric)), true);
  assertEquals(at(PREFIX, "cp", "writer"), { incarnation: "writer-1", flush: 1, part: 1 });
  assertEquals(entries.size, 11);
});

Deno.test("KvStorage.commit() needs no read for a chunk of sums after the first", async () => {
  await using it = await disturbed();
  const { storage, faults } = it;
  const writer = new TestWriter(storage);
  await writer.flush([count("a", 1)]);
  faults.reads = faults.commits = faults.log.length = 0;
  for (let i = 0; i < 5; i++) await writer.flush([count("a", 1)]);
  assertEquals([faults.reads, faults.commits], [0, 5]);
  const known = JSON.stringify(knownKey(PREFIX, "d", ADD));
  assert(!faults.log.some(({ args }) => JSON.stringify(args[0]) === known), "nor writes it again");
});

Deno.test("KvStorage.commit() never carries out a skip or an error from memory", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  const writer = new TestWriter(storage);
  const chunk = writer.chunk([count("a", 1)]);
  await storage.commit(chunk);
  for await (const { key } of kv.list({ prefix: [] })) await kv.delete(key); // restored, empty
  assertEquals((await storage.commit(chunk)).outcome, "applied");
  assertEquals(await readAll(storage, ADD), [...chunk.cells]);
});

Deno.test("KvStorage.commit() says behind when the database went back under it", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  const writer = new TestWriter(storage);
  const one = writer.chunk([count("a", 1)]);
  await storage.commit(one);
  const { value } = await kv.get([PREFIX, "cp", "writer"]);
  const two = writer.chunk([count("a", 1)]);
  await storage.commit(two);
  await kv.set([PREFIX, "cp", "writer"], value);
  const three = writer.chunk([count("a", 1)]);
  const error = await assertRejects(() => storage.commit(three), StorageError);
  assertEquals(error.code, "behind");
  assertEquals(await storage.checkpoint(PREFIX, "writer"), one.checkpoint);
});

Deno.test("KvStorage.commit() lets checkpoints without a journal expire, and only those", async () => {
  await using it = await disturbed();
  const { storage, faults } = it;
  for (const durable of [true, false]) {
    faults.log.length = 0;
    await new TestWriter(storage, { writer: `${durable}`, durable }).flush([
      count("a", 1),
      sketch(["x"]),
    ]);
    const options = faults.log.filter(({ name, args }) =>
      name === "set" && JSON.stringify(args[0]).includes('"cp"')
    ).map(({ args }) => args[2]);
    const wanted = durable ? undefined : { expireIn: 7 * 24 * 3600 * 1000 };
    assertEquals(options, [wanted, wanted, wanted]);
    const others = faults.log.filter(({ name, args }) =>
      name === "set" && !JSON.stringify(args[0]).includes('"cp"') && args[2] !== undefined
    );
    assertEquals(others, []);
  }
});

Deno.test("KvStorage.commit() goes on after a week of silence without a journal", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  const realNow = Date.now;
  try {
    const writer = new TestWriter(storage, { durable: false });
    await writer.flush([count("a", 1)]);
    await kv.delete([PREFIX, "cp", "writer"]);
    const early = writer.chunk([count("a", 1)]);
    assertEquals(
      (await assertRejects(() => storage.commit(early), StorageError)).code,
      "behind",
      "a checkpoint that is missing too early was lost",
    );
    const idle = new TestWriter(storage, { writer: "idle", durable: false });
    await idle.flush([count("b", 1)]);
    await kv.delete([PREFIX, "cp", "idle"]);
    Date.now = () => realNow() + 8 * 24 * 3600 * 1000;
    await idle.flush([count("b", 1)]);
    await idle.flush([count("b", 1)]);
  } finally {
    Date.now = realNow;
  }
  assertEquals(await contents(storage), totals([count("a", 1), count("b", 3)]));
});

Deno.test("KvStorage.commit() puts a metric among the known again after a while", async () => {
  await using it = await disturbed();
  const { storage, kv } = it;
  const writer = new TestWriter(storage);
  await writer.flush([count("a", 1)]);
  await kv.delete(knownKey(PREFIX, "d", ADD)); // someone emptied the database
  const realNow = Date.now;
  try {
    Date.now = () => realNow() + 11 * 60 * 1000;
    await writer.flush([count("a", 1)]);
  } finally {
    Date.now = realNow;
  }
  assertEquals(await storage.metrics(everything()), [ADD]);
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

Deno.test("KvStorage.commit() mends a torn commit that other writers have written over", async () => {
  // f0 … f5 stand, f6 is guilty; before the torn commit is looked at, another writer touches all.
  await using it = await disturbed();
  const { storage, faults, kv } = it;
  const cells = names("f", 10).map((field) => count(field, 5));
  const guilty = cells[6];
  await kv.set(cellKey(PREFIX, guilty), "not traqq's");
  const others = cells.filter((cell) => cell !== guilty);
  const other = new TestWriter(await KvStorage.open(kv), { writer: "other" });
  faults.refuse = () => null;
  const chunk = new TestWriter(storage).chunk(cells);
  // The second commit is the mending: by then the reader has looked; so disturb at the first.
  let first = true;
  faults.beforeCommit = async () => {
    if (!first) return;
    first = false;
    await other.flush(others);
  };
  const report = await storage.commit(chunk);
  await other.flush(others);
  assertEquals(report.refused.map(({ cell }) => cell), [guilty]);
  await kv.delete(cellKey(PREFIX, guilty));
  assertEquals(await contents(storage), totals([...others, ...others, ...others]));
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

Deno.test("KvStorage.commit() gives up sketches that others change each time, for now", async () => {
  await using it = await disturbed(2);
  const { storage, faults, kv } = it;
  const key = cellKey(PREFIX, sketch([]));
  const [, bytes] = [0, (sketch(["other"]) as Cell & { sketch: Uint8Array }).sketch];
  faults.beforeCommit = async () => {
    await kv.set(key, bytes);
  };
  const chunk = new TestWriter(storage).chunk([sketch(["mine"])]);
  const error = await assertRejects(() => storage.commit(chunk), StorageError, "3 attempts");
  assertEquals(error.code, "unavailable");
  faults.beforeCommit = null;
  await storage.commit(chunk);
  assertEquals(await contents(storage), totals([sketch(["mine", "other"])]));
});

Deno.test("KvStorage.commit() writes a sketch only if that changes it", async () => {
  await using it = await disturbed();
  const { storage, faults } = it;
  const writer = new TestWriter(storage);
  await writer.flush([sketch(names("u", 5000))]);
  const before = (await storage.versions(everything())).get(START)!;
  faults.log.length = 0;
  await writer.flush([sketch(names("u", 10))]);
  assertEquals(faults.log.some(({ args }) => args[1] instanceof Uint8Array), false);
  assertGreater((await storage.versions(everything())).get(START)!, before);
});

// read()

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

// prune()

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

// open(), close()

Deno.test("KvStorage.open() says in one error what it cannot open", async (t) => {
  using folder = tempFolder();
  const file = `${folder.path}/notes.txt`;
  Deno.writeTextFileSync(file, "this is no database\n".repeat(100));
  const fails = async (path: string) => {
    const error = await assertRejects(() => KvStorage.open(path), StorageError);
    assertEquals(error.code, "refused");
    assertStringIncludes(error.message, JSON.stringify(path));
    assert(error.cause !== undefined);
    return error.message;
  };
  await t.step("another file", async () => {
    assertStringIncludes(await fails(file), "not a database");
    assertStringIncludes(Deno.readTextFileSync(file), "this is no database", "it is left alone");
  });
  await t.step("a folder that is a file", async () => {
    await fails(`${file}/traqq.db`);
  });
  await t.step("a folder that is not there", async () => {
    await fails(`${folder.path}/none/traqq.db`);
  });
  await t.step("a folder", async () => {
    await fails(folder.path);
  });
});

Deno.test("KvStorage.open() says which flag is missing", async () => {
  const code = `
    import { KvStorage } from ${JSON.stringify(import.meta.resolve("../../src/storage/kv.ts"))};
    try { await KvStorage.open(":memory:"); } catch (e) { console.log(e.name, e.code, e.message); }
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", "--quiet", code],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, "StorageError refused");
  assertStringIncludes(text, "--unstable-kv");
});

Deno.test("KvStorage.close() leaves a Deno.Kv open that the caller opened", async () => {
  const kv = await Deno.openKv(":memory:");
  const storage = await KvStorage.open(kv);
  await new TestWriter(storage).flush([count("a", 1)]);
  await storage.close();
  assertEquals((await kv.get<Deno.KvU64>(cellKey(PREFIX, count("a", 1)))).value?.value, 1n);
  const error = await assertRejects(() => storage.timezone(PREFIX), StorageError);
  assertEquals(error.code, "closed");
  const other = await KvStorage.open(kv);
  kv.close();
  const chunk = new TestWriter(other).chunk([count("a", 1)]);
  for (
    const call of [
      () => other.timezone(PREFIX),
      () => readAll(other, ADD),
      () => other.commit(chunk),
    ]
  ) {
    assertEquals((await assertRejects(call, StorageError)).code, "closed", "closed by the caller");
  }
});

Deno.test("KvStorage stops waiting for a lock when it is closed", async () => {
  await using it = await disturbed(1000);
  const { storage, faults } = it;
  faults.failWrites = Infinity;
  const commit = storage.commit(new TestWriter(storage).chunk([count("a", 1)]));
  const failed = assertRejects(() => commit, StorageError);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await storage.close();
  assertEquals((await failed).code, "closed");
});

Deno.test("KvStorage counts exactly what four processes commit into one file at once", async () => {
  using folder = tempFolder();
  const path = `${folder.path}/shared.db`;
  const flushes = 40;
  const writers = names("process-", 4);
  const outputs = await Promise.all(writers.map((writer) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-kv", "--quiet", programPath(), path, writer, `${flushes}`],
      stderr: "piped",
    }).output()
  ));
  for (const { success, stderr } of outputs) {
    assert(success, new TextDecoder().decode(stderr));
  }
  const cells = writers.flatMap((writer) =>
    names("", flushes).flatMap((_, i) => cellsOf(writer, i))
  );
  await using storage = await KvStorage.open(path);
  assertEquals(await contents(storage), totals(cells));
});

function programPath(): string {
  return new URL("./_kv_writer.ts", import.meta.url).pathname;
}

Deno.test("summandsOf() adds up to the sum, whatever its sign", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (millionths) => {
    const [whole, rest] = summandsOf(PREFIX, sum("f", millionths));
    assertEquals(whole.value * 1_000_000n + (rest?.value ?? 0n), millionths);
  }));
});
