/** The layout of keys, and their length. */
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { encodedLength, summandsOf } from "../../../src/storage/kv/keys.ts";
import { MAX_KEY_BYTES } from "../../../src/storage/kv/limits.ts";
import { PREFIX, sum } from "../../contract/kit.ts";
import { realKv } from "../_faulty_kv.ts";

Deno.test("encodedLength() is what Deno KV reckons with, for any key", async () => {
  using _ = await realKv();
  const kv = _.kv;
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("\0", "a", "é", "日", "😀", "\ud800", "\udc00") }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
      // Filled up to the limit: with one byte more than encodedLength has room for it is refused.
      const room = MAX_KEY_BYTES - encodedLength(parts) - 2;
      await kv.delete([...parts, "x".repeat(room)]);
      await assertRejects(
        () => kv.delete([...parts, "x".repeat(room + 1)]),
        TypeError,
        "too large",
      );
    }),
    { numRuns: 200 },
  );
});

Deno.test("summandsOf() adds up to the sum, whatever its sign", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (millionths) => {
    const [whole, rest] = summandsOf(PREFIX, sum("f", millionths));
    assertEquals(whole.value * 1_000_000n + (rest?.value ?? 0n), millionths);
  }));
});
