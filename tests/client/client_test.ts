import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { EventError, ProtocolError } from "../../src/base/errors.ts";
import { Client, ConnectionError } from "../../src/client/client.ts";
import type { TopResult } from "../../src/engine/result.ts";
import { serveTcp, type TcpServer } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { FakeTarget } from "../protocol/_fake_target.ts";
import { Peer, startServer } from "../server/_peer.ts";
import { scriptedServer } from "./_scripted_server.ts";

const DAY = 1767225600; // 2026-01-01T00:00:00Z
const RANGE = { from: DAY, to: DAY + 2 * 86_400 };

/** A client of a real server with the mapping of the quick start. */
async function start() {
  const traqq = await Traqq.open({
    storage: new MemoryStorage(),
    mapping: {
      bitmap: ["ip"],
      add: ["event", "event~geo", "__proto__"],
      addValue: [{ key: "event~geo", addKey: "amount" }, { key: "event~geo", addKey: "tax" }],
      top: ["geo"],
    },
    time: { hourly: true },
  });
  const server = serveTcp(traqq, { port: 0 });
  const client = await Client.connect(`127.0.0.1:${server.addr.port}`);
  return {
    traqq,
    server,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.shutdown();
      await traqq.close();
    },
  };
}

Deno.test("Client gives for query, queryDays and find what Traqq itself gives", async () => {
  await using context = await start();
  const { client, traqq } = context;
  await client.recordMany([
    { event: "buy", geo: "US", ip: "1", amount: 0.1, tax: 1, ["__proto__"]: "__proto__" },
    { event: "buy", geo: "US", ip: "2", amount: 0.2 },
    { event: "constructor", geo: "DE", ip: "1", amount: -5 },
  ], { at: (_, index) => DAY + index * 86_400 });
  await client.record(JSON.parse('{"event":"a","__proto__":"constructor"}'), {
    at: new Date(DAY * 1000),
  });

  for (const unit of ["d", "h"] as const) {
    const here = await traqq.query({ ...RANGE, unit });
    assertEquals((await client.query({ ...RANGE, unit })).buckets, here.buckets);
  }
  const all = await traqq.query(RANGE);
  for (
    const path of [
      "bmp/ip",
      "add/event",
      "add/geo~event",
      "add/__proto__",
      "adv/event~geo/amount",
      "top/geo",
    ] as const
  ) {
    assertEquals<unknown>(await client.find(RANGE, path), all.find(path));
    assertEquals<unknown>(await client.find(RANGE, path, { merge: true }), [all.merged(path)]);
  }
  assertEquals(
    (await client.find(RANGE, { type: "adv", key: ["geo", "event"] }, { merge: true }))
      .map(({ addKey }) => addKey),
    ["amount", "tax"],
  );
  assertEquals(await client.find(RANGE, "top/nothing", { merge: true }), []);

  const days = await client.queryDays(3, { accept: "top:*" });
  assertEquals(days.buckets, (await traqq.queryDays(3, { accept: "top:*" })).buckets);
  const filtered = await client.query({ ...RANGE, ignore: ["add:*", "adv:**"], select: "top/geo" });
  assertEquals(filtered.buckets[0].results.map(({ type }) => type), ["top"]);
});

Deno.test("Client.find has the type of what was asked for", async () => {
  await using context = await start();
  await context.client.record({ event: "a", geo: "US" }, { at: DAY });
  const found: TopResult[] = await context.client.find(RANGE, "top/geo");
  assertEquals(found[0].ranked, [["US", 1]]);
  const [{ count }] = await context.client.find(RANGE, { type: "bmp", key: "ip" }, { merge: true })
    .then((results) => results.length === 0 ? [{ count: 0 }] : results);
  assertEquals(count, 0);
});

Deno.test("Client sends times as Date, unix seconds and RFC 3339", async () => {
  await using context = await start();
  const { client } = context;
  await client.record({ event: "date" }, { at: new Date("2026-01-02T12:00:00Z") });
  await client.record({ event: "seconds" }, { at: DAY + 86_400 });
  await client.record({ event: "text" }, { at: "2026-01-02T23:59:59.999+00:00" });
  const day = { from: new Date("2026-01-02T00:00:00Z"), to: "2026-01-02T00:00:00Z" };
  const [{ counts }] = await client.find(day, "add/event");
  assertEquals({ ...counts }, { date: 1, seconds: 1, text: 1 });
  // Beyond what the wire takes as a number.
  const far = { from: new Date("9999-12-31T00:00:00Z"), to: new Date("9999-12-31T00:00:00Z") };
  assertEquals((await client.query(far)).buckets[0].label, "9999-12-31");
});

Deno.test("Client refuses a time that JSON would turn into now", async () => {
  await using context = await start();
  const { client, server } = context;
  const before = server.stats().commands;
  for (const at of [NaN, new Date(NaN), DAY * 1000, "yesterday"]) {
    await assertRejects(() => client.record({ event: "a" }, { at }), EventError, "Cannot read at");
    await assertRejects(() => client.query({ from: at, to: DAY }), TypeError, "Cannot read from");
  }
  assertEquals(server.stats().commands, before);
});

