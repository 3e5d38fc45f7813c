/** Holds docs/storage.md to the code. */
import { assertEquals } from "@std/assert";
import * as limits from "../../src/storage/kv/limits.ts";
import { numberOf, read, table } from "./_pages.ts";

const PAGE = "docs/storage.md";

Deno.test("docs/storage.md: the limits are those of the code", () => {
  for (const [limit, value] of table(PAGE, "limits")) {
    const name = /^`(\w+)`/.exec(limit)![1];
    assertEquals(numberOf(value), (limits as Record<string, unknown>)[name], limit);
  }
});

Deno.test("docs/storage.md: the keys are those that src/storage/kv/keys.ts names", () => {
  const inSource = [...read("src/storage/kv/keys.ts").matchAll(/^ \* \| (`\[.*?\]`) /gm)];
  assertEquals(table(PAGE, "keys").map(([key]) => key), inSource.map(([, key]) => key));
});
