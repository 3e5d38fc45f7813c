/** The protocol, message by message, on a server that trusts. */
import { assert, assertEquals } from "@std/assert";
import { openPostgres } from "./_postgres.ts";
import { fields, first, message, RawClient, type Reply, say, shown, startup } from "./_raw.ts";

const GSSENC = first(80_877_104), SSL = first(80_877_103);

const postgres = await openPostgres({ tokens: "trust" });
globalThis.addEventListener("unload", () => void postgres.server.shutdown());

/** A test on a connection that has started. */
function conversation(name: string, talk: (client: RawClient) => Promise<void>): void {
  Deno.test({
    name,
    // The server outlives each test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      using client = await RawClient.start(postgres.port);
      await talk(client);
    },
  });
}

/** The same, before the start. */
function beginning(name: string, talk: (client: RawClient) => Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      using client = await RawClient.connect(postgres.port);
      await talk(client);
    },
  });
}

async function extended(client: RawClient, ...messages: Uint8Array[]): Promise<string[]> {
  await client.send(...messages, say.sync);
  return (await client.until("Z")).map(shown);
}

beginning("a request for encryption is answered N, and the start may follow", async (client) => {
  await client.send(GSSENC);
  assertEquals(await client.byte(), "N");
  await client.send(SSL);
  assertEquals(await client.byte(), "N");
  await client.send(startup({ user: "a" }));
  const types = (await client.until("Z")).map(({ type }) => type);
  assertEquals(types[0], "R");
  assertEquals(types.slice(-2), ["K", "Z"]);
});

beginning("a client asks for encryption without end and is refused", async (client) => {
  await client.send(GSSENC, SSL, SSL, SSL);
  for (let i = 0; i < 3; i++) assertEquals(await client.byte(), "N");
  assertEquals((await client.rest()).map(shown), ["E 08P01"]);
});

beginning("version 3.2 is answered with 3.0, and options that are not known", async (client) => {
  await client.send(startup({ user: "a", "_pq_.some": "x" }, 196_610));
  const [negotiated] = await client.until("Z");
  assertEquals(negotiated.type, "v");
  const view = new DataView(negotiated.body.buffer);
  assertEquals([view.getInt32(0), view.getInt32(4)], [0, 1]);
  assertEquals(new TextDecoder().decode(negotiated.body.subarray(8)), "_pq_.some\0");
});

beginning("version 2.0 is refused in words", async (client) => {
  await client.send(first(131_072, new Uint8Array(100)));
  const [error] = await client.rest();
  assertEquals(fields(error.body).get("S"), "FATAL");
  assertEquals(fields(error.body).get("C"), "0A000");
});

beginning("settings come with the start, as parameters and as options", async (client) => {
  const options = "-c statement_timeout=5s --my.own=a\\ b";
  await client.send(startup({ user: "a", application_name: "me", options }));
  const replies = (await client.until("Z")).map(shown);
  assert(replies.includes("S application_name=me"));
  assert(replies.includes("S TimeZone=UTC"));
  assertEquals((await client.query("show statement_timeout"))[1], "D 5s");
  assertEquals((await client.query("show my.own"))[1], "D a b");
});

beginning("another encoding than UTF-8 is refused", async (client) => {
  await client.send(startup({ user: "a", client_encoding: "LATIN1" }));
  assertEquals((await client.rest()).map(shown).at(-1), "E 22023");
});

beginning("replication is refused", async (client) => {
  await client.send(startup({ user: "a", replication: "database" }));
  assertEquals((await client.rest()).map(shown).at(-1), "E 0A000");
});

conversation("several statements are answered one by one, an error ends them", async (client) => {
  assertEquals(await client.query("select 1; ; select 'a', null -- ;\n;"), [
    ...["T", "D 1", "C SELECT 1", "T", "D a|NULL", "C SELECT 1", "Z I"],
  ]);
  assertEquals(await client.query("select 1; select nope; select 3"), [
    ...["T", "D 1", "C SELECT 1", "E 42703", "Z I"],
  ]);
  assertEquals(await client.query(" ; -- nothing"), ["I", "Z I"]);
});

