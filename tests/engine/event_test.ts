import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { cutCodePoints, isPlain, sanitize } from "../../src/engine/event.ts";
import { sanitizedByWords } from "../_model.ts";

Deno.test("sanitize() of strings follows the rules in their order", () => {
  for (
    const [text, max, want] of [
      ["", 9, ""],
      ["US", 9, "US"],
      ["  US\t\n", 9, "US"],
      ["\u00a0\ufeffUS\u2003", 9, "US"],
      ["two words", 9, "two words"],
      ["a~b:c", 9, "a_b_c"],
      ["~:~a~:~", 9, "a"],
      ["~ a ~", 9, "a"],
      [" ~ ~ a", 9, "_ a"],
      ["a : ~", 9, "a _"],
      ["~:~", 9, ""],
      ["~ ~", 9, ""],
      ["a\u0000b\nc", 9, "a\u0000b\nc"],
      ["\u0000", 9, "\u0000"],
      ["12345", 4, "1234"],
      ["1234~", 4, "1234"],
      ["123~5", 4, "123"],
      ["  1234", 4, "1234"],
      ["123 5", 4, "123"],
      ["~1234", 4, "123"],
      ["😀😀😀", 2, "😀😀"],
      ["a\ud800b", 9, "a\ufffdb"],
      ["\udc00", 9, "\ufffd"],
      ["\ud83d", 1, "\ufffd"],
      ["é", 1, "é"],
      ["e\u0301", 1, "e"],
      ["__proto__", 9, "__proto__"],
    ] as const
  ) assertEquals(sanitize(text, max), want, JSON.stringify(text));
});

Deno.test("sanitize() of anything else", () => {
  for (
    const [value, want] of [
      [0, "0"],
      [-0, "0"],
      [1e21, "1e+21"],
      [0.1, "0.1"],
      [-12.5, "-12.5"],
      [1234567890123, "1234567890123"], // not cut: only strings are
      [true, "true"],
      [false, "false"],
      [null, ""],
      [undefined, ""],
      [{}, ""],
      [["a"], ""],
      [() => "a", ""],
      [Symbol("a"), ""],
      [12n, ""],
      [new String("a"), ""],
    ] as const
  ) assertEquals(sanitize(value, 3), want, String(value));
});

const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom(
      "a",
      "B",
      "~",
      ":",
      " ",
      "\n",
      "\u00a0",
      "é",
      "😀",
      "\ud83d",
      "\ude00",
      "\0",
    ),
    maxLength: 20,
  }),
  fc.string({ unit: "grapheme-ascii", maxLength: 30 }),
);
const limits = fc.integer({ min: 1, max: 25 });

Deno.test("sanitize() does what the words say", () => {
  fc.assert(
    fc.property(texts, limits, (text, max) => {
      assertEquals(sanitize(text, max), sanitizedByWords(text, max));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("sanitize() is idempotent, and gives well-formed text without separators within the limit", () => {
  fc.assert(
    fc.property(texts, limits, (text, max) => {
      const clean = sanitize(text, max);
      assert(!/[~:]/.test(clean), clean);
      assert(clean.isWellFormed());
      assertEquals(clean.trim(), clean);
      assertLessOrEqual([...clean].length, max);
      assertEquals(sanitize(clean, max), clean);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("isPlain() says so only of what sanitize() would not change", () => {
  fc.assert(
    fc.property(texts, limits, (text, max) => {
      if (isPlain(text, max)) assertEquals(sanitizedByWords(text, max), text);
    }),
    { numRuns: 3000 },
  );
  for (const text of ["", "a", "a b", "purchase", "1.2.3.4", '{"a"}']) {
    assert(isPlain(text, 8), text);
  }
  for (const text of ["a:b", "a~b", " a", "a ", "é", "\x7f", "123456789", "\0"]) {
    assert(!isPlain(text, 8), text);
  }
});

Deno.test("cutCodePoints() counts code points, not units", () => {
  assertEquals(cutCodePoints("a😀b😀", 3), "a😀b");
  assertEquals(cutCodePoints("a😀b😀", 4), "a😀b😀");
  assertEquals(cutCodePoints("😀😀", 1), "😀");
  assertEquals(cutCodePoints("abc", 3), "abc");
  assertEquals(cutCodePoints("abc", 0), "");
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), limits, (text, max) => {
    assertEquals(cutCodePoints(text, max), [...text].slice(0, max).join(""));
  }));
});
