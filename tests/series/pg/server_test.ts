/** The server as a whole: who gets in, TLS, cancelling, limits, slow readers, the end. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import pg from "pg";
import { servePg } from "../../../src/series/pg/server.ts";
import { SqlError } from "../../../src/series/sql/errors.ts";
import type { SqlSession } from "../../../src/series/sql/session.ts";
import type { SqlBatch } from "../../../src/series/sql/values.ts";
import { CERT, KEY } from "../../server/_tls.ts";
import { BIG_ROWS, openPostgres, TOKEN } from "./_postgres.ts";
import { fields, first, message, RawClient, shown, startup } from "./_raw.ts";

const at = { host: "127.0.0.1", user: "me", database: "any", password: TOKEN };

/** Runs for very long, and hears a cancellation. */
const ENDLESS =
  "select count(*) from range(10000000) a, range(10000000) b where a.range + b.range = -1";

async function connected(options: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ ...at, ...options });
  // A server that stops ends its clients.
  client.on("error", () => {});
  await client.connect();
  return client;
}

Deno.test("any of several tokens lets in, whatever the user is called", async () => {
  await using postgres = await openPostgres({ tokens: ["one", "two ü"] });
  for (const password of ["one", "two ü"]) {
    const client = await connected({ port: postgres.port, password, user: "söme one" });
    assertEquals((await client.query("select current_user")).rows, [{ current_user: "traqq" }]);
    await client.end();
  }
});

Deno.test("an address that tries too many passwords is not heard", async () => {
  await using postgres = await openPostgres();
  const attempt = () =>
    assertRejects(() => connected({ port: postgres.port, password: "wrong" })) as Promise<
      pg.DatabaseError
    >;
  for (let i = 0; i < 20; i++) assertEquals((await attempt()).code, "28P01");
  assertEquals((await attempt()).code, "28000");
});

Deno.test("with keys everything is TLS, and nothing else is answered", async () => {
  await using postgres = await openPostgres({ tls: { cert: CERT, key: KEY } });
  const { port } = postgres;
  const client = await connected({ port, host: "localhost", ssl: { ca: CERT } });
  const { rows } = await client.query("select count(*)::int as n from big");
  assertEquals(rows, [{ n: BIG_ROWS }]);
  await client.end();
  const error = await assertRejects(() => connected({ port })) as pg.DatabaseError;
  assertEquals(error.code, "28000");
  using raw = await RawClient.connect(port);
  // What a third one has put before the handshake is not taken for the client's.
  await raw.send(new Uint8Array([...first(80_877_103), ...startup({ user: "a" })]));
  assertEquals((await raw.rest()).map(shown), ["E 08P01"]);
});

Deno.test("trust is for this machine alone", async () => {
  const session = {} as SqlSession;
  const error = await assertRejects(() =>
    servePg(session, { hostname: "0.0.0.0", port: 0, tokens: "trust" })
  ) as Error;
  assertEquals(error.name, "ConfigError");
  await assertRejects(() => servePg(session, { port: 0, tokens: [] }), Error, "none that may read");
});

Deno.test("a port that is taken is told", async () => {
  await using postgres = await openPostgres();
  const again = () => servePg({} as SqlSession, { port: postgres.port, tokens: "trust" });
  await assertRejects(again, Error, "the port is taken");
});

Deno.test("one connection too many gets an error, and a place when one is free", async () => {
  await using postgres = await openPostgres({ maxConnections: 2 });
  const { port } = postgres;
  const clients = [await connected({ port }), await connected({ port })];
  const error = await assertRejects(() => connected({ port })) as pg.DatabaseError;
  assertEquals(error.code, "53300");
  assert(postgres.server.stats().refused > 0);
  for (const client of clients) await client.end();
  await until(() => postgres.server.stats().connections === 0);
  await (await connected({ port })).end();
});

/** Starts, and gives the key by which what the client asks can be cancelled. */
async function startWithKey(client: RawClient): Promise<Uint8Array> {
  await client.send(startup({ user: "a" }));
  return (await client.until("Z")).find(({ type }) => type === "K")!.body;
}

/** Asks to cancel; when this is over, the server has heard it. */
async function cancel(port: number, key: Uint8Array): Promise<void> {
  using other = await RawClient.connect(port);
  await other.send(first(80_877_102, key));
  assertEquals(await other.rest(), []);
}

Deno.test("a statement is cancelled by its key, and by no other", async () => {
  let running: AbortSignal | undefined;
  const session: SqlSession = {
    describe: () => Promise.reject(new Error("nobody asks")),
    run: (_, { signal } = {}) =>
      new Promise((_, reject) => {
        running = signal;
        signal!.onabort = () => reject(new SqlError("57014", "cancelled"));
      }),
  };
  await using server = await servePg(session, { port: 0, tokens: "trust" });
  const { port } = server.addr;
  using client = await RawClient.connect(port);
  const key = await startWithKey(client);
  await client.send(message("Q", "select for ever"));
  await until(() => running !== undefined);
  for (const byte of [3, 7]) {
    const wrong = key.slice();
    wrong[byte] ^= 1;
    await cancel(port, wrong);
  }
  assertEquals(running!.aborted, false);
  await cancel(port, key);
  assertEquals((await client.until("Z")).map(shown), ["E 57014", "Z I"]);
});

