/** The two drivers of JavaScript: `npm:pg` and `npm:postgres`. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import pg from "pg";
import postgres from "postgres";
import { BIG_ROWS, openPostgres, START_NS, TOKEN } from "./_postgres.ts";

const START_MS = Number(START_NS / 1_000_000n);
const server = await openPostgres();
globalThis.addEventListener("unload", () => void server.server.shutdown());

const at = { host: "127.0.0.1", port: server.port, user: "me", database: "any", password: TOKEN };
// The server outlives each test.
const shared = { sanitizeOps: false, sanitizeResources: false };

/** A test with a client of `npm:pg`. */
function withPg(name: string, use: (client: pg.Client) => Promise<void>): void {
  Deno.test({
    name,
    ...shared,
    fn: async () => {
      const client = new pg.Client(at);
      await client.connect();
      try {
        await use(client);
      } finally {
        await client.end();
      }
    },
  });
}

/** A test with a client of `npm:postgres`. */
function withPostgres(name: string, use: (sql: postgres.Sql) => Promise<void>): void {
  Deno.test({
    name,
    ...shared,
    fn: async () => {
      const sql = postgres({ ...at, max: 2 });
      try {
        await use(sql);
      } finally {
        await sql.end({ timeout: 15 });
      }
    },
  });
}

withPg("npm:pg reads rows with their types", async (client) => {
  const { rows, command, rowCount } = await client.query("select * from cpu order by time limit 2");
  assertEquals(command, "SELECT");
  assertEquals(rowCount, 2);
  assertEquals(rows[1], {
    time: new Date(START_MS + 60_000),
    host: "h1",
    usage: 0.5,
    n: "1",
    ok: false,
    u: "18446744073709551614",
  });
});

withPg("npm:pg binds numbers, texts, times, booleans and nulls", async (client) => {
  const { rows } = await client.query(
    "select n from cpu where usage >= $1 and host = $2 and time < $3 and ok = $4 and $5::text is null",
    [0.5, "h1", new Date(START_MS + 8 * 60_000), true, null],
  );
  assertEquals(rows, [{ n: "4" }]);
});

withPg("npm:pg binds lists to any($1), of texts, numbers and times", async (client) => {
  const count = async (where: string, list: unknown[]) =>
    (await client.query(`select count(*)::int as n from cpu where ${where}`, [list])).rows[0].n;
  assertEquals(await count("host = any($1)", ["h1", "h2"]), 6);
  assertEquals(await count("host = any($1)", ['a "b"', "c,d"]), 0);
  assertEquals(await count("n = any($1)", [1, 2]), 2);
  assertEquals(await count("n = any($1::int[])", [1, 2]), 2);
  assertEquals(await count("usage = any($1)", [1, 2.5]), 2);
  assertEquals(await count("time = any($1::timestamptz[])", [new Date(START_MS)]), 1);
  assertEquals(await count("host = any($1)", []), 0);
});

withPg("npm:pg keeps statements by name", async (client) => {
  const named = (value: number) =>
    client.query({
      name: "above",
      text: "select n from cpu where n > $1 order by n",
      values: [value],
    });
  assertEquals((await named(7)).rows, [{ n: "8" }, { n: "9" }]);
  assertEquals((await named(8)).rows, [{ n: "9" }]);
});

withPg("npm:pg gets an error with its code and place, and goes on", async (client) => {
  const error = await assertRejects(() => client.query("select nope from cpu")) as pg.DatabaseError;
  assertEquals(error.code, "42703");
  assertEquals(error.position, "8");
  assertEquals((await client.query("select 1 as one")).rows, [{ one: 1 }]);
});

withPg("npm:pg finds columns under PostgreSQL's names", async (client) => {
  const { rows } = await client.query("select count(*), max(n) from cpu");
  assertEquals(rows, [{ count: "10", max: "9" }]);
});

withPg("npm:pg reads binary results", async (client) => {
  const text = "select n, usage, ok, host from cpu where n = 3";
  // deno-lint-ignore no-explicit-any -- the types of the driver do not know `binary`
  const { rows } = await client.query({ text, binary: true } as any);
  assertEquals(rows, [{ n: "3", usage: 1.5, ok: false, host: "h0" }]);
});

