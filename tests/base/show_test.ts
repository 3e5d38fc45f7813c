import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { show } from "../../src/base/show.ts";

Deno.test("show() quotes a value as JSON", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (
    const [value, want] of [
      ["text", '"text"'],
      ["", '""'],
      ['a "quote"\nand a line', '"a \\"quote\\"\\nand a line"'],
      ["\ud800", '"\\ud800"'],
      [12.5, "12.5"],
      [-0, "0"],
      [NaN, "NaN"],
      [-Infinity, "-Infinity"],
      [12n, "12n"],
      [true, "true"],
      [null, "null"],
      [undefined, "nothing"],
      [[1, "a"], '[1,"a"]'],
      [{ a: 1 }, '{"a":1}'],
      [JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
      [Symbol("s"), "a symbol"],
      [() => 1, "a function"],
      [circular, "an object"],
      [[1n], "an object"],
      [{
        toJSON() {
          throw new Error("no");
        },
      }, "an object"],
    ] as const
  ) assertEquals(show(value), want);
});

Deno.test("show() is short, on one line and well-formed, whatever it is given", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.anything()), (value) => {
      const text = show(value);
      assert(text.isWellFormed());
      assertLess(text.length, 90);
      assert(!/[\n\r]/.test(text), text);
    }),
  );
});

Deno.test("show() does not cut a code point in two", () => {
  for (let pad = 70; pad < 90; pad++) {
    const text = show(["a".repeat(pad) + "😀".repeat(10)]);
    assert(text.isWellFormed(), `${pad}`);
    assert(text.endsWith("…"));
  }
});
