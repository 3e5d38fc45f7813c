import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { cellsOf, Day, Load, type LoadOptions, serveFlags, withKv } from "./_load.ts";
import { Folder, messages, Server } from "./_program.ts";

const WRITERS = 4;
const CONNECTIONS: readonly LoadOptions[] = [{ batch: 50, window: 8 }, { batch: 1, window: 50 }];
const KV = "traqq.db";

Deno.test("traqq serve, four at once on one file with a journal each, one of them killed: every event counts once", async () => {
  await using folder = new Folder();
  await using stack = new AsyncDisposableStack();
  const start = async (writer: number) => {
    const flags = serveFlags(folder, { directory: `journal-${writer}` });
    return stack.use(await Server.start(folder.path, "--kv-path", KV, ...flags));
  };
  const day = new Day(0);
  const loadOf = ({ address }: Server) =>
    Promise.all(CONNECTIONS.map((connection) => Load.start(address, day, connection)));

  const servers = await Promise.all(Array.from({ length: WRITERS }, (_, writer) => start(writer)));
  const loads = await Promise.all(servers.map(loadOf));
  await until(() => Promise.resolve(day.acknowledged >= 4000));
  await servers[0].stop("SIGKILL");
  await Promise.all(loads[0].map(({ ended }) => ended));
  const unanswered = day.sent;
  servers[0] = await start(0);
  loads[0] = await loadOf(servers[0]);
  // They get in each other's way, and go on.
  await until(async () => await retriesOf(servers) > 0 && day.sent > unanswered + 4000);
  await Promise.all(loads.flat().map((load) => load.stop()));
  assertEquals(loads.flat().flatMap(({ refused }) => refused), []);
  const retries = await retriesOf(servers);
  const ends = await Promise.all(servers.map((server) => server.stop()));
  for (const { code, err } of ends) {
    assertEquals(code, 0, err);
    assertEquals(messages(err).filter((line) => !/^(Stopping|Recovered)/.test(line)), []);
  }

  assertEquals(
    await withKv(folder.file(KV), async (storage) => day.check(await cellsOf(storage, day))),
    [],
  );
  assertGreaterOrEqual(day.counted, day.acknowledged);
  console.log(JSON.stringify({
    writers: WRITERS,
    retries,
    sent: day.sent,
    acknowledged: day.acknowledged,
    counted: day.counted,
  }));
});

/** Attempts that were repeated, mostly since the database was locked. */
async function retriesOf(servers: readonly Server[]): Promise<number> {
  let retries = 0;
  for (const { address } of servers) {
    await using client = await Client.connect(address);
    retries += (await client.stats()).retries as number;
  }
  return retries;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!await condition()) {
    if (performance.now() > deadlineMs) throw new Error("until() waited 30 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
