/**
 * Whatever is sent, the server lives, the connection ends or goes on, and each error is one in words.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { openPostgres } from "./_postgres.ts";
import { fields, first, message, RawClient, say, shown, startup } from "./_raw.ts";

const RUNS = Number(Deno.env.get("TRAQQ_FUZZ_RUNS") ?? 150);
const TYPES = "QPBDESCHXFpdcf?0".split("");
/** Codes that blame the client. */
const CODES = /^(?!XX|58)[0-5][0-9A-Z]{4}$/;

const postgres = await openPostgres({ tokens: "trust", maxConnections: 500 });
const guarded = await openPostgres();
globalThis.addEventListener("unload", () => {
  void postgres.server.shutdown();
  void guarded.server.shutdown();
});

// The servers outlive each test.
const shared = { sanitizeOps: false, sanitizeResources: false };

/** Messages that make sense by themselves, in an order that may make none. */
const sensible = fc.constantFrom(
  say.parse("select n from cpu where n > $1 order by n", "", [20]),
  say.parse("select 1", "s"),
  say.parse("selec"),
  say.parse(""),
  say.bind(["3"]),
  say.bind([], { statement: "s", portal: "p" }),
  say.bind([null, "x"], { formats: [0, 1, 1] }),
  say.bind(["3"], { results: [1] }),
  say.describe("S"),
  say.describe("P", "p"),
  say.describe("S", "none"),
  say.execute(),
  say.execute(2),
  say.execute(1, "p"),
  say.execute(-5),
  say.close("S", "s"),
  say.close("P"),
  say.flush,
  say.sync,
  message("Q", "select 2"),
  message("Q", "begin"),
  message("Q", "rollback"),
  message("Q", "declare c cursor with hold for select n from cpu; fetch 3 from c; close c"),
  message("Q", ""),
  message("d", "left of a copy"),
);

/** Bytes that are none of it: any message with any body, lengths that lie, noise. */
const noise = fc.oneof(
  fc.tuple(fc.constantFrom(...TYPES), fc.uint8Array({ maxLength: 40 }))
    .map(([type, body]) => message(type, body)),
  fc.tuple(fc.constantFrom(...TYPES), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
    .map(([type, length]) => {
      const bytes = message(type, new Uint8Array(8));
      new DataView(bytes.buffer).setInt32(1, length);
      return bytes;
    }),
  fc.uint8Array({ minLength: 1, maxLength: 60 }),
);

Deno.test({
  name: "messages in any order are answered, and the server lives",
  ...shared,
  fn: async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sensible, { minLength: 1, maxLength: 12 }), async (messages) => {
        using client = await RawClient.start(postgres.port);
        // None of these is against the protocol: after a Sync the server is ready.
        await client.send(...messages, say.sync, message("Q", "select 'the end'"));
        const replies: string[] = [];
        while (!replies.includes("D the end")) {
          const reply = await client.next();
          assert(reply !== undefined, "the connection ended");
          replies.push(shown(reply));
          if (reply.type === "E") assert(CODES.test(fields(reply.body).get("C")!), replies.at(-1));
          // A transaction that has failed answers nothing else.
          if (replies.at(-1) === "Z E") {
            await client.send(message("Q", "rollback; select 'the end'"));
          }
        }
      }),
      { numRuns: RUNS },
    );
    await lives();
  },
});

Deno.test({
  name: "noise ends the connection with an error in words, and the server lives",
  ...shared,
  fn: async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { minLength: 1, maxLength: 6 }), async (pieces) => {
        using client = await RawClient.start(postgres.port);
        await quietly(() => client.send(...pieces));
        await quietly(() => client.closeWrite());
        for (const reply of await client.rest()) {
          if (reply.type === "E") assert(CODES.test(fields(reply.body).get("C")!), shown(reply));
        }
      }),
      { numRuns: RUNS },
    );
    await lives();
  },
});

Deno.test({
  name: "noise in place of a start is answered by an error, or by nothing",
  ...shared,
  fn: async () => {
    const starts = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.tuple(fc.integer(), fc.uint8Array({ maxLength: 50 })).map(([code, body]) =>
        first(code, body)
      ),
      fc.uint8Array({ maxLength: 50 }).map((body) => first(196_608, body)),
      fc.constantFrom(first(80_877_103), first(80_877_104), startup({ user: "a" })),
      noise,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(starts, { minLength: 1, maxLength: 4 }), async (pieces) => {
        using client = await RawClient.connect(guarded.port);
        await quietly(() => client.send(...pieces));
        await quietly(() => client.closeWrite());
        // What is answered may be one N for each question about encryption, and then messages.
        await client.rest();
      }),
      { numRuns: RUNS },
    );
    assertEquals(guarded.server.stats().connections >= 0, true);
    await lives();
  },
});

Deno.test({
  name: "a length that cannot be is refused before anything is kept",
  ...shared,
  fn: async () => {
    using client = await RawClient.start(postgres.port);
    const huge = message("Q", "x");
    new DataView(huge.buffer).setInt32(1, 2 ** 30);
    await client.send(huge);
    assertEquals((await client.rest()).map(shown), ["E 08P01"]);
    using stranger = await RawClient.connect(postgres.port);
    await stranger.send(Uint8Array.of(0, 1, 0, 0));
    assertEquals((await stranger.rest()).map(shown), ["E 08P01"]);
  },
});

Deno.test({
  name: "messages that come byte by byte are answered as those that come at once",
  ...shared,
  fn: async () => {
    using client = await RawClient.start(postgres.port);
    const all = [say.parse("select $1::int"), say.bind(["7"]), say.execute(), say.sync];
    for (const bytes of all) for (const byte of bytes) await client.send(Uint8Array.of(byte));
    assertEquals((await client.until("Z")).map(shown), ["1", "2", "D 7", "C SELECT 1", "Z I"]);
  },
});

async function lives(): Promise<void> {
  using client = await RawClient.start(postgres.port);
  assertEquals((await client.query("select count(*) from cpu"))[1], "D 10");
}

/** The server may have closed already. */
async function quietly(work: () => Promise<void>): Promise<void> {
  await work().catch(() => {});
}
