import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { tableFromIPC } from "apache-arrow";
import { MemoryStorage, Traqq } from "../../../mod.ts";
import { Series } from "../../../src/series/mod.ts";
import { handler, type HttpOptions } from "../../../src/server/http.ts";

/** The points of the seed's README. */
const LINES = `cpu,host=server01,region=us-west usage=64.5 1609459200000000000
cpu,host=server01,region=us-west usage=62.3 1609459201000000000
cpu,host=server02 usage=71.2 1609459200000000000`;

interface Server extends AsyncDisposable {
  readonly url: string;
  readonly series: Series;
  post(path: string, body: BodyInit, headers?: Record<string, string>): Promise<Response>;
}

async function serve(options: HttpOptions = {}): Promise<Server> {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  const series = await Series.open({ durability: "none" });
  await series.write(LINES);
  const answer = handler(traqq, { series, ...options });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    series,
    post: (path, body, headers = {}) => fetch(`${url}${path}`, { method: "POST", body, headers }),
    [Symbol.asyncDispose]: async () => {
      await answer.close();
      await server.shutdown();
      await series.close();
      await traqq.close();
    },
  };
}

/** A reply with its time left out. */
async function untimed(response: Response): Promise<unknown> {
  const { execution_time_ms, ...rest } = await response.json();
  assertEquals([response.status, typeof execution_time_ms], [200, "number"]);
  return rest;
}

Deno.test("POST /sql answers what the seed's README asks, in its shape", async () => {
  await using it = await serve();
  // curl -d says that it is a form.
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const sql = "SELECT * FROM cpu WHERE host = 'server01' LIMIT 10";
  assertEquals(await untimed(await it.post("/sql", sql, form)), {
    measurement: "cpu",
    columns: [
      { name: "time", type: "TIMESTAMP_NS" },
      { name: "host", type: "VARCHAR" },
      { name: "region", type: "VARCHAR" },
      { name: "usage", type: "DOUBLE" },
    ],
    results: [
      {
        fields: { time: "2021-01-01T00:00:00Z", host: "server01", region: "us-west", usage: 64.5 },
      },
      {
        fields: { time: "2021-01-01T00:00:01Z", host: "server01", region: "us-west", usage: 62.3 },
      },
    ],
    total_rows: 2,
  });
  assertEquals(await untimed(await it.post("/sql", "SHOW TABLES", form)), {
    measurement: "_tables",
    columns: [{ name: "name", type: "VARCHAR" }],
    results: [{ fields: { name: "cpu" } }],
    total_rows: 1,
  });
  const grouped = await it.post(
    "/sql",
    "SELECT AVG(usage), MAX(usage) FROM cpu GROUP BY host ORDER BY 2",
  );
  assertEquals((await grouped.json()).results[0].fields, {
    "avg(usage)": 63.4,
    "max(usage)": 64.5,
  });
  const range = "SELECT * FROM cpu WHERE time >= '2021-01-01' AND time < '2021-01-02'";
  assertEquals((await (await it.post("/sql", range)).json()).total_rows, 3);
});

Deno.test("POST /sql takes JSON with parameters, whose digits are kept", async () => {
  await using it = await serve();
  const body = `{"sql": "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e",
    "parameters": [9007199254740993, 2.5, "x", null, true]}`;
  const reply = await it.post("/sql", body, { "Content-Type": "application/json" });
  assertEquals((await reply.json()).results, [
    { fields: { a: "9007199254740993", b: 2.5, c: "x", d: null, e: true } },
  ]);
});

Deno.test("POST /query answers the questions of the seed's README", async () => {
  await using it = await serve();
  const ask = async (body: string) => (await (await it.post("/query", body)).json()).results;
  assertEquals(
    (await ask(`{"measurement": "cpu",
      "time_range": {"start": 1609459200000000000, "end": 1609459300000000000}}`)).length,
    3,
  );
  assertEquals(
    await ask(`{"measurement": "cpu", "time_range": {"start": 0, "end": 9223372036854775807},
      "tag_filters": [{"key": "host", "value": "server02", "op": "Eq"}]}`),
    [{ fields: { time: "2021-01-01T00:00:00Z", host: "server02", region: null, usage: 71.2 } }],
  );
  assertEquals(
    await ask(`{"measurement": "cpu", "time_range": {"start": 0, "end": 9223372036854775807},
      "aggregation": {"function": "Mean", "field": "usage", "interval_nanos": 60000000000}}`),
    [{ fields: { time: "2021-01-01T00:00:00Z", "mean(usage)": 66 } }],
  );
  // One nanosecond less is another range: no digit is lost on the way.
  assertEquals(
    (await ask(`{"measurement": "cpu",
      "time_range": {"start": 1609459200000000001, "end": 1609459201000000001}}`)).length,
    1,
  );
});

