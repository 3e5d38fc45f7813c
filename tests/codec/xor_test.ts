import { assert, assertEquals, assertThrows } from "@std/assert";
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

Deno.test("writeXor() leaves a window that is much too wide", () => {
  const bitsOf = (values: number[]) => {
    const writer = new BitWriter();
    writeXor(writer, new Uint32Array(Float64Array.from(values).buffer), 0, values.length);
    return writer.length;
  };
  const calm = Array.from({ length: 1000 }, (_, i) => 1 + (i % 4) / 4);
  const shaken = [1, -1e-300, ...calm];
  // One value that has nothing in common with the others costs no more than a few of them.
  assert(bitsOf(shaken) - bitsOf(calm) < 200, `${bitsOf(shaken)} ${bitsOf(calm)}`);
});