Deno.test("the engine ends a statement that is cancelled", async () => {
  await using postgres = await openPostgres({ tokens: "trust" });
  using client = await RawClient.connect(postgres.port);
  const key = await startWithKey(client);
  await client.send(message("Q", ENDLESS));
  const answer = client.until("Z");
  const isDone = track(answer);
  // It may come before the statement has begun: then it meets nothing.
  while (!isDone()) {
    await cancel(postgres.port, key);
    await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  assertEquals((await answer).map(shown), ["E 57014", "Z I"]);
  assertEquals((await client.query("select 1"))[1], "D 1");
});

Deno.test("a statement over the client's own time is ended", async () => {
  await using postgres = await openPostgres({ tokens: "trust" });
  using client = await RawClient.start(postgres.port);
  await client.query("set statement_timeout = 50");
  assertEquals(await client.query(ENDLESS), ["E 57014", "Z I"]);
  await client.query("set statement_timeout = 0");
  assertEquals((await client.query("select 1"))[1], "D 1");
});

Deno.test("a client that goes away ends what runs for it", async () => {
  await using postgres = await openPostgres({ tokens: "trust" });
  const client = await RawClient.start(postgres.port);
  await client.send(message("Q", ENDLESS));
  client[Symbol.dispose]();
  await until(() => postgres.server.stats().connections === 0);
});

Deno.test("a client that reads slowly gets every row, and the server does not run ahead", async () => {
  const batches = 300, rows = 1000, note = "x".repeat(100);
  let taken = 0;
  async function* all(): AsyncGenerator<SqlBatch> {
    for (; taken < batches; taken++) {
      yield await Promise.resolve({
        length: rows,
        columns: [{ values: Array(rows).fill(note), nulls: undefined }],
      });
    }
  }
  const session: SqlSession = {
    describe: () => Promise.reject(new Error("nobody asks")),
    run: () =>
      Promise.resolve({
        columns: [{ name: "note", type: "VARCHAR" }],
        tables: [],
        rows: all(),
      }),
  };
  await using server = await servePg(session, { port: 0, tokens: "trust" });
  using client = await RawClient.start(server.addr.port);
  await client.send(message("Q", "select everything"));
  await settled(() => taken);
  // The buffers of the system and of the server hold some of these 30 MB.
  assert(taken < batches / 2, `${taken} batches were taken of ${batches}`);
  const replies = await client.until("Z");
  assertEquals(replies.filter(({ type }) => type === "D").length, batches * rows);
  assertEquals(shown(replies.at(-2)!), `C SELECT ${batches * rows}`);
});

Deno.test("a client that takes nothing for too long is closed", async () => {
  const rows = 1000, note = "x".repeat(1000);
  async function* endless(): AsyncGenerator<SqlBatch> {
    for (;;) {
      yield await Promise.resolve({
        length: rows,
        columns: [{ values: Array(rows).fill(note), nulls: undefined }],
      });
    }
  }
  const session: SqlSession = {
    describe: () => Promise.reject(new Error("nobody asks")),
    run: () =>
      Promise.resolve({
        columns: [{ name: "note", type: "VARCHAR" }],
        tables: [],
        rows: endless(),
      }),
  };
  await using server = await servePg(session, { port: 0, tokens: "trust", idleTimeoutMs: 1500 });
  using client = await RawClient.start(server.addr.port);
  await client.send(message("Q", "select everything"));
  await until(() => server.stats().connections === 0);
  assertEquals(server.stats().idled, 1);
});

Deno.test("more rows than are allowed are an error in place of an end", async () => {
  await using postgres = await openPostgres({ tokens: "trust", maxRows: 5000 });
  using client = await RawClient.start(postgres.port);
  const replies = await client.query("select * from big");
  assertEquals(replies.slice(-2), ["E 54000", "Z I"]);
});

Deno.test("the end lets a statement finish, and closes who waits with a word", async () => {
  await using postgres = await openPostgres({ tokens: "trust" });
  using waiting = await RawClient.start(postgres.port);
  using working = await RawClient.start(postgres.port);
  await working.send(message("Q", "select count(*) from big a, big b where a.i < 100"));
  assertEquals(shown((await working.next())!), "T");
  await postgres.server.shutdown({ deadlineMs: 60_000 });
  const [farewell] = await waiting.rest();
  assertEquals(fields(farewell.body).get("C"), "57P01");
  const replies = (await working.rest()).map(shown);
  assertEquals(replies.slice(0, 2), [`D ${100 * BIG_ROWS}`, "C SELECT 1"]);
  assertEquals(replies.at(-1), "E 57P01");
  await assertRejects(() => RawClient.connect(postgres.port));
});

Deno.test("the end does not wait longer than its deadline", async () => {
  await using postgres = await openPostgres({ tokens: "trust" });
  using client = await RawClient.start(postgres.port);
  await client.send(message("Q", ENDLESS));
  await postgres.server.shutdown({ deadlineMs: 10 });
  await client.rest();
});

/** Waits until a number has begun to grow, and grows no more. */
async function settled(count: () => number): Promise<void> {
  await until(() => count() > 0);
  for (let before = -1; count() !== before;) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** Whether a promise is settled. */
function track(promise: Promise<unknown>): () => boolean {
  let isDone = false;
  promise.finally(() => isDone = true);
  return () => isDone;
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isSo()) {
    assert(performance.now() < end, "it was waited for too long");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
