/** What a commit writes, remembers, and does when the database is not what it was. */
import { assert, assertEquals, assertGreater, assertInstanceOf, assertRejects } from "@std/assert";
import { StorageError } from "../../../src/base/errors.ts";
import { cellKey, type Key, knownKey } from "../../../src/storage/kv/keys.ts";
import type { Cell } from "../../../src/storage/storage.ts";
import {
  ADD,
  ADV,
  BMP,
  contents,
  count,
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
} from "../../contract/kit.ts";
import { disturbed, entriesOf } from "../_faulty_kv.ts";

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
  assertEquals(at(PREFIX, "cp", "writer"), {
    durable: true,
    incarnation: "writer-1",
    flush: 1,
    part: 1,
  });
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
