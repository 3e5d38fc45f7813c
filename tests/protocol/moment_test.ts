import { assertEquals, assertThrows } from "@std/assert";
import { EventError } from "../../src/base/errors.ts";
import { parseMoment } from "../../src/protocol/moment.ts";

Deno.test("parseMoment() reads days, RFC 3339 and numbers", () => {
  const ok = (text: string, seconds: number, numbers: "s" | "ms" = "s") =>
    assertEquals(parseMoment(text, numbers), { kind: "instant", seconds });
  assertEquals(parseMoment("2026-11-01"), { kind: "day", date: "2026-11-01" });
  ok("0", 0);
  ok("-1.5", -2);
  ok("1767225600", 1_767_225_600);
  ok("1767225600999", 1_767_225_600, "ms");
  ok("1767225600", 1_767_225, "ms");
  ok("2026-01-01T00:00:00Z", 1_767_225_600, "ms");
});

Deno.test("parseMoment() refuses what is no time", () => {
  assertThrows(() => parseMoment("2026-02-30"), RangeError, "no such date");
  for (const text of ["", "now", "1e9", "0x10", "2026-1-1", "1767225600000", "Infinity"]) {
    assertThrows(() => parseMoment(text), EventError, "Cannot read time");
  }
  assertThrows(() => parseMoment("9".repeat(30), "ms"), EventError);
});
