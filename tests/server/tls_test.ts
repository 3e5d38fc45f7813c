import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Client, ConnectionError } from "../../src/client/client.ts";
import { CERT, KEY } from "./_tls.ts";
import { countsOf, Peer, record, startServer, until } from "./_peer.ts";

const tls = { cert: CERT, key: KEY };

Deno.test("serveTcp speaks TLS, a character cut by a packet and a big reply included", async () => {
  await using context = await startServer({ tls });
  const { server, traqq } = context;
  using peer = new Peer(
    await Deno.connectTls({ hostname: "127.0.0.1", port: server.addr.port, caCerts: [CERT] }),
  );
  const bytes = new TextEncoder().encode(record("日本"));
  await peer.send(bytes.subarray(0, 36));
  await peer.send(bytes.subarray(36));
  assertEquals(await peer.line(), '{"success":true}');
  assertEquals(await countsOf(traqq), { "日本": 1 });
  await peer.send('{"cmd":"query_days","days":20000}\n');
  assertEquals(JSON.parse(await peer.line() ?? "").data.length, 20_000);
});

Deno.test("Client.connect trusts the certificates that it is told to", async () => {
  await using context = await startServer({ tls });
  const address = `localhost:${context.server.addr.port}`;
  await using client = await Client.connect(address, { tls: { caCerts: [CERT] } });
  await client.record({ event: "a" }, { at: 1767225600 });
  const error = await assertRejects(
    () => Client.connect(address, { tls: true }),
    ConnectionError,
  );
  assertMatch(error.message, /invalid peer certificate: .*; trust who signed it by .*--tls-ca/);
});

Deno.test("Client.connect says so when one side speaks TLS and the other does not", async () => {
  await using secret = await startServer({ tls });
  const error = await assertRejects(
    () => Client.connect(`127.0.0.1:${secret.server.addr.port}`, { connectTimeoutMs: 2000 }),
    ConnectionError,
  );
  assertMatch(error.message, /does it use TLS\?/);
  await until(() => secret.server.stats().connections === 0);

  await using plain = await startServer();
  await assertRejects(
    () =>
      Client.connect(`127.0.0.1:${plain.server.addr.port}`, { tls: true, connectTimeoutMs: 2000 }),
    ConnectionError,
  );
});
