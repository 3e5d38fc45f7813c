/** Holds what docs/series.md says of asking to the code: its conversation, tables and lists. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryStorage, Traqq } from "../../mod.ts";
import { handler } from "../../src/server/http.ts";
import { Series, SqlError } from "../../src/series/mod.ts";
import { FORMATS } from "../../src/series/http/formats.ts";
import {
  FUNCTIONS,
  TABLE_FUNCTIONS,
  WINDOW_FUNCTIONS,
} from "../../src/series/sql/gate/functions.ts";
import * as growth from "../../src/series/sql/gate/growth.ts";
import * as limits from "../../src/series/sql/gate/limits.ts";
import { openAsking } from "../series/sql/_asking.ts";
import { after, block, code, numberOf, read, table } from "./_pages.ts";

const PAGE = "docs/series.md";
const LINES = `cpu,host=server01,region=us-west usage=64.5 1609459200000000000
cpu,host=server01,region=us-west usage=62.3 1609459201000000000
cpu,host=server02 usage=71.2 1609459200000000000`;

interface Asked extends AsyncDisposable {
  post(path: string, body: string): Promise<Response>;
}

async function serve(): Promise<Asked> {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  const series = await Series.open({ durability: "none" });
  await series.write(LINES);
  const answer = handler(traqq, { series });
  return {
    post: (path, body) => answer(new Request(`http://localhost${path}`, { method: "POST", body })),
    [Symbol.asyncDispose]: async () => {
      await answer.close();
      await series.close();
      await traqq.close();
    },
  };
}

Deno.test("docs/series.md: the conversation in SQL is the server's", async () => {
  await using it = await serve();
  const lines = block(PAGE, "sql conversation").trimEnd().split("\n");
  assert(lines.length >= 6);
  for (let i = 0; i < lines.length; i += 2) {
    const reply = await (await it.post("/sql", lines[i].replace(/^> /, ""))).text();
    assertEquals(
      reply.replace(/"execution_time_ms":[\d.]+/, '"execution_time_ms":…'),
      lines[i + 1],
    );
  }
});

Deno.test("docs/series.md: functions with a meaning of their own are there", async () => {
  await using it = await serve();
  for (const [functions] of table(PAGE, "sql rewritten")) {
    for (const [, call] of functions.matchAll(/`([^`]+)`/g)) {
      const reply = await it.post("/sql", `SELECT ${call} AS x FROM cpu`);
      assertEquals([reply.status, (await reply.json()).results.length > 0], [200, true], call);
    }
  }
});

Deno.test("docs/series.md: the table of formats has every format and its media type", () => {
  const rows = table(PAGE, "sql formats").map(([format, type]) => [code(format), code(type)]);
  const inCode = Object.entries(FORMATS).map(([format, type]) => [format, type.split(";")[0]]);
  assertEquals(rows, inCode);
});

Deno.test("docs/series.md: the statuses are those that are given", async () => {
  await using it = await serve();
  const cases: Readonly<Record<string, string>> = {
    "42501": "DROP TABLE cpu",
    "42601": "SELEC",
    "42P01": "SELECT * FROM gpu",
    "42703": "SELECT x FROM cpu",
    "42883": "SELECT abs(host, 1) FROM cpu",
    "42804": "SELECT host, max(usage) FROM cpu",
    "22000": "SELECT 'x'::INT",
    "42P02": "SELECT $1",
  };
  const known = new Map(
    table(PAGE, "sql statuses").flatMap(([status, codes]) =>
      [...codes.matchAll(/`(\w+)`/g)].map(([, one]) => [one, Number(status)] as const)
    ),
  );
  for (const [sqlState, sql] of Object.entries(cases)) {
    const reply = await it.post("/sql", sql);
    assertEquals([reply.status, (await reply.json()).code], [known.get(sqlState), sqlState], sql);
  }
  // Of the others the test of the session says when; here, that all are in the table.
  const states = [...read("src/series/sql/errors.ts").matchAll(/^ {2}\| "(\w{5})"/gm)].map((
    [, one],
  ) => one);
  const untold = ["0A000", "58000"]; // nothing that a client could mend
  assertEquals([...known.keys()].sort(), states.filter((one) => !untold.includes(one)).sort());
});

Deno.test("docs/series.md: the limits of statements are those of the code", async () => {
  const rows = new Map(table(PAGE, "sql limits").map(([name, value]) => [name, numberOf(value)]));
  assertEquals(rows.get("characters"), limits.MAX_LENGTH);
  assertEquals(rows.get("parts"), limits.MAX_NODES);
  assertEquals(rows.get("nesting"), limits.MAX_DEPTH);
  assertEquals(rows.get("measurements in a join"), limits.MAX_JOINED / 2);
  assertEquals(rows.get("UNION, INTERSECT, EXCEPT"), limits.MAX_SET_OPERATIONS);
  assertEquals(rows.get("characters of a parameter"), growth.MAX_PARAMETER_LENGTH);
  assertEquals(rows.get("times that a value may grow"), growth.MAX_SIZE);
  const source = read("src/series/sql/run/statement.ts") + read("src/series/sql/run/serve.ts") +
    read("src/series/sql/run/connections.ts");
  const numbers = [...source.matchAll(/^const DEFAULT_(\w+) = ([\d_* ]+);/gm)].map((
    [, name, value],
  ) => [
    name,
    value.split("*").reduce((product, part) => product * Number(part.replaceAll("_", "")), 1),
  ]);
  assertEquals(Object.fromEntries(numbers), {
    MAX_ROWS: rows.get("rows of an answer"),
    MAX_BYTES: rows.get("bytes of an answer"),
    TIMEOUT_MS: rows.get("milliseconds of the engine"),
    IDLE_MS: rows.get("milliseconds without a reader"),
    MAX_RUNNING: rows.get("at once"),
    MAX_WAITING: 256,
  });
  await using asking = await openAsking();
  const joined = (n: number) => `SELECT 1 FROM cpu c0${" JOIN cpu USING (time)".repeat(n - 1)}`;
  await assertRejects(() => asking.ask(joined(17)), SqlError, "more than 16 tables");
});

Deno.test("docs/series.md: the list of functions has those that may be called, and no other", () => {
  const text = after(PAGE, "sql functions");
  const list = text.slice(0, text.indexOf("\n\nAfter FROM"));
  const listed = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  const allowed = [...FUNCTIONS, ...WINDOW_FUNCTIONS].filter((name) => /^[a-z]\w*$/.test(name));
  assertEquals(listed, [...new Set(allowed)].sort());
  const tables = /After FROM: (.*?)\.\n/s.exec(text)![1];
  assertEquals([...tables.matchAll(/`(\w+)`/g)].map(([, name]) => name), [...TABLE_FUNCTIONS]);
});

Deno.test("docs/series.md: the question in it is answered, and its properties are all there are", async () => {
  await using it = await serve();
  const reply = await it.post("/query", block(PAGE, "question"));
  assertEquals((await reply.json()).results.map(({ fields }: { fields: unknown }) => fields), [
    { time: "2021-01-01T00:00:00Z", host: "server01", "mean(usage)": 63.4 },
    { time: "2021-01-01T00:00:00Z", host: "server02", "mean(usage)": 71.2 },
  ]);
  const unknown = await (await it.post("/query", '{"x": 1}')).json();
  const wanted = /wanted (.*)$/.exec(unknown.error)![1].split(", ");
  assertEquals(table(PAGE, "question properties").map(([name]) => code(name)), wanted);
});
