import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { ConfigError } from "../../../src/base/errors.ts";
import { type HttpServerOptions, serveHttp } from "../../../src/server/http.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { Traqq } from "../../../src/traqq.ts";
import { until } from "../_peer.ts";
import { CERT, KEY } from "../_tls.ts";
import { gzip } from "./_asking.ts";
import { countsOf, exchange, Raw, startServer } from "./_raw.ts";

const AT = "?at=1767225600";

/** A request as bytes. */
function post(body: string | Uint8Array, ...headers: string[]): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const head = [
    `POST /record${AT} HTTP/1.1`,
    "Host: localhost",
    `Content-Length: ${bytes.length}`,
    ...headers,
    "",
    "",
  ].join("\r\n");
  return new Uint8Array([...new TextEncoder().encode(head), ...bytes]);
}

const EVENT = '{"event":"a"}';
const statuses = (text: string) =>
  [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));

Deno.test("serveHttp refuses options that cannot be used, naming each", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const refused = (options: HttpServerOptions, message: RegExp) => {
    const error = assertThrows(() => serveHttp(traqq, options), ConfigError);
    assertMatch(error.message, message);
  };
  refused({ port: 65_536 }, /port/);
  refused({ port: 0, maxRequests: 0 }, /maxRequests/);
  refused({ port: 0, token: " t" }, /token/);
  refused({ port: 0, hostname: "192.0.2.1", token: "t" }, /no such address/);
  for (const hostname of ["0.0.0.0", "::", "example.org"]) {
    refused({ port: 0, hostname }, /without a token: .*--token-file.*--insecure/);
  }
  for (
    const tls of [{ cert: "no", key: "no" }, { cert: CERT, key: "" }, { cert: CERT, key: CERT }]
  ) {
    refused({ port: 0, tls }, /Cannot listen on 127\.0\.0\.1:0: .*--tls-cert.*each as PEM$/);
  }
  await using first = serveHttp(traqq, { port: 0 });
  refused({ port: first.addr.port }, /the port is taken/);
  await using _open = serveHttp(traqq, { port: 0, hostname: "0.0.0.0", insecure: true });
  await using _locked = serveHttp(traqq, { port: 0, hostname: "0.0.0.0", token: "t" });
});

