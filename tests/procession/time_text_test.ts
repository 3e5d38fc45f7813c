import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { readTimeText, timeText } from "../../src/procession/time_text.ts";

Deno.test("timeText() writes as many digits as are needed, but one", () => {
  const texts: [string, string][] = [
    ["2025-01-01T00:00:00.000Z", "2025-01-01 00:00:00.0 +00:00:00"],
    ["2025-01-01T23:59:59.120Z", "2025-01-01 23:59:59.12 +00:00:00"],
    ["2025-01-01T10:20:00.500Z", "2025-01-01 10:20:00.5 +00:00:00"],
    ["0000-01-01T00:00:00.007Z", "0000-01-01 00:00:00.007 +00:00:00"],
  ];
  for (const [iso, text] of texts) assertEquals(timeText(Date.parse(iso)), text);
  assertEquals(timeText(Date.parse("9999-12-31T23:59:59.999Z") + 1), undefined);
  assertEquals(timeText(NaN), undefined);
});

Deno.test("readTimeText() reads what timeText() writes, and RFC 3339", () => {
  const max = Date.parse("9999-12-31T23:59:59.999Z");
  fc.assert(fc.property(fc.integer({ min: Date.parse("0000-01-01T00:00:00Z"), max }), (ms) => {
    assertEquals(readTimeText(timeText(ms)!), ms);
    assertEquals(readTimeText(new Date(ms).toISOString()), ms);
  }));
  const texts: [string, string][] = [
    ["2025-01-01 01:30:00.123456789 +01:30:00", "2025-01-01T00:00:00.123Z"],
    ["2025-01-01 00:00:00.9999 -00:00:01", "2025-01-01T00:00:01.999Z"],
    ["2025-01-01T00:00:00+02:00", "2024-12-31T22:00:00Z"],
    ["2025-01-01t00:00:00z", "2025-01-01T00:00:00Z"],
    ["2025-01-01 0:00:00.0 +00:00:00", "2025-01-01T00:00:00Z"],
    ["2024-02-29 12:00:00.5 -08:00:00", "2024-02-29T20:00:00.500Z"],
  ];
  for (const [text, iso] of texts) assertEquals(readTimeText(text), Date.parse(iso), text);
});

Deno.test("readTimeText() takes nothing else", () => {
  for (
    const text of [
      "",
      "2025-01-01",
      "2025-01-01 00:00:00.0",
      "2025-02-30 00:00:00.0 +00:00:00",
      "2025-13-01 00:00:00.0 +00:00:00",
      "2025-01-01 24:00:00.0 +00:00:00",
      "2025-01-01 00:60:00.0 +00:00:00",
      "2025-01-01 00:00:60.0 +00:00:00",
      "2025-01-01 00:00:00. +00:00:00",
      "2025-01-01 00:00:00.0 00:00:00",
      " 2025-01-01 00:00:00.0 +00:00:00",
    ]
  ) assertEquals(readTimeText(text), undefined, text);
});
