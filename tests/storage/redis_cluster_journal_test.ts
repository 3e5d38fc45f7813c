/** What a Traqq with a journal does, when it is opened, about keys of a cluster that lost commits. */
import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { keyCheckpoint, knownKey, metricKey } from "../../src/storage/redis/keys.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Metric } from "../../src/storage/storage.ts";
import { Traqq } from "../../src/traqq.ts";
import { Folder } from "../program/_program.ts";
import { RedisCluster, until, withRedis } from "../_redis.ts";
import { DAY, START } from "../contract/kit.ts";
import { snapshotOf } from "./_redis_snapshot.ts";

const METRICS: readonly Metric[] = [
  { type: "add", pattern: "event" },
  { type: "bmp", pattern: "user" },
  { type: "adv", pattern: "event", addKey: "amount" },
  { type: "top", pattern: "geo" },
];
const PATIENCE_MS = 30_000;

await withRedis("a Traqq with a journal on a cluster", async () => {
  const cluster = await RedisCluster.start();
  const cli = async (key: string, ...args: string[]) =>
    await (await cluster.masterOf(key)).cli(...args);

  /** A process that has the journal open, and what it was warned of. */
  const open = async (journal: string, replayMs = 600_000) => {
    const warnings: string[] = [];
    const storage = await RedisStorage.open(cluster.urls, {
      onWarning: (message) => warnings.push(message),
    });
    const traqq = await Traqq.open({
      storage,
      prefix: "app",
      mapping: {
        add: ["event"],
        bitmap: ["user"],
        addValue: [{ key: "event", addKey: "amount" }],
        top: ["geo"],
      },
      flush: { intervalMs: 1e6 },
      journal: { directory: journal, replayMs },
      onError: ({ message }) => warnings.push(message),
    });
    return {
      storage,
      traqq,
      warnings,
      async [Symbol.asyncDispose]() {
        await traqq.close();
        await storage.close();
      },
    };
  };

  let users = 0;
  /** Counts events, each in a flush of its own. */
  const record = async (traqq: Traqq, count: number, at = START) => {
    for (let i = 0; i < count; i++) {
      await traqq.record({ event: "buy", user: `u${users++}`, amount: 0.1, geo: "US" }, { at });
      await traqq.flush();
    }
  };

  /** Holds that so many events are counted in a day, by each of the types. */
  const check = async (traqq: Traqq, count: number, at = START) => {
    const result = await traqq.query({ from: at, to: at });
    const { sum, count: values } = result.merged("adv/event/amount");
    assertEquals({
      add: { ...result.merged("add/event").counts },
      bmp: result.merged("bmp/user").count,
      adv: [sum, values],
      top: result.merged("top/geo").ranked,
    }, {
      add: count === 0 ? {} : { buy: count },
      bmp: count,
      adv: [count / 10, count],
      top: count === 0 ? [] : [["US", count]],
    });
  };

  /** The keys of a day, each with its checkpoint beside it: of the metrics, and of their list. */
  const keysOf = (writer: string, start = START) => {
    const keys = METRICS.map((metric) => metricKey("app", { metric, unit: "d", start }));
    return [...keys, `${keys[2]}:i`, knownKey("app", "d", start)]
      .map((key) => [key, keyCheckpoint("app", key, writer), `{${key}}:cps`]);
  };

  const writerOf = async (folder: Folder): Promise<string> =>
    JSON.parse(await Deno.readTextFile(folder.file("journal/journal.json"))).writer;

  Deno.test("a Traqq that is opened commits again what any key lost of earlier processes, and only that", async () => {
    await cluster.flush();
    await using folder = new Folder();
    const journal = folder.file("journal");
    for (const [round, lost] of ["every", "first", "none"].entries()) {
      let back = () => Promise.resolve();
      for (let process = 0; process < 3; process++) {
        await using it = await open(journal);
        await record(it.traqq, 2);
        if (process > 0) continue;
        const keys = keysOf(await writerOf(folder));
        if (lost === "every") back = await snapshotOf(cluster, keys.flat());
        if (lost === "first") back = await snapshotOf(cluster, keys[0]);
      }
      await back();
      await using again = await open(journal);
      assertEquals(again.traqq.stats().replayed > 0, lost !== "none", lost);
      await check(again.traqq, 6 * (round + 1));
      assertEquals(again.warnings, []);
    }
  });

  Deno.test("a Traqq that is opened commits again into keys of which nothing is left", async () => {
    await cluster.flush();
    await using folder = new Folder();
    for (const start of [START, START + DAY]) {
      await using it = await open(folder.file("journal"));
      await record(it.traqq, 3, start);
    }
    for (const starts of [[START + DAY], [START, START + DAY]]) {
      const keys = await Promise.all(starts.map(async (at) => keysOf(await writerOf(folder), at)));
      for (const key of keys.flat(2)) await cli(key, "del", key);
      await using again = await open(folder.file("journal"));
      await check(again.traqq, 3);
      await check(again.traqq, 3, START + DAY);
      assertEquals(again.warnings, [], "the journal has all that ever was in them");
    }
  });

  Deno.test("a Traqq that is opened says which keys may have lost more than its journal keeps", async () => {
    await cluster.flush();
    await using folder = new Folder();
    const journal = folder.file("journal");
    const segments = () =>
      [...Deno.readDirSync(journal)].filter(({ name }) => /segment$/.test(name));
    {
      await using it = await open(journal);
      await record(it.traqq, 1);
    }
    // Opened again, it lets go of the first segment.
    await until("the first commit to be kept no more", PATIENCE_MS, async () => {
      await using _it = await open(journal, 1);
      return !segments().some(({ name }) => name === "0000000001.segment");
    });
    {
      await using it = await open(journal);
      await record(it.traqq, 2);
    }
    const [keys] = keysOf(await writerOf(folder));
    for (const key of keys) await cli(key, "del", key);
    await using again = await open(journal);
    const result = await again.traqq.query({ from: START, to: START });
    assertEquals({ ...result.merged("add/event").counts }, { buy: 2 });
    assertEquals(result.merged("bmp/user").count, 3);
    assertEquals(again.warnings.length, 1);
    assertStringIncludes(again.warnings[0], `Of 1, among them ${JSON.stringify(keys[0])}`);
  });

  Deno.test("a Traqq that is opened brings no pruned bucket back, and counts what comes late into it", async () => {
    await cluster.flush();
    await using folder = new Folder();
    const journal = folder.file("journal");
    const later = START + DAY;
    {
      await using it = await open(journal);
      await record(it.traqq, 2);
      await record(it.traqq, 1, later);
    }
    const [lost] = keysOf(await writerOf(folder), later);
    const back = await snapshotOf(cluster, lost);
    {
      await using it = await open(journal);
      await record(it.traqq, 2, later);
      // A cut that has both: the one bucket is pruned, the other one loses it.
      await it.traqq.record({ event: "buy", user: "x", amount: 0.1, geo: "US" }, { at: START });
      await record(it.traqq, 1, later);
    }
    await using other = await RedisStorage.open(cluster.urls);
    await other.prune({ prefix: "app", unit: "d", before: later });
    // However long ago that was.
    await cli("{app}", "del", "{app}:meta:prune");
    await back();
    {
      await using again = await open(journal);
      assertGreater(again.traqq.stats().replayed, 0);
      await check(again.traqq, 0);
      await check(again.traqq, 4, later);
      await record(again.traqq, 1);
      assertEquals(again.warnings, []);
    }
    await using again = await open(journal);
    assertEquals(again.traqq.stats().replayed, 0);
    await check(again.traqq, 1);
    await check(again.traqq, 4, later);
  });

  Deno.test("a Traqq that commits again what a key lost brings no bucket back that it pruned itself", async () => {
    await cluster.flush();
    await using folder = new Folder();
    await using it = await open(folder.file("journal"));
    const later = START + DAY;
    await record(it.traqq, 1, later);
    const [lost] = keysOf(await writerOf(folder), later);
    const back = await snapshotOf(cluster, lost);
    await it.traqq.record({ event: "buy", user: "x", amount: 0.1, geo: "US" }, { at: START });
    await record(it.traqq, 1, later);
    await it.traqq.prune(later);
    await back();
    await record(it.traqq, 1, later);
    assertGreater(it.traqq.stats().replayed, 0);
    await check(it.traqq, 0);
    await check(it.traqq, 3, later);
  });

  Deno.test("a Traqq finds a loss of what an earlier process committed also after it was opened", async () => {
    await cluster.flush();
    await using folder = new Folder();
    let back: () => Promise<void>;
    {
      await using it = await open(folder.file("journal"));
      await record(it.traqq, 1);
      back = await snapshotOf(cluster, keysOf(await writerOf(folder)).flat());
      await record(it.traqq, 2);
    }
    await using again = await open(folder.file("journal"));
    assertEquals(again.traqq.stats().replayed, 0);
    await back();
    // As if it were another node: what breaks a connection has it look.
    for (const node of cluster.nodes) await node.cli("client", "kill", "type", "normal");
    await until("the loss to be found", PATIENCE_MS, async () => {
      await record(again.traqq, 1, START + DAY);
      return again.traqq.stats().replayed > 0;
    });
    await check(again.traqq, 3);
  });
});
