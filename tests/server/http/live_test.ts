import { assert, assertEquals, assertGreater, assertMatch, assertThrows } from "@std/assert";
import { Problem } from "../../../src/server/http/problem.ts";
import { LiveFeed } from "../../../src/server/http/live.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { Traqq } from "../../../src/traqq.ts";
import { until } from "../_peer.ts";
import { Asking } from "./_asking.ts";
import { Raw, startServer } from "./_raw.ts";

interface Message {
  count: number;
  leftOut: number;
  events: Record<string, unknown>[];
}

/** The messages of a stream, until it ends or there were so many events. */
async function listen(stream: ReadableStream<Uint8Array>, events: number): Promise<Message[]> {
  const messages: Message[] = [];
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as TransformStream)) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = /^event: recorded\ndata: (.*)$/.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data !== undefined) messages.push(JSON.parse(data));
    }
    if (messages.reduce((sum, { count }) => sum + count, 0) >= events) break;
  }
  return messages;
}

Deno.test("GET /live shows what is recorded, to all who listen", async () => {
  await using it = await Asking.open();
  const replies = await Promise.all(
    [1, 2].map(() => it.answer(new Request("http://localhost/live"))),
  );
  assertEquals(replies.map(({ status }) => status), [200, 200]);
  assertEquals(replies[0].headers.get("content-type"), "text/event-stream");
  const heard = Promise.all(replies.map(({ body }) => listen(body!, 3)));
  await it.traqq.record({ event: "a", geo: "US", amount: 1.5, ok: true, nested: {}, none: null });
  await it.traqq.recordMany([{ event: "b" }, { geo: "refused" }, { event: "c" }]);
  for (const messages of await heard) {
    assertEquals(messages.flatMap(({ events }) => events), [
      { event: "a", geo: "US", amount: 1.5, ok: true },
      { event: "b" },
      { event: "c" },
    ]);
    assertEquals(messages.reduce((sum, { leftOut }) => sum + leftOut, 0), 0);
  }
  await until(() => it.answer.stats().listeners === 0);
  const head = await it.ask("/live", { method: "HEAD" });
  assertEquals([head.status, head.text, it.answer.stats().listeners], [200, "", 0]);
});

Deno.test("LiveFeed shows so many events a second, drawn from all, and counts the others exactly", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const feed = new LiveFeed(traqq, { eventsPerSecond: 40, maxListeners: 1 });
  const heard = listen(feed.listen(), 5000);
  await traqq.recordMany(Array.from({ length: 5000 }, (_, i) => ({ event: "a", i })));
  const messages = await heard;
  const shown = messages.flatMap(({ events }) => events.map(({ i }) => i as number));
  for (const { count, leftOut, events } of messages) {
    assertEquals(count, leftOut + events.length);
    assert(events.length <= 10, "a quarter of a second has a quarter of them");
  }
  assertEquals(messages.reduce((sum, { count }) => sum + count, 0), 5000);
  assertEquals(shown, shown.toSorted((a, b) => a - b), "in their order");
  // That none of ten evenly drawn ones is of the second half has a chance of one in a thousand; that
  // none is of the last 95% one in 10^13.
  assertGreater(Math.max(...shown), 250);
  feed.close();
});

Deno.test("LiveFeed looks at nothing while nobody listens, and ends with its listeners' rights", async () => {
  let observers = 0;
  const feed = new LiveFeed({
    observe: () => {
      observers++;
      return () => {
        observers--;
      };
    },
  }, { eventsPerSecond: 1, maxListeners: 2 });
  assertEquals(observers, 0);
  const first = feed.listen();
  const second = feed.listen(Date.now() + 10);
  assertEquals([observers, feed.stats().listeners], [1, 2]);
  const problem = assertThrows(() => feed.listen(), Problem);
  assertEquals(problem.status, 503);
  assertEquals(await listen(second, 1), [], "it ends by itself");
  await first.cancel();
  assertEquals([observers, feed.stats()], [0, { listeners: 0, dropped: 0 }]);
  feed.close();
  assertThrows(() => feed.listen(), Problem, "stopping");
});

Deno.test("LiveFeed drops who does not read, and goes on with the others", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const feed = new LiveFeed(traqq, { eventsPerSecond: 4000, maxListeners: 2 });
  const deaf = feed.listen();
  const heard = listen(feed.listen(), 1e9);
  const padded = {
    event: "a",
    ...Object.fromEntries(range(31).map((i) => [`p${i}`, "x".repeat(300)])),
  };
  while (feed.stats().dropped === 0) {
    await traqq.recordMany(range(10).map(() => padded));
    assert(traqq.stats().recorded < 5000, "no more than 64 KiB and a message are kept for it");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(feed.stats(), { listeners: 1, dropped: 1 });
  feed.close();
  assertGreater((await heard).length, 0);
  await deaf.cancel();
});

Deno.test("LiveFeed shows a bounded copy of an event, whatever it is", async () => {
  let observer: Parameters<Traqq["observe"]>[0] = () => {};
  const feed = new LiveFeed({
    observe: (given) => {
      observer = given;
      return () => {};
    },
  }, { eventsPerSecond: 40, maxListeners: 1 });
  const heard = listen(feed.listen(), 4);
  const many = Object.fromEntries(range(100).map((i) => [`p${i}`, i]));
  observer({ event: "x".repeat(1000), lone: "\ud800", ["__proto__"]: "data" }, 0);
  observer(many, 0);
  observer({
    get event() {
      throw new Error("unreadable");
    },
  }, 0);
  observer(JSON.parse('{"__proto__":"own","a":"line\\nbreak"}'), 0);
  const [{ events }] = await heard;
  assertEquals(events[0].event, "x".repeat(256));
  assertEquals(events[0].lone, "\ufffd");
  assertEquals([Object.keys(events[1]).length, Object.keys(events[2]).length], [32, 0]);
  assertEquals(JSON.stringify(events[3]), '{"__proto__":"own","a":"line\\nbreak"}');
  feed.close();
});

Deno.test("GET /live on a socket ends when its client goes, and when the server stops", async () => {
  await using context = await startServer();
  const { server, traqq } = context;
  const ask = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n";
  using leaving = await Raw.connect(server);
  await leaving.send(ask);
  await leaving.read(/retry/);
  leaving[Symbol.dispose]();
  using staying = await Raw.connect(server);
  await staying.send(ask);
  await staying.read(/retry/);
  await until(() => server.stats().listeners === 1);
  await traqq.record({ event: "a" });
  assertMatch(await staying.read(/event: recorded/), /"count":1,.*"event":"a"/);
  const rest = staying.read();
  const begunMs = performance.now();
  await server.shutdown({ deadlineMs: 5000 });
  assert(performance.now() - begunMs < 3000, "it does not wait for the deadline");
  assertMatch(await rest, /^0\r\n\r\n$/, "the stream ends in order");
});

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
