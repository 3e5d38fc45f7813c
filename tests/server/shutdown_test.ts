import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeTarget } from "../protocol/_fake_target.ts";
import { countsOf, Peer, record, startServer, until } from "./_peer.ts";

const OK = '{"success":true}';

Deno.test("TcpServer.shutdown answers what was received and takes no more", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  await using context = await startServer({}, target);
  const { server } = context;
  using peer = await Peer.connect(server);
  await peer.send(record("a").repeat(3));
  await until(() => target.calls.length === 1);
  await peer.send(record("b"));
  const stopping = server.shutdown();
  resolve();
  assertEquals(await peer.rest(), `${OK}\n`.repeat(3));
  peer[Symbol.dispose]();
  await stopping;
  await server.finished;
  assertEquals(target.counted, 3);
  await assertRejects(() => Peer.connect(server), Deno.errors.ConnectionRefused);
});

Deno.test("TcpServer.shutdown: every acknowledged event is counted, every counted one acknowledged", async () => {
  for (const stopAt of [1, 500, 5000, 20_000]) {
    await using context = await startServer();
    const { server, traqq } = context;
    let acknowledged = 0;
    const stop = Promise.withResolvers<void>();
    const clients = Array.from({ length: 8 }, async () => {
      using peer = await Peer.connect(server);
      const block = record("a").repeat(97);
      const sending = (async () => {
        // Until the server closes; cutting lines in the middle on the way.
        try {
          for (;;) {
            await peer.send(block.slice(0, 100));
            await peer.send(block.slice(100));
          }
        } catch {
          // It has closed.
        }
      })();
      try {
        for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
          assertEquals(line, OK);
          if (++acknowledged === stopAt) stop.resolve();
        }
      } finally {
        peer[Symbol.dispose]();
        await sending;
      }
    });
    await stop.promise;
    await server.shutdown();
    await Promise.all(clients);
    assert(acknowledged >= stopAt);
    assertEquals(await countsOf(traqq), { a: acknowledged });
  }
});

Deno.test("TcpServer.shutdown does not wait for a client that keeps its side open", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  await peer.ask('{"cmd":"ping"}');
  await context.server.shutdown();
  assertEquals(await peer.line(), undefined);
});

Deno.test("TcpServer.shutdown closes everything at its deadline", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  await using context = await startServer({}, target);
  using peer = await Peer.connect(context.server);
  await peer.send(record("a"));
  await until(() => target.calls.length === 1);
  await context.server.shutdown({ deadlineMs: 20 });
  await context.server.finished;
  await peer.gone();
  resolve();
  await until(() => context.server.stats().connections === 0);
});

Deno.test("TcpServer.shutdown may be called twice and before anybody connected", async () => {
  await using context = await startServer();
  const { server } = context;
  const first = server.shutdown();
  assertEquals(server.shutdown() === first, true);
  await first;
  await server.finished;
});
