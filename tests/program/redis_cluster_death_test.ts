/** A master of a cluster and the process that writes to it die together; the replica lacks writes. */
import { assertEquals, assertGreater } from "@std/assert";
import { metricKey } from "../../src/storage/redis/keys.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import { RedisCluster, type RedisServer, until, withRedis } from "../_redis.ts";
import { counted, flushesWhenAsked } from "./_deaths.ts";
import { cellsOf, Day } from "./_load.ts";
import { Folder, messages, Server } from "./_program.ts";

const META = "{traqq}";
const PATIENCE_MS = 30_000;

await withRedis("traqq serve that dies with a master of its Redis cluster", async () => {
  const cluster = await RedisCluster.start();
  let days = 0;

  /** A day with a key on the master of the bookkeeping, or on another one; that key and that master. */
  const dayOn = async (withMeta: boolean): Promise<[Day, string, RedisServer]> => {
    const meta = await cluster.masterOf(META);
    for (;;) {
      const day = new Day(days++);
      const metric = { type: "add", pattern: "f" } as const;
      const key = metricKey("traqq", { metric, unit: "d", start: day.start });
      const master = await cluster.masterOf(key);
      if ((master === meta) === withMeta) return [day, key, master];
    }
  };

  const test = (name: string, withMeta: boolean, restarts: number) =>
    Deno.test(name, async () => {
      await cluster.flush();
      const [day, key, master] = await dayOn(withMeta);
      const replica = await cluster.replicaOf(master);
      await using folder = new Folder();
      const flags = flushesWhenAsked(folder, cluster.urls);
      let server = await Server.start(folder.path, ...flags);
      try {
        await counted(server, day, 1000);
        await cluster.copied(master);
        replica.freeze();
        await master.cli("client", "kill", "type", "replica"); // or it would read on when it thaws
        for (let i = 0; i <= restarts; i++) {
          if (i > 0) server = await Server.start(folder.path, ...flags);
          for (let flush = 0; flush < 3; flush++) await counted(server, day, 300);
          if (i === restarts) master.kill();
          await server.stop("SIGKILL");
        }
        replica.thaw();
        // Without the others' votes, which may take several rounds.
        assertEquals(await replica.cli("cluster", "failover", "takeover"), "OK");
        const isMaster = async () => await cluster.masterOf(key).catch(() => master) === replica;
        await until("the replica to take over", PATIENCE_MS, isMaster);
        for (let i = 0; i < 2; i++) {
          const again = await Server.start(folder.path, ...flags);
          if (i === 1) await counted(again, day, 300);
          const { code, err } = await again.stop();
          assertEquals(code, 0, err);
          await using storage = await RedisStorage.open(cluster.urls);
          assertEquals(day.check(await cellsOf(storage, day)), []);
          assertEquals([day.counted, day.acknowledged], [day.sent, day.sent]);
          assertEquals(messages(err).some((line) => line.startsWith("Recovered ")), i === 0, err);
        }
        assertGreater(day.sent, 1000);
      } finally {
        // The next test finds the cluster whole, however this one ended.
        replica.thaw();
        await server.stop("SIGKILL");
        if (!master.answers) await master.restart("SIGKILL");
      }
      await cluster.ready();
    });

  test("traqq serve that dies with a master of counts counts exactly when it comes back", false, 0);
  test(
    "traqq serve that was killed, and then dies with a master of counts, counts exactly when it comes back",
    false,
    1,
  );
  test(
    "traqq serve that dies with the master of the checkpoints counts exactly when it comes back",
    true,
    0,
  );
});
