/** RedisStorage on a cluster, beyond the contract: units with checkpoints, and nodes that went back. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Cluster } from "ioredis";
import { StorageError } from "../../src/base/errors.ts";
import { keyCheckpoint, knownKey, metricKey } from "../../src/storage/redis/keys.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisCluster, until, withRedis } from "../_redis.ts";
import { moveSlot } from "../_redis_slots.ts";
import {
  ADD,
  ADV,
  BMP,
  contents,
  count,
  DAY,
  names,
  sketch,
  START,
  sum,
  tally,
  TestWriter,
  TOP,
  totals,
} from "../contract/kit.ts";
import { snapshotOf } from "./_redis_snapshot.ts";
import { disturb } from "./_redis_store.ts";
import { assertSeeTheSame } from "./_two_machines.ts";

const place = { metric: ADD, unit: "d" as const, start: START };
const KEY = metricKey("app", place);

await withRedis("RedisStorage on a cluster", async () => {
  const cluster = await RedisCluster.start();
  const cli = async (key: string, ...args: string[]) =>
    await (await cluster.masterOf(key)).cli(...args);
  const at = (key: string) => (...args: string[]) => cli(key, args[0], key, ...args.slice(1));
  const empty = async () => {
    await cluster.flush();
    return await RedisStorage.open(cluster.urls);
  };
  /** Every key of every master. */
  const allKeys = async () => {
    const lists = await Promise.all(
      cluster.nodes.map(async (node) =>
        (await node.cli("info", "replication")).includes("role:master")
          ? await node.cli("keys", "*")
          : ""
      ),
    );
    return lists.flatMap((list) => list.split("\n")).filter((key) => key !== "").sort();
  };
  const snapshot = (...keys: string[]) => snapshotOf(cluster, keys);

  Deno.test("RedisStorage on a cluster keeps a checkpoint beside each key, with the writer's time to live", async () => {
    await using storage = await empty();
    const cells = [
      count("a", 1),
      sum("a", 1n),
      tally(1),
      sketch(["x"]),
      count("a", 1, { metric: TOP }),
    ];
    await new TestWriter(storage, { writer: "passing", durable: false }).flush(cells);
    const keys = [ADD, ADV, BMP, TOP].map((metric) => metricKey("app", { ...place, metric }));
    const units = [...keys, `${keys[1]}:i`, knownKey("app", "d", START)];
    const passing = (key: string) => [`{${key}}:cp:passing`, `{${key}}:cps`];
    const written = await allKeys();
    for (const key of units) {
      assert(written.includes(key), key);
      assertEquals(await at(key)("pttl"), "-1");
      for (const beside of passing(key)) assert(Number(await at(beside)("pttl")) > 6 * DAY * 1000);
    }
    assertEquals(written.length, 3 * units.length + 3, written.join(" "));
    await new TestWriter(storage, { writer: "journaled", durable: true }).flush(cells);
    await new TestWriter(storage, { writer: "passing2", durable: false }).flush(cells);
    for (const key of units) {
      assertEquals(await at(`{${key}}:cp:journaled`)("pttl"), "-1");
      assertEquals(await at(`{${key}}:cps`)("pttl"), "-1", "it names one that never expires");
      assert(Number(await at(`{${key}}:cp:passing2`)("pttl")) > 0);
    }
  });

  Deno.test("RedisStorage on a cluster counts a chunk once per key, with writers and incarnations between", async () => {
    await using storage = await empty();
    const fields = names("f", 4);
    const cells = fields.flatMap((field) => [
      count(field, 1),
      sum(field, 1_500_000n),
      count(field, 1, { start: START + DAY }),
    ]);
    const one = new TestWriter(storage, { writer: "w", incarnation: "one" });
    const other = new TestWriter(storage, { writer: "other" });
    await one.flush(cells);
    await other.flush(cells);
    const lost = one.chunk(cells);
    await storage.commit(lost);
    const two = new TestWriter(storage, {
      writer: "w",
      incarnation: "two",
      previous: one.previous,
    });
    const next = two.chunk(cells);
    await storage.commit(next);
    await other.flush(cells);
    // The node with the writer's checkpoint went back by two chunks; those with the cells did not.
    await cli("{app}", "hset", "{app}:meta:cp:w", "incarnation", "one", "flush", "1", "part", "0");
    await cli("{app}", "hset", "{app}:meta:cp:w", "generation", "1", "chain", "one");
    assertEquals((await assertRejects(() => storage.commit(next), StorageError)).code, "behind");
    await storage.commit(lost);
    await storage.commit(next);
    assertEquals(await contents(storage), totals(Array(5).fill(cells).flat()));
    assertEquals(await storage.checkpoint("app", "w"), two.previous);
  });

  Deno.test("RedisStorage on a cluster starts anew where a writer's checkpoint was removed", async () => {
    await using storage = await empty();
    const cells = [count("a", 1), sum("a", 1n)];
    const one = new TestWriter(storage, { writer: "w", incarnation: "one" });
    for (let i = 0; i < 3; i++) await one.flush(cells);
    assertEquals(await storage.removeWriter("app", "w"), true);
    const two = new TestWriter(storage, { writer: "w", incarnation: "two" });
    await two.flush(cells);
    await two.flush(cells);
    assertEquals(await contents(storage), totals(Array(5).fill(cells).flat()));
  });

  Deno.test("RedisStorage on a cluster says foreign where another incarnation has the same place in the chain", async () => {
    await using storage = await empty();
    const one = new TestWriter(storage, { writer: "w", incarnation: "one" });
    await one.flush([count("a", 1)]);
    const two = new TestWriter(storage, {
      writer: "w",
      incarnation: "two",
      previous: one.previous,
    });
    await two.flush([count("a", 1)]);
    await cli("{app}", "hset", "{app}:meta:cp:w", "incarnation", "one", "flush", "1", "part", "0");
    await cli("{app}", "hset", "{app}:meta:cp:w", "generation", "1");
    await using other = await RedisStorage.open(cluster.urls);
    const three = new TestWriter(other, {
      writer: "w",
      incarnation: "three",
      previous: one.previous,
    });
    const chunk = three.chunk([count("a", 10)]);
    const error = await assertRejects(() => other.commit(chunk), StorageError);
    assertEquals(error.code, "foreign");
    assertStringIncludes(error.message, `:${START}`);
    assertEquals(await contents(storage), totals([count("a", 2)]));
  });

  /** A Traqq whose events go to keys in several slots. */
  const openTraqq = async (storage: RedisStorage, errors: Error[]) => {
    const traqq = await Traqq.open({
      storage,
      prefix: "app",
      writer: "w",
      mapping: {
        add: ["event", "geo"],
        bitmap: ["user"],
        addValue: [{ key: "event", addKey: "amount" }],
      },
      onError: (error) => errors.push(error),
    });
    let number = 0;
    const record = async (event = "buy") => {
      const geo = `g${number++ % 2}`;
      await traqq.record({ event, geo, user: `u${number}`, amount: 0.1 }, { at: START });
      await traqq.flush();
    };
    const check = async (counts: Record<string, number>, replayed: boolean) => {
      const result = await traqq.query({ from: START, to: START });
      assertEquals(result.merged("add/event").counts, counts);
      assertEquals(result.merged("add/geo").counts, {
        g0: Math.ceil(number / 2),
        g1: Math.floor(number / 2),
      });
      assertEquals(result.merged("bmp/user").count, number);
      const summed = result.merged("adv/event/amount");
      assertEquals([summed.count, summed.sum], [number, number / 10]);
      assertEquals(traqq.stats().replayed > 0, replayed);
      assertEquals(errors, []);
    };
    return { traqq, record, check };
  };

  Deno.test("a Traqq on a cluster commits again what a key lost, and only there", async () => {
    await using storage = await empty();
    const { traqq, record, check } = await openTraqq(storage, []);
    await using _traqq = traqq;
    await record();
    await record();
    const back = await snapshot(KEY, keyCheckpoint("app", KEY, "w"));
    for (let i = 0; i < 3; i++) await record();
    await back();
    assertEquals(await cli(KEY, "hget", KEY, "buy"), "2");
    await record();
    await check({ buy: 6 }, true);
    for (let i = 0; i < 2; i++) await record("sell");
    await check({ buy: 6, sell: 2 }, true);
  });

  Deno.test("a Traqq on a cluster commits again where keys are gone, and two lost different commits", async () => {
    await using storage = await empty();
    const { traqq, record, check } = await openTraqq(storage, []);
    await using _traqq = traqq;
    await record();
    const users = metricKey("app", { ...place, metric: BMP });
    const backUsers = await snapshot(users, keyCheckpoint("app", users, "w"));
    await record();
    const geo = metricKey("app", { ...place, metric: { type: "add", pattern: "geo" } });
    const backGeo = await snapshot(geo, keyCheckpoint("app", geo, "w"));
    await record();
    await record();
    await backUsers();
    await backGeo();
    const known = knownKey("app", "d", START);
    for (const key of [KEY, known]) {
      for (const one of [key, keyCheckpoint("app", key, "w"), `{${key}}:cps`]) {
        await cli(key, "del", one);
      }
    }
    await record();
    await check({ buy: 5 }, true);
  });

  Deno.test("RedisStorage on a cluster warns of what is lost for good, once, and goes on", async () => {
    await using first = await empty();
    const writer = new TestWriter(first, { writer: "w" });
    await writer.flush([count("a", 1)]);
    const warnings: string[] = [];
    await using storage = await RedisStorage.open(cluster.urls, {
      onWarning: (message) => warnings.push(message),
    });
    writer.storage = storage;
    const second = writer.chunk([count("a", 10)]);
    await storage.commit(second);
    for (const one of [KEY, keyCheckpoint("app", KEY, "w"), `{${KEY}}:cps`]) {
      await cli(KEY, "del", one);
    }
    const third = writer.chunk([count("a", 100)]);
    const error = await assertRejects(
      () => storage.commit(third),
      StorageError,
      "went back in time",
    );
    assertEquals(error.code, "behind");
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0], KEY);
    await storage.commit(second);
    await storage.commit(third);
    assertEquals(await contents(storage), totals([count("a", 110)]));
    assertEquals(warnings.length, 1);
  });

  Deno.test("a Traqq on a cluster finds a loss in a key that is not written again, when masters change", async () => {
    await using storage = await empty();
    const { traqq, record, check } = await openTraqq(storage, []);
    await using _traqq = traqq;
    await record();
    const back = await snapshot(KEY, keyCheckpoint("app", KEY, "w"));
    await record();
    await back();
    const master = await cluster.masterOf(KEY);
    const id = await master.cli("cluster", "myid");
    const replica = cluster.nodes.find((node) => node !== master)!;
    const line = (await replica.cli("cluster", "nodes")).split("\n").find((it) =>
      it.includes(`slave ${id}`)
    )!;
    const port = Number(/:(\d+)@/.exec(line)![1]);
    await cluster.copied(master);
    await cluster.nodes.find((node) => node.port === port)!.cli("cluster", "failover");
    await until(
      "the replica to be master",
      20_000,
      async () => (await cluster.masterOf(KEY)).port === port,
    );
    // Only another day is written to.
    await until("the loss to be found", 20_000, async () => {
      await traqq.record({ event: "late", geo: "x" }, { at: START + DAY });
      await traqq.flush();
      return traqq.stats().replayed > 0;
    });
    await check({ buy: 2 }, true);
    await cluster.ready();
  });

  Deno.test("RedisStorage.prune() on a cluster leaves no key behind, and a late event is counted", async () => {
    await using storage = await empty();
    await storage.claimTimezone("app", "UTC");
    const writer = new TestWriter(storage, { writer: "w" });
    const cells = names("", 5).flatMap((_, day) => {
      const at = { start: START + day * DAY };
      return [count("a", 1, at), sum("a", 1n, at), tally(1, at), sketch(["x"], at)];
    });
    await writer.flush(cells);
    const report = await storage.prune({ prefix: "app", unit: "d", before: 1e12 });
    assertEquals(report, { buckets: 5, cells: 20 });
    const left = ["{app}:meta:cp:w", "{app}:meta:prune", "{app}:meta:tz", "{app}:meta:writers"];
    assertEquals(await allKeys(), left);
    assert(Number(await at("{app}:meta:prune")("ttl")) > 0, "it goes by itself");
    // The same writer comes to a key whose checkpoint was pruned with it: nothing was lost.
    await writer.flush([count("late", 1)]);
    assertEquals(await contents(storage), totals([count("late", 1)]));
    // Nor if another process pruned.
    await using other = await RedisStorage.open(cluster.urls);
    await other.prune({ prefix: "app", unit: "d", before: 1e12 });
    await writer.flush([count("later", 1)]);
    assertEquals(await contents(storage), totals([count("later", 1)]));
  });

  Deno.test("RedisStorage on a cluster lists a key again that was pruned while a commit was under way", async () => {
    await cluster.flush();
    await using store = await disturb(cluster.nodes, cli);
    await using other = await RedisStorage.open(cluster.urls);
    await new TestWriter(other, { writer: "other" }).flush([
      count("old", 1),
      count("kept", 1, { unit: "h" }),
    ]);
    let pruned = false;
    store.faults.afterWrite = async (words) => {
      // The commit has listed its key, and nothing more.
      if (pruned || !words.includes("known")) return;
      pruned = true;
      await other.prune({ prefix: "app", unit: "d", before: 1e12 });
    };
    await new TestWriter(store.storage, { writer: "w" }).flush([count("new", 1)]);
    assert(pruned);
    assertEquals(
      await contents(other),
      totals([count("new", 1), count("kept", 1, { unit: "h" })]),
    );
  });

  Deno.test("RedisStorage.prune() on a cluster leaves a key listed that is written to while it prunes", async () => {
    await cluster.flush();
    await using store = await disturb(cluster.nodes, cli);
    await using other = await RedisStorage.open(cluster.urls);
    const writer = new TestWriter(other, { writer: "other" });
    await writer.flush([count("old", 1)]);
    let written = false;
    store.faults.afterWrite = async (words) => {
      // The key is gone, its name is not yet.
      if (written || words[3] !== KEY) return;
      written = true;
      await writer.flush([count("new", 1)]);
    };
    await store.storage.prune({ prefix: "app", unit: "d", before: 1e12 });
    assert(written);
    assertEquals(await contents(other), totals([count("new", 1)]));
  });

  Deno.test("RedisStorage.read() on a cluster gives all of a large bucket that moves to another master meanwhile", async () => {
    for (const metric of [ADD, TOP]) {
      await using storage = await empty();
      const fields = names("f", 12_000);
      await new TestWriter(storage).flush(fields.map((field) => count(field, 1, { metric })));
      const range = { prefix: "app", unit: "d", from: START, to: START } as const;
      const seen: string[] = [];
      let batches = 0;
      for await (const cells of storage.read(metric, range)) {
        for (const cell of cells) seen.push("field" in cell ? cell.field : "");
        if (++batches === 5) await moveSlot(cluster, metricKey("app", { ...place, metric }));
      }
      assertEquals(seen.sort(), fields.sort());
    }
  });

  Deno.test("two Traqqs on a cluster see the same, also without a mapping", async () => {
    await using _emptied = await empty();
    await assertSeeTheSame(() => RedisStorage.open(cluster.urls));
  });

  Deno.test("RedisStorage takes a cluster's client of the caller, and leaves it open", async () => {
    await cluster.flush();
    const client = new Cluster([{ host: "127.0.0.1", port: cluster.nodes[0].port }]);
    try {
      const storage = await RedisStorage.open(client);
      assertEquals(storage.capabilities.atomicity, "metric");
      await new TestWriter(storage).flush([count("a", 1)]);
      await storage.close();
      assertEquals(await client.hget(KEY, "a"), "1");
    } finally {
      client.disconnect();
    }
  });

  Deno.test("RedisStorage.open() of one node says that it is a cluster's", async () => {
    await cluster.flush();
    await using storage = await RedisStorage.open(cluster.urls[0]);
    const prefixes = names("p", 20); // one of them lies elsewhere
    const error = await assertRejects(
      async () => {
        for (const prefix of prefixes) {
          await new TestWriter(storage, { prefix }).flush([count("a", 1)]);
        }
      },
      StorageError,
      "--redis-cluster",
    );
    assertEquals(error.code, "refused");
  });

  Deno.test("RedisStorage with waitForReplicas confirms only what replicas have", async () => {
    await cluster.flush();
    await using one = await RedisStorage.open(cluster.urls, { waitForReplicas: 1 });
    const writer = new TestWriter(one);
    await writer.flush([count("a", 1)]);
    await using two = await RedisStorage.open(cluster.urls, { waitForReplicas: 2 });
    writer.storage = two;
    const chunk = writer.chunk([count("a", 1)]);
    const error = await assertRejects(() => two.commit(chunk), StorageError, "2 replicas");
    assertEquals(error.code, "unknown");
    assertEquals((await one.commit(chunk)).outcome, "skipped");
    assertEquals(await contents(one), totals([count("a", 2)]));
  });
});
