import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BodyReader } from "../../../src/server/http/body.ts";
import { Problem } from "../../../src/server/http/problem.ts";
import { gzip } from "./_asking.ts";

const LIMITS = { maxBodyBytes: 1000, bodyTimeoutMs: 10_000 };

function request(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

/** A body that comes in these pieces, and then ends, fails, or goes on for ever. */
function stream(pieces: Uint8Array[], end: "end" | "fail" | "hang"): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (end === "end") controller.close();
      else if (end === "fail") controller.error(new Error("the client is gone"));
      else return new Promise(() => {});
    },
  });
}

async function refused(
  reader: BodyReader,
  asked: Request,
  status: number,
  message: RegExp,
  heldBytes = 0,
): Promise<void> {
  const problem = await assertRejects(() => reader.read(asked), Problem);
  assertEquals(problem.status, status);
  assertMatch(problem.message, message);
  assertEquals(reader.heldBytes, heldBytes, "what was held is let go");
}

Deno.test("BodyReader.read() gives the bytes, in how many pieces they may come", async () => {
  const reader = new BodyReader(LIMITS);
  const pieces = [..."hello"].map((letter) => new TextEncoder().encode(letter));
  for (const asked of [request("hello"), request(stream(pieces, "end"))]) {
    using body = await reader.read(asked);
    assertEquals(new TextDecoder().decode(body.bytes), "hello");
    assertEquals(reader.heldBytes, 5);
  }
  assertEquals(reader.heldBytes, 0);
  using none = await reader.read(request(null));
  assertEquals(none.bytes.length, 0);
});

Deno.test("BodyReader.read() takes a body of the limit, and none of a byte more", async () => {
  const reader = new BodyReader(LIMITS);
  {
    using _plain = await reader.read(request("x".repeat(1000)));
    using _zipped = await reader.read(
      request(gzip("x".repeat(1000)), { "Content-Encoding": "gzip" }),
    );
  }
  await refused(reader, request("x".repeat(1001)), 413, /larger than 1000 bytes/);
  // As it says itself, before a byte is read; and as it comes, where it says nothing.
  await refused(reader, request("x", { "Content-Length": "1001" }), 413, /larger/);
  const pieces = [new Uint8Array(600), new Uint8Array(600)];
  await refused(reader, request(stream(pieces, "hang")), 413, /larger/);
  // A bomb: 1 MiB of zeros in a thousand bytes.
  const bomb = gzip(new Uint8Array(1001));
  await refused(reader, request(bomb, { "Content-Encoding": "gzip" }), 413, /unzipped/);
});

Deno.test("BodyReader.read() unzips gzip, of several members too, and nothing that is damaged", async () => {
  const reader = new BodyReader(LIMITS);
  const zipped = gzip("hello");
  const headers = { "Content-Encoding": "GZIP" };
  using twice = await reader.read(
    request(new Uint8Array([...zipped, ...zipped]), { "Content-Encoding": "x-gzip" }),
  );
  assertEquals(new TextDecoder().decode(twice.bytes), "hellohello");
  twice[Symbol.dispose]();
  for (
    const damaged of [
      zipped.subarray(0, -1),
      zipped.subarray(0, 5),
      new Uint8Array(0),
      new TextEncoder().encode("hello"),
      zipped.map((byte, i) => i === zipped.length - 6 ? byte ^ 1 : byte),
    ]
  ) await refused(reader, request(damaged as BodyInit, headers), 400, /no whole gzip/);
  await refused(reader, request("x", { "Content-Encoding": "br" }), 415, /wanted .*gzip/);
  await refused(reader, request("x", { "Content-Encoding": "gzip, gzip" }), 415, /gzip/);
});

Deno.test("BodyReader.read() ends a body that is slow, or breaks off", async () => {
  const reader = new BodyReader({ ...LIMITS, bodyTimeoutMs: 20 });
  await refused(reader, request(stream([new Uint8Array(9)], "hang")), 408, /within 0\.02 s/);
  await refused(reader, request(stream([new Uint8Array(9)], "fail")), 400, /ended too early/);
});

Deno.test("BodyReader holds no more than 16 bodies of the largest size at a time", async () => {
  const reader = new BodyReader(LIMITS);
  const held = await Promise.all(
    Array.from({ length: 16 }, () => reader.read(request("x".repeat(1000)))),
  );
  assertEquals(reader.heldBytes, 16_000);
  const problem = await assertRejects(() => reader.read(request("x")), Problem);
  assertEquals([problem.status, problem.headers["Retry-After"]], [503, "1"]);
  assertEquals(reader.heldBytes, 16_000);
  for (const body of held) body[Symbol.dispose]();
  using _again = await reader.read(request("x"));
});

Deno.test("BodyReader counts what it unzips as it grows", async () => {
  const reader = new BodyReader({ ...LIMITS, maxBodyBytes: 100_000 });
  const held = await Promise.all(
    Array.from({ length: 15 }, () => reader.read(request("x".repeat(100_000)))),
  );
  using _more = await reader.read(request("x".repeat(90_000)));
  // Larger than is allowed, which it would say if all of it had been unzipped first.
  const bomb = request(gzip("x".repeat(200_000)), { "Content-Encoding": "gzip" });
  await refused(reader, bomb, 503, /fill the memory/, 1_590_000);
  for (const body of held) body[Symbol.dispose]();
  const alone = request(gzip("x".repeat(200_000)), { "Content-Encoding": "gzip" });
  await refused(reader, alone, 413, /larger than 100000 bytes/, 90_000);
});
