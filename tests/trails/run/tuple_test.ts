import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareText, tupleText } from "../../../src/trails/run/tuple.ts";

Deno.test("tupleText() leaves single terms as they are, and quotes within tuples like CSV", () => {
  assertEquals(tupleText(['a,"b'], false, undefined), 'a,"b');
  assertEquals(tupleText(["a", "", 'b,"c"', "d\n"], true, undefined), 'a,,"b,""c""","d\n"');
});

Deno.test("tupleText() is different for different tuples", () => {
  const tuple = fc.array(fc.string({ unit: fc.constantFrom("a", ",", '"', "\n") }), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(fc.property(tuple, tuple, (a, b) => {
    const isSame = JSON.stringify(a) === JSON.stringify(b);
    assertEquals(tupleText(a, true, undefined) === tupleText(b, true, undefined), isSame);
  }));
});

Deno.test("compareText() is the order of UTF-8 bytes", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(fc.property(text, text, (a, b) => {
    const x = new TextEncoder().encode(a), y = new TextEncoder().encode(b);
    let order = x.length - y.length;
    for (let i = Math.min(x.length, y.length) - 1; i >= 0; i--) order = x[i] - y[i] || order;
    assertEquals(Math.sign(compareText(a, b)), Math.sign(order));
  }));
});
