import { assertEquals } from "@std/assert";
import { isOwnName, pathOf, segmentName, segmentNumber } from "../../src/journal/names.ts";

Deno.test("segmentNumber() reads what segmentName() wrote, and nothing else", () => {
  for (const number of [1, 42, 9_999_999_999, 10_000_000_000]) {
    assertEquals(segmentNumber(segmentName(number)), number);
  }
  assertEquals(segmentName(42), "0000000042.segment");
  for (const name of ["42.segment", "0000000042.segment.bak", "x0000000042.segment", "lock", ""]) {
    assertEquals(segmentNumber(name), undefined, name);
  }
});

Deno.test("isOwnName() knows what belongs into a journal's directory", () => {
  const own = ["lock", "journal.json", "snapshot.ndjson", "snapshot.ndjson.tmp", segmentName(1)];
  for (const name of own) assertEquals(isOwnName(name), true, name);
  for (const name of ["notes.txt", "1.segment", "Lock"]) assertEquals(isOwnName(name), false, name);
});

Deno.test("pathOf() needs no slash, and doubles none", () => {
  assertEquals(pathOf("a/b", "lock"), "a/b/lock");
  assertEquals(pathOf("a/b//", "lock"), "a/b/lock");
});
