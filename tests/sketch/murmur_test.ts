import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  hashBytes,
  hashed,
  hashHex,
  hashString,
  murmurHash64A,
  REDIS_SEED,
} from "../../src/sketch/murmur.ts";
import { referenceHash, valueWithHash } from "./_reference.ts";

const encoder = new TextEncoder();

function last(): bigint {
  return BigInt.asUintN(32, BigInt(hashed[1])) << 32n | BigInt.asUintN(32, BigInt(hashed[0]));
}

Deno.test("murmurHash64A() gives the verification value of SMHasher", () => {
  // SMHasher hashes the keys (), (0), (0, 1) … (0 … 254) with the seeds 256, 255 … 1, and the 256
  // results in a row with seed 0; the first four bytes of that are published with each algorithm.
  const hashes = new DataView(new ArrayBuffer(256 * 8));
  const key = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let i = 0; i < 256; i++) {
    hashes.setBigUint64(i * 8, murmurHash64A(key.subarray(0, i), 256 - i), true);
  }
  const verification = murmurHash64A(new Uint8Array(hashes.buffer), 0) & 0xffffffffn;
  assertEquals(verification, 0x1f0d3804n);
});

Deno.test("murmurHash64A() equals the definition for bytes of every length and seed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(0xffffffff), (bytes, seed) => {
      assertEquals(murmurHash64A(bytes, seed), referenceHash(bytes, BigInt(seed)));
      assertEquals(murmurHash64A(bytes), referenceHash(bytes));
    }),
  );
});

Deno.test("murmurHash64A() reaches every hash, also those with halves of 0 and of all ones", () => {
  for (const hash of [0n, 1n, 0xffffffffn, 1n << 32n, 1n << 63n, 2n ** 64n - 1n]) {
    assertEquals(murmurHash64A(valueWithHash(hash)), hash);
  }
});

Deno.test("hashString() equals hashBytes() of the UTF-8 bytes", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary-ascii", maxLength: 60 }),
    fc.string({ unit: "binary", maxLength: 60 }),
    // Code units of any kind: lone surrogates too.
    fc.array(fc.nat(0xffff), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
    fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { maxLength: 9 })
      .map((units) => String.fromCharCode(...units)),
  );
  fc.assert(fc.property(text, (text) => {
    hashString(text);
    assertEquals(last(), referenceHash(encoder.encode(text)));
  }));
});

Deno.test("hashString() sees one character that is not ASCII at every position", () => {
  for (let length = 1; length <= 17; length++) {
    for (let at = 0; at < length; at++) {
      for (const odd of ["\x80", "\xff", "é", "Ā", "東", "\ud800", "\udfff", "😀"]) {
        const text = "a".repeat(at) + odd + "b".repeat(length - at - 1);
        hashString(text);
        assertEquals(last(), referenceHash(encoder.encode(text)), JSON.stringify(text));
      }
    }
  }
});

Deno.test("hashString() takes lone surrogates as U+FFFD", () => {
  for (const text of ["\ud800", "\udc00", "a\ud83d", "\ude00b", "\ud83d\ud83d\ude00"]) {
    assertEquals(hashHex(text), hashHex(text.toWellFormed()));
  }
});

Deno.test("hashString() takes text beyond its scratch buffer", () => {
  for (const length of [2729, 2730, 2731, 10_000]) {
    for (const unit of ["a", "é", "東"]) {
      const text = unit.repeat(length);
      hashString(text);
      assertEquals(last(), referenceHash(encoder.encode(text)), `${length} of ${unit}`);
    }
  }
});

Deno.test("hashBytes() hashes the first length bytes only", () => {
  const bytes = encoder.encode("hello, world");
  for (let length = 0; length <= bytes.length; length++) {
    hashBytes(bytes, length);
    assertEquals(last(), referenceHash(bytes.slice(0, length)));
  }
});

Deno.test("hashBytes() refuses a length that the bytes do not have", () => {
  for (const length of [4, -1, 1.5, NaN, 2 ** 32]) {
    assertThrows(
      () => hashBytes(new Uint8Array(3), length),
      RangeError,
      `Cannot hash bytes: length must be between 0 and 3, received ${length}`,
    );
  }
});

Deno.test("hashHex() gives the hash as 16 lower-case hex digits, with leading zeros", () => {
  assertEquals(hashHex(""), referenceHash(new Uint8Array()).toString(16).padStart(16, "0"));
  let leadingZeros = 0;
  for (let i = 0; i < 1000; i++) {
    const hex = hashHex(`user:${i}`);
    assertMatch(hex, /^[0-9a-f]{16}$/);
    assertEquals(BigInt(`0x${hex}`), murmurHash64A(encoder.encode(`user:${i}`), REDIS_SEED));
    if (hex.startsWith("0") || hex[8] === "0") leadingZeros++;
  }
  assert(leadingZeros > 50, "the values above must try leading zeros of both halves");
});
