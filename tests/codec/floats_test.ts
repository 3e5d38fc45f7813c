import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BitReader, BitWriter } from "../../src/codec/bits.ts";
import { readFloats, wordsOf, writeFloats } from "../../src/codec/floats.ts";
import { MAX_INTEGER } from "../../src/codec/integers.ts";

/** Writes, reads, compares every bit, and gives the bits that it took. */
function floats(values: Float64Array): number {
  const writer = new BitWriter();
  writer.bits(5, 3); // a column begins anywhere
  writeFloats(writer, values, 0, values.length);
  const back = new Float64Array(values.length);
  const reader = new BitReader(writer.bytes());
  reader.bits(3);
  readFloats(reader, back, 0, back.length);
  assertEquals(wordsOf(back), wordsOf(values));
  assertEquals(reader.position, writer.length);
  return writer.length - 3;
}

const word = fc.integer({ min: 0, max: 0xffffffff });
const bitPattern = fc.tuple(word, word);
const patterns = fc.array(bitPattern, { maxLength: 300 }).map((pairs) =>
  new Float64Array(Uint32Array.from(pairs.flat()).buffer)
);

Deno.test("writeFloats(): every bit pattern of a double comes back", () => {
  fc.assert(fc.property(patterns, (values) => {
    floats(values);
  }));
});

Deno.test("writeFloats(): -0, infinities, the smallest and largest, and NaNs with a payload come back", () => {
  const bits = [
    0x8000000000000000n,
    0n,
    0x7ff0000000000000n,
    0xfff0000000000000n,
    0x7ff8000000000000n,
    0x7ff0000000000001n, // signalling
    0xfff8dead_beef1234n,
    1n,
    0x7fefffffffffffffn,
  ];
  const all = new Float64Array(new BigUint64Array(bits).buffer);
  floats(all);
  for (let i = 0; i < all.length; i++) {
    floats(all.subarray(i, i + 1).slice());
    floats(new Float64Array(new BigUint64Array(Array(9).fill(bits[i])).buffer));
    for (const beside of [0, 1, 0.1]) {
      const values = new Float64Array(new BigUint64Array([0n, bits[i], 0n]).buffer);
      values[0] = values[2] = beside;
      floats(values);
    }
  }
});

Deno.test("writeFloats(): whole numbers to 2^53, decimals and mixtures come back", () => {
  const value = fc.oneof(
    fc.maxSafeInteger(),
    fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 53 - 1, MAX_INTEGER, MAX_INTEGER + 1, -MAX_INTEGER),
    fc.tuple(fc.integer(), fc.nat(15)).map(([n, places]) => n / 10 ** places),
    fc.double(),
  );
  fc.assert(fc.property(fc.array(value), (values) => {
    floats(Float64Array.from(values));
  }));
  // The column is of decimals, but no number of places holds both.
  floats(Float64Array.of(1e-15, 123456));
  floats(Float64Array.of(-(2 ** 50), 2 ** 50));
});

Deno.test("writeFloats() is short for what programs measure", () => {
  const n = 1000;
  const column = (of: (i: number) => number) =>
    floats(Float64Array.from({ length: n }, (_, i) => of(i)));
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  assert(column(() => 1) <= 12);
  assert(column(() => NaN) <= 66);
  assert(column((i) => i) <= 1.1 * n);
  assert(column(() => Math.floor(random() * 4)) <= 3.1 * n);
  // Milliseconds with one place, a long tail.
  assert(column(() => Math.round(50 / (0.01 + random())) / 10) <= 12 * n);
  // Full doubles that wander: sign, exponent and first digits are shared.
  let level = 1000;
  assert(column(() => level += random() - 0.5) <= 56 * n);
});

Deno.test("readFloats() and readIntegers() read damaged bits to a RangeError or to numbers, and end", () => {
  const values = Float64Array.from({ length: 200 }, (_, i) => i % 50 === 0 ? i / 10 : Math.sqrt(i));
  const decimals = Float64Array.from({ length: 200 }, (_, i) => (i * 7919 % 1000) / 100);
  let refused = 0;
  for (const column of [values, decimals]) {
    const writer = new BitWriter();
    writeFloats(writer, column, 0, column.length);
    const bytes = writer.bytes();
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      fc.nat(bytes.length),
      (changes, cut) => {
        const damaged = bytes.slice();
        for (const [at, byte] of changes) damaged[at] = byte;
        for (const some of [damaged, damaged.subarray(0, Math.max(4, cut))]) {
          try {
            readFloats(new BitReader(some), new Float64Array(200), 0, 200);
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
            refused++;
          }
        }
      },
    ));
  }
  assert(refused > 50);
});
