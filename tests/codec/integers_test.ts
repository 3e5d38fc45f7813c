import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BitReader, BitWriter } from "../../src/codec/bits.ts";
import { MAX_INTEGER, readIntegers, writeIntegers } from "../../src/codec/integers.ts";

Deno.test("writeIntegers(): any numbers up to 2^50 come back, in each shape", () => {
  const value = fc.oneof(fc.nat(3), fc.nat(0xffff), fc.nat().map((n) => n * 2 ** 19));
  fc.assert(fc.property(fc.array(value), fc.boolean(), (values, sorted) => {
    const column = Float64Array.from(values);
    if (sorted) column.sort();
    const writer = new BitWriter();
    writeIntegers(writer, column, 0, column.length);
    const back = new Float64Array(column.length);
    const reader = new BitReader(writer.bytes());
    readIntegers(reader, back, 0, back.length);
    assertEquals(back, column);
    assertEquals(reader.position, writer.length);
  }));
  for (const edge of [[0, MAX_INTEGER, 0, MAX_INTEGER, MAX_INTEGER, 0], [MAX_INTEGER]]) {
    const writer = new BitWriter();
    writeIntegers(writer, Float64Array.from(edge), 0, edge.length);
    const back = new Float64Array(edge.length);
    readIntegers(new BitReader(writer.bytes()), back, 0, edge.length);
    assertEquals([...back], edge);
  }
});

Deno.test("writeIntegers() sees what repeats in times", () => {
  const bits = (of: (i: number) => number) => {
    const column = Uint16Array.from({ length: 1000 }, (_, i) => of(i));
    const writer = new BitWriter();
    writeIntegers(writer, column, 0, column.length);
    const back = new Uint16Array(column.length);
    readIntegers(new BitReader(writer.bytes()), back, 0, back.length);
    assertEquals(back, column);
    return writer.length;
  };
  assert(bits((i) => 10 * i) < 1030, "every 10 ms: differences of differences are 0");
  assert(bits((i) => i >> 1) < 2030, "two each ms");
  assert(bits((i) => i % 7 === 0 ? 500 - i / 2 : i) < 20_000, "a clock that jumps back");
});
