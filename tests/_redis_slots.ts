/**
 * Moving slots of a cluster from one master to another, as `redis-cli --cluster reshard` does, but slot
 * by slot, and held half-way until a client has seen it.
 *
 * @module
 */
import { type RedisCluster, type RedisServer, until } from "./_redis.ts";

const MIGRATE_MS = 5_000;
const PATIENCE_MS = 30_000;

/** The masters, in the order of the nodes. */
async function mastersOf(cluster: RedisCluster): Promise<RedisServer[]> {
  const roles = await Promise.all(cluster.nodes.map((node) => node.cli("info", "replication")));
  return cluster.nodes.filter((_, i) => roles[i].includes("role:master"));
}

/** How often a server has given an error. */
async function errorsOf(server: RedisServer, word: string): Promise<number> {
  const text = await server.cli("info", "errorstats");
  return Number(new RegExp(`errorstat_${word}:count=(\\d+)`).exec(text)?.[1] ?? 0);
}

/** Moves the slot of a key to another master. */
export async function moveSlot(cluster: RedisCluster, key: string): Promise<void> {
  await moved(cluster, key, async ({ migrate }) => {
    while (await migrate(100));
  });
}

/**
 * The same under load: when some of its keys are there, it waits until scripts were told to come again,
 * and when all are, until somebody was told to ask there. Who writes to the slot must be under way.
 */
export async function moveSlotUnderLoad(cluster: RedisCluster, key: string): Promise<void> {
  await moved(cluster, key, async ({ from, to, migrate }) => {
    await sees("TRYAGAIN", [from, to], () => migrate(1));
    await sees("ASK", [from], async () => {
      while (await migrate(100));
    });
  });
}

/** A slot on its way. */
interface Move {
  readonly from: RedisServer;
  readonly to: RedisServer;
  /** Moves some keys of it; false if there are none. */
  migrate(most: number): Promise<boolean>;
}

async function moved(
  cluster: RedisCluster,
  key: string,
  work: (move: Move) => Promise<void>,
): Promise<void> {
  const from = await cluster.masterOf(key);
  const masters = await mastersOf(cluster);
  const to = masters.find((node) => node !== from)!;
  const slot = await from.cli("cluster", "keyslot", key);
  const [fromId, toId] = [await from.cli("cluster", "myid"), await to.cli("cluster", "myid")];
  await told(to, "cluster", "setslot", slot, "importing", fromId);
  await told(from, "cluster", "setslot", slot, "migrating", toId);
  await work({ from, to, migrate: (most) => migrate(slot, from, to, most) });
  // First where it goes: in between nobody may lose it.
  for (const node of [to, ...masters]) {
    await told(node, "cluster", "setslot", slot, "node", toId);
  }
  const others = cluster.nodes.filter((node) => node !== to);
  await until("all nodes to know", PATIENCE_MS, async () => {
    const answers = await Promise.all(others.map((node) => node.cli("exists", key)));
    return answers.every((answer) => answer === `MOVED ${slot} ${to.address}`);
  });
}

/** Does something, and waits until one of the servers has given an error because of it. */
async function sees(word: string, servers: readonly RedisServer[], work: () => Promise<unknown>) {
  const given = async () => {
    const counts = await Promise.all(servers.map((server) => errorsOf(server, word)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const before = await given();
  await work();
  await until(`${word} to be said`, PATIENCE_MS, async () => await given() > before);
}

async function migrate(slot: string, from: RedisServer, to: RedisServer, most: number) {
  const text = await from.cli("cluster", "getkeysinslot", slot, `${most}`);
  if (text === "") return false;
  const place = ["127.0.0.1", `${to.port}`, "", "0", `${MIGRATE_MS}`];
  await told(from, "migrate", ...place, "keys", ...text.split("\n"));
  return true;
}

async function told(server: RedisServer, ...command: string[]): Promise<void> {
  const text = await server.cli(...command);
  if (text !== "OK") throw new Error(`${command.join(" ")}: ${text}`);
}
