import { assert, assertEquals } from "@std/assert";
import { Procession, processionHandler } from "../../procession.ts";
import { START_MS, work } from "./_work.ts";

function served() {
  const clock = { nowMs: START_MS };
  const p = new Procession({ now: () => clock.nowMs });
  const handler = processionHandler(p);
  const get = (path: string, method = "GET") =>
    handler(new Request(`http://127.0.0.1${path}`, { method }));
  return { p, clock, get, handler };
}

Deno.test("GET /procession.json gives everything, over a real socket", async () => {
  const { p, clock, handler } = served();
  work(p, clock, 100_000, "all");
  p.gauge("odd").set(NaN);
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/procession.json`);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(response.headers.get("cache-control"), "no-store");
  const back = Procession.fromJSON(await response.text());
  assertEquals(back.toBytes().length, p.toBytes().length);
  const events = p.events();
  for (const event of back.events()) {
    const { value } = events.next();
    if (!Object.is(event.value, value!.value) || event.timestampMs !== value!.timestampMs) {
      throw new Error("an event is another");
    }
  }
  assertEquals(events.next().done, true);
});

Deno.test("GET /procession.json can be narrowed down", async () => {
  const { p, clock, get } = served();
  p.counter("hits", { route: "/", status: "200" }).increment();
  clock.nowMs += 1000;
  p.counter("hits", { route: "/=" }).increment(2);
  p.gauge("depth").set(3);
  const values = async (query: string) =>
    [...Procession.fromJSON(await get(`/procession.json${query}`).json()).events()]
      .map(({ value }) => value);
  assertEquals(await values(""), [1, 2, 3]);
  assertEquals(await values("?name=hits"), [1, 2]);
  assertEquals(await values("?label=route=/&label=status=200"), [1]);
  assertEquals(await values("?label=route=/="), [2]);
  assertEquals(await values(`?from=${START_MS + 1}`), [2, 3]);
  assertEquals(await values("?to=2026-01-01T00:00:00.5Z"), [1]);
  assertEquals(await values("?from=2026-01-01T01:00:00.5+01:00"), [2, 3]);
  assertEquals(await values("?from=2026-01-01T00:00:05Z"), []);
  for (const [query, why] of [["?from=now", "from=now"], ["?label=route", "label=NAME=VALUE"]]) {
    const refused = get(`/procession.json${query}`);
    assertEquals(refused.status, 400);
    assert((await refused.text()).includes(why));
  }
});

Deno.test("the handler gives Prometheus' text, and nothing else", async () => {
  const { p, get } = served();
  p.counter("hits").increment(4);
  const text = get("/metrics");
  assertEquals(await text.text(), "# TYPE hits counter\nhits 4\n");
  assertEquals(text.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assertEquals([get("/").status, get("/procession.json/x").status], [404, 404]);
  const refused = get("/procession.json", "POST");
  assertEquals([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
  for (const path of ["/procession.json", "/metrics"]) {
    assertEquals([get(path, "HEAD").status, await get(path, "HEAD").text()], [200, ""]);
  }
});

Deno.test("a reader of /procession.json may leave in the middle", async () => {
  const { p, clock, get } = served();
  work(p, clock, 200_000, "counters");
  const reader = get("/procession.json").body!.getReader();
  const first = await reader.read();
  assert(new TextDecoder().decode(first.value).startsWith('{"chunks":[{"reference_time":"2026-'));
  await reader.cancel();
});
