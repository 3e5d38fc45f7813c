import { assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import type { HttpOptions } from "../../../src/server/http.ts";
import { Series } from "../../../src/series/series.ts";
import { Asking, type Reply } from "../../server/http/_asking.ts";
import type { PlainPoint } from "../points/_oracle.ts";
import { TestDatabase } from "../_engine.ts";

const TOKENS = [
  { token: "writer-token", right: "record" as const },
  { token: "reader-token", right: "read" as const },
];

/** A handler with series in an engine of tests. */
class Served implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly #series: Series;
  readonly #asking: Asking;

  private constructor(series: Series, asking: Asking, database: TestDatabase) {
    this.#series = series;
    this.#asking = asking;
    this.database = database;
  }

  static async open(options: HttpOptions = {}): Promise<Served> {
    const database = new TestDatabase();
    const series = await Series.open({ durability: "none", openEngine: database.openEngine });
    return new Served(series, await Asking.open({ series, ...options }), database);
  }

  ask(path: string, init: RequestInit = {}): Promise<Reply> {
    return this.#asking.ask(path, init);
  }

  post(path: string, body: BodyInit, headers: HeadersInit = {}): Promise<Reply> {
    return this.ask(path, { method: "POST", body, headers });
  }

  async points(): Promise<PlainPoint[]> {
    await this.#series.flush();
    return this.database.points;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#asking[Symbol.asyncDispose]();
    await this.#series.close();
  }
}

Deno.test("POST /write and /api/v2/write keep points, and answer 204 with nothing", async () => {
  await using it = await Served.open();
  for (const path of ["/write", "/write?db=any&rp=x", "/api/v2/write?org=o&bucket=b"]) {
    const { status, text, headers } = await it.post(path, "cpu,host=a usage=64.5 5\n");
    assertEquals([status, text], [204, ""]);
    assertStringIncludes(headers.get("x-influxdb-version")!, "traqq");
  }
  assertEquals((await it.points()).length, 3);
});

Deno.test("POST /write takes each precision of both versions, and refuses others", async () => {
  await using it = await Served.open();
  const cases = {
    n: 1n,
    ns: 1n,
    u: 1000n,
    us: 1000n,
    µ: 1000n,
    ms: 10n ** 6n,
    s: 10n ** 9n,
    m: 6n * 10n ** 10n,
    h: 36n * 10n ** 11n,
    "": 1n,
  };
  for (const name of Object.keys(cases)) {
    assertEquals((await it.post(`/write?precision=${name}`, "a v=1 7")).status, 204, name);
  }
  assertEquals(
    (await it.points()).map(({ time }) => time),
    Object.values(cases).map((ns) => ns * 7n),
  );
  const { status, body } = await it.post("/write?precision=d", "a v=1 7");
  assertEquals(status, 400);
  assertStringIncludes(body.error, 'the precision "d": wanted ns');
});

Deno.test("POST /write reads gzip, and bounds it unzipped", async () => {
  await using it = await Served.open({ maxBodyBytes: 1000 });
  const zipped = (text: string) => gzipSync(text) as Uint8Array<ArrayBuffer>;
  const headers = { "Content-Encoding": "gzip" };
  assertEquals((await it.post("/write", zipped("a v=1 1\na v=2 2"), headers)).status, 204);
  const large = await it.post("/write", zipped("a v=1 1\n".repeat(1000)), headers);
  assertEquals(large.status, 413);
  assertStringIncludes(large.body.error, "larger than 1000 bytes");
  assertEquals((await it.points()).length, 2);
});

Deno.test("POST /write keeps the good lines beside bad ones, and says which were bad in the shape of its version", async () => {
  await using it = await Served.open();
  const lines = "a v=1 1\na v=\na v=2 2\na v=1i 3\nb\nc\nd\n";
  const v1 = await it.post("/write", lines);
  assertEquals(v1.status, 400);
  assertEquals([v1.body.written, v1.body.rejected_lines], [2, 5]);
  assertEquals(v1.body.lines.map(({ line }: { line: number }) => line), [2, 4, 5, 6, 7]);
  assertStringIncludes(
    v1.body.error,
    "partial write: 2 points are kept; line 2: Cannot read the line",
  );
  assertStringIncludes(v1.body.error, "and 2 more dropped=5");
  assertStringIncludes(v1.headers.get("x-influxdb-error")!, "partial write");
  const v2 = await it.post("/api/v2/write", "nothing of it is good");
  assertEquals([v2.status, v2.body.code], [400, "invalid"]);
  assertStringIncludes(v2.body.message, "unable to parse: no line is a point; line 1:");
  assertEquals((await it.points()).length, 2);
});