conversation("an error says where in the text it is, in characters", async (client) => {
  const text = "select 1; select 'ä😀', nope from cpu";
  await client.send(message("Q", text));
  const replies: Reply[] = await client.until("Z");
  const error = replies.find(({ type }) => type === "E")!;
  assertEquals(fields(error.body).get("P"), String([...text].join("").indexOf("nope")));
  assertEquals(fields(error.body).get("V"), "ERROR");
});

conversation(
  "a transaction that has failed takes nothing until it is rolled back",
  async (client) => {
    assertEquals(await client.query("begin"), ["C BEGIN", "Z T"]);
    assertEquals(await client.query("begin"), ["N 00000", "C BEGIN", "Z T"]);
    assertEquals(await client.query("select nope"), ["E 42703", "Z E"]);
    assertEquals(await client.query("select 1"), ["E 25P02", "Z E"]);
    assertEquals(await client.query("commit"), ["C ROLLBACK", "Z I"]);
    assertEquals(await client.query("begin; select 1; commit"), [
      ...["C BEGIN", "T", "D 1", "C SELECT 1", "C COMMIT", "Z I"],
    ]);
    assertEquals(await client.query("rollback"), ["N 00000", "C ROLLBACK", "Z I"]);
  },
);

conversation("a savepoint is gone back to after an error", async (client) => {
  assertEquals(await client.query("savepoint a"), ["E 25P01", "Z I"]);
  assertEquals(await client.query("begin; savepoint a; savepoint b"), [
    ...["C BEGIN", "C SAVEPOINT", "C SAVEPOINT", "Z T"],
  ]);
  assertEquals(await client.query("select nope"), ["E 42703", "Z E"]);
  assertEquals(await client.query("rollback to savepoint a"), ["C ROLLBACK", "Z T"]);
  assertEquals(await client.query("rollback to b"), ["E 3B001", "Z E"]);
  assertEquals(await client.query("rollback to a; release a; commit"), [
    ...["C ROLLBACK", "C RELEASE", "C COMMIT", "Z I"],
  ]);
});

conversation("what is set is shown, reported and reset", async (client) => {
  assertEquals(await client.query("set application_name to 'x'"), [
    ...["S application_name=x", "C SET", "Z I"],
  ]);
  assertEquals((await client.query("show APPLICATION_NAME"))[1], "D x");
  assertEquals(await client.query("set time zone 'Europe/Berlin'"), ["N 00000", "C SET", "Z I"]);
  assertEquals((await client.query("show time zone"))[1], "D UTC");
  assertEquals(await client.query("reset all; show application_name"), [
    ...["C RESET", "T", "D ", "C SHOW", "Z I"],
  ]);
  assertEquals(await client.query("show nothing_of_that_name"), ["E 42704", "Z I"]);
  assertEquals(await client.query("set statement_timeout = 'soon'"), ["E 22023", "Z I"]);
  assertEquals((await client.query("show tables")).filter((reply) => reply[0] === "D"), [
    ...["D big", "D cpu"],
  ]);
});

conversation("SQL that writes is refused, and the connection lives", async (client) => {
  for (
    const text of [
      "insert into cpu values (1)",
      "update cpu set n = 1",
      "delete from cpu",
      "copy cpu from stdin",
      "truncate cpu",
    ]
  ) assertEquals(await client.query(text), ["E 25006", "Z I"], text);
  assertEquals(await client.query("drop table cpu"), ["E 42501", "Z I"]);
  assertEquals(await client.query("select * from read_csv('/etc/passwd')"), ["E 42501", "Z I"]);
  assertEquals((await client.query("select count(*) from cpu"))[1], "D 10");
});

conversation("a cursor gives its rows in pieces", async (client) => {
  assertEquals(await client.query("declare c cursor for select n from cpu"), ["E 25P01", "Z I"]);
  assertEquals(
    await client.query("begin; declare c no scroll cursor for select n from cpu order by n"),
    [
      ...["C BEGIN", "C DECLARE CURSOR", "Z T"],
    ],
  );
  assertEquals(await client.query("fetch 2 from c"), ["T", "D 0", "D 1", "C FETCH 2", "Z T"]);
  assertEquals(await client.query("move 5 in c"), ["C MOVE 5", "Z T"]);
  assertEquals(await client.query("fetch all c"), [
    ...["T", "D 7", "D 8", "D 9", "C FETCH 3", "Z T"],
  ]);
  assertEquals(await client.query("fetch next from c"), ["T", "C FETCH 0", "Z T"]);
  assertEquals(await client.query("close c; fetch c"), ["C CLOSE CURSOR", "E 34000", "Z E"]);
  await client.query("rollback");
  assertEquals(await client.query("declare d cursor with hold for select 1; fetch d; close all"), [
    ...["C DECLARE CURSOR", "T", "D 1", "C FETCH 1", "C CLOSE CURSOR ALL", "Z I"],
  ]);
});

