import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/journal/bytes.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.constantFrom("", "\0", "__proto__", "😀", "ä".repeat(64), "x".repeat(63), "x".repeat(64)),
  fc.constantFrom("x".repeat(65), "x".repeat(5000), "x".repeat(63) + "é", "\ufeffbom"),
);

Deno.test("ByteReader reads what ByteWriter wrote", () => {
  const value = fc.oneof(
    fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
    fc.record({ kind: fc.constant("varint" as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant("f64" as const), value: fc.double() }),
    fc.record({
      kind: fc.constant("i64" as const),
      value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    }),
    fc.record({ kind: fc.constant("text" as const), value: anyText }),
    fc.record({ kind: fc.constant("blob" as const), value: fc.uint8Array({ maxLength: 3000 }) }),
  );
  fc.assert(fc.property(fc.array(value), fc.nat(20), fc.nat(20), (values, reserved, capacity) => {
    const writer = new ByteWriter(reserved, capacity);
    for (const { kind, value } of values) (writer[kind] as (value: unknown) => void)(value);
    const reader = new ByteReader(writer.bytes.subarray(reserved));
    for (const { kind, value } of values) assertEquals(reader[kind](), value);
    assertThrows(() => reader.u8(), RangeError);
  }));
});

Deno.test("ByteWriter.varint() takes every size of number", () => {
  const values = [0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 49 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER];
  const writer = new ByteWriter(0, 0);
  for (const value of values) writer.varint(value);
  const reader = new ByteReader(writer.bytes);
  for (const value of values) assertEquals(reader.varint(), value);
});

Deno.test("ByteWriter.text() writes lone surrogates as U+FFFD", () => {
  const writer = new ByteWriter(0);
  writer.text("a\ud800b");
  assertEquals(new ByteReader(writer.bytes).text(), "a\ufffdb");
});

Deno.test("ByteReader throws beyond the end, and for a number that is too large", () => {
  for (const read of ["u8", "f64", "i64", "text", "blob", "varint"] as const) {
    assertThrows(() => new ByteReader(new Uint8Array())[read](), RangeError, "", read);
  }
  for (
    const bytes of [[0xff], Array(7).fill(0xff), Array(8).fill(0xff), Array(2000).fill(0xff), [
      ...Array(200).fill(0x80),
      0,
    ]]
  ) {
    assertThrows(() => new ByteReader(Uint8Array.from(bytes)).varint(), RangeError);
    assertThrows(() => new ByteReader(Uint8Array.from(bytes)).blob(), RangeError);
  }
  assertThrows(() => new ByteReader(Uint8Array.of(2, 0xc3, 0x28)).text(), TypeError);
});

Deno.test("ByteReader ends on any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const reader = new ByteReader(bytes);
    try {
      for (;;) reader.blob();
    } catch (error) {
      assertEquals(error instanceof RangeError, true, String(error));
    }
  }));
});