Deno.test("Client.record rejects with an EventError where the event is at fault", async () => {
  await using context = await start();
  const { client } = context;
  const refused = (event: unknown) => assertRejects(() => client.record(event), EventError);
  assertStringIncludes((await refused({ event: "" })).message, '"event" must hold more');
  await refused(null);
  await refused(undefined);
  await refused(() => {});
  await refused({ event: "a", big: 1n });
  const circular: Record<string, unknown> = { event: "a" };
  circular.self = circular;
  await refused(circular);
  assertMatch((await refused({ event: "x".repeat(1 << 20) })).message, /1048\d{3} bytes, at most/);
  await client.record({ event: "x".repeat((1 << 20) - 100) });
});

Deno.test("Client.record rejects with a ProtocolError where the server is at fault", async () => {
  const target = new FakeTarget();
  target.failure = new Error("Cannot reach the storage");
  await using context = await startServer({}, target);
  await using client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  await assertRejects(
    () => client.record({ event: "a" }),
    ProtocolError,
    "Cannot reach the storage",
  );
});

Deno.test("Client.record that nobody awaits does not end the process, and onError hears of it", async () => {
  await using context = await startServer();
  const errors: Error[] = [];
  await using client = await Client.connect(`127.0.0.1:${context.server.addr.port}`, {
    onError: (error) => {
      errors.push(error);
      throw error;
    },
  });
  client.record(null);
  client.record({ event: "" });
  client.record({ event: "a" });
  await client.ping();
  assertEquals(errors.map(({ name }) => name), ["EventError", "EventError"]);
});

Deno.test("Client rejects queries with the server's text", async () => {
  await using context = await start();
  const { client } = context;
  const refused = (call: () => Promise<unknown>, text: string) =>
    assertRejects(call, ProtocolError, text);
  await refused(() => client.queryDays(0), "whole number from 1");
  await refused(() => client.query({ from: DAY, to: DAY - 1 }), "ends before it starts");
  await refused(
    () => client.query({ from: "1926-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z", unit: "h" }),
    "limits.maxBuckets",
  );
  await assertRejects(
    () => client.find(RANGE, "sum/event" as "add/event"),
    TypeError,
    "Cannot find a metric",
  );
});

Deno.test("Client pipelines: 20,000 records under way are answered each, a query in between too", async () => {
  await using context = await start();
  const { client } = context;
  const half = Array.from({ length: 10_000 }, (_, i) =>
    client.record({ event: `${i % 3}` }, {
      at: DAY,
    }));
  const between = client.find(RANGE, "add/event", { merge: true });
  for (let i = 0; i < 10_000; i++) half.push(client.record({ event: "after" }, { at: DAY }));
  await Promise.all(half);
  const sum = (counts: Record<string, number>) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  assertEquals(sum((await between)[0].counts), 10_000);
  assertEquals(sum((await client.find(RANGE, "add/event"))[0].counts), 20_000);
});

Deno.test("Client.stats shows the engine's counters and the server's", async () => {
  await using context = await start();
  await context.client.record({ event: "a" });
  const stats = await context.client.stats();
  assertEquals(stats.recorded, 1);
  assertEquals(stats.server?.connections, 1);
});

Deno.test("Client.connect refuses an address that is not one", async () => {
  for (const bad of ["", "localhost", "127.0.0.1:99999", "http://localhost:9876"]) {
    await assertRejects(() => Client.connect(bad), TypeError, 'wanted "host:port"');
  }
});

Deno.test("Client.connect says that traqq serve must run there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(() => Client.connect(`127.0.0.1:${port}`), ConnectionError);
  assertEquals(
    error.message,
    `Cannot connect to 127.0.0.1:${port}: nothing listens there; start it with: traqq serve --addr 127.0.0.1:${port}`,
  );
});

Deno.test("Client.connect gives up on a server that never answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const error = await assertRejects(
    () => Client.connect(`127.0.0.1:${listener.addr.port}`, { connectTimeoutMs: 30 }),
    ConnectionError,
  );
  assertEquals(
    error.message,
    `Cannot connect to 127.0.0.1:${listener.addr.port}: no answer within 30 ms; is it a traqq server, and does it use TLS?`,
  );
  (await accepting).close();
  listener.close();
});

Deno.test("Client.connect speaks IPv6", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  let server: TcpServer;
  try {
    server = serveTcp(traqq, { hostname: "::1", port: 0 });
  } catch (error) {
    console.log(`no IPv6 on this machine: ${error}`);
    return;
  }
  await using _server = server;
  await using client = await Client.connect(`[::1]:${server.addr.port}`);
  await client.ping();
});

Deno.test("Client.connect sends the token, and says when it is wrong or missing", async () => {
  await using context = await startServer({ token: "sésame" });
  const address = `127.0.0.1:${context.server.addr.port}`;
  await using client = await Client.connect(address, { token: "sésame" });
  await client.record({ event: "a" });
  await assertRejects(
    () => Client.connect(address, { token: "wrong" }),
    ProtocolError,
    "not the server's token",
  );
  await using stranger = await Client.connect(address);
  await assertRejects(() => stranger.stats(), ProtocolError, "without the token");
  const refused = await assertRejects(() => stranger.record({ event: "a" }), ProtocolError);
  assertEquals(refused instanceof EventError, false);
});

