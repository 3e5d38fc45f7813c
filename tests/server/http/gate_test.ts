import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { SignJWT } from "jose";
import { Asking } from "./_asking.ts";

const TOKENS = {
  access: {
    tokens: ["all-token", { token: "write-token", right: "record" as const }, {
      token: "read-token",
      right: "read" as const,
    }],
  },
};
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const EVENT = '{"event":"a"}';

/** Paths by what they need. */
const READ = ["/query", "/find?q=add/event", "/stats", "/metrics", "/openapi.json"];
const OPEN = ["/health", "/ready"];

Deno.test("handler() with tokens lets each do what its right says, and strangers nothing", async () => {
  await using it = await Asking.open(TOKENS);
  const status = async (path: string, token?: string) =>
    (await it.ask(path, { headers: token === undefined ? {} : bearer(token) })).status;
  for (const path of READ) {
    assertEquals(
      [
        await status(path),
        await status(path, "all-token"),
        await status(path, "read-token"),
        await status(path, "write-token"),
        await status(path, "wrong"),
      ],
      [401, 200, 200, 403, 401],
      path,
    );
  }
  for (const path of OPEN) assertEquals(await status(path), 200);
  const record = async (headers: Record<string, string>) =>
    (await it.record(EVENT, headers)).status;
  assertEquals(await record({}), 401);
  assertEquals(await record(bearer("read-token")), 403);
  assertEquals(await record(bearer("write-token")), 200);
  assertEquals(await record({ "X-Api-Key": "all-token" }), 200);
  assertEquals(await record({ Authorization: "bearer   write-token " }), 200);
  assertEquals(await record({ Authorization: "Basic d3JpdGUtdG9rZW4=" }), 401);
  assertEquals(await record({ Authorization: "Bearer ", "X-Api-Key": "all-token" }), 401);
  assertEquals((await it.ask("/live")).status, 401);
  // A token in the URL would stand in logs: it is none.
  assertEquals(await status("/query?token=all-token"), 401);
  assertEquals(await it.counts(), { a: 3 });
});

Deno.test("handler() says what is missing, and shows no token", async () => {
  await using it = await Asking.open(TOKENS);
  const none = await it.ask("/query");
  assertEquals(none.headers.get("www-authenticate"), 'Bearer realm="traqq"');
  assertMatch(none.body.error, /Authorization: Bearer TOKEN/);
  const wrong = await it.ask("/query", { headers: bearer("hunter2") });
  assertEquals(wrong.text.includes("hunter2"), false);
  assertMatch(
    (await it.ask("/query", { headers: bearer("write-token") })).body.error,
    /right read/,
  );
});

Deno.test("handler() takes JWTs until they expire", async () => {
  const jwtSecret = "a secret of a test, 32 bytes long";
  await using it = await Asking.open({ access: { jwtSecret } });
  const exp = Math.floor(Date.now() / 1000) + 60;
  const token = await new SignJWT({ rights: "record", exp }).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(jwtSecret));
  assertEquals((await it.record(EVENT, bearer(token))).status, 200);
  assertEquals((await it.ask("/query", { headers: bearer(token) })).status, 403);
  using _time = new FakeTime(exp * 1000);
  assertEquals((await it.record(EVENT, bearer(token))).status, 401);
});

Deno.test("handler() listens no more to an address that sends many wrong tokens", async () => {
  await using it = await Asking.open(TOKENS);
  const ask = (token: string, address: string) =>
    it.ask("/query", { headers: bearer(token) }, address);
  for (let i = 0; i < 20; i++) assertEquals((await ask(`guess ${i}`, "a")).status, 401);
  const blocked = await ask("guess", "a");
  assertEquals([blocked.status, blocked.headers.get("retry-after")], [429, "60"]);
  assertEquals((await ask("all-token", "a")).status, 429, "it may have been guessed");
  assertEquals((await ask("all-token", "b")).status, 200);
  assertEquals((await it.ask("/health", {}, "a")).status, 200);
  assertEquals(it.answer.stats().wrongTokens, 22);
});

async function login(it: Asking, token: string): Promise<string> {
  const reply = await it.ask("/login", { method: "POST", body: JSON.stringify({ token }) });
  assertEquals([reply.status, reply.body], [200, { success: true }]);
  return reply.headers.get("set-cookie")!;
}

Deno.test("POST /login gives a cookie that no script reads, and that does what its token may", async () => {
  await using it = await Asking.open({ ...TOKENS, basePath: "/stats" });
  const reply = await it.ask("/stats/login", { method: "POST", body: '{"token":"read-token"}' });
  const cookie = reply.headers.get("set-cookie")!;
  assertMatch(
    cookie,
    /^traqq_session=[\w-]{43}; Max-Age=43200; Path=\/stats; HttpOnly; SameSite=Strict$/,
  );
  const headers = { Cookie: `other=1; ${cookie.split(";")[0]}` };
  assertEquals((await it.ask("/stats/query", { headers })).status, 200);
  const record = await it.ask("/stats/record", { method: "POST", body: EVENT, headers });
  assertEquals(record.status, 403);
  const form = await it.ask("/stats/login", {
    method: "POST",
    body: new URLSearchParams({ token: "read-token" }),
    headers: { "X-Forwarded-Proto": "https" },
  });
  assertMatch(form.headers.get("set-cookie")!, /; Secure/);
  assertNotEquals(form.headers.get("set-cookie")!.split(";")[0], cookie.split(";")[0]);
});

