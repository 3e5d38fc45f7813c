import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { serveTcp, type TcpOptions } from "../../src/server/tcp.ts";
import { FakeTarget } from "../protocol/_fake_target.ts";
import { countsOf, Peer, record, startServer, until } from "./_peer.ts";

Deno.test("serveTcp refuses options that cannot be used, naming each", () => {
  const refused = (options: TcpOptions, message: RegExp) => {
    const error = assertThrows(() => serveTcp(new FakeTarget(), options), ConfigError);
    assertMatch(error.message, message);
  };
  refused({ port: -1 }, /^Cannot use port: wanted a whole number from 0 to 65535, received -1$/);
  refused({ port: 65_536 }, /port/);
  refused({ port: 1.5 }, /port/);
  refused({ port: "9876" as unknown as number }, /received "9876"/);
  refused({ port: 0, maxConnections: 0 }, /maxConnections: wanted a whole number from 1/);
  refused({ port: 0, maxLineBytes: 0 }, /maxLineBytes/);
  refused({ port: 0, idleTimeoutMs: -1 }, /idleTimeoutMs/);
  refused({ port: 0, token: "" }, /token: wanted a string that is not empty/);
  refused({ port: 0, tls: { cert: "no", key: "no" } }, /Cannot listen on 127\.0\.0\.1:0/);
});

Deno.test("serveTcp listens to other machines only with a token or insecure", async () => {
  for (const hostname of ["0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example.org", ""]) {
    const error = assertThrows(
      () => serveTcp(new FakeTarget(), { hostname, port: 0 }),
      ConfigError,
      "without a token",
    );
    assertMatch(error.message, /--token.*--insecure/);
  }
  await using _open = serveTcp(new FakeTarget(), { hostname: "0.0.0.0", port: 0, insecure: true });
  await using _locked = serveTcp(new FakeTarget(), { hostname: "0.0.0.0", port: 0, token: "t" });
  await using _named = serveTcp(new FakeTarget(), { hostname: "localhost", port: 0 });
});

Deno.test("serveTcp says that a port is taken, and what to do", async () => {
  await using first = serveTcp(new FakeTarget(), { port: 0 });
  const { port } = first.addr;
  const error = assertThrows(() => serveTcp(new FakeTarget(), { port }), ConfigError);
  assertEquals(
    error.message,
    `Cannot listen on 127.0.0.1:${port}: the port is taken, perhaps by another traqq; stop that one or choose another port`,
  );
  assert(error.cause instanceof Deno.errors.AddrInUse);
});

Deno.test("serveTcp says that an address is not this machine's", () => {
  assertThrows(
    () => serveTcp(new FakeTarget(), { hostname: "192.0.2.1", port: 0, token: "t" }),
    ConfigError,
    "no such address",
  );
});

Deno.test("TcpServer serves 200 clients at once and counts every event", async () => {
  await using context = await startServer();
  const { server, traqq } = context;
  const peers = await Promise.all(Array.from({ length: 200 }, () => Peer.connect(server)));
  await Promise.all(peers.map(async (peer, i) => {
    for (let round = 0; round < 5; round++) {
      await peer.send(record(`client ${i % 10}`).repeat(10));
      for (let j = 0; j < 10; j++) assertEquals(await peer.line(), '{"success":true}');
    }
    peer[Symbol.dispose]();
  }));
  const counts = await countsOf(traqq);
  assertEquals(Object.keys(counts).length, 10);
  assertEquals(new Set(Object.values(counts)), new Set([1000]));
  await until(() => server.stats().connections === 0);
  assertEquals(server.stats().accepted, 200);
});

Deno.test("TcpServer tells the client that is one too many, and serves it later", async () => {
  await using context = await startServer({ maxConnections: 2 });
  const { server } = context;
  using first = await Peer.connect(server);
  using second = await Peer.connect(server);
  await first.ask('{"cmd":"ping"}');
  await second.ask('{"cmd":"ping"}');
  using third = await Peer.connect(server);
  // It may already be talking: it still sees why it is turned away.
  await third.send('{"cmd":"ping"}\n'.repeat(100));
  const error = JSON.parse(await third.rest()).error;
  assertEquals(
    error,
    "Cannot take the connection: the server has 2 already; close some or raise maxConnections",
  );
  second[Symbol.dispose]();
  await until(() => server.stats().connections === 1);
  using fourth = await Peer.connect(server);
  assertEquals(await fourth.ask('{"cmd":"ping"}'), { success: true });
  assertEquals(server.stats().refused, 1);
});

Deno.test("TcpServer closes a client that is silent for too long, saying why", async () => {
  await using context = await startServer({ idleTimeoutMs: 50 });
  using peer = await Peer.connect(context.server);
  const reply = JSON.parse(await peer.rest());
  assertEquals(
    reply.error,
    "The connection is closed: nothing came or was read for 0.05 s; connect again",
  );
  assertEquals(context.server.stats().idled, 1);
});

Deno.test("TcpServer does not call a client idle that waits for a slow storage", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  await using context = await startServer({ idleTimeoutMs: 20 }, target);
  using waiting = await Peer.connect(context.server);
  await waiting.send(record("a"));
  // Another client's whole idle time passes meanwhile, three times.
  for (let i = 0; i < 3; i++) {
    using idle = await Peer.connect(context.server);
    await idle.rest();
  }
  resolve();
  assertEquals(await waiting.line(), '{"success":true}');
});

Deno.test("TcpServer.stats counts, and the stats command shows it under server", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  await peer.send('\n{"cmd":"ping"}\nnonsense\n');
  await peer.line();
  await peer.line();
  const { data } = await peer.ask('{"cmd":"stats"}') as { data: Record<string, unknown> };
  assertEquals(data.recorded, 0);
  assertEquals(data.server, {
    connections: 1,
    accepted: 1,
    refused: 0,
    commands: 3,
    errors: 1,
    idled: 0,
    socketErrors: 0,
    halfLines: 0,
    bytesIn: 41,
    bytesOut: context.server.stats().bytesOut - JSON.stringify({ success: true, data }).length - 1,
  });
});

Deno.test("TcpServer closes a client after three wrong tokens", async () => {
  await using context = await startServer({ token: "right" });
  using peer = await Peer.connect(context.server);
  await peer.send(
    '{"cmd":"auth","token":"wrong"}\n'.repeat(5) + '{"cmd":"auth","token":"right"}\n',
  );
  const replies = (await peer.rest()).trimEnd().split("\n");
  assertEquals(replies.length, 3);
  assertMatch(replies[2], /the connection is closed/);
});

Deno.test("TcpServer gives a stranger 4 KiB and, after the token, a line of 1 MiB", async () => {
  await using context = await startServer({ token: "right" });
  using peer = await Peer.connect(context.server);
  const long = `{"cmd":"ping","pad":"${"x".repeat(1 << 19)}"}\n`;
  const auth = '{"cmd":"auth","token":"right"}\n';
  await peer.send(long + auth + long);
  assertMatch(await peer.line() ?? "", /without the token/);
  assertEquals(await peer.line(), '{"success":true}');
  assertEquals(await peer.line(), '{"success":true}');
});