Deno.test("Client.connect says that the server is full", async () => {
  await using context = await startServer({ maxConnections: 1 });
  const address = `127.0.0.1:${context.server.addr.port}`;
  await using _first = await Client.connect(address);
  await assertRejects(() => Client.connect(address), ProtocolError, "the server has 1 already");
});

Deno.test("Client never sends again: a broken connection rejects every unanswered call", async () => {
  const lines: (string | undefined)[] = [];
  await using server = scriptedServer(async (peer) => {
    for (let i = 0; i < 3; i++) lines.push(await peer.line());
    await peer.send('{"success":true}\n');
  });
  const client = await Client.connect(server.address);
  const first = client.record({ event: "1" });
  const others = [client.record({ event: "2" }), client.record({ event: "3" })];
  await first;
  for (const call of others) {
    const error = await assertRejects(() => call, ConnectionError);
    assertEquals(error.unanswered, 2);
    assertMatch(error.message, /2 calls are unanswered and not sent again/);
  }
  const later = await assertRejects(() => client.ping(), ConnectionError);
  assertMatch(later.message, /^Cannot send to 127\.0\.0\.1:\d+: the connection .* ended/);
  assertEquals(lines.length, 3);
  await client.close();
});

Deno.test("Client tells why the server closed, when it said so", async () => {
  await using context = await startServer({ idleTimeoutMs: 30 });
  await using client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  let error: Error;
  do {
    error = await client.ping().then(
      () => new Promise<Error>((resolve) => setTimeout(() => resolve(new Error("")), 60)),
      (error) => error,
    );
  } while (error.message === "");
  assertStringIncludes(error.message, "nothing came or was read for 0.03 s");
});

Deno.test("Client keeps a silent connection alive", async () => {
  await using context = await startServer({ idleTimeoutMs: 100 });
  const { server } = context;
  await using client = await Client.connect(`127.0.0.1:${server.addr.port}`, { keepAliveMs: 20 });
  const silent = await Client.connect(`127.0.0.1:${server.addr.port}`, { keepAliveMs: 0 });
  while (server.stats().idled === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await client.ping();
  await assertRejects(() => silent.ping(), ConnectionError);
});

Deno.test("Client ends the connection on a reply that is none", async () => {
  for (
    const reply of ["hello", "[]", '{"success":true}\n{"success":true}\n{"success":true}', "\xff"]
  ) {
    await using server = scriptedServer(async (peer) => {
      await peer.line();
      await peer.send(`${reply}\n`);
      await peer.rest();
    });
    const client = await Client.connect(server.address);
    const error = await client.stats().then(() => client.ping(), (error) => error)
      .catch((error) => error);
    assert(error instanceof ConnectionError, reply);
    await client.close();
  }
});

Deno.test("Client.close waits for the replies to what was sent, and refuses more", async () => {
  await using context = await startServer();
  const client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  const records = Array.from({ length: 100 }, () => client.record({ event: "a" }));
  await client.close();
  await Promise.all(records);
  assertEquals(context.traqq.stats().recorded, 100);
  const error = await assertRejects(() => client.ping(), ConnectionError);
  assertMatch(error.message, /the client was closed/);
  await client.close();
});

Deno.test("Client.close does not wait for ever for a server that is stuck", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  await using context = await startServer({}, target);
  const client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  const recorded = client.record({ event: "a" });
  await client.close({ deadlineMs: 20 });
  const error = await assertRejects(() => recorded, ConnectionError);
  assertMatch(error.message, /no answer within 20 ms of closing.*1 call is unanswered/);
  resolve();
});

Deno.test("Client.connect says what came instead of a reply", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using peer = new Peer(await listener.accept());
    await peer.line();
    await peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  })();
  const error = await assertRejects(
    () => Client.connect(`127.0.0.1:${listener.addr.port}`),
    ConnectionError,
  );
  assertMatch(error.message, /HTTP\/1\.1 400 Bad Request.*is it a traqq server/);
  await serving;
  listener.close();
});

Deno.test("Client.recordMany sends numbers that JSON cannot write as the library takes them", async () => {
  await using context = await start();
  const report = await context.client.recordMany([
    { event: "buy", geo: "US", amount: Infinity },
    { event: "buy", geo: NaN, amount: 1 },
    { event: "buy", geo: -Infinity, amount: 1 },
    { event: "buy", geo: "US", amount: 2, tax: null },
  ]);
  assertEquals(report.recorded, 2);
  assertEquals(report.rejected.map(({ index }) => index), [1, 2]);
  assertStringIncludes(report.rejected[0].error.message, "finite");
  const { recorded, rejectedValues } = context.traqq.stats();
  assertEquals({ recorded, rejectedValues }, { recorded: 2, rejectedValues: 1 });
});