Deno.test("serveHttp without a token answers only who calls it by a name of this machine", async () => {
  await using open = await startServer();
  const status = async (server: typeof open.server, host: string) =>
    statuses(
      await exchange(server, `GET /query HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    )[0];
  assertEquals(await status(open.server, "localhost"), 200);
  assertEquals(await status(open.server, "rebound.example"), 403);
  await using named = await startServer({ hosts: ["inside.example"] });
  assertEquals(await status(named.server, "inside.example"), 200);
  assertEquals(await status(named.server, "rebound.example"), 403);
  await using locked = await startServer({ token: "t" });
  assertEquals(await status(locked.server, "rebound.example"), 401, "the token keeps them out");
});

Deno.test("serveHttp speaks TLS", async () => {
  await using context = await startServer({ tls: { cert: CERT, key: KEY } });
  assertMatch(context.server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  using client = Deno.createHttpClient({ caCerts: [CERT] });
  const reply = await fetch(`${context.server.url}/record${AT}`, {
    client,
    method: "POST",
    body: EVENT,
  });
  assertEquals(await reply.json(), { recorded: 1, rejected: [] });
  const login = await fetch(`${context.server.url}/logout`, { client, method: "POST" });
  await login.body?.cancel();
  assertMatch(login.headers.get("set-cookie")!, /; Secure/);
  await assertRejects(() => fetch(`${context.server.url}/health`), TypeError);
});

Deno.test("HttpServer answers requests that come one after the other without waiting", async () => {
  await using context = await startServer();
  const last = post(EVENT, "Connection: close");
  const bytes = [
    ...Array.from({ length: 20 }, () => post(EVENT)).flatMap((one) => [...one]),
    ...last,
  ];
  const text = await exchange(context.server, new Uint8Array(bytes));
  assertEquals(statuses(text), Array(21).fill(200));
  assertEquals(await countsOf(context.traqq), { a: 21 });
});

Deno.test("HttpServer takes chunked bodies, cut anywhere", async () => {
  await using context = await startServer();
  const body = '{"event":"a"}\n{"event":"日本"}\n';
  const bytes = new TextEncoder().encode(body);
  const head = `POST /record${AT} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n` +
    "Connection: close\r\nContent-Type: application/x-ndjson\r\n\r\n";
  using raw = await Raw.connect(context.server);
  await raw.send(head);
  for (const byte of bytes) await raw.send(new Uint8Array([49, 13, 10, byte, 13, 10]));
  await raw.send("0\r\n\r\n");
  assertEquals(statuses(await raw.read()), [200]);
  assertEquals(await countsOf(context.traqq), { a: 1, "日本": 1 });
});

Deno.test("HttpServer answers 413 to a body that is too large, said or not, zipped or not", async () => {
  await using context = await startServer({ maxBodyBytes: 1000 });
  const { server, traqq } = context;
  const first = async (data: string | Uint8Array) => statuses(await exchange(server, data))[0];
  assertEquals(
    await first(post(`{"event":"a","pad":"${"x".repeat(1000)}"}`, "Connection: close")),
    413,
  );
  const chunked =
    `POST /record HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
    `100000\r\n${"x".repeat(1 << 20)}\r\n0\r\n\r\n`;
  assertEquals(await first(chunked), 413);
  const bomb = gzip(`{"event":"a","pad":"${"x".repeat(100_000)}"}`);
  assert(bomb.length < 1000);
  assertEquals(await first(post(bomb, "Content-Encoding: gzip", "Connection: close")), 413);
  assertEquals(await countsOf(traqq), {});
  assertEquals(server.stats().heldBytes, 0);
});

Deno.test("HttpServer answers 408 to a body that does not come, and counts nothing of it", async () => {
  await using context = await startServer({ bodyTimeoutMs: 50 });
  const { server, traqq } = context;
  const half =
    `POST /record${AT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n${EVENT}\n`;
  using raw = await Raw.connect(server);
  await raw.send(half);
  assertEquals(statuses(await raw.read(/408/)), [408]);
  // One that goes away in the middle.
  using gone = await Raw.connect(server);
  await gone.send(half);
  await until(() => server.stats().active === 1);
  gone[Symbol.dispose]();
  await until(() => server.stats().active === 0);
  assertEquals(await countsOf(traqq), {});
  assertEquals(server.stats().heldBytes, 0);
});

Deno.test("HttpServer survives what is not HTTP, and paths and heads that try something", async () => {
  const errors: Error[] = [];
  await using context = await startServer({ onError: (error) => errors.push(error) });
  const { server, traqq } = context;
  const head = (text: string) => exchange(server, `${text}\r\nConnection: close\r\n\r\n`);
  const first = async (text: string) => statuses(await head(text))[0];
  const tls = new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
  assertEquals(statuses(await exchange(server, tls))[0], 400);
  assertEquals(statuses(await exchange(server, '{"cmd":"ping"}\n{"cmd":"ping"}\n'))[0], 400);
  assertEquals(await first(`GET / HTTP/1.1\r\nHost: localhost\r\n${"a: b\r\n".repeat(1000)}`), 400);
  assertEquals(await first(`GET /${"x".repeat(1 << 20)} HTTP/1.1\r\nHost: localhost`), 400);
  assertEquals(await first("GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil"), 400);
  assertEquals(await first("GET /health HTTP/1.1\r\nHost: a b"), 400);
  assertEquals(await first("GET http://evil.example/stats HTTP/1.1\r\nHost: localhost"), 403);
  assertEquals(
    await first(
      "POST /record HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked",
    ),
    400,
  );
  for (
    const path of [
      ...[
        "/../record",
        "//record",
        "/record//",
        "/%2e%2e/stats",
        "/stats%00",
        "/\\stats",
        "/;/stats",
      ],
      ...["/stats;x", "/%ff", "*", "/STATS", "/./stats/."],
    ]
  ) {
    const status = await first(`GET ${path} HTTP/1.1\r\nHost: localhost`);
    assert([400, 404, 405, 200].includes(status), `${path} ${status}`);
  }
  assertEquals(await first("CONNECT a:1 HTTP/1.1\r\nHost: localhost"), 403);
  assertEquals(await first("TRACE /record HTTP/1.1\r\nHost: localhost"), 405);
  assertEquals(statuses(await exchange(server, post(EVENT, "Connection: close"))), [200]);
  assertEquals(await countsOf(traqq), { a: 1 });
  assertEquals(errors, []);
});

Deno.test("HttpServer takes heads of 128 lines and 64 KiB, and no more", async () => {
  await using context = await startServer();
  const status = async (more: string) =>
    statuses(
      await exchange(
        context.server,
        `GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`,
      ),
    )[0];
  assertEquals([await status("a: b\r\n".repeat(126)), await status("a: b\r\n".repeat(127))], [
    200,
    400,
  ]);
  const long = (bytes: number) => status(`a: ${"b".repeat(bytes)}\r\n`);
  assertEquals([await long(65_000), await long(66_000)], [200, 400]);
});

Deno.test("HttpServer.shutdown() answers what came, counts all that it answered, and takes no more", async () => {
  const { server, traqq } = await startServer();
  let answered = 0, isStopping = false;
  const clients = Array.from({ length: 8 }, async () => {
    for (;;) {
      try {
        const reply = await fetch(`${server.url}/record${AT}`, { method: "POST", body: EVENT });
        const { recorded } = await reply.json();
        if (reply.status === 200) answered += recorded;
      } catch (error) {
        if (isStopping) return;
        throw error;
      }
    }
  });
  await until(() => answered > 200);
  isStopping = true;
  await server.shutdown();
  await Promise.all(clients);
  await assertRejects(() => fetch(`${server.url}/health`), TypeError);
  assertEquals(await countsOf(traqq), { a: answered });
  assertEquals(server.stats().active, 0);
  await server.shutdown();
  await traqq.close();
});

Deno.test("HttpServer.shutdown() waits for a body that is still coming", async () => {
  const { server, traqq } = await startServer();
  using raw = await Raw.connect(server);
  const bytes = post(EVENT);
  await raw.send(bytes.subarray(0, -5));
  await until(() => server.stats().active === 1);
  const stopped = server.shutdown();
  await raw.send(bytes.subarray(-5));
  assertEquals(statuses(await raw.read()), [200]);
  await stopped;
  assertEquals(await countsOf(traqq), { a: 1 });
  await traqq.close();
});

Deno.test("HttpServer.shutdown() ends at its deadline, whoever still sends", async () => {
  const { server, traqq } = await startServer();
  using raw = await Raw.connect(server);
  await raw.send(post(EVENT).subarray(0, -1));
  await until(() => server.stats().active === 1);
  const begunMs = performance.now();
  await server.shutdown({ deadlineMs: 50 });
  assert(performance.now() - begunMs < 5000);
  assertEquals(statuses(await raw.read(/503/)), [503], "it is told");
  assertEquals([server.stats().active, server.stats().heldBytes], [0, 0]);
  assertEquals(await countsOf(traqq), {});
  await traqq.close();
});
