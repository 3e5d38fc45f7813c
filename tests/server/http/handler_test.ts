import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ConfigError, StorageError } from "../../../src/base/errors.ts";
import { Hono } from "hono";
import {
  handler,
  type HttpOptions,
  type HttpTarget,
  type RequestEntry,
} from "../../../src/server/http.ts";
import { Asking, type Reply } from "./_asking.ts";

/** A target on which everything fails like this. */
function failing(error: Error): HttpTarget {
  const fail = () => Promise.reject(error);
  return {
    recordMany: fail,
    query: fail,
    queryDays: fail,
    overview: fail,
    stats: () => {
      throw error;
    },
    timezone: "UTC",
    isOpen: true,
    observe: () => () => {},
  };
}

Deno.test("handler() answers /health and /ready", async () => {
  const it = await Asking.open();
  assertEquals((await it.ask("/health")).text, '{"status":"healthy"}\n');
  assertEquals((await it.ask("/ready")).text, '{"ready":true}\n');
  const head = await it.ask("/health", { method: "HEAD" });
  assertEquals([head.status, head.text], [200, ""]);
  await it.traqq.close();
  const closed = await it.ask("/ready");
  assertEquals([closed.status, closed.body], [503, { ready: false }]);
  assertEquals((await it.ask("/health")).status, 200);
});

Deno.test("handler.close() ends what was begun and takes nothing more", async () => {
  await using it = await Asking.open();
  let sender: ReadableStreamDefaultController | undefined;
  const begun = it.record(
    new ReadableStream({ start: (controller) => void (sender = controller) }),
  );
  let isIdle = false;
  const idle = it.answer.close().then(() => isIdle = true);
  assertEquals((await it.ask("/ready")).status, 503);
  assertEquals((await it.ask("/health")).status, 200);
  assertEquals([(await it.record('{"event":"a"}')).status, (await it.ask("/live")).status], [
    503,
    503,
  ]);
  assertEquals(isIdle, false);
  sender!.enqueue(new TextEncoder().encode('{"event":"a"}'));
  sender!.close();
  assertEquals((await begun).status, 200);
  await idle;
  assertEquals(await it.counts(), { a: 1 });
});

Deno.test("handler.abort() answers 503 where a body has not come", async () => {
  await using it = await Asking.open();
  const begun = it.record(new ReadableStream({}));
  const idle = it.answer.close();
  it.answer.abort();
  assertEquals((await begun).status, 503);
  await idle;
});

Deno.test("handler() answers 404 to other paths, and 405 with Allow to other methods", async () => {
  await using it = await Asking.open();
  for (
    const path of [
      ...["/nope", "/record/", "//record", "/record/x", "/Record", "/record%2f", "/recor%64x"],
      ...["/__proto__", "/constructor", "/%", "/%ff", "/health%00", "/a/../nope"],
    ]
  ) {
    const reply = await it.ask(path);
    assertEquals([reply.status, reply.body?.success], [404, false], path);
  }
  const other = async (method: string, path: string, allow: string) => {
    const reply = await it.ask(path, { method });
    assertEquals([reply.status, reply.headers.get("allow")], [405, allow], `${method} ${path}`);
    assertEquals(reply.body.success, method === "HEAD" ? undefined : false);
  };
  for (const method of ["GET", "PUT", "DELETE", "PATCH", "BREW", "constructor"]) {
    await other(method, "/record", "POST, OPTIONS");
  }
  await other("POST", "/query", "GET, HEAD, OPTIONS");
  const options = await it.ask("/find", { method: "OPTIONS" });
  assertEquals([options.status, options.headers.get("allow")], [204, "GET, HEAD, OPTIONS"]);
});

Deno.test("handler() with a basePath answers below it and nowhere else", async () => {
  await using it = await Asking.open({ basePath: "/analytics/" });
  assertEquals((await it.ask("/analytics/health")).status, 200);
  assertEquals((await it.ask("/health")).status, 404);
  assertEquals((await it.ask("/")).status, 404);
  assertEquals((await it.ask("/analytics/nope")).body.success, false);
  assertEquals((await it.ask("/analytics/openapi.json")).body.servers, [{ url: "/analytics" }]);
});

Deno.test("handler() goes into Hono, by mount and by all", async () => {
  await using it = await Asking.open();
  await using below = await Asking.open({ basePath: "/below" });
  const app = new Hono();
  app.get("/", (c) => c.text("the app's own"));
  app.mount("/mounted", it.answer);
  app.all("/below/*", (c) => below.answer(c.req.raw, c.env));
  const status = async (path: string) => (await app.request(path)).status;
  assertEquals(await status("/"), 200);
  assertEquals([await status("/mounted/health"), await status("/mounted/nope")], [200, 404]);
  assertEquals([await status("/below/health"), await status("/below/nope")], [200, 404]);
  const body = '{"event":"a"}';
  assertEquals((await app.request("/mounted/record", { method: "POST", body })).status, 200);
  assertEquals(it.traqq.stats().recorded, 1);
});

