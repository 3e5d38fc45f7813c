import { assert, assertEquals, assertLessOrEqual, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_FIELD_BYTES, storedField } from "../../src/engine/field.ts";
import { hashHex } from "../../src/sketch/murmur.ts";

/** Bytes as Deno KV encodes a string in a key: UTF-8, NUL as two. */
function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length + text.split("\0").length - 1;
}

Deno.test("storedField() leaves a field of up to 1,024 bytes as it is", () => {
  for (
    const field of [
      "",
      "purchase~US",
      "a".repeat(1024),
      "é".repeat(512),
      "日".repeat(341) + "a",
      "😀".repeat(256),
      "\0".repeat(512),
    ]
  ) {
    assertEquals(storedField(field), field);
    assertLessOrEqual(bytesOf(field), MAX_FIELD_BYTES);
  }
});

Deno.test("storedField() cuts a longer one at a code point and ends it in its hash", () => {
  for (
    const [field, kept] of [
      ["a".repeat(1025), "a".repeat(1006)],
      ["é".repeat(513), "é".repeat(503)],
      ["日".repeat(342), "日".repeat(335)],
      ["😀".repeat(257), "😀".repeat(251)],
      ["\0".repeat(513), "\0".repeat(503)],
      ["a" + "😀".repeat(300), "a" + "😀".repeat(251)],
    ] as const
  ) {
    const stored = storedField(field);
    assertEquals(stored, `${kept}~#${hashHex(field)}`);
    assert(/~#[0-9a-f]{16}$/.test(stored));
    assertLessOrEqual(bytesOf(stored), MAX_FIELD_BYTES);
    assertEquals(storedField(stored), stored);
  }
});

Deno.test("storedField() tells apart long fields that begin alike", () => {
  const long = "a".repeat(2000);
  assertNotEquals(storedField(`${long}1`), storedField(`${long}2`));
});

Deno.test("storedField() is bounded, well-formed and the same every time", () => {
  const fields = fc.string({
    unit: fc.constantFrom("a", "é", "日", "😀", "\0", "~"),
    maxLength: 1100,
    minLength: 250,
  });
  fc.assert(fc.property(fields, (field) => {
    const stored = storedField(field);
    assert(stored.isWellFormed());
    assertLessOrEqual(bytesOf(stored), MAX_FIELD_BYTES);
    assertEquals(stored === field, bytesOf(field) <= MAX_FIELD_BYTES);
    assertEquals(storedField(field), stored);
  }));
});
