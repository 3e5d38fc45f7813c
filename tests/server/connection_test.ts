import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FakeTarget } from "../protocol/_fake_target.ts";
import { countsOf, Peer, record, startServer, until } from "./_peer.ts";

Deno.test("Connection answers a command that comes one byte at a time", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  peer.conn.unref();
  for (const byte of new TextEncoder().encode(record("ünïcödé 日本"))) {
    await peer.send(new Uint8Array([byte]));
  }
  assertEquals(await peer.line(), '{"success":true}');
  assertEquals(await countsOf(context.traqq), { "ünïcödé 日本": 1 });
});

Deno.test("Connection answers many commands of one packet in one write", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  const before = context.server.stats().bytesIn;
  await peer.send(record("a").repeat(50));
  await until(() => context.server.stats().bytesIn > before);
  const buffer = new Uint8Array(4096);
  assertEquals(await peer.conn.read(buffer), 50 * '{"success":true}\n'.length);
});

Deno.test("Connection joins a character that two packets share", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  const bytes = new TextEncoder().encode(record("日本"));
  const middle = bytes.findIndex((byte) => byte > 127) + 1;
  await peer.send(bytes.subarray(0, middle));
  await until(() => context.server.stats().bytesIn === middle);
  await peer.send(bytes.subarray(middle));
  assertEquals(await peer.line(), '{"success":true}');
  assertEquals(await countsOf(context.traqq), { "日本": 1 });
});

Deno.test("Connection answers a last line without its end", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  await peer.send(record("a") + record("b").trimEnd());
  await peer.conn.closeWrite();
  assertEquals(await peer.rest(), '{"success":true}\n{"success":true}\n');
  assertEquals(await countsOf(context.traqq), { a: 1, b: 1 });
});

Deno.test("Connection drops and counts half a line of a client that is gone", async () => {
  await using context = await startServer();
  const { server, traqq } = context;
  for (let i = 0; i < 10; i++) {
    using peer = await Peer.connect(server);
    await peer.send(record("a") + record("b").slice(0, -4));
    await peer.line();
  }
  await until(() => server.stats().connections === 0);
  assertEquals(server.stats().halfLines, 10);
  assertEquals(await countsOf(traqq), { a: 10 });
});

Deno.test("Connection survives a client that is gone before its replies", async () => {
  await using context = await startServer();
  const { server } = context;
  for (let i = 0; i < 20; i++) {
    using peer = await Peer.connect(server);
    await peer.send('{"cmd":"stats"}\n'.repeat(200));
  }
  await until(() => server.stats().accepted === 20 && server.stats().connections === 0);
  using peer = await Peer.connect(server);
  assertEquals(await peer.ask('{"cmd":"ping"}'), { success: true });
});

Deno.test("Connection refuses a line of 10 MB while it is still coming, and goes on after it", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  const start = new TextEncoder().encode('{"cmd":"record","event":{"event":"');
  const megabyte = new Uint8Array(1 << 20).fill(120);
  await peer.send(start);
  await peer.send(megabyte);
  const line = await peer.line() ?? "";
  assertMatch(line, /"Cannot read the line: it is longer than 1048576 bytes and is skipped/);
  for (let i = 0; i < 9; i++) await peer.send(megabyte);
  await peer.send(`"}}\n${record("next")}`);
  assertEquals(await peer.line(), '{"success":true}');
  assertEquals(await countsOf(context.traqq), { next: 1 });
});

Deno.test("Connection takes a line of exactly 1 MiB", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  const line = (length: number) => `{"cmd":"ping","pad":"${"x".repeat(length - 23)}"}`;
  assertEquals(line(1 << 20).length, 1 << 20);
  assertEquals(await peer.ask(line(1 << 20)), { success: true });
  assertEquals((await peer.ask(line((1 << 20) + 1))).success, false);
  assertEquals(await peer.ask('{"cmd":"ping"}'), { success: true });
});

