import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EventError } from "../../src/base/errors.ts";
import {
  Client,
  ConnectionError,
  PartialRecordError,
  type RecordProgress,
} from "../../src/client/client.ts";
import { FakeTarget } from "../protocol/_fake_target.ts";
import { countsOf, startServer, until } from "../server/_peer.ts";
import { scriptedServer } from "./_scripted_server.ts";

const at = 1767225600;

async function start() {
  const context = await startServer();
  const client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  return {
    ...context,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await context[Symbol.asyncDispose]();
    },
  };
}

Deno.test("Client.recordMany records all that it can and reports the others by index", async () => {
  await using context = await start();
  const { client, traqq } = context;
  const circular: Record<string, unknown> = { event: "a" };
  circular.self = circular;
  const events = [
    { event: "a" },
    null,
    circular,
    { event: "b" },
    undefined,
    { event: "x".repeat(1 << 20) },
    { event: "a" },
    { event: "late" },
    { event: "" },
  ];
  for (const batchSize of [1, 2, 3, 1000]) {
    const report = await client.recordMany(events, {
      batchSize,
      at: (_, index) => index === 7 ? NaN : at,
    });
    assertEquals(report.recorded, 3);
    assertEquals(report.rejected.map(({ index }) => index), [1, 2, 4, 5, 7, 8]);
    assert(report.rejected.every(({ error }) => error instanceof EventError));
  }
  assertEquals(await countsOf(traqq), { a: 8, b: 4 });
});

Deno.test("Client.recordMany takes iterables and async iterables, and tells its progress", async () => {
  await using context = await start();
  const { client, traqq } = context;
  function* some() {
    for (let i = 0; i < 2500; i++) yield { event: "sync" };
  }
  async function* later() {
    for (const event of some()) yield await Promise.resolve({ ...event, event: "async" });
  }
  const progress: RecordProgress[] = [];
  const onProgress = (done: RecordProgress) => progress.push(done);
  assertEquals((await client.recordMany(some(), { at, onProgress })).recorded, 2500);
  assertEquals(progress.map(({ recorded }) => recorded), [1000, 2000, 2500]);
  assertEquals((await client.recordMany(later(), { at, batchSize: 7 })).recorded, 2500);
  assertEquals((await client.recordMany([])).recorded, 0);
  assertEquals(await countsOf(traqq), { sync: 2500, async: 2500 });
});

Deno.test("Client.recordMany keeps each line below 1 MiB, whatever the events are made of", async () => {
  await using context = await start();
  const { client, server, traqq } = context;
  const event = (length: number, character: string) => ({
    event: "a",
    text: character.repeat(length),
  });
  const events = [
    ...Array.from({ length: 40 }, () => event(100_000, "x")),
    ...Array.from({ length: 40 }, () => event(100_000, "日")),
    ...Array.from({ length: 3 }, () => event((1 << 20) - 100, "x")),
    event(300_000, "日"),
    ...Array.from({ length: 40 }, () => event(10_000, "\u0001")),
  ];
  const report = await client.recordMany(events, { at });
  assertEquals(report, { recorded: events.length, rejected: [] });
  assertEquals(server.stats().errors, 0);
  assertEquals(await countsOf(traqq), { a: events.length });

  const [{ error }] = (await client.recordMany([event(350_000, "日")])).rejected;
  assertMatch(error.message, /its line would have 1050\d{3} bytes, at most 1048576 are allowed/);
});

Deno.test("Client.recordMany does not run ahead of the server", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  await using context = await startServer({}, target);
  await using client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  let taken = 0;
  function* events() {
    for (; taken < 100_000; taken++) yield { event: "a" };
  }
  const recording = client.recordMany(events());
  await until(() => target.calls.length === 1);
  assert(taken <= 5000, `${taken} events were taken`);
  resolve();
  assertEquals((await recording).recorded, 100_000);
});

Deno.test("Client.recordMany tells what is known when the connection breaks", async () => {
  await using server = scriptedServer(async (peer) => {
    const first = JSON.parse(await peer.line() ?? "");
    const data = { recorded: first.events.length - 1, rejected: [{ index: 1, error: "no" }] };
    await peer.send(`${JSON.stringify({ success: true, data })}\n`);
    await peer.line();
  });
  const client = await Client.connect(server.address);
  const events = Array.from({ length: 100 }, () => ({ event: "a" }));
  const error = await assertRejects(
    () => client.recordMany(events, { batchSize: 10 }),
    PartialRecordError,
  );
  assert(error.cause instanceof ConnectionError);
  assertEquals(error.report.recorded, 9);
  assertEquals(error.report.rejected.map(({ index }) => index), [1]);
  assertEquals(error.unanswered % 10, 0);
  assert(error.unanswered >= 10 && error.unanswered <= 50);
  assertMatch(error.message, /9 were recorded, 1 rejected, \d+ may or may not have been recorded/);
  await client.close();
});

Deno.test("Client.recordMany stops when the server refuses a whole batch", async () => {
  const target = new FakeTarget();
  target.failure = new Error("Cannot reach the storage");
  await using context = await startServer({}, target);
  await using client = await Client.connect(`127.0.0.1:${context.server.addr.port}`);
  let closed = false;
  function* endless() {
    try {
      for (;;) yield { event: "a" };
    } finally {
      closed = true;
    }
  }
  const error = await assertRejects(() => client.recordMany(endless()), PartialRecordError);
  assertMatch(error.message, /Cannot reach the storage; 0 were recorded/);
  assertEquals(closed, true);
  await client.ping();
});

Deno.test("Client.recordMany passes on what its source throws, once what was sent is answered", async () => {
  await using context = await start();
  const { client, traqq } = context;
  function* broken() {
    for (let i = 0; i < 10; i++) yield { event: "a" };
    throw new Error("the file ended too early");
  }
  await assertRejects(
    () => client.recordMany(broken(), { at, batchSize: 5 }),
    Error,
    "the file ended too early",
  );
  assertEquals(await countsOf(traqq), { a: 10 });
});

Deno.test("Client.recordMany refuses a batch size that the server would", async () => {
  await using context = await start();
  for (const batchSize of [0, -1, 1.5, 65_537, NaN]) {
    await assertRejects(
      () => context.client.recordMany([], { batchSize }),
      RangeError,
      "wanted batchSize from 1 to 65536",
    );
  }
});
