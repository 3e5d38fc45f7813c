import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import {
  type Decimal,
  MAX_DECIMAL,
  microsFromString,
  microsToNumber,
  microsToString,
  readDecimal,
} from "../../src/base/decimal.ts";
import { microsOf } from "../_model.ts";

/** What `readDecimal` makes of a value, in millionths; undefined where it refuses. */
function read(value: unknown): bigint | undefined {
  const into: Decimal = { whole: 77, micros: 77 };
  if (!readDecimal(value, into)) return undefined;
  assert(Number.isInteger(into.whole) && Number.isInteger(into.micros));
  assert(Math.abs(into.micros) < 1e6, `${into.micros} millionths`);
  assert(into.whole * into.micros >= 0, "both of one sign");
  return BigInt(into.whole) * 1_000_000n + BigInt(into.micros);
}

Deno.test("readDecimal() reads numbers as the decimal that they print", () => {
  for (
    const [value, want] of [
      [0, 0n],
      [-0, 0n],
      [1, 1_000_000n],
      [-500, -500_000_000n],
      [0.1, 100_000n],
      [-0.1, -100_000n],
      [99.99, 99_990_000n],
      [1.005, 1_005_000n],
      [0.000001, 1n],
      [0.0000005, 1n],
      [-0.0000005, -1n],
      [0.0000004999, 0n],
      [1e-7, 0n],
      [5e-324, 0n],
      [1.0000005, 1_000_001n],
      [-1.0000005, -1_000_001n],
      [4503599627.370497, 4_503_599_627_370_497n],
      [99999999.999999, 99_999_999_999_999n],
      [100000000.0000005, 100_000_000_000_001n],
      [9007199254740991, 9_007_199_254_740_991_000_000n],
      [2 ** 53, 9_007_199_254_740_992_000_000n],
      [-(2 ** 53), -9_007_199_254_740_992_000_000n],
    ] as const
  ) assertEquals(read(value), want, String(value));
});

Deno.test("readDecimal() takes text in JSON's number grammar, with a + too", () => {
  for (
    const [value, want] of [
      ["0", 0n],
      ["-0", 0n],
      ["12", 12_000_000n],
      ["+12", 12_000_000n],
      ["-12.5", -12_500_000n],
      ["1e3", 1_000_000_000n],
      ["1E+3", 1_000_000_000n],
      ["1.5e-3", 1_500n],
      ["0.0000005", 1n],
      ["0.00000049999999", 0n],
      ["5e-7", 1n],
      ["9e-8", 0n],
      ["-5e-7", -1n],
      ["0e999999999999", 0n],
      ["0.000e-999999999999", 0n],
      ["1e-999999999999", 0n],
      ["123456789.123456789", 123_456_789_123_457n],
      ["0.9999995", 1_000_000n],
      ["-0.9999995", -1_000_000n],
      ["9007199254740991.999999", 9_007_199_254_740_991_999_999n],
      ["9007199254740992", 9_007_199_254_740_992_000_000n],
      ["9007199254740992.0000004", 9_007_199_254_740_992_000_000n],
      ["900719925474099.2e1", 9_007_199_254_740_992_000_000n],
      [`1${"0".repeat(1000)}e-1000`, 1_000_000n],
    ] as const
  ) assertEquals(read(value), want, value.slice(0, 40));
});

Deno.test("readDecimal() refuses what is no number, or lies beyond ±2^53", () => {
  for (
    const value of [
      NaN,
      Infinity,
      -Infinity,
      2 ** 53 + 2,
      -(2 ** 53) - 2,
      1e21,
      1e300,
      "9007199254740992.000001",
      "-9007199254740993",
      "9007199254740992.0000005",
      "1e16",
      "1e999",
      "1e99999999999999999999",
      "9".repeat(2000),
      "",
      " 1",
      "1 ",
      "1\n",
      "01",
      "00",
      "-01",
      ".5",
      "5.",
      "1.e3",
      "1e",
      "e1",
      "--1",
      "+-1",
      "- 1",
      "0x10",
      "1_000",
      "1,5",
      "12abc",
      "NaN",
      "Infinity",
      "٣",
      "1n",
      true,
      false,
      null,
      undefined,
      {},
      [],
      [1],
      1n,
      Symbol("1"),
      new Date(),
    ]
  ) assertFalse(read(value) !== undefined, String(value).slice(0, 40));
});

const PLAIN = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -MAX_DECIMAL, max: MAX_DECIMAL }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -10, max: 10 }),
  // Halves of the last place, where rounding is decided.
  fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map((n) => n / 2e6),
  fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map((n) => n * 5e-7),
  // About where the fast way ends.
  fc.integer({ min: -2_000_000, max: 2_000_000 }).map((n) => 1e8 + n / 2e6),
  fc.maxSafeInteger(),
);

Deno.test("readDecimal() agrees with exact arithmetic on any number", () => {
  fc.assert(
    fc.property(PLAIN, (value) => {
      assertEquals(read(value), microsOf(value), String(value));
      assertEquals(read(String(value)), microsOf(value), "a string means the same");
    }),
    { numRuns: 5000 },
  );
});

Deno.test("readDecimal() agrees with exact arithmetic on any text like a number", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 20 });
  const text = fc.tuple(
    fc.constantFrom("", "-", "+"),
    digits,
    fc.oneof(fc.constant(""), digits.map((all) => `.${all}`)),
    fc.oneof(fc.constant(""), fc.integer({ min: -30, max: 30 }).map((e) => `e${e}`)),
  ).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (value) => assertEquals(read(value), microsOf(value), value)),
    { numRuns: 5000 },
  );
});

Deno.test("microsToString() and microsToNumber() print the shortest decimal", () => {
  for (
    const [micros, text] of [
      [0n, "0"],
      [1n, "0.000001"],
      [-1n, "-0.000001"],
      [-500_000n, "-0.5"],
      [12_000_000n, "12"],
      [99_990_000n, "99.99"],
      [-300_000_000n, "-300"],
      [1_000_010n, "1.00001"],
      [9_007_199_254_740_993_000_001n, "9007199254740993.000001"],
    ] as const
  ) {
    assertEquals(microsToString(micros), text);
    assertEquals(microsToNumber(micros), Number(text));
  }
});

Deno.test("microsToString() is read back as it was", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 21n), max: 10n ** 21n }), (micros) => {
    assertEquals(read(microsToString(micros)), micros);
  }));
});

Deno.test("microsFromString() reads exactly what microsToString() writes, and nothing else", () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 100n), 2n ** 100n), (micros) => {
    assertEquals(microsFromString(microsToString(micros)), micros);
  }));
  assertEquals(microsFromString("-20.5"), -20_500_000n);
  assertEquals(microsFromString("0.000001"), 1n);
  for (const text of ["", "-", "-0", "+1", "01", "1.", ".5", "1.50", "0.0000001", "1e3", "1\n"]) {
    assertEquals(microsFromString(text), undefined, text);
  }
});