Deno.test("Connection stops reading while storage is slow", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  await using context = await startServer({}, target);
  const { server } = context;
  using peer = await Peer.connect(server);
  const lines = 400_000;
  let sent = 0;
  const sending = (async () => {
    const block = record("a").repeat(1000);
    for (let i = 0; i < lines / 1000; i++) {
      await peer.send(block);
      sent += block.length;
    }
  })();
  await stands(() => sent);
  const { bytesIn } = server.stats();
  assert(bytesIn < 1 << 19, `${bytesIn} bytes were read`);
  assertEquals(target.calls.length, 1);
  target.gate = undefined;
  resolve();
  for (let i = 0; i < lines; i++) await peer.line();
  await sending;
  assertEquals(target.counted, lines);
});

Deno.test("Connection stops reading while a client does not read its replies", async () => {
  await using context = await startServer();
  const { server } = context;
  using peer = await Peer.connect(server);
  const commands = 200_000;
  let sent = 0;
  const sending = (async () => {
    const block = '{"cmd":"stats"}\n'.repeat(1000);
    for (let i = 0; i < commands / 1000; i++) {
      await peer.send(block);
      sent += block.length;
    }
  })();
  await stands(() => sent);
  const memory = Deno.memoryUsage();
  assert(server.stats().commands < commands);
  assert(memory.external < 100 << 20, `${memory.external} bytes outside the heap`);
  for (let i = 0; i < commands; i++) {
    if (await peer.line() === undefined) throw new Error(`only ${i} replies`);
  }
  await sending;
  assertEquals(server.stats().commands, commands);
});

Deno.test("Connection is closed when a client never reads its replies", async () => {
  await using context = await startServer({ idleTimeoutMs: 100 });
  const { server } = context;
  using peer = await Peer.connect(server);
  const block = new TextEncoder().encode('{"cmd":"stats"}\n'.repeat(1000));
  const sending = (async () => {
    for (let i = 0; i < 1000; i++) await peer.send(block);
  })();
  const error = await sending.then(() => undefined, (error) => error);
  assert(error instanceof Error);
  await until(() => server.stats().connections === 0);
  assertEquals(server.stats().idled, 1);
});

Deno.test("Connection survives what is not the protocol at all", async () => {
  await using context = await startServer();
  const { server } = context;
  const random = crypto.getRandomValues(new Uint8Array(1 << 16));
  for (const junk of [random, new Uint8Array(1 << 16), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]) {
    using peer = await Peer.connect(server);
    await peer.send(junk);
    await peer.conn.closeWrite();
    await peer.gone();
  }
  using peer = await Peer.connect(server);
  assertEquals(await peer.ask('{"cmd":"ping"}'), { success: true });
});

Deno.test("Connection records nothing that a page in a browser posts to it", async () => {
  await using context = await startServer();
  const { server, traqq } = context;
  const body = record("forged");
  const head = (line: string) =>
    `${line}\r\nHost: ${server.addr.hostname}:${server.addr.port}\r\nOrigin: https://a.example\r\n` +
    `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
  // The second has a line that is too long to be seen.
  for (const line of ["POST / HTTP/1.1", `POST /${"x".repeat(1 << 20)} HTTP/1.1`]) {
    using peer = await Peer.connect(server);
    await peer.send(head(line));
    await peer.send(body);
    await peer.conn.closeWrite();
    const replies = (await peer.rest()).trimEnd().split("\n");
    assertStringIncludes(replies.at(-1)!, "Cannot speak HTTP here");
  }
  assertEquals(await countsOf(traqq), {});
});

Deno.test("Connection survives JSON of 100,000 levels", async () => {
  await using context = await startServer();
  using peer = await Peer.connect(context.server);
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  assertEquals((await peer.ask(deep)).success, false);
  const event = `{"event":"a","deep":${deep}}`;
  const command = `{"cmd":"record","at":1767225600,"event":${event}}`;
  assertEquals(await peer.ask(command), { success: true });
  assertEquals(await countsOf(context.traqq), { a: 1 });
});

/** Resolves when a value has not changed for 20 turns of 5 ms: nothing can tell that a write is stuck. */
async function stands(value: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = value() === last ? same + 1 : 0;
    last = value();
  }
}
