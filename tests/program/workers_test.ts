import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { RedisStorage } from "../../src/storage/redis.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { RedisServer, withRedis } from "../_redis.ts";
import { CERT, KEY } from "../server/_tls.ts";
import { cellsOf, CONNECTIONS, Day, Load, serveFlags, withKv } from "./_load.ts";
import { ask, CLI, clogged, Folder, messages, run, Server, spawn, within } from "./_program.ts";

const HTTP = ["--http", "127.0.0.1:0"];
const KV = "traqq.db";
/** Events of a request. */
const BATCH = 50;
/** Acknowledged before a server is killed. */
const LOAD = 4000;

function urlOf(server: Server): string {
  return / and (https?:\/\/[^,\s]+)/.exec(server.running.out.text)![1];
}

/** A request on a connection of its own, so that any worker may get it. */
async function fresh(
  url: string,
  init: RequestInit = {},
): Promise<{ status: number; text: string }> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0, caCerts: [CERT] });
  const reply = await fetch(url, { ...init, client });
  return { status: reply.status, text: await reply.text() };
}

/** Sends batches over HTTP until the server is gone. */
async function loadHttp(url: string, day: Day): Promise<void> {
  using client = Deno.createHttpClient({});
  const target = `${url}/record?at=${day.start + 43_200}`;
  const headers = { "Content-Type": "application/x-ndjson" };
  try {
    for (;;) {
      const [from, to] = day.take(BATCH);
      if (from === to) return;
      const events = Array.from({ length: to - from }, (_, i) => day.event(from + i));
      const reply = await fetch(target, {
        method: "POST",
        headers,
        body: events.join("\n"),
        client,
      });
      const { recorded } = await reply.json();
      if (recorded !== to - from) throw new Error(`${recorded} of ${to - from} were recorded`);
      day.acknowledge(from, to);
    }
  } catch (error) {
    // The server is gone.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Kills servers with these numbers of workers under load, one after the other, on one storage. */
async function killAgainAndAgain(
  folder: Folder,
  storageFlags: string[],
  withStorage: <T>(use: (storage: Storage) => Promise<T>) => Promise<T>,
): Promise<void> {
  const flags = [...storageFlags, ...serveFlags(folder, { directory: "journal" }), ...HTTP];
  const days: Day[] = [];
  const check = (what: string) =>
    withStorage(async (storage) => {
      for (const day of days) assertEquals(day.check(await cellsOf(storage, day)), [], what);
    });
  for (const [round, workers] of [2, 3, 1, 2].entries()) {
    await using server = await Server.start(folder.path, ...flags, `--workers=${workers}`);
    await check(`before round ${round}`);
    const day = new Day(round);
    days.push(day);
    const loads = await Promise.all(
      [...CONNECTIONS, ...CONNECTIONS, ...CONNECTIONS].map((connection) =>
        Load.start(server.address, day, connection)
      ),
    );
    const requests = Array.from({ length: 6 }, () => loadHttp(urlOf(server), day));
    const begunMs = performance.now();
    while (day.acknowledged < LOAD) {
      if (performance.now() - begunMs > 30_000) throw new Error("waited too long for replies");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { code, err } = await server.stop(round === 3 ? "SIGTERM" : "SIGKILL");
    await within(Promise.all([...loads.map(({ ended }) => ended), ...requests]), "the clients");
    if (round === 3) assertEquals(code, 0, err);
    assertEquals(loads.flatMap(({ refused }) => refused), []);
  }
  await check("at the end");
  const [first, ...others] = days.map(({ counted }) => counted);
  assert(first >= LOAD && others.every((counted) => counted >= LOAD), `${[first, ...others]}`);
  // Every journal was written by somebody.
  for (const path of ["journal", "journal/1", "journal/2", "journal/3"]) {
    const { isFile } = await Deno.stat(folder.file(`${path}/journal.json`));
    assert(isFile, path);
  }
}

Deno.test("traqq serve --workers counts every acknowledged event once, killed under load and started with others", async () => {
  await using folder = new Folder();
  await killAgainAndAgain(folder, ["--kv-path", KV], (use) => withKv(folder.file(KV), use));
});

await withRedis("traqq serve --workers on Redis", () => {
  Deno.test("traqq serve --workers counts every acknowledged event once in Redis, killed under load", async () => {
    await using redis = await RedisServer.start();
    await using folder = new Folder();
    await killAgainAndAgain(
      folder,
      ["--storage", "redis", "--redis-url", redis.url],
      async (use) => {
        await using storage = await RedisStorage.open(redis.url);
        return await use(storage);
      },
    );
  });
});

Deno.test("traqq serve --workers is one server to who asks: stats, metrics, /live, sessions", async () => {
  await using folder = new Folder();
  folder.write("token", "a-token-of-a-test");
  const flags = [...HTTP, "--workers", "3", "--token-file", "token", "--data-dir", "data"];
  await using server = await Server.start(folder.path, ...flags);
  const url = urlOf(server);
  assertStringIncludes(
    server.running.out.text,
    ", 3 workers, with a token; storage: Deno KV data/",
  );
  const headers = { Authorization: "Bearer a-token-of-a-test" };

  const live = await fetch(`${url}/live`, { headers });
  const heard = (async () => {
    let counted = 0;
    const text = live.body!.pipeThrough(new TextDecoderStream());
    for await (const piece of text) {
      for (const [, data] of piece.matchAll(/^data: (.*)$/gm)) {
        const { count, leftOut, events } = JSON.parse(data);
        assertEquals(count, leftOut + events.length);
        counted += count;
      }
      if (counted >= 120) break;
    }
    return counted;
  })();
  const options = { token: "a-token-of-a-test" };
  for (let i = 0; i < 60; i++) {
    await using client = await Client.connect(server.address, options);
    await client.record({ event: "tcp" });
    // Its own writes are seen on the same connection, whatever the others have.
    const [found] = await client.find({ from: new Date(), to: new Date() }, "add/event");
    assert(found.type === "add" && found.counts.tcp > 0);
    assertEquals(
      (await fresh(`${url}/record`, { method: "POST", body: '{"event":"http"}', headers })).status,
      200,
    );
  }
  assertEquals(await within(heard, "what is recorded"), 120);

  for (let i = 0; i < 10; i++) {
    await using client = await Client.connect(server.address, options);
    const { recorded, server: tcp } = await client.stats();
    assertEquals([recorded, (tcp as { accepted: number }).accepted], [120, 61 + i]);
    const stats = JSON.parse((await fresh(`${url}/stats`, { headers })).text);
    assertEquals([stats.engine.recorded, stats.tcp.accepted], [120, 61 + i]);
    assertEquals(stats.http.answers["POST /record 200"], 60);
    const { text } = await fresh(`${url}/metrics`, { headers });
    assertMatch(text, /^traqq_events_recorded_total 120$/m);
  }

  const body = JSON.stringify({ token: "a-token-of-a-test" });
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const login = await fetch(`${url}/login`, { method: "POST", body, client });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")!.split(";")[0];
  const statuses = () =>
    Promise.all(
      Array.from({ length: 20 }, () => fresh(`${url}/stats`, { headers: { cookie } })),
    ).then((replies) => [...new Set(replies.map(({ status }) => status))]);
  assertEquals(await statuses(), [200]);
  assertEquals((await fresh(`${url}/logout`, { method: "POST", headers: { cookie } })).status, 200);
  assertEquals(await statuses(), [401]);

  const { code, err } = await server.stop();
  assertEquals([code, messages(err).length], [0, 1], err);
  const found = ["query", "--storage=kv", "--kv-path=data/traqq.db", "--days=2"];
  const more = ["--find=add/event", "--merge", "--format=csv"];
  const { out } = await run({ cwd: folder.path, allow: ["-A"], args: [...found, ...more] });
  assertStringIncludes(out, "http,60\ntcp,60\n");
  const dump = await run({
    cwd: folder.path,
    allow: ["--allow-read"],
    args: ["journal", "dump", "--data-dir", "data"],
  });
  assertEquals([dump.code, dump.out.trimEnd().split("\n").length], [0, 120], dump.err);
});

Deno.test("traqq serve --workers shares its connections, speaks TLS and logs which worker it was", async () => {
  await using folder = new Folder();
  folder.write("cert.pem", CERT);
  folder.write("key.pem", KEY);
  const tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
  await using server = await Server.start(
    folder.path,
    ...HTTP,
    ...tls,
    "--workers=2",
    "--access-log",
  );
  assertMatch(urlOf(server), /^https:/);
  for (let i = 0; i < 30; i++) {
    assertEquals((await fresh(`${urlOf(server)}/health`)).status, 200);
  }
  await using client = await Client.connect(server.address, { tls: { caCerts: [CERT] } });
  await client.record({ event: "tls" });
  const { code, err } = await server.stop();
  assertEquals(code, 0, err);
  const requests = err.trimEnd().split("\n").map((line) => JSON.parse(line))
    .filter(({ path }) => path === "/health");
  assertEquals(requests.length, 30);
  assertEquals([...new Set(requests.map(({ worker }) => worker))].sort(), [1, 2]);
});

Deno.test("traqq serve with another number of workers, or none, brings what each has left to storage", async () => {
  await using folder = new Folder();
  // Nothing is flushed: all is in the journals.
  const flags = ["--kv-path", KV, ...serveFlags(folder, { directory: "journal", holds: true })];
  const day = new Day(0);
  for (const workers of [3, 1]) {
    await using server = await Server.start(folder.path, ...flags, `--workers=${workers}`);
    const from = day.acknowledged;
    const loads = await Promise.all(
      Array.from({ length: 12 }, () => Load.start(server.address, day, CONNECTIONS[1])),
    );
    while (day.acknowledged < from + 1000) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.stop("SIGKILL");
    await Promise.all(loads.map(({ ended }) => ended));
  }
  await using server = await Server.start(folder.path, ...flags, "--workers=2");
  const recovered = messages(server.running.err.text)
    .map((message) => /^Recovered .* from the journal in (\S+)$/.exec(message)?.[1]);
  // The one without workers has taken over what three have left.
  assertEquals(recovered.filter((path) => path !== undefined), ["journal"]);
  const { out } = await ask(server, ["stats", "--format", "json"]);
  assertGreater(JSON.parse(out).recovered, 0);
  assertEquals(JSON.parse(out).pending, 0);
  assertEquals((await server.stop()).code, 0);
  await withKv(folder.file(KV), async (storage) => {
    assertEquals(day.check(await cellsOf(storage, day)), []);
  });
  assert(day.counted >= 2000);
});

Deno.test("traqq serve --workers refuses what several cannot share, in one line", async () => {
  await using folder = new Folder();
  const start = (...flags: string[]) =>
    run({ cwd: folder.path, allow: ["-A"], args: ["serve", "--addr=127.0.0.1:0", ...flags] });
  const bad = async (code: number, message: string, ...flags: string[]) => {
    const ended = await start(...flags);
    assertEquals([ended.code, ended.out], [code, ""], ended.err);
    assertStringIncludes(ended.err, message);
    assertEquals(ended.err.trimEnd().includes("\n"), false, ended.err);
  };
  await bad(2, "memory is none", "--workers=2", "--storage=memory");
  await bad(2, "memory is none", "--workers=2", "--kv-path=:memory:");
  await bad(2, "--workers wants a whole number from 1", "--workers=0");
  await bad(2, "--workers wants at most 256", "--workers=257");
  folder.write("writer.json", '{"writer":"one"}');
  await bad(2, 'cannot all be the writer "one"', "--workers=2", "--config=writer.json");
  await bad(2, "without a token", "--workers=2", "--addr=0.0.0.0:0".replace("--addr", "--http"));
  await bad(1, "there is no folder nowhere/", "--workers=2", "--kv-path=nowhere/traqq.db");

  await using server = await Server.start(folder.path, "--workers=2", "--data-dir=data");
  const taken = ["--workers=2", "--data-dir=other", `--http=${server.address}`];
  await bad(2, "the port is taken", ...taken);
  await bad(1, "has it open", "--workers=2", "--data-dir=data");
  await bad(1, "has it open", "--data-dir=data");
  await server.stop();
  await bad(1, "it is that of another storage", "--data-dir=data", "--storage=memory");
});

Deno.test("traqq serve --workers runs with exactly the permissions that --help names, and names what it lacks", async () => {
  await using folder = new Folder();
  const help = await run({ args: ["serve", "--help"] });
  const flags = /--workers N:\n((?: {4}.*\n)+)/.exec(help.out)![1].trim().split(/\s+/);
  assertEquals(flags.length, 5);
  const port = freePort();
  const args = ["serve", "--addr", `127.0.0.1:${port}`, "--workers=2"];
  const allow = flags.map((flag) => flag.replace("9876", String(port)));
  const lacking = await run({ cwd: folder.path, allow, args });
  // From a checkout the modules of workers are files.
  const read = /run again with --allow-read=(\S+)\n$/.exec(lacking.err)![1];
  assertEquals([lacking.code, CLI.startsWith(read)], [1, true], lacking.err);
  const running = spawn({
    cwd: folder.path,
    allow: allow.map((flag) => flag.replace("--allow-read=", `--allow-read=${read},`)),
    args,
  });
  await running.out.line(/, 2 workers, /);
  const server = { address: `127.0.0.1:${port}` };
  assertEquals((await ask(server, ["record", "--event", '{"event":"x"}'])).code, 0);
  running.process.kill("SIGTERM");
  assertEquals((await within(running.process.status, "the end")).code, 0);
  await Promise.all([running.out.ended, running.err.ended]);
});

Deno.test("traqq serve --workers ends at once on a second signal", async () => {
  await using folder = new Folder();
  const flags = ["--workers=2", "--data-dir=data", "--stop-timeout=10m"];
  await using server = await Server.start(folder.path, ...flags);
  using _conn = await clogged(server);
  server.running.process.kill("SIGTERM");
  await server.running.err.line(/Stopping/);
  const { code, err } = await server.stop("SIGTERM");
  assertEquals(code, 143, err);
  assertStringIncludes(
    err,
    "Stopped at once: all that was acknowledged is in storage or in the journal",
  );
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