conversation("a cursor is described as a portal, and a FETCH as what it gives", async (client) => {
  await client.query("begin; declare c cursor for select n from cpu order by n");
  assertEquals(await extended(client, say.describe("P", "c")), ["T", "Z T"]);
  assertEquals(
    await extended(
      client,
      say.parse("fetch 2 from c"),
      say.describe("S"),
      say.bind([], { results: [1] }),
      say.execute(),
    ),
    ["1", "t", "T", "2", "D \0\0\0\0\0\0\0\0", "D \0\0\0\0\0\0\0\x01", "C FETCH 2", "Z T"],
  );
  await client.query("rollback");
});

conversation("COPY to the client writes text and CSV", async (client) => {
  const copied = async (text: string) => {
    await client.send(message("Q", text));
    const replies = await client.until("Z");
    const lines = replies.filter(({ type }) => type === "d")
      .map(({ body }) => new TextDecoder().decode(body));
    return [lines.join(""), ...replies.filter(({ type }) => type !== "d").map(shown)];
  };
  assertEquals(await copied("copy (select 'a\tb\\' as x, null, 1) to stdout"), [
    ...["a\\tb\\\\\t\\N\t1\n", "H", "c", "C COPY 1", "Z I"],
  ]);
  const csv = `copy (select 'a,"b"' as x, null as "y,z", '' as w) to stdout (format csv, header)`;
  assertEquals((await copied(csv))[0], 'x,"y,z",w\n"a,""b""",,""\n');
  const [rows, , , tag] = await copied("copy cpu (n, host) to stdout with csv");
  assertEquals(rows.split("\n").length, 11);
  assertEquals(tag, "C COPY 10");
  assertEquals((await copied("copy cpu to '/tmp/x'"))[1], "E 0A000");
  assertEquals((await copied("copy cpu to stdout (format binary)"))[1], "E 0A000");
});

conversation("statements are parsed, bound, described and carried out", async (client) => {
  assertEquals(
    await extended(
      client,
      say.parse("select n, host from cpu where n >= $1 and host = $2 order by n"),
      say.describe("S"),
      say.bind(["4", "h1"]),
      say.describe("P"),
      say.execute(),
    ),
    ["1", "t", "T", "2", "T", "D 4|h1", "D 7|h1", "C SELECT 2", "Z I"],
  );
});

conversation("types of parameters are those that are compared with", async (client) => {
  const text =
    "select 1 from cpu where time > $1 and usage > $2 and n = $3 and host = any($4) and ok = $5";
  await client.send(say.parse(text), say.describe("S"), say.sync);
  const reply = (await client.until("Z")).find(({ type }) => type === "t")!;
  const view = new DataView(reply.body.buffer);
  assertEquals(
    Array.from({ length: view.getInt16(0) }, (_, i) => view.getUint32(2 + 4 * i)),
    [1184, 701, 20, 1009, 16],
  );
});

conversation("rows are given in pieces, and a portal ends with its transaction", async (client) => {
  assertEquals(
    await extended(
      client,
      say.parse("begin"),
      say.bind(),
      say.execute(),
      say.parse("select n from cpu order by n"),
      say.bind([], { portal: "p" }),
      say.execute(4, "p"),
    ),
    ["1", "2", "C BEGIN", "1", "2", "D 0", "D 1", "D 2", "D 3", "s", "Z T"],
  );
  assertEquals(await extended(client, say.execute(6, "p"), say.execute(6, "p")), [
    ...["D 4", "D 5", "D 6", "D 7", "D 8", "D 9", "C SELECT 6", "C SELECT 0", "Z T"],
  ]);
  assertEquals((await client.query("commit")).at(-1), "Z I");
  assertEquals(await extended(client, say.execute(0, "p")), ["E 34000", "Z I"]);
});

