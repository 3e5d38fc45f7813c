/** Nodes of a cluster that lose what they had confirmed, under a Traqq with and without a journal. */
import { assertEquals, assertGreater, assertRejects, assertStrictEquals } from "@std/assert";
import { Cluster } from "ioredis";
import { createHash } from "node:crypto";
import { StorageError } from "../../src/base/errors.ts";
import { keyCheckpoint, metricKey } from "../../src/storage/redis/keys.ts";
import { REWIND_WRITER } from "../../src/storage/redis/scripts/rewindWriter-1.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { Traqq } from "../../src/traqq.ts";
import { cellsOf, Day, MAPPING } from "../program/_load.ts";
import { Folder } from "../program/_program.ts";
import { RedisCluster, type RedisServer, until, withRedis } from "../_redis.ts";
import { disturb } from "./_redis_store.ts";

/** Of MAPPING. Their keys are spread over the masters. */
const PATTERNS = ["event", "f", "event~f"];
const META = "{traqq}";

await withRedis("a Traqq on a cluster whose nodes lose writes", async () => {
  const cluster = await RedisCluster.start();
  let days = 0;

  /** A day with a key whose master is that of the bookkeeping, or is another; and the key. */
  const dayOn = async (withMeta: boolean): Promise<[Day, string]> => {
    const meta = await cluster.masterOf(META);
    for (;;) {
      const day = new Day(days++);
      for (const pattern of PATTERNS) {
        const metric = { type: "add", pattern } as const;
        const key = metricKey("traqq", { metric, unit: "d", start: day.start });
        if ((await cluster.masterOf(key) === meta) === withMeta) return [day, key];
      }
    }
  };

  const open = async (journal?: string) => {
    const client = new Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    const storage = await RedisStorage.open(client);
    const errors: string[] = [];
    const traqq = await Traqq.open({
      storage,
      mapping: MAPPING,
      flush: { intervalMs: 1e6 },
      ...journal === undefined ? {} : { journal: { directory: journal } },
      onError: ({ message }) => errors.push(message),
    });
    return {
      client,
      storage,
      traqq,
      errors,
      async [Symbol.asyncDispose]() {
        await traqq.close();
        await storage.close();
        client.disconnect();
      },
    };
  };

  const check = async (storage: Storage, day: Day) => {
    assertEquals(day.check(await cellsOf(storage, day)), []);
    assertEquals(day.counted, day.sent);
  };

  Deno.test("a Traqq finds out that a node came back empty, also where it writes no more to it", async () => {
    await cluster.flush();
    const [day, key] = await dayOn(false);
    await using it = await open();
    await flushed(it.traqq, day, 3000);
    const master = await cluster.masterOf(key);
    await master.restart("SIGKILL"); // it had nothing on disk, and is back before anyone takes over
    // The client has found the node again before a commit could see that it was gone.
    const has = () => it.client.nodes("master").some(({ options }) => options.port === master.port);
    await until("the client to notice", 10_000, () => !has());
    await cluster.ready();
    assertStrictEquals(await cluster.masterOf(key), master);
    assertGreater(day.check(await cellsOf(it.storage, day)).length, 0);
    const [other] = await dayOn(false);
    await flushed(it.traqq, other, 10);
    await check(it.storage, day);
    await check(it.storage, other);
    assertGreater(it.traqq.stats().replayed, 0);
    assertEquals(it.errors, []);
  });

  for (const withJournal of [false, true]) {
    for (const withMeta of [false, true]) {
      const name =
        `a Traqq ${withJournal ? "with a journal" : "without a journal"} counts exactly ` +
        `when a replica takes over that lacks commits${withMeta ? ", and its checkpoint" : ""}`;
      Deno.test(name, async () => {
        await cluster.flush();
        await using folder = new Folder();
        const [day, key] = await dayOn(withMeta);
        await using it = await open(withJournal ? folder.file("journal") : undefined);
        const master = await cluster.masterOf(key);
        // A writer whose checkpoint stays is set back to before all it did; one that goes must not
        // be missing.
        if (withMeta) await flushed(it.traqq, day);
        const replica = await cluster.replicaOf(master);
        replica.freeze();
        await master.cli("client", "kill", "type", "replica"); // or it would read on when it thaws
        for (let i = 0; i < 3; i++) await flushed(it.traqq, day);
        await replaceBy(replica, master, key);
        await flushed(it.traqq, day);
        await check(it.storage, day);
        assertGreater(it.traqq.stats().replayed, 0);
        assertEquals(it.errors, []);
        await master.restart("SIGKILL");
        await cluster.ready();
      });
    }
  }

  Deno.test("a Traqq that cannot set its checkpoint back finds the loss again", async () => {
    await cluster.flush();
    const [day, key] = await dayOn(false);
    const cli = async (key: string, ...args: string[]) =>
      await (await cluster.masterOf(key)).cli(...args);
    await using it = await disturb(cluster.nodes, cli, { retries: 2 });
    await using traqq = await Traqq.open({
      storage: it.storage,
      mapping: MAPPING,
      writer: "w",
      flush: { intervalMs: 1e6 },
    });
    for (let i = 0; i < 3; i++) await flushed(traqq, day);
    for (const one of [key, keyCheckpoint("traqq", key, "w"), `{${key}}:cps`]) {
      await cli(key, "del", one);
    }
    const sha = createHash("sha1").update(REWIND_WRITER.lua).digest("hex");
    it.faults.answerInstead = ([, script]) => script === sha ? "-LOADING" : null;
    await assertRejects(() => flushed(traqq, day), StorageError, "LOADING");
    it.faults.heal();
    await traqq.flush();
    await check(it.storage, day);
  });

  /** Kills a master, and has a replica that was frozen take its place. */
  const replaceBy = async (replica: RedisServer, master: RedisServer, key: string) => {
    master.kill();
    replica.thaw();
    await until(
      "the replica to take over",
      20_000,
      async () => await cluster.masterOf(key).catch(() => master) === replica,
    );
  };
});

/** Records events of a day, and has them in storage. */
async function flushed(traqq: Traqq, day: Day, count = 1000): Promise<void> {
  const [from, to] = day.take(count);
  const events = Array.from({ length: to - from }, (_, i) => JSON.parse(day.event(from + i)));
  await traqq.recordMany(events, { at: day.start });
  day.acknowledge(from, to);
  await traqq.flush();
}