Deno.test("POST /sql answers as CSV, NDJSON and Arrow, by format and by Accept", async () => {
  await using it = await serve();
  const sql = "SELECT host, usage FROM cpu ORDER BY usage";
  const csv = "host,usage\r\nserver01,62.3\r\nserver01,64.5\r\nserver02,71.2\r\n";
  const byFormat = await it.post("/sql?format=csv", sql);
  assertEquals([await byFormat.text(), byFormat.headers.get("content-type")], [
    csv,
    "text/csv; charset=utf-8; header=present",
  ]);
  assertEquals(await (await it.post("/sql", sql, { Accept: "text/csv;q=1" })).text(), csv);
  const lines = await it.post("/sql", sql, { Accept: "text/html, application/x-ndjson" });
  assertEquals((await lines.text()).split("\n")[0], '{"host":"server01","usage":62.3}');
  const arrow = await it.post("/sql?format=arrow", sql);
  assertEquals(
    tableFromIPC(await arrow.bytes()).getChild("usage")!.toArray(),
    Float64Array.of(62.3, 64.5, 71.2),
  );
});

Deno.test("POST /sql and POST /query say what is wrong, with its SQLSTATE and place", async () => {
  await using it = await serve();
  const bad = async (
    path: string,
    body: BodyInit,
    status: number,
    message: string,
    code?: string,
  ) => {
    const reply = await it.post(path, body);
    const answer = await reply.json();
    assertEquals([reply.status, answer.success, answer.code], [status, false, code], message);
    assertStringIncludes(answer.error, message);
    return answer;
  };
  await bad("/sql", "DROP TABLE cpu", 400, "not allowed here", "42501");
  const refused = await bad("/sql", "SELECT 1, read_text('x')", 400, "read_text()", "42501");
  assertEquals(refused.position, 10);
  await bad("/sql", "SELEC", 400, "syntax error", "42601");
  await bad("/sql", "SELECT usages FROM cpu", 400, "usages", "42703");
  await bad("/sql?format=xml", "SELECT 1", 400, "format is json, ndjson, csv, arrow");
  await bad("/sql?formt=csv", "SELECT 1", 400, '"formt"');
  await bad("/sql", new Uint8Array([0xff]), 400, "no UTF-8");
  await bad("/sql", '{"sql": 1}', 400, "sql is a text");
  await bad("/sql", '{"sql": "SELECT 1", "params": []}', 400, '"params"');
  await bad("/sql", '{"sql": "SELECT 1", "parameters": 1}', 400, "parameters is a list");
  await bad("/sql", '{"sql": "SELECT $1", "parameters": [[1]]}', 400, "parameters[0]");
  await bad("/sql", '{"sql": ', 400, "no JSON");
  await bad("/query", "SELECT 1", 400, "no JSON");
  await bad("/query", '{"measurement": "gpu"}', 400, 'no measurement "gpu"');
});

Deno.test("POST /sql wants the right to read", async () => {
  await using it = await serve({
    access: { tokens: [{ token: "w", right: "record" }, { token: "r", right: "read" }] },
  });
  for (const [path, body] of [["/sql", "SELECT 1"], ["/query", '{"measurement": "cpu"}']]) {
    const status = async (token?: string) => {
      const headers = token === undefined ? undefined : { Authorization: `Bearer ${token}` };
      const reply = await it.post(path, body, headers);
      await reply.body?.cancel();
      return reply.status;
    };
    assertEquals([await status(), await status("w"), await status("r")], [401, 403, 200], path);
  }
});

Deno.test("POST /sql and POST /query stand in the OpenAPI document, beside what was there", async () => {
  await using it = await serve();
  const { paths } = await (await fetch(`${it.url}/openapi.json`)).json();
  assertEquals(Object.keys(paths["/query"]), ["get", "post"]);
  const { parameters, responses } = paths["/sql"].post;
  assertEquals(parameters[0].schema.enum, ["json", "ndjson", "csv", "arrow"]);
  for (const format of parameters[0].schema.enum) {
    const reply = await it.post(`/sql?format=${format}`, "SELECT 1");
    await reply.body?.cancel();
    const type = reply.headers.get("content-type")!.split(";")[0];
    assert(Object.hasOwn(responses["200"].content, type), type);
  }
});

Deno.test("POST /sql streams: a client that leaves ends the statement, an error cuts the answer", async () => {
  await using it = await serve();
  const leaving = new AbortController();
  const reply = await fetch(`${it.url}/sql?format=ndjson`, {
    method: "POST",
    body: "FROM range(1000000) a, range(1000000) b",
    signal: leaving.signal,
  });
  const reader = reply.body!.getReader();
  assert((await reader.read()).value!.length > 0);
  leaving.abort();
  await reader.cancel().catch(() => {});
  // All connections are free again: each of these needs one.
  const answers = await Promise.all(
    Array.from({ length: 16 }, async () => (await it.post("/sql", "SELECT 1")).json()),
  );
  assertEquals(answers.map(({ total_rows }) => total_rows), new Array(16).fill(1));

  const cut = await it.post("/sql?format=ndjson", "FROM range(1000001)"); // the limit is 1,000,000
  assertEquals(cut.status, 200);
  await assertRejects(() => cut.text());
});

Deno.test("GET /query stays that of the rollups", async () => {
  await using it = await serve();
  const reply = await fetch(`${it.url}/query?days=1`);
  assertEquals((await reply.json()).length, 1);
});