conversation("after an error everything up to Sync is passed over", async (client) => {
  assertEquals(
    await extended(
      client,
      say.parse("select nope from cpu"),
      say.bind(),
      say.execute(),
      say.parse("select 1"),
      say.bind(),
      say.execute(),
    ),
    ["1", "2", "E 42703", "Z I"],
  );
  assertEquals(await extended(client, say.parse("select 1"), say.bind(), say.execute()), [
    ...["1", "2", "D 1", "C SELECT 1", "Z I"],
  ]);
});

conversation("an error is sent without a Sync", async (client) => {
  await client.send(say.bind([], { statement: "none" }));
  assertEquals(shown((await client.next())!), "E 26000");
});

conversation("a statement keeps its name until it is closed", async (client) => {
  assertEquals(
    await extended(client, say.parse("select 1", "s"), say.parse("select 2", "s")),
    ["1", "E 42P05", "Z I"],
  );
  const use = [say.bind([], { statement: "s" }), say.execute()];
  assertEquals(await extended(client, ...use), ["2", "D 1", "C SELECT 1", "Z I"]);
  assertEquals(await client.query("deallocate s"), ["C DEALLOCATE", "Z I"]);
  assertEquals(await extended(client, ...use), ["E 26000", "Z I"]);
  assertEquals(await extended(client, say.close("S", "s"), say.close("P", "no")), [
    "3",
    "3",
    "Z I",
  ]);
});

conversation("an empty statement and a command have no rows to describe", async (client) => {
  const both = [say.bind(), say.describe("P"), say.execute()];
  assertEquals(await extended(client, say.parse(""), say.describe("S"), ...both), [
    ...["1", "t", "n", "2", "n", "I", "Z I"],
  ]);
  assertEquals(await extended(client, say.parse("set a.b = 1"), ...both), [
    ...["1", "2", "n", "C SET", "Z I"],
  ]);
  assertEquals(await extended(client, say.parse("show timezone"), ...both), [
    ...["1", "2", "T", "D UTC", "C SHOW", "Z I"],
  ]);
});

conversation("values that do not fit are refused, each with its number", async (client) => {
  const bound = async (text: string, oids: number[], ...values: (string | Uint8Array)[]) => {
    const formats = values.map((value) => typeof value === "string" ? 0 : 1);
    return (await extended(client, say.parse(text, "", oids), say.bind(values, { formats })))[1];
  };
  assertEquals(await bound("select $1", [23], "1x"), "E 22P02");
  assertEquals(await bound("select $1", [23], Uint8Array.of(1, 2)), "E 22P03");
  assertEquals(await bound("select $1", [1007], "1,2"), "E 22P02");
  assertEquals(await bound("select $1", [25], Uint8Array.of(0xff)), "E 22P03");
  assertEquals(await bound("select $1, $2", [23, 23], "1"), "E 08P01");
  assertEquals(await bound("select $1", [23], "12"), "2");
});

conversation("a text that is too long is refused, and the connection lives", async (client) => {
  const long = `select ${"1, ".repeat(100_000)}1`;
  assertEquals(await client.query(long), ["E 54000", "Z I"]);
  assertEquals(await extended(client, say.parse(long)), ["E 54000", "Z I"]);
  assertEquals((await client.query("select 1"))[1], "D 1");
});

conversation("several statements cannot be prepared at once", async (client) => {
  assertEquals(await extended(client, say.parse("select 1; select 2")), ["E 42601", "Z I"]);
  assertEquals(await extended(client, say.parse("select $0")), ["E 42601", "Z I"]);
  assertEquals(await extended(client, say.parse("select $70000")), ["E 42601", "Z I"]);
});

conversation("columns have the names that PostgreSQL gives them", async (client) => {
  await client.send(
    message("Q", "select count(*), max(n) as m, host::text, 1 + 1 from cpu group by 3"),
  );
  const [description] = await client.until("Z");
  const names = new TextDecoder("latin1").decode(description.body).match(
    /[a-z?]{1,}(?=\0\0\0\0\0)/g,
  );
  assertEquals(names, ["count", "m", "host", "?column?"]);
});

conversation("a message that has no place ends the connection in words", async (client) => {
  await client.send(message("F", "a function call"));
  assertEquals((await client.rest()).map(shown), ["E 08P01"]);
});

conversation("Terminate ends the connection without a word", async (client) => {
  await client.send(message("X"));
  assertEquals(await client.rest(), []);
});
