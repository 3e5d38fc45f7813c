import { assertGreater } from "@std/assert";
import { metricKey } from "../../src/storage/redis/keys.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import { RedisCluster, type RedisServer, until, withRedis } from "../_redis.ts";
import { moveSlotUnderLoad } from "../_redis_slots.ts";
import { Day } from "./_load.ts";
import { type Fault, FaultLoad, type FaultReport, type Target } from "./_redis_faults.ts";

const META = "{traqq}";
const PATIENCE_MS = 30_000;

await withRedis("traqq under faults of a Redis cluster", async () => {
  const cluster = await RedisCluster.start();
  const target: Target = {
    flags: ["--redis-url", cluster.urls[0], "--redis-cluster"],
    open: () => RedisStorage.open(cluster.urls),
  };
  let days = 0;

  /** Two days that both have a key on the same master: that of the bookkeeping, or another. */
  const daysOn = async (withMeta: boolean): Promise<[[Day, Day], RedisServer]> => {
    const meta = await cluster.masterOf(META);
    const found = new Map<RedisServer, Day>();
    for (;;) {
      const day = new Day(days++);
      const metric = { type: "add", pattern: "f" } as const;
      const key = metricKey("traqq", { metric, unit: "d", start: day.start });
      const master = await cluster.masterOf(key);
      if ((master === meta) !== withMeta) continue;
      const other = found.get(master);
      if (other !== undefined) return [[other, day], master];
      found.set(master, day);
    }
  };

  /** A server, and a Traqq in this process, while something happens to a master of their cluster. */
  const test = (
    what: string,
    withMeta: boolean,
    faultOf: (master: RedisServer, replica: RedisServer) => Fault,
    check: (report: FaultReport) => void = () => {},
  ) =>
    Deno.test(`traqq serve and Traqq on a cluster count exactly when ${what}`, async () => {
      await cluster.flush();
      const [both, master] = await daysOn(withMeta);
      const replica = await cluster.replicaOf(master);
      try {
        check(await FaultLoad.run(target, both, faultOf(master, replica)));
      } finally {
        // The next test finds the cluster whole, however this one ended.
        replica.thaw();
        if (!master.answers) await master.restart("SIGKILL");
      }
      await cluster.ready();
    });

  for (const withMeta of [false, true]) {
    const which = withMeta ? "the master of the checkpoints" : "a master of counts";
    test(`${which} is killed and its replica lacks writes`, withMeta, (master, replica) => ({
      stalls: true,
      async hurt(load) {
        replica.freeze();
        await master.cli("client", "kill", "type", "replica");
        await load.more(1000);
        master.kill();
      },
      async heal() {
        replica.thaw();
        await tookOver(replica);
      },
    }), ({ replayed }) => assertGreater(replayed, 0));
  }

  test("a master is frozen, replaced, and comes back", false, (master, replica) => ({
    stalls: true,
    // deno-lint-ignore require-await
    hurt: async () => master.freeze(),
    async heal() {
      await tookOver(replica);
      master.thaw();
    },
  }));

  test("a replica is made master, and the other one master again", false, (master, replica) => ({
    stalls: false,
    async hurt(load) {
      for (const one of [replica, master]) {
        await cluster.ready();
        // Redis gives up after 5 seconds, which a busy machine may need.
        await until("the replica to be made master", PATIENCE_MS, async () => {
          if (await isMaster(one)) return true;
          await one.cli("cluster", "failover");
          return false;
        });
        await load.more(500);
      }
    },
    heal: () => Promise.resolve(),
  }));

  test("all masters are out of memory", false, () => ({
    stalls: true,
    async hurt() {
      for (const node of cluster.nodes) await node.cli("config", "set", "maxmemory", "1mb");
    },
    async heal() {
      for (const node of cluster.nodes) await node.cli("config", "set", "maxmemory", "0");
    },
  }));

  test("all nodes lose their scripts, again and again", false, () => ({
    stalls: false,
    async hurt(load) {
      for (let i = 0; i < 5; i++) {
        for (const node of cluster.nodes) await node.cli("script", "flush");
        await load.more(200);
      }
    },
    heal: () => Promise.resolve(),
  }));

  for (const what of ["counts", "the checkpoints"]) {
    test(`the slot of ${what} moves to another master`, false, () => ({
      stalls: false,
      async hurt(load) {
        const metric = { type: "add", pattern: "f" } as const;
        const place = { metric, unit: "d", start: load.days[0].start } as const;
        const key = what === "counts" ? metricKey("traqq", place) : META;
        await moveSlotUnderLoad(cluster, key);
        await load.more(500);
      },
      heal: () => Promise.resolve(),
    }));
  }

  const isMaster = async (node: RedisServer) =>
    /^role:master/m.test(await node.cli("info", "replication"));
  const tookOver = (replica: RedisServer) =>
    until("the replica to take over", PATIENCE_MS, () => isMaster(replica));
});
