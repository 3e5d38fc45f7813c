import { assertEquals, assertMatch } from "@std/assert";
import { dispatch } from "../../../src/protocol/dispatch.ts";
import { Asking } from "./_asking.ts";

const DAY = 86_400;
const AT = 1_767_225_600; // 2026-01-01T00:00:00Z

async function filled(timezone = "UTC"): Promise<Asking> {
  const it = await Asking.open({}, { time: { timezone, hourly: true } });
  await it.traqq.recordMany([
    { event: "purchase", geo: "US", ip: "1", amount: 99.99 },
    { event: "purchase", geo: "DE", ip: "2", amount: -0.5 },
    { event: "view", geo: "US", ip: "1" },
  ], { at: AT });
  await it.traqq.record({ event: "purchase", geo: "US", ip: "3", amount: 1 }, { at: AT + DAY });
  return it;
}

Deno.test("GET /query gives what the wire protocol gives", async () => {
  await using it = await filled();
  const wire = await dispatch(it.traqq, { cmd: "query", options: { from: AT, to: AT + DAY } });
  for (
    const range of [
      `from=${AT}&to=${AT + DAY}`,
      "from=2026-01-01&to=2026-01-02",
      "from=2026-01-01T00:00:00Z&to=2026-01-02T01:00:00%2B01:00",
      "from=2026-01-01T00:00:00Z&to=2026-01-02T01:00:00+01:00",
      `from=${AT}&to=2026-01-02`,
    ]
  ) {
    const reply = await it.ask(`/query?${range}`);
    assertEquals([reply.status, reply.body], [200, wire], range);
    assertEquals(reply.headers.get("content-type"), "application/json");
    assertEquals(reply.headers.get("cache-control"), "no-store");
  }
});

Deno.test("GET /query reads and writes milliseconds with precision=ms, and guesses never", async () => {
  await using it = await filled();
  const ms = await it.ask(`/query?from=${AT}000&to=${AT + DAY}999&precision=ms`);
  assertEquals(
    ms.body.map(({ timestamp }: { timestamp: number }) => timestamp),
    [AT * 1000, (AT + DAY) * 1000],
  );
  const guessed = await it.ask(`/query?from=${AT}000`);
  assertEquals(guessed.status, 400);
  assertMatch(guessed.body.error, /precision=ms/);
});

Deno.test("GET /query takes days, unit, accept, allow and ignore", async () => {
  await using it = await filled();
  const metrics = async (query: string) => {
    const { body } = await it.ask(`/query?${query}`);
    const all = body.flatMap(({ results }: { results: { metric_type: string; key: string[] }[] }) =>
      results.map(({ metric_type, key }) => `${metric_type}:${key.join("~")}`)
    );
    return [body.length, ...new Set(all)];
  };
  const range = `from=${AT}&to=${AT}`;
  assertEquals(await metrics(`${range}&accept=add:*`), [1, "add:event", "add:event~geo"]);
  assertEquals(await metrics(`${range}&allow=add:*&accept=top:*&ignore=add:event`), [
    1,
    "add:event~geo",
    "top:geo",
  ]);
  assertEquals(await metrics(`${range}&accept=bmp:*&unit=h`), [1, "bmp:ip"]);
  assertEquals((await it.ask("/query?days=3")).body.length, 3);
  assertEquals((await it.ask("/query")).body.length, 7, "as traqq query");
});

Deno.test("GET /query means the days of the data's zone", async () => {
  await using it = await filled("America/New_York");
  // There it was still 2025 when the first three came.
  const { body } = await it.ask("/query?from=2025-12-31&to=2025-12-31&accept=add:event");
  assertEquals(body.map(({ date }: { date: string }) => date), ["2025-12-31"]);
  assertEquals(body[0].results[0].result, { Hash: { purchase: 2, view: 1 } });
  await using apia = await Asking.open({}, { time: { timezone: "Pacific/Apia" } });
  const skipped = await apia.ask("/query?from=2011-12-30&to=2011-12-30");
  assertEquals(skipped.status, 400);
  assertMatch(skipped.body.error, /there is no 2011-12-30 in the time zone Pacific\/Apia/);
});

Deno.test("GET /find gives one metric, by bucket or merged", async () => {
  await using it = await filled();
  const range = `from=${AT}&to=${AT + DAY}`;
  const find = async (query: string) => (await it.ask(`/find?${range}&${query}`)).body;
  const results = (list: { result: unknown }[]) => list.map(({ result }) => result);
  assertEquals(results(await find("q=add/event")), [
    { Hash: { purchase: 2, view: 1 } },
    { Hash: { purchase: 1 } },
  ]);
  assertEquals(results(await find("q=bmp/ip&merge=true")), [{ Count: 3 }]);
  assertEquals(results(await find("q=adv/geo~event/amount&merge=true")), [
    { FloatHash: { "purchase~US": 100.99, "purchase~DE": -0.5 } },
    { Summary: { sum: 100.49, count: 3 } },
  ]);
  assertEquals(results(await find("q=top/geo&merge=true&days=1".replace("&days=1", ""))), [
    { Ranked: [["US", 3], ["DE", 1]] },
  ]);
  assertEquals(await find("q=add/none&merge=true"), []);
  assertEquals((await it.ask("/find?q=add/event&days=2&merge=false")).status, 200);
});