Deno.test("handler() shares with the origins that cors names, and refuses what other pages send", async () => {
  await using it = await Asking.open({ cors: ["https://a.example", "http://b.example:81"] });
  const from = (origin: string, more: Record<string, string> = {}) =>
    it.record('{"event":"a"}', { Origin: origin, ...more });
  const own = await from("https://a.example");
  assertEquals(
    [own.status, own.headers.get("access-control-allow-origin")],
    [200, "https://a.example"],
  );
  const refusedText = await it.record("x", { Origin: "https://a.example", "Content-Type": "x/y" });
  assertEquals(
    [refusedText.status, refusedText.headers.get("access-control-allow-origin")],
    [415, "https://a.example"],
    "the page must see why",
  );
  for (const origin of ["https://c.example", "http://a.example", "https://a.example:444", "null"]) {
    const other = await from(origin);
    assertEquals([other.status, other.headers.get("access-control-allow-origin")], [403, null]);
  }
  const preflight = await it.ask("/record", {
    method: "OPTIONS",
    headers: { Origin: "http://b.example:81", "Access-Control-Request-Method": "POST" },
  });
  assertEquals(preflight.status, 204);
  assertEquals(preflight.headers.get("access-control-allow-origin"), "http://b.example:81");
  assertMatch(
    preflight.headers.get("access-control-allow-headers")!,
    /Authorization.*Content-Encoding/,
  );
  assertEquals(
    (await it.ask("/record", { method: "OPTIONS" })).headers.get("allow"),
    "POST, OPTIONS",
  );
  assertEquals(await it.counts(), { a: 1 });
});

Deno.test("handler() without cors shares with nobody, and takes what its own pages and programs send", async () => {
  await using it = await Asking.open();
  const status = async (headers: Record<string, string>) =>
    (await it.record('{"event":"a"}', headers)).status;
  assertEquals(await status({ Origin: "http://localhost" }), 200);
  assertEquals(await status({ Origin: "https://localhost" }), 200, "behind a proxy with TLS");
  assertEquals(await status({ Origin: "https://x.example", "Sec-Fetch-Site": "same-origin" }), 200);
  assertEquals(await status({}), 200);
  assertEquals(await status({ Origin: "https://x.example" }), 403);
  assertEquals(await status({ Origin: "http://localhost", "Sec-Fetch-Site": "cross-site" }), 403);
  assertEquals(await status({ Origin: "http://localhost", "Sec-Fetch-Site": "same-site" }), 403);
  const read = await it.ask("/query", { headers: { Origin: "https://x.example" } });
  assertEquals([read.status, read.headers.get("access-control-allow-origin")], [200, null]);
});

Deno.test("handler() answers no more than maxRequests at a time, and watches go through", async () => {
  await using it = await Asking.open({ maxRequests: 2 });
  const senders: ReadableStreamDefaultController[] = [];
  const body = () => new ReadableStream({ start: (controller) => void senders.push(controller) });
  const waiting = [it.record(body()), it.record(body())];
  assertEquals(it.answer.stats().active, 2);
  const third = await it.ask("/query");
  assertEquals([third.status, third.headers.get("retry-after")], [503, "1"]);
  assertEquals([(await it.ask("/health")).status, (await it.ask("/ready")).status], [200, 200]);
  for (const sender of senders) {
    sender.enqueue(new TextEncoder().encode('{"event":"a"}'));
    sender.close();
  }
  assertEquals((await Promise.all(waiting)).map(({ status }) => status), [200, 200]);
  assertEquals([it.answer.stats().active, (await it.ask("/query")).status], [0, 200]);
});

Deno.test("handler() answers rateLimit requests a second from each address", async () => {
  await using it = await Asking.open({ rateLimit: 2 });
  const status = async (address: string) => (await it.ask("/stats", {}, address)).status;
  assertEquals([await status("a"), await status("a"), await status("a")], [200, 200, 429]);
  assertEquals(await status("b"), 200);
  assertEquals((await it.ask("/health", {}, "a")).status, 200);
  await using named = await Asking.open({
    rateLimit: 1,
    clientAddress: (request) => request.headers.get("x-forwarded-for") ?? "",
  });
  const as = async (name: string) =>
    (await named.ask("/stats", { headers: { "X-Forwarded-For": name } })).status;
  assertEquals([await as("a"), await as("b"), await as("a")], [200, 200, 429]);
});

