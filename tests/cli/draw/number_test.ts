import { assertEquals } from "@std/assert";
import { decimalsOf, formatNumber } from "../../../src/cli/draw/number.ts";

Deno.test("formatNumber() never abbreviates and has no exponent", () => {
  const ok = (value: number, plain: string, grouped: string) => {
    assertEquals(formatNumber(value, { grouped: false }), plain);
    assertEquals(formatNumber(value, { grouped: true }), grouped);
  };
  ok(0, "0", "0");
  ok(-0, "0", "0");
  ok(154078, "154078", "154,078");
  ok(-1234.5, "-1234.5", "-1,234.5");
  ok(0.000001, "0.000001", "0.000001");
  ok(2 ** 53, "9007199254740992", "9,007,199,254,740,992");
  ok(1e21, "1000000000000000000000", "1,000,000,000,000,000,000,000");
});

Deno.test("formatNumber() rounds to given decimals, without a negative zero", () => {
  assertEquals(formatNumber(7.7039, { grouped: true }, 2), "7.70");
  assertEquals(formatNumber(-0.001, { grouped: true }, 2), "0.00");
  assertEquals(formatNumber(1000, { grouped: true }, 2), "1,000.00");
});

Deno.test("decimalsOf() counts at most six", () => {
  assertEquals([3, 1.5, 99.99, 0.000001, 1 / 3].map(decimalsOf), [0, 1, 2, 6, 6]);
});