Deno.test("GET /find with escape_formulas gives CSV in which no text is a formula", async () => {
  await using it = await Asking.open();
  await it.record('[{"event":"=1+1"},{"event":"@a"}]');
  const path = `/find?q=add/event&merge=true&from=${AT}&to=${AT}`;
  assertEquals((await it.ask(`${path}&format=csv`)).text, "event,value\n=1+1,1\n@a,1\n");
  const escaped = await it.ask(`${path}&format=csv&escape_formulas=true`);
  assertEquals(escaped.text, "event,value\n'=1+1,1\n'@a,1\n");
  for (const more of ["escape_formulas=true", "format=csv&escape_formulas=yes"]) {
    assertEquals((await it.ask(`${path}&${more}`)).status, 400);
  }
});

Deno.test("GET /find gives CSV by format and by Accept", async () => {
  await using it = await filled();
  const range = `from=${AT}&to=${AT + DAY}`;
  const byDay = "date,event,geo,value\n2026-01-01,purchase,DE,1\n2026-01-01,purchase,US,1\n" +
    "2026-01-01,view,US,1\n2026-01-02,purchase,US,1\n";
  const asked = await it.ask(`/find?q=add/event~geo&format=csv&${range}`);
  assertEquals([asked.text, asked.headers.get("content-type")], [byDay, "text/csv; charset=utf-8"]);
  const accept = { headers: { Accept: "text/csv, */*;q=0.1" } };
  assertEquals((await it.ask(`/find?q=add/event~geo&${range}`, accept)).text, byDay);
  const merged = await it.ask(`/find?q=adv/event~geo/amount&merge=true&format=csv&${range}`);
  assertEquals(merged.text, "event,geo,value\npurchase,US,100.99\npurchase,DE,-0.5\n");
  // format wins.
  const json = await it.ask(`/find?q=add/event&format=json&${range}`, accept);
  assertEquals(json.headers.get("content-type"), "application/json");
  const all = await it.ask(`/query?accept=top:*&format=csv&${range}`);
  assertEquals(
    all.text,
    "date,metric,field,value\n2026-01-01,top/geo,US,2\n2026-01-01,top/geo,DE,1\n2026-01-02,top/geo,US,1\n",
  );
});

Deno.test("GET /find gives rows: flat objects with the time as a number", async () => {
  await using it = await filled();
  const { body } = await it.ask(
    `/find?q=add/event~geo&format=rows&precision=ms&from=2026-01-02&to=2026-01-02`,
  );
  assertEquals(body, [{
    date: "2026-01-02",
    timestamp: (AT + DAY) * 1000,
    event: "purchase",
    geo: "US",
    value: 1,
  }]);
  const merged = await it.ask(
    `/find?q=bmp/ip&merge=true&format=rows&from=2026-01-01&to=2026-01-02`,
  );
  assertEquals(merged.body, [{ value: 3 }]);
});

Deno.test("GET /query and /find refuse what they do not know, each with its reason", async () => {
  await using it = await filled();
  const bad = async (path: string, message: RegExp) => {
    const reply = await it.ask(path);
    assertEquals([reply.status, reply.body?.success], [400, false], path);
    assertMatch(reply.body.error, message);
  };
  await bad("/query?form=1", /Cannot read the parameter "form": there are only from, to, days/);
  await bad("/query?q=add/event", /"q"/);
  await bad("/query?__proto__=1", /"__proto__"/);
  await bad("/query?to=5", /to is given without from/);
  await bad("/query?from=5&days=5", /not both/);
  await bad("/query?from=5&from=6", /several times/);
  await bad("/query?from=9&to=5", /ends before it starts/);
  await bad("/query?from=", /Cannot read from/);
  await bad("/query?from=2026-02-30", /Cannot read from/);
  await bad("/query?days=0", /wanted days to be a whole number from 1, received "0"/);
  await bad("/query?days=1e3", /days/);
  await bad("/query?days=999999999", /count days back/);
  await bad("/query?unit=w", /wanted d or h/);
  await bad("/query?format=xml", /wanted json or csv or rows/);
  await bad("/query?from=0&to=2026-01-01&unit=h", /maxBuckets/);
  await bad("/find", /q is missing/);
  await bad("/find?q=add", /Cannot find a metric/);
  await bad("/find?q=add/a:b", /Cannot find/);
  await bad("/find?q=add/event&merge=yes", /wanted true or false/);
});