Deno.test("POST /write takes a token as Bearer, Token, password of Basic, or parameter p, if it may record", async () => {
  await using it = await Served.open({ access: { tokens: TOKENS } });
  const basic = (text: string) => ({ Authorization: `Basic ${btoa(text)}` });
  const good: [string, HeadersInit][] = [
    ["/write", { Authorization: "Bearer writer-token" }],
    ["/write", { Authorization: "Token writer-token" }],
    ["/write", { Authorization: "Token user:writer-token" }],
    ["/write", basic("root:writer-token")],
    ["/write?u=root&p=writer-token", {}],
    ["/api/v2/write", { Authorization: "token writer-token" }],
    ["/api/v2/write", { "X-Api-Key": "writer-token" }],
  ];
  for (const [path, headers] of good) {
    assertEquals(
      (await it.post(path, "a v=1", headers)).status,
      204,
      JSON.stringify([path, headers]),
    );
  }
  const bad: [string, HeadersInit, number][] = [
    ["/write", {}, 401],
    ["/write?p=reader-token", {}, 403],
    ["/write?p=wrong", {}, 401],
    ["/write?p=writer-token", { Authorization: "Bearer wrong" }, 401],
    ["/write", basic("writer-token"), 204],
    ["/write", { Authorization: "Basic !!" }, 401],
    ["/write", basic("writer-token:wrong"), 401],
    ["/write", { Authorization: "Token reader-token" }, 403],
  ];
  for (const [path, headers, wanted] of bad) {
    const { status, body } = await it.post(path, "a v=1", headers);
    assertEquals(status, wanted, JSON.stringify([path, headers]));
    if (wanted !== 204) assertEquals(typeof body.error, "string");
  }
  const v2 = await it.post("/api/v2/write", "a v=1", { Authorization: "Token wrong" });
  assertEquals([v2.status, v2.body.code], [401, "unauthorized"]);
  assertEquals((await it.points()).length, good.length + 1);
  // Elsewhere such tokens are none.
  assertEquals((await it.ask("/overview?p=reader-token")).status, 401);
});

Deno.test("/ping answers everyone, and /query with q knows databases and nothing else", async () => {
  await using it = await Served.open({ access: { tokens: TOKENS } });
  assertEquals((await it.ask("/ping")).status, 204);
  assertEquals((await it.ask("/ping", { method: "HEAD" })).status, 204);
  assertStringIncludes((await it.ask("/ping?verbose=true")).body.version, "traqq");
  const query = (q: string, init: RequestInit = {}) =>
    it.ask(`/query?q=${encodeURIComponent(q)}&p=writer-token`, init);
  assertEquals((await query('CREATE DATABASE "my db"', { method: "POST" })).body, {
    results: [{ statement_id: 0 }],
  });
  assertEquals((await query("create database other with duration 3d")).status, 200);
  assertEquals((await query("SHOW DATABASES;")).body.results[0].series[0].values, [
    ["traqq"],
    ["my db"],
    ["other"],
  ]);
  const form = new URLSearchParams({ q: "SHOW DATABASES" });
  assertEquals((await it.post("/query?p=reader-token", form)).status, 200);
  const select = await query("SELECT * FROM cpu");
  assertEquals(select.status, 400);
  assertStringIncludes(select.body.error, "ask in SQL at /sql");
  assertEquals((await it.ask("/query?q=SHOW%20DATABASES")).status, 401);
  // Without q it is the query of what is counted.
  assertEquals(
    (await it.ask("/query?days=1", { headers: { Authorization: "Bearer reader-token" } })).status,
    200,
  );
});

Deno.test("a database that is gone makes /write answer 503 in the shape of its version", async () => {
  const { openEngine } = new TestDatabase();
  const series = await Series.open({ durability: "none", openEngine });
  await using asking = await Asking.open({ series });
  await series.close();
  const reply = await asking.ask("/api/v2/write", { method: "POST", body: "a v=1" });
  assertEquals(
    [reply.status, reply.body.code, reply.headers.get("retry-after")],
    [503, "unavailable", "5"],
  );
});

Deno.test("a request that comes too often is refused in the shape of its version", async () => {
  await using it = await Served.open({ rateLimit: 1 });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => it.post("/api/v2/write", "a v=1 1")),
  );
  const refused = replies.filter(({ status }) => status !== 204);
  assertEquals(refused.length > 0, true);
  for (const { status, body, headers } of refused) {
    assertEquals([status, body.code], [429, "too many requests"]);
    assertEquals(headers.get("retry-after"), "1");
  }
});

Deno.test("methods that a path of series has not are refused with those that it has", async () => {
  await using it = await Served.open();
  const { status, headers } = await it.ask("/write");
  assertEquals([status, headers.get("allow")], [405, "POST, OPTIONS"]);
  assertEquals((await it.ask("/write", { method: "OPTIONS" })).status, 204);
});

Deno.test("GET /openapi.json has the paths of series where there are some", async () => {
  await using it = await Served.open();
  const { paths } = (await it.ask("/openapi.json")).body;
  assertEquals(Object.keys(paths["/write"]), ["post"]);
  assertEquals(Object.keys(paths["/api/v2/write"]), ["post"]);
  assertEquals(Object.keys(paths["/ping"]), ["get"]);
});
