import { assertEquals } from "@std/assert";
import { murmur3Low } from "../../../src/trails/run/murmur3.ts";
import { OriginalSketch } from "../../../src/trails/run/original_sketch.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("murmur3Low() is MurmurHash3 x64-128's low half", () => {
  const hashes = (text: string) => murmur3Low(bytesOf(text)).toString(16);
  assertEquals(hashes(""), "0");
  assertEquals(hashes("hello"), "cbd8a7b341bd9b02");
  assertEquals(hashes("The quick brown fox jumps over the lazy dog"), "e34bbc7bbc071b6c");
});

Deno.test("OriginalSketch.toHex() is what the original prints for the same bytes", () => {
  const sketch = new OriginalSketch();
  assertEquals(sketch.toHex(), "0e00");
  // From the tests of the original, of a version that hashed these bytes.
  for (const user of ["a4g8", "m3f6", "h7y4", "o9i4"]) {
    const hex = Array.from(bytesOf(user), (byte) => byte.toString(16)).join("").padEnd(32, "0");
    sketch.addEncoded(bytesOf(hex));
  }
  assertEquals(sketch.toHex(), "0e01a7040001028738000101f80f0001049a21000101bc1200");
});

Deno.test("OriginalSketch.merge() is the sketch of both, in any order", () => {
  const of = (...texts: string[]) => {
    const sketch = new OriginalSketch();
    for (const text of texts) sketch.add([text], false);
    return sketch;
  };
  const a = of("x", "y"), b = of("y", "z");
  a.merge(b.registers);
  assertEquals(a.toHex(), of("z", "y", "x").toHex());
});

Deno.test("OriginalSketch.add() tells tuples apart, and a user's id from the same text", () => {
  const hex = (terms: string[], isCookie = false) => {
    const sketch = new OriginalSketch();
    sketch.add(terms, isCookie);
    return sketch.toHex();
  };
  const id = "00ff2c".padEnd(32, "1");
  assertEquals(new Set([hex(["a", "b"]), hex(["a,b"]), hex([id]), hex([id], true)]).size, 4);
  // 253 bytes of a value are kept.
  assertEquals(hex(["x".repeat(253)]), hex(["x".repeat(300)]));
  assertEquals(hex(["x".repeat(252)]) === hex(["x".repeat(300)]), false);
});
