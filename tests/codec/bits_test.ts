import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BitReader, BitWriter, unzigzag, widthOf, zigzag } from "../../src/codec/bits.ts";

const number = fc.oneof(
  fc.nat(3),
  fc.nat(0xffff),
  fc.maxSafeNat(),
  fc.nat(53).map((width) => 2 ** width - 1),
  fc.nat(52).map((width) => 2 ** width),
);

Deno.test("BitReader reads what BitWriter wrote", () => {
  const part = fc.oneof(
    fc.record({ kind: fc.constant("wide" as const), value: number, more: fc.nat(5) }),
    fc.record({ kind: fc.constant("golomb" as const), value: number, more: fc.nat(52) }),
    fc.record({
      kind: fc.constant("signed" as const),
      value: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((n) => n * 2 ** 21),
      more: fc.nat(52),
    }),
  );
  fc.assert(fc.property(fc.array(part), fc.nat(9), (parts, capacity) => {
    const writer = new BitWriter(capacity);
    const bitsOf = (value: number, more: number) => Math.min(53, widthOf(value) + more);
    for (const { kind, value, more } of parts) {
      writer[kind](value, kind === "wide" ? bitsOf(value, more) : more);
    }
    const bytes = writer.bytes();
    assertEquals(bytes.length, Math.ceil(writer.length / 8) + 4);
    const reader = new BitReader(bytes);
    for (const { kind, value, more } of parts) {
      assertEquals(reader[kind](kind === "wide" ? bitsOf(value, more) : more), value);
    }
    assertEquals(reader.position, writer.length);
    assert(reader.size >= reader.position && reader.size < reader.position + 8);
  }));
});

Deno.test("BitWriter.append() writes all bits of another writer", () => {
  fc.assert(fc.property(fc.nat(200), fc.array(number), (before, values) => {
    const writer = new BitWriter();
    const other = new BitWriter();
    for (let i = 0; i < before; i++) writer.bits(i % 2, 1);
    for (const value of values) other.golomb(value, 3);
    writer.append(other);
    const reader = new BitReader(writer.bytes());
    for (let i = 0; i < before; i++) assertEquals(reader.bits(1), i % 2);
    for (const value of values) assertEquals(reader.golomb(3), value);
    assertEquals(reader.position, writer.length);
  }));
});

Deno.test("BitWriter.golomb() takes k + 1 bits below 2^k, and two more for each doubling", () => {
  for (
    const [value, k, bits] of [[0, 0, 1], [1, 0, 3], [2, 0, 3], [3, 0, 5], [7, 3, 4], [8, 3, 6], [
      2 ** 40,
      0,
      81,
    ]]
  ) {
    const writer = new BitWriter();
    writer.golomb(value, k);
    assertEquals(writer.length, bits, `${value} of order ${k}`);
  }
});

Deno.test("zigzag() numbers the whole numbers from 0 outwards", () => {
  assertEquals([0, -1, 1, -2, 2].map(zigzag), [0, 1, 2, 3, 4]);
  fc.assert(fc.property(fc.integer(), (value) => assertEquals(unzigzag(zigzag(value)), value)));
});

Deno.test("BitReader throws a RangeError beyond the end, and for a number that is too large", () => {
  assertThrows(() => new BitReader(new Uint8Array(4)).seek(1), RangeError, "too early");
  assertThrows(() => new BitReader(new Uint8Array(4)).seek(-1), RangeError);
  const reader = new BitReader(new Uint8Array(6));
  reader.bits(32);
  assertThrows(() => {
    for (let i = 0; i < 3; i++) reader.bits(8);
  }, RangeError);
  // More zeros than any number has before it.
  assertThrows(() => new BitReader(new Uint8Array(40)).golomb(0), RangeError, "2^53");
  const writer = new BitWriter();
  writer.golomb(2 ** 53 - 1, 0);
  assertThrows(() => new BitReader(writer.bytes()).golomb(40), RangeError);
});
