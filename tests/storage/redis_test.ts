/** RedisStorage on one server, beyond the contract: what it writes, and servers that fail it. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Redis } from "ioredis";
import { StorageError } from "../../src/base/errors.ts";
import { verdict } from "../../src/storage/checkpoint.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Cell, Checkpoint, Chunk, Storage } from "../../src/storage/storage.ts";
import { exportCells } from "../../src/transfer/export.ts";
import { importCells } from "../../src/transfer/import.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisServer, withRedis } from "../_redis.ts";
import {
  ADD,
  ADV,
  contents,
  count,
  DAY,
  names,
  PREFIX,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  TOP,
  totals,
} from "../contract/kit.ts";
import { fill, oddCells } from "../transfer/_cells.ts";
import { disturb } from "./_redis_store.ts";
import { assertSeeTheSame } from "./_two_machines.ts";

const SEVEN_DAYS_MS = 7 * 24 * 3600_000;

await withRedis("RedisStorage", async () => {
  const server = await RedisServer.start();
  const empty = async () => {
    await server.cli("flushall");
    return await RedisStorage.open(server.url);
  };

  Deno.test("RedisStorage.commit() writes the layout that is documented", async () => {
    await using storage = await empty();
    await storage.claimTimezone("app", "UTC");
    const geo = { type: "add", pattern: "event~geo" } as const;
    await new TestWriter(storage, { writer: "w1", durable: false }).flush([
      count("buy~US", 2, { metric: geo }),
      count("US", 3, { metric: TOP }),
      sum("buy~US", -20_500_000n),
      sum("buy~DE", 1_000_000n),
      tally(2),
      sketch(["ann"]),
      count("a", 1, { unit: "h" }),
    ]);
    const keys = (await server.cli("keys", "*")).split("\n").sort();
    const of = (rest: string) => `app:${rest}`;
    const known = [
      of(`add:d:${START}:event~geo`),
      of(`adv:d:${START}:amount:event~geo`),
      of(`adv:d:${START}:amount:event~geo:i`),
      of(`bmp:d:${START}:user`),
      of(`top:d:${START}:geo`),
    ];
    assertEquals(
      keys,
      [
        ...known,
        of(`add:h:${START}:event`),
        of(`k:d:${START}`),
        of(`k:h:${START}`),
        "{app}:meta:cp:w1",
        "{app}:meta:starts:d",
        "{app}:meta:starts:h",
        "{app}:meta:tz",
        "{app}:meta:versions:d",
        "{app}:meta:versions:h",
      ].sort(),
    );
    assertEquals((await server.cli("smembers", of(`k:d:${START}`))).split("\n").sort(), known);
    assertEquals(await server.cli("hgetall", known[0]), "buy~US\n2");
    assertEquals(await server.cli("hget", known[1], "buy~US"), "-20.5");
    assertEquals(await server.cli("hget", known[1], "buy~DE"), "1");
    assertEquals(await server.cli("hget", known[2], "sum"), "-19.5");
    assertEquals(await server.cli("hget", known[2], "count"), "2");
    assertEquals(await server.cli("pfcount", known[3]), "1");
    assertEquals(await server.cli("zrange", known[4], "0", "-1", "withscores"), "US\n3");
    assertEquals(await server.cli("get", "{app}:meta:tz"), "UTC");
    assertEquals(
      await server.cli("zrange", "{app}:meta:starts:d", "0", "-1", "withscores"),
      `${START}\n${START}`,
    );
    for (const key of keys) {
      const ttlMs = Number(await server.cli("pttl", key));
      if (key === "{app}:meta:cp:w1") {
        assert(ttlMs > SEVEN_DAYS_MS - 60_000 && ttlMs <= SEVEN_DAYS_MS, key);
      } else assertEquals(ttlMs, -1, key);
    }
    await new TestWriter(storage, { writer: "w2", durable: true }).flush([count("a", 1)]);
    assertEquals(await server.cli("pttl", "{app}:meta:cp:w2"), "-1");
    assertEquals(await server.cli("smembers", "{app}:meta:writers"), "w2");
  });

  Deno.test("RedisStorage.commit() adds to what HINCRBYFLOAT left, and rounds it once", async () => {
    await using storage = await empty();
    const key = `app:adv:d:${START}:amount:event~geo`;
    const floats = ["0.1", "0.2", "-1e5", "1.0000005", "99999999.99"];
    for (const [i, text] of floats.entries()) {
      await server.cli("hincrbyfloat", key, `f${i}`, text);
      await server.cli("hincrbyfloat", key, `f${i}`, "0.1");
    }
    await server.cli("hset", key, "exponent", "1.5e3");
    const writer = new TestWriter(storage);
    await writer.flush([
      ...floats.map((_, i) => sum(`f${i}`, 1n)),
      sum("exponent", -1n),
      sum("new", 9_000_000_000_000_000_001n),
    ]);
    const wanted = ["0.200001", "0.300001", "-99999.899999", "1.100002", "100000000.090001"];
    for (const [i, text] of wanted.entries()) {
      assertEquals(await server.cli("hget", key, `f${i}`), text);
    }
    assertEquals(await server.cli("hget", key, "exponent"), "1499.999999");
    assertEquals(await server.cli("hget", key, "new"), "9000000000000.000001");
  });

  Deno.test("RedisStorage.commit() refuses what Redis cannot count exactly", async () => {
    await using storage = await empty();
    await server.cli("zadd", `app:top:d:${START}:geo`, `${2 ** 53 - 1}`, "full");
    await server.cli("hset", `app:add:d:${START}:event`, "full", `${2n ** 63n - 1n}`);
    await server.cli("hset", `app:adv:d:${START}:amount:event~geo`, "full", "9".repeat(24));
    const guilty = [
      count("full", 2, { metric: TOP }),
      count("full", 1),
      sum("full", 1_000_000n),
      sum("new", 10n ** 30n),
      count("a", 1, { metric: { type: "add", pattern: "{a}" } }),
      sum("a", 1n, { metric: { ...ADV, addKey: "a:b" } }),
    ];
    const good = [
      count("full", 1, { metric: TOP }),
      count("other", 1),
      sum("full", -1_000_000n),
      sum("new", 10n ** 30n - 1n),
    ];
    const chunk = new TestWriter(storage).chunk([...guilty, ...good]);
    const report = await storage.commit(chunk);
    assertEquals(new Set(report.refused.map(({ cell }) => cell)), new Set(guilty));
    assertEquals(await server.cli("zscore", `app:top:d:${START}:geo`, "full"), `${2 ** 53}`);
    const sums = `app:adv:d:${START}:amount:event~geo`;
    assertEquals(await server.cli("hget", sums, "new"), `${"9".repeat(24)}.999999`);
    assertEquals(await server.cli("hget", sums, "full"), `${"9".repeat(23)}8`);
    // What all come to leaves out what was refused: it is -1 and 10^24 less a millionth.
    assertEquals(await server.cli("hget", `${sums}:i`, "sum"), `${"9".repeat(23)}8.999999`);
  });

  Deno.test("RedisStorage.commit() refuses cells at keys of another type, and reports them once more when the answer is lost", async () => {
    await server.cli("flushall");
    await using store = await disturb([server], (_key, ...args) => server.cli(...args));
    await server.cli("rpush", `app:add:d:${START}:event`, "a list");
    await server.cli("set", `app:k:d:${START + DAY}`, "no set");
    const guilty = [count("a", 1), count("b", 1), count("a", 1, { start: START + DAY })];
    const good = [count("a", 1, { metric: TOP }), count("a", 1, { start: START + 2 * DAY })];
    const chunk = new TestWriter(store.storage).chunk([...good, ...guilty]);
    store.loseAnswers(1);
    const { outcome, refused, retries } = await store.storage.commit(chunk);
    assertEquals(outcome, "applied");
    assert(retries > 0, "its answer was lost");
    assertEquals(refused.map(({ cell }) => cell), guilty);
    for (const { error } of refused) assertStringIncludes(error.message, "WRONGTYPE");
    assertEquals(await server.cli("zscore", `app:top:d:${START}:geo`, "a"), "1");
    const written = await server.cli("keys", `app:add:d:${START + DAY}:*`);
    assertEquals(written, "", "nobody would find it");
  });

  Deno.test("RedisStorage.commit() fails whole where a key of its bookkeeping is another's", async () => {
    for (
      const key of ["cp:writer", "writers", "starts:d", "versions:d", "starts:h", "versions:h"]
    ) {
      await using storage = await empty();
      await server.cli("rpush", `{app}:meta:${key}`, "a list");
      const chunk = new TestWriter(storage).chunk([count("a", 1)]);
      const error = await assertRejects(() => storage.commit(chunk), StorageError, "WRONGTYPE");
      assertEquals(error.code, "refused");
      assertEquals(await server.cli("dbsize"), "1", key);
    }
  });

  Deno.test("RedisStorage.commit() judges every checkpoint as verdict() does", async () => {
    await using storage = await empty();
    const checkpoints: (Checkpoint | null)[] = [null];
    for (const incarnation of ["a", "b"]) {
      for (const flush of [1, 2, 10]) {
        for (const part of [0, 1]) checkpoints.push({ incarnation, flush, part });
      }
    }
    const key = "{app}:meta:cp:w";
    for (const stored of checkpoints) {
      for (const previous of checkpoints) {
        for (const checkpoint of checkpoints) {
          if (checkpoint === null) continue;
          const chunk: Chunk = {
            prefix: "app",
            writer: "w",
            durable: false,
            checkpoint,
            previous,
            cells: [],
          };
          let wanted: string;
          try {
            wanted = verdict(stored, chunk).skip ? "skipped" : "applied";
          } catch (error) {
            wanted = (error as StorageError).code;
          }
          await storage.removeWriter("app", "w");
          await client.del(key);
          if (stored !== null) await client.hset(key, { ...stored });
          const received = await storage.commit(chunk).then(
            ({ outcome }) => outcome,
            (error) => (error as StorageError).code,
          );
          assertEquals(received, wanted, JSON.stringify({ stored, previous, checkpoint }));
          const [incarnation, flush, part] = await client.hmget(
            key,
            "incarnation",
            "flush",
            "part",
          );
          const stands = incarnation === null
            ? null
            : { incarnation, flush: Number(flush), part: Number(part) };
          assertEquals(stands, wanted === "applied" ? checkpoint : stored);
        }
      }
    }
  });
  // Connects when it is first used.
  const client = new Redis(server.port, "127.0.0.1", { lazyConnect: true });

  Deno.test("RedisStorage.split() keeps each script to 5,000 arguments and 1 MiB", async () => {
    await server.cli("flushall");
    await using store = await disturb([server], (_key, ...args) => server.cli(...args));
    const { storage, faults } = store;
    const lists: Cell[][] = [
      names("f", 12_000).map((field) => count(field, 1)),
      names("日".repeat(300), 2_000).map((field) => count(field, 1)),
      names("m", 900).flatMap((name, i) => {
        const metric = { ...ADV, pattern: name };
        const start = i % 5;
        return [sum("f", 1n, { metric, start }), tally(1, { metric, start })];
      }),
      names("b", 200).map((name, i) => sketch(names(name, i % 10 === 0 ? 6000 : 1), { start: i })),
    ];
    const longest = { arguments: 0, bytes: 0 };
    for (const [i, cells] of lists.entries()) {
      const prefix = `app${i}`;
      faults.log.length = 0;
      await new TestWriter(storage, { prefix }).flush(cells);
      for (const words of faults.log.filter(([name]) => name === "EVALSHA")) {
        longest.arguments = Math.max(longest.arguments, words.length - 3);
        const bytes = words.reduce((sum, word) => sum + new TextEncoder().encode(word).length, 0);
        longest.bytes = Math.max(longest.bytes, bytes);
      }
      assertEquals(await contents(storage, prefix), totals(cells));
    }
    assert(longest.arguments <= 5_000 && longest.arguments > 4_500, `${longest.arguments}`);
    assert(longest.bytes <= 1 << 20 && longest.bytes > 500_000, `${longest.bytes}`);
  });

  Deno.test("RedisStorage.read() reads large hashes and sorted sets by a cursor, each field once", async () => {
    await using storage = await empty();
    const fields = names("field-", 11_000);
    const cells = [
      ...fields.map((field) => count(field, 2)),
      ...fields.map((field) => count(field, 3, { metric: TOP })),
      ...fields.map((field, i) => sum(field, BigInt(i) * 500_000n)),
      tally(7),
      count("small", 1, { start: START - DAY }),
      count("small", 1, { start: START + DAY }),
    ];
    await new TestWriter(storage).flush(cells);
    assertEquals(await contents(storage), totals(cells));
    assertEquals((await Array.fromAsync(storage.read(TOP, all))).length > 5, true, "in pieces");
  });
  const all = { prefix: PREFIX, unit: "d" as const, from: -Infinity, to: Infinity };

  Deno.test("RedisStorage.read() names the key and field of what traqq did not write", async () => {
    await using storage = await empty();
    await new TestWriter(storage).flush([
      count("a", 1),
      sum("a", 1n),
      count("t", 1, { metric: TOP }),
    ]);
    await server.cli("hset", `app:add:d:${START}:event`, "b", "many");
    await server.cli("hset", `app:adv:d:${START}:amount:event~geo`, "c", "much");
    await server.cli("zadd", `app:top:d:${START}:geo`, "0.5", "half");
    for (const [metric, field] of [[ADD, "b"], [ADV, "c"], [TOP, "half"]] as const) {
      const error = await assertRejects(
        () => Array.fromAsync(storage.read(metric, all)),
        StorageError,
        JSON.stringify(field),
      );
      assertEquals(error.code, "refused");
      assertStringIncludes(error.message, `:${START}:`);
    }
  });

  Deno.test("RedisStorage.prune() leaves no key behind but the zone and the writer's checkpoint", async () => {
    await using storage = await empty();
    await storage.claimTimezone("app", "UTC");
    const cells = names("", 30).flatMap((_, day) => {
      const at = { start: START + day * DAY };
      return [
        count("a", 1, at),
        count("a", 1, { ...at, metric: TOP }),
        sum("a", 1n, at),
        tally(1, at),
        sketch(["x"], at),
        count("a", 1, { ...at, unit: "h" }),
        ...names("m", 50).map((pattern) =>
          count("a", 1, { ...at, metric: { type: "add", pattern } })
        ),
      ];
    });
    await new TestWriter(storage).flush(cells);
    for (const [unit, cells] of [["d", 30 * 55], ["h", 30]] as const) {
      const report = await storage.prune({ prefix: "app", unit, before: 1e12 });
      assertEquals(report, { buckets: 30, cells });
    }
    assertEquals((await server.cli("keys", "*")).split("\n").sort(), [
      "{app}:meta:cp:writer",
      "{app}:meta:tz",
      "{app}:meta:writers",
    ]);
  });

  Deno.test("RedisStorage.prune() that was stopped half-way is finished by the next", async () => {
    await server.cli("flushall");
    await using store = await disturb([server], (_key, ...args) => server.cli(...args));
    const cells = names("", 10).flatMap((_, day) => {
      const start = START + day * DAY;
      return [count("a", 1, { start }), sketch(["x"], { start })];
    });
    await new TestWriter(store.storage).flush(cells);
    store.dieAfter(4);
    const range = { prefix: "app", unit: "d" as const, before: 1e12 };
    await assertRejects(() => store.storage.prune(range), StorageError);
    store.heal();
    const { buckets } = await store.storage.prune(range);
    assertEquals(buckets, 6);
    assertEquals(await server.cli("keys", "app:*"), "");
    assertEquals(await server.cli("exists", "{app}:meta:starts:d", "{app}:meta:versions:d"), "0");
  });

  Deno.test("RedisStorage keeps the prefixes app and {app} apart", async () => {
    await using storage = await empty();
    const cells = [count("a", 1), sum("a", 5n), sketch(["x"])];
    const twice = [...cells, ...cells];
    await new TestWriter(storage, { prefix: "app" }).flush(cells);
    await new TestWriter(storage, { prefix: "{app}" }).flush(twice);
    assertEquals(await contents(storage, "app"), totals(cells));
    assertEquals(await contents(storage, "{app}"), totals(twice));
    await storage.prune({ prefix: "{app}", unit: "d", before: 1e12 });
    assertEquals(await contents(storage, "app"), totals(cells));
    assertEquals(await contents(storage, "{app}"), {});
    const writer = new TestWriter(storage, { prefix: "a{b}" });
    for (const call of [() => writer.flush(cells), () => storage.timezone("{a}b")]) {
      assertEquals((await assertRejects(call, StorageError, "braces")).code, "refused");
    }
  });

  Deno.test("RedisStorage goes on when the server has lost its scripts", async () => {
    await using storage = await empty();
    const writer = new TestWriter(storage);
    await writer.flush([count("a", 1)]);
    await server.cli("script", "flush");
    const [{ retries }] = await writer.flush([count("a", 1)]);
    assertEquals(retries, 0);
    assertEquals(await contents(storage), totals([count("a", 2)]));
  });

  Deno.test("RedisStorage says unavailable when memory is full, having applied nothing, and goes on when there is room", async () => {
    await using full = await RedisServer.start();
    await using storage = await RedisStorage.open(full.url, { retries: 2 });
    const writer = new TestWriter(storage);
    await writer.flush([count("a", 1)]);
    const chunk = writer.chunk([...names("f", 500).map((f) => count(f, 1)), sketch(["x"])]);
    await full.cli("config", "set", "maxmemory", "1");
    const error = await assertRejects(() => storage.commit(chunk), StorageError, "OOM");
    assertEquals(error.code, "unavailable");
    await full.cli("config", "set", "maxmemory", "0");
    assertEquals(await contents(storage), totals([count("a", 1)]));
    await storage.commit(chunk);
    assertEquals(await contents(storage), totals([count("a", 1), ...chunk.cells]));
  });

  Deno.test("a Traqq on Redis commits again what a server lost that came back from an older file", async () => {
    await using old = await RedisServer.start();
    await using storage = await RedisStorage.open(old.url);
    const errors: Error[] = [];
    await using traqq = await Traqq.open({
      storage,
      prefix: "app",
      mapping: { add: ["event"], bitmap: ["user"], addValue: [{ key: "event", addKey: "amount" }] },
      onError: (error) => errors.push(error),
    });
    const record = async (user: string) => {
      await traqq.record({ event: "buy", user, amount: 0.1 }, { at: START });
      await traqq.flush();
    };
    await record("ann");
    await old.cli("save");
    await record("bob");
    await record("cid");
    await old.restart("SIGKILL");
    await record("dan");
    const result = await traqq.query({ from: START, to: START });
    assertEquals(result.merged("add/event").counts, { buy: 4 });
    assertEquals(result.merged("bmp/user").count, 4);
    assertEquals(result.merged("adv/event/amount").sum, 0.4);
    assertEquals(traqq.stats().replayed, 2);
    assertEquals(errors, []);
  });

  Deno.test("two Traqqs on one Redis see the same, also without a mapping", async () => {
    await using _emptied = await empty();
    await assertSeeTheSame(() => RedisStorage.open(server.url));
  });

  Deno.test("KV to Redis and back: every line of an export is the same, sketches byte for byte", async () => {
    await using kv = await fill(await KvStorage.open(":memory:"), oddCells());
    await using redis = await empty();
    await using back = await KvStorage.open(":memory:");
    const lines = async (storage: Storage) => {
      const all = await Array.fromAsync(exportCells(storage, PREFIX));
      return all.slice(1, -1).sort(); // without what names the export
    };
    const wanted = await lines(kv);
    assertEquals(wanted.length, oddCells().length);
    await importCells(redis, exportCells(kv, PREFIX));
    assertEquals(await lines(redis), wanted);
    await importCells(back, exportCells(redis, PREFIX));
    assertEquals(await lines(back), wanted);
    assertEquals(await back.timezone(PREFIX), await kv.timezone(PREFIX));
  });
});