Deno.test("handler() shows a page of another origin why it is not answered now", async () => {
  await using it = await Asking.open({ cors: "https://a.example", rateLimit: 1 });
  const ask = () => it.ask("/stats", { headers: { Origin: "https://a.example" } });
  const shared = ({ status, headers }: Reply) => [
    status,
    headers.get("access-control-allow-origin"),
    headers.get("access-control-expose-headers"),
  ];
  assertEquals(shared(await ask()), [200, "https://a.example", "Retry-After"]);
  assertEquals(shared(await ask()), [429, "https://a.example", "Retry-After"]);
  const closed = it.answer.close();
  assertEquals(shared(await ask()), [503, "https://a.example", "Retry-After"]);
  await closed;
});

Deno.test("handler() tells a client nothing of the server's own errors, and tells onError", async () => {
  const told = async (error: Error, status: number) => {
    const errors: Error[] = [];
    const answer = handler(failing(error), { onError: (error) => errors.push(error) });
    for (const path of ["/query", "/stats"]) {
      const reply = await answer(new Request(`http://localhost${path}`));
      const { success, error: text } = await reply.json();
      assertEquals([reply.status, success], [status, false]);
      assertEquals(text.includes("secret"), false, text);
    }
    assertEquals(errors, [error, error]);
  };
  await told(new Error("secret"), 500);
  await told(new TypeError("Cannot read properties of undefined (reading 'secret')"), 500);
  await told(new ConfigError("secret"), 503);
  await told(new StorageError("refused", "secret"), 500);
  await told(new StorageError("unavailable", "secret"), 503);
  await told(new StorageError("closed", "secret"), 503);
});

Deno.test("handler() answers 503 once its traqq is closed", async () => {
  const it = await Asking.open();
  await it.traqq.close();
  assertEquals((await it.record('{"event":"a"}')).status, 503);
  assertEquals((await it.ask("/query")).status, 503);
});

Deno.test("handler() tells onRequest of each request, without the query", async () => {
  const entries: RequestEntry[] = [];
  await using it = await Asking.open({ onRequest: (entry) => entries.push(entry) });
  await it.ask("/query?days=1");
  await it.ask("/nope?token=secret");
  assertEquals(
    entries.map(({ method, path, status, address }) => [method, path, status, address]),
    [["GET", "/query", 200, "192.0.2.1"], ["GET", "/nope", 404, "192.0.2.1"]],
  );
  const { answers, requests } = it.answer.stats();
  assertEquals([requests, answers], [2, { "GET /query 200": 1, "GET other 404": 1 }]);
});

Deno.test("handler() answers though onRequest, onError or clientAddress throw", async () => {
  const oops = () => {
    throw new Error("not my day");
  };
  const errors: Error[] = [];
  await using it = await Asking.open({ onRequest: oops, onError: (error) => errors.push(error) });
  assertEquals([(await it.ask("/health")).status, errors.length], [200, 1]);
  await using worse = await Asking.open({ clientAddress: oops, onError: oops });
  assertEquals((await worse.ask("/health")).status, 500);
});

Deno.test("handler() answers 400 to a request whose URL is none", async () => {
  await using it = await Asking.open();
  const request = new Request("http://localhost/health");
  // As Deno.serve gives it for "Host: a b".
  Object.defineProperty(request, "url", { value: "http://a b/health" });
  assertEquals((await it.answer(request)).status, 400);
});

Deno.test("handler() refuses options that cannot be used", () => {
  const bad = (options: HttpOptions, message: RegExp) => {
    const error = assertThrows(() => handler(failing(new Error("none")), options), ConfigError);
    assertMatch(error.message, message);
  };
  bad({ basePath: "analytics" }, /basePath: wanted a path such as \/analytics/);
  bad({ basePath: "/a/:id" }, /basePath/);
  bad({ basePath: "/*" }, /basePath/);
  bad({ cors: "example.org" }, /cors: wanted an origin/);
  bad({ cors: ["https://example.org/"] }, /cors/);
  bad({ maxBodyBytes: 0 }, /maxBodyBytes/);
  bad({ bodyTimeoutMs: 0 }, /bodyTimeoutMs/);
  bad({ maxRequests: 0 }, /maxRequests/);
  bad({ rateLimit: -1 }, /rateLimit/);
  bad({ maxListeners: 0 }, /maxListeners/);
  bad({ liveEventsPerSecond: 0.5 }, /liveEventsPerSecond/);
  bad({ token: "" }, /token/);
  bad({ token: "a", access: { tokens: ["b"] } }, /token beside access/);
  bad({ access: { tokens: [{ token: "a", right: "write" as "read" }] } }, /right of a token/);
  bad({ access: { jwtSecret: "short" } }, /at least 32 bytes/);
});