Deno.test("POST /login refuses wrong tokens, by address too, and bodies without one", async () => {
  await using it = await Asking.open(TOKENS);
  const status = async (body: string, address = "a") =>
    (await it.ask("/login", { method: "POST", body }, address)).status;
  for (let i = 0; i < 20; i++) assertEquals(await status('{"token":"wrong"}'), 401);
  assertEquals(await status('{"token":"all-token"}'), 429);
  for (const body of ["", "{}", "null", '{"token":7}', "x".repeat(100)]) {
    assertEquals(await status(body, "b"), 400, body);
  }
  assertEquals(await status(JSON.stringify({ token: "x".repeat(5000) }), "b"), 413);
  await using open = await Asking.open();
  const reply = await open.ask("/login", { method: "POST", body: '{"token":"any"}' });
  assertEquals([reply.status, reply.headers.get("set-cookie")], [200, null]);
});

Deno.test("A session records only for its own pages", async () => {
  await using it = await Asking.open({ ...TOKENS, cors: "https://a.example" });
  const Cookie = (await login(it, "all-token")).split(";")[0];
  const record = async (headers: Record<string, string>) =>
    (await it.record(EVENT, { Cookie, ...headers })).status;
  assertEquals(await record({ "Sec-Fetch-Site": "same-origin" }), 200);
  assertEquals(await record({ Origin: "http://localhost" }), 200);
  assertEquals(await record({ Origin: "https://a.example" }), 403, "CORS allows it, with a token");
  assertEquals(await record({ Origin: "https://a.example", ...bearer("all-token") }), 200);
  assertEquals(await record({ Origin: "https://b.example", ...bearer("all-token") }), 403);
  assertEquals(await record({ "Sec-Fetch-Site": "cross-site" }), 403);
  const read = await it.ask("/query", { headers: { Cookie, "Sec-Fetch-Site": "cross-site" } });
  assertEquals(read.status, 403);
  assertEquals(await it.counts(), { a: 3 });
});

Deno.test("A session begins and ends only from its own pages, though CORS names others", async () => {
  await using it = await Asking.open({ ...TOKENS, cors: "*" });
  const Cookie = (await login(it, "all-token")).split(";")[0];
  const status = async (path: string, headers: Record<string, string>) =>
    (await it.ask(path, { method: "POST", headers, body: '{"token":"all-token"}' })).status;
  for (const Origin of ["https://a.example", "http://localhost:1", "null"]) {
    assertEquals(await status("/login", { Origin }), 403);
    assertEquals(await status("/logout", { Cookie, Origin }), 403);
  }
  const sameSite = { Cookie, Origin: "http://localhost", "Sec-Fetch-Site": "same-site" };
  assertEquals(await status("/logout", sameSite), 403);
  assertEquals((await it.ask("/query", { headers: { Cookie } })).status, 200, "it goes on");
  assertEquals(await status("/logout", { Cookie, Origin: "http://localhost" }), 200);
});

Deno.test("A session ends with POST /logout, and after twelve hours", async () => {
  await using it = await Asking.open(TOKENS);
  const first = (await login(it, "all-token")).split(";")[0];
  const second = (await login(it, "all-token")).split(";")[0];
  const status = async (Cookie: string) => (await it.ask("/stats", { headers: { Cookie } })).status;
  const out = await it.ask("/logout", { method: "POST", headers: { Cookie: first } });
  assertMatch(out.headers.get("set-cookie")!, /^traqq_session=; Max-Age=0; Path=\//);
  assertEquals([await status(first), await status(second)], [401, 200]);
  assertEquals(await status("traqq_session=guess"), 401);
  assertEquals(await status("traqq_session="), 401);
  using time = new FakeTime(Date.now() + 12 * 3_600_000 - 5000);
  assertEquals(await status(second), 200);
  time.tick(5000);
  assertEquals(await status(second), 401);
});

Deno.test("handler() with hosts answers under these names and this machine's own alone", async () => {
  await using it = await Asking.open({ hosts: ["Analytics.example"] });
  const status = async (host: string, url = "http://localhost/query") =>
    (await it.answer(new Request(url, { headers: { Host: host } }))).status;
  for (
    const host of [
      ...["localhost", "localhost:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080", "LOCALHOST"],
      ...["analytics.example", "ANALYTICS.example:80", "app.localhost", "localhost."],
    ]
  ) assertEquals(await status(host), 200, host);
  for (
    const host of [
      ...[
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "0.0.0.0",
      ],
      ...["[::2]", "xlocalhost", "evil.example:8080"],
    ]
  ) {
    assertEquals(await status(host), 403, host);
    assertEquals(await status("localhost", `http://${host}/query`), 403, host);
  }
});
