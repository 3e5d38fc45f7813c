import { assertEquals, assertThrows } from "@std/assert";
import { BitReader, BitWriter } from "../../src/codec/bits.ts";
import { readXor, writeXor } from "../../src/codec/xor.ts";

Deno.test("readXor() refuses a window that there is not, and one that is too long", () => {
  const refuses = (bits: [number, number][], message: string) => {
    const writer = new BitWriter();
    for (const [value, count] of bits) writer.bits(value, count);
    writer.wide(0, 50);
    assertThrows(
      () => readXor(new BitReader(writer.bytes()), new Uint32Array(4), 0, 2),
      RangeError,
      message,
    );
  };
  refuses([[0, 32], [0, 32], [1, 2]], "there is not");
  refuses([[0, 32], [0, 32], [3, 2], [60, 6], [60, 6]], "longer");
  const writer = new BitWriter();
  writeXor(writer, new Uint32Array(0), 0, 0);
  assertEquals(writer.length, 0);
});
