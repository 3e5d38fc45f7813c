import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareNumbers, isNumber } from "../../../src/trails/run/numbers.ts";

Deno.test("compareNumbers() orders what JSON calls a number, exactly", () => {
  const order = (a: string, b: string) => Math.sign(compareNumbers(a, b)!);
  assertEquals(order("1", "1.0"), 0);
  assertEquals(order("1e2", "100"), 0);
  assertEquals(order("-0", "0.00"), 0);
  assertEquals(order("9007199254740993", "9007199254740992"), 1);
  assertEquals(order("-2", "-1"), -1);
  assertEquals(order("0.09", "0.1"), -1);
  assertEquals(order("1e-400", "0"), 1);
  assertEquals(order("1e400", "2e399"), 1);
  assertEquals(order("+5", "-5"), 1);
});

Deno.test("compareNumbers() is undefined for other text", () => {
  for (const text of ["", "x", "0x10", "1.", ".5", "01", "NaN", "Infinity", " 1", "1e9999999999"]) {
    assertEquals([isNumber(text), compareNumbers(text, "1")], [false, undefined], text);
  }
});

Deno.test("compareNumbers() agrees with numbers where these are exact", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({
        noNaN: true,
        noDefaultInfinity: true,
      }),
      (a, b) => {
        assertEquals(Math.sign(compareNumbers(String(a), String(b))!), a < b ? -1 : a > b ? 1 : 0);
      },
    ),
  );
});
