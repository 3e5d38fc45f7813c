import { assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/base/errors.ts";
import { LineSplitter } from "../../src/protocol/lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Lines, or the messages of what was wrong with them, of chunks fed one after another. */
function split(splitter: LineSplitter, chunks: Iterable<Uint8Array>, end = true): string[] {
  const lines: string[] = [];
  const note = (line: string | ProtocolError | undefined) => {
    if (line === undefined) return;
    lines.push(typeof line === "string" ? line : `! ${line.message}`);
    if (typeof line !== "string") return;
    const { bytes, lineStart, lineEnd } = splitter;
    assertEquals(decoder.decode(bytes.subarray(lineStart, lineEnd)), line, "it stands there");
  };
  for (const chunk of chunks) {
    // The buffer is used again by its owner.
    const buffer = chunk.slice();
    splitter.feed(buffer);
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) note(line);
    buffer.fill(0x7a);
  }
  if (end) note(splitter.end());
  return lines;
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length];
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

Deno.test("LineSplitter gives what split() gives, however the bytes are cut", () => {
  const text = fc.array(
    fc.oneof(
      fc.constantFrom("\n", "\r\n", "é", "日", "👩‍👩‍👧", "\u2028", "\ufeff", "\0", ""),
      fc.string({ unit: "binary" }).map((part) => part.toWellFormed()),
    ),
  ).map((parts) => parts.join(""));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
  fc.assert(fc.property(text, sizes, (text, sizes) => {
    const lines = split(new LineSplitter(), cut(encoder.encode(text), sizes));
    // The text after the last newline is a line only if there is any.
    const wanted = text.split("\n");
    if (wanted.at(-1) === "") wanted.pop();
    assertEquals(lines, wanted);
  }));
});

Deno.test("LineSplitter gives the same with any cap, but for the lines that are longer", () => {
  const text = fc.array(fc.constantFrom("a", "é", "日", "\n"), { maxLength: 60 })
    .map((parts) => parts.join(""));
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 6 });
  fc.assert(fc.property(text, sizes, fc.integer({ min: 1, max: 12 }), (text, sizes, cap) => {
    const lines = split(new LineSplitter(cap), cut(encoder.encode(text), sizes));
    const wanted = text.split("\n");
    if (wanted.at(-1) === "") wanted.pop();
    const tooLong = `! Cannot read the line: it is longer than ${cap} bytes`;
    assertEquals(
      lines.map((line) => line.startsWith(tooLong) ? tooLong : line),
      wanted.map((line) => encoder.encode(line).length > cap ? tooLong : line),
    );
  }));
});

Deno.test("LineSplitter reports a line as soon as it is too long and skips its rest", () => {
  const splitter = new LineSplitter(10);
  assertEquals(split(splitter, [encoder.encode("0123456789")], false), []);
  const [error, ...others] = split(splitter, [encoder.encode("x")], false);
  assertMatch(error, /longer than 10 bytes/);
  assertEquals(others, []);
  assertEquals(splitter.midLine, true);
  assertEquals(split(splitter, [encoder.encode("y".repeat(100))], false), []);
  assertEquals(split(splitter, [encoder.encode("yyy\nnext\n")], false), ["next"]);
  assertEquals(splitter.midLine, false);
});

Deno.test("LineSplitter does not hold what is too long", () => {
  const splitter = new LineSplitter(1 << 20);
  const chunk = new Uint8Array(1 << 16).fill(97);
  const before = Deno.memoryUsage().external;
  let errors = 0;
  for (let i = 0; i < 1600; i++) {
    splitter.feed(chunk);
    while (splitter.next() !== undefined) errors++;
  }
  assertEquals(errors, 1);
  assertEquals(Deno.memoryUsage().external - before < 20 << 20, true);
  assertEquals(splitter.end(), undefined);
});

Deno.test("LineSplitter takes a line of the cap's length, byte by byte", () => {
  const line = `${"x".repeat(1 << 20)}`;
  const splitter = new LineSplitter();
  const byte = encoder.encode("x");
  for (let i = 0; i < 1 << 20; i++) {
    splitter.feed(byte);
    if (splitter.next() !== undefined) throw new Error("too early");
  }
  splitter.feed(encoder.encode("\n"));
  assertEquals(splitter.next() === line, true);
});

Deno.test("LineSplitter reports bytes that are not UTF-8 in the place of their line only", () => {
  const bytes = new Uint8Array([
    ...encoder.encode("before\n"),
    0xff,
    0xc3,
    0x28,
    ...encoder.encode("\nafter é\ncut "),
    0xe6,
    0x97,
  ]);
  for (const sizes of [[], [1], [3, 5]]) {
    const lines = split(new LineSplitter(), cut(bytes, sizes));
    const wrong = "! Cannot read the line: it is not UTF-8; encode it as UTF-8";
    assertEquals(lines, ["before", wrong, "after é", wrong]);
  }
});

Deno.test("LineSplitter.maxLineBytes may be raised between two lines of a chunk", () => {
  const splitter = new LineSplitter(4);
  splitter.feed(encoder.encode("abcd\nabcdef\nabcdef\nabcdef"));
  assertEquals(splitter.next(), "abcd");
  assertInstanceOf(splitter.next(), ProtocolError);
  splitter.maxLineBytes = 6;
  assertEquals(splitter.next(), "abcdef");
  assertEquals(splitter.next(), undefined);
  assertEquals(splitter.end(), "abcdef");
});

Deno.test("LineSplitter takes no bytes while there are lines of the last ones", () => {
  const splitter = new LineSplitter();
  splitter.feed(encoder.encode("a\nb\n"));
  splitter.next();
  assertThrows(() => splitter.feed(encoder.encode("c\n")), Error, "BUG");
});
