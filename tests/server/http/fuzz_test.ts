/** Whatever comes over a socket, the server lives, and what it said it recorded is what is counted. */
import { assertEquals, assertGreater } from "@std/assert";
import * as fc from "fast-check";
import { gzip } from "./_asking.ts";
import { countsOf, exchange, startServer } from "./_raw.ts";

const TYPES = [
  "application/json",
  "application/x-ndjson",
  "text/plain",
  "text/html",
  "",
  "a/b;c=d",
];

const event = fc.record({ event: fc.oneof(fc.constantFrom("a", "b", "__proto__"), fc.string()) });
const line = fc.oneof(
  { weight: 4, arbitrary: event.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
);
const body = fc.oneof(
  fc.array(line, { maxLength: 20 }).map((lines) => lines.join("\n")),
  fc.array(event, { maxLength: 20 }).map((events) => JSON.stringify(events)),
  line,
).map((text) => new TextEncoder().encode(text));

/** A body as it is sent: zipped, damaged, or cut into chunks. */
const sent = fc.record({
  body: fc.oneof(body, fc.uint8Array({ maxLength: 200 })),
  type: fc.constantFrom(...TYPES),
  zipped: fc.constantFrom("no", "yes", "damaged", "only said"),
  chunk: fc.integer({ min: 0, max: 50 }),
});

function requestOf(
  { body, type, zipped, chunk }: typeof sent extends fc.Arbitrary<infer T> ? T : never,
) {
  let bytes: Uint8Array = new Uint8Array(body);
  if (zipped === "yes" || zipped === "damaged") bytes = gzip(bytes);
  if (zipped === "damaged") {
    bytes = bytes.map((byte, i) => i === bytes.length - 5 ? byte ^ 9 : byte);
  }
  const head = "POST /record?at=1767225600 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
    (type === "" ? "" : `Content-Type: ${type}\r\n`) +
    (zipped === "no" ? "" : "Content-Encoding: gzip\r\n");
  const encoder = new TextEncoder();
  if (chunk === 0) {
    return joined([encoder.encode(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
  }
  const parts: Uint8Array[] = [encoder.encode(`${head}Transfer-Encoding: chunked\r\n\r\n`)];
  for (let at = 0; at < bytes.length; at += chunk) {
    const part = bytes.subarray(at, at + chunk);
    parts.push(encoder.encode(`${part.length.toString(16)}\r\n`), part, encoder.encode("\r\n"));
  }
  return joined([...parts, encoder.encode("0\r\n\r\n")]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("HttpServer counts just what it says, whatever bodies come (fuzz)", async () => {
  const errors: Error[] = [];
  await using context = await startServer({ onError: (error) => errors.push(error) });
  const { server, traqq } = context;
  let recorded = 0, accepted = 0;
  await fc.assert(
    fc.asyncProperty(sent, async (one) => {
      const text = await exchange(server, requestOf(one));
      const [, status, reply] = /^HTTP\/1\.1 (\d+).*?\r\n\r\n(.*)$/s.exec(text)!;
      const answer = JSON.parse(reply);
      if (status === "200") {
        accepted++;
        recorded += answer.recorded;
        assertEquals(answer.recorded > 0, true);
      } else {
        assertEquals(["400", "415"].includes(status), true, text);
        assertEquals(answer.recorded ?? 0, 0);
      }
    }),
    { numRuns: 500 },
  );
  const counts = Object.values(await countsOf(traqq));
  assertEquals(counts.reduce((sum, count) => sum + count, 0), recorded);
  assertEquals([traqq.stats().recorded, server.stats().heldBytes], [recorded, 0]);
  assertGreater(accepted, 5, "some of them say something");
  assertEquals(errors, []);
});

Deno.test("HttpServer lives on, whatever bytes come (fuzz)", async () => {
  const errors: Error[] = [];
  await using context = await startServer({
    bodyTimeoutMs: 20,
    onError: (error) => errors.push(error),
  });
  const { server, traqq } = context;
  const whole = requestOf({
    body: new TextEncoder().encode('{"event":"a"}'),
    type: "application/json",
    zipped: "no",
    chunk: 0,
  });
  const text = new TextDecoder().decode(whole);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // A good request with something else at one place, or cut off.
    fc.tuple(fc.nat(text.length - 1), fc.string()).map(([at, put]) =>
      new TextEncoder().encode(text.slice(0, at) + put + text.slice(at + put.length))
    ),
    fc.nat(text.length - 1).map((length) => whole.subarray(0, length)),
  );
  let said = 0;
  await fc.assert(
    fc.asyncProperty(bytes, async (data) => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
      try {
        await conn.write(new Uint8Array(data));
        // So the server knows that nothing more comes.
        await conn.closeWrite();
        const reply = await new Response(conn.readable).text();
        said += Number(/\{"recorded":(\d+)/.exec(reply)?.[1] ?? 0);
      } catch {
        // It was reset: that is an answer too.
        try {
          conn.close();
        } catch {
          // The stream has closed it.
        }
      }
    }),
    { numRuns: 300 },
  );
  assertEquals(
    (await fetch(`${server.url}/health`).then((reply) => reply.json())).status,
    "healthy",
  );
  const { recorded } = traqq.stats();
  // Not all that was recorded could be answered to who had gone.
  assertEquals(recorded >= said, true, `${recorded} and ${said}`);
  assertEquals([server.stats().heldBytes, errors], [0, []]);
});