withPg("npm:pg is refused with a wrong password, and let in with the token", async () => {
  const wrong = new pg.Client({ ...at, password: "not the token" });
  const error = await assertRejects(() => wrong.connect()) as pg.DatabaseError;
  assertEquals(error.code, "28P01");
});

withPostgres("npm:postgres reads rows with parameters, also several at once", async (sql) => {
  const rows = await sql`select n, host from cpu where host = ${"h1"} and usage > ${1} order by n`;
  assertEquals([...rows], [{ n: "4", host: "h1" }, { n: "7", host: "h1" }]);
  const since = new Date(START_MS + 5 * 60_000);
  const counts = await Promise.all(
    [1, 2, 3].map(() => sql`select count(*)::int as n from cpu where time >= ${since}`),
  );
  assertEquals(counts.map(([row]) => row.n), [5, 5, 5]);
});

withPostgres("npm:postgres binds lists, and names as identifiers", async (sql) => {
  const [texts] = await sql`select count(*)::int as n from cpu where host = any(${["h1", "h0"]})`;
  assertEquals(texts.n, 7);
  const [numbers] = await sql`select count(*)::int as n from cpu where usage = any(${[1, 2.5]})`;
  assertEquals(numbers.n, 2);
  const [inList] = await sql`select count(*)::int as n from cpu where host in ${sql(["h1", "h0"])}`;
  assertEquals(inList.n, 7);
  const [row] = await sql`select ${sql("host")} from ${sql("public.cpu")} order by time limit 1`;
  assertEquals(row, { host: "h0" });
});

withPostgres("npm:postgres reads many rows by a cursor", async (sql) => {
  let rows = 0, pieces = 0;
  for await (const piece of sql`select i, note from big order by i`.cursor(3000)) {
    assertEquals(piece[0].i, String(rows));
    rows += piece.length;
    pieces++;
  }
  assertEquals(rows, BIG_ROWS);
  assertEquals(pieces, Math.ceil(BIG_ROWS / 3000));
});

withPostgres("npm:postgres reads in a transaction with a savepoint that fails", async (sql) => {
  const rows = await sql.begin(async (sql) => {
    await assertRejects(() => sql.savepoint((sql) => sql`select nope from cpu`));
    return await sql`select 1 as one`;
  });
  assertEquals([...rows], [{ one: 1 }]);
});

withPostgres("npm:postgres reads lists", async (sql) => {
  const [row] = await sql`select ['a', 'b,c'] as texts, [1, 2] as numbers`;
  assertEquals(row, { texts: ["a", "b,c"], numbers: [1, 2] });
});

Deno.test({
  name: "a column that is new is seen by a statement that is prepared anew",
  ...shared,
  fn: async () => {
    await using own = await openPostgres();
    const client = new pg.Client({ ...at, port: own.port });
    await client.connect();
    await own.add([{ measurement: "cpu", fields: { extra: 1.5 }, time: START_NS - 1n }]);
    const { rows } = await client.query("select extra from cpu where extra is not null");
    assertEquals(rows, [{ extra: 1.5 }]);
    const columns = await client.query(
      "select column_name, data_type from information_schema.columns where table_name = 'cpu'",
    );
    assert(columns.rows.some((row: { column_name: string }) => row.column_name === "extra"));
    await client.end();
  },
});

Deno.test({
  name:
    "a statement that is kept says so when its columns are others, and its driver parses it anew",
  ...shared,
  fn: async () => {
    await using own = await openPostgres();
    const sql = postgres({ ...at, port: own.port, max: 1 });
    const ask = () => sql`select * from cpu where n = ${1}`;
    assertEquals(Object.keys((await ask())[0]).length, 6);
    await own.add([{ measurement: "cpu", fields: { extra: 1.5 }, time: START_NS - 1n }]);
    // npm:postgres tries again by itself.
    assertEquals(Object.keys((await ask())[0]).length, 7);
    await sql.end({ timeout: 15 });
  },
});
