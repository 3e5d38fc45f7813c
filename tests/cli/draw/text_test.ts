import { assertEquals } from "@std/assert";
import { cut, harmless, harmlessJson, pad, widthOf, wrap } from "../../../src/cli/draw/text.ts";

Deno.test("harmless() writes out what would move the cursor or turn the line around", () => {
  const ok = (text: string, want: string) => assertEquals(harmless(text), want);
  ok("plain ~ 日本 é", "plain ~ 日本 é");
  ok("a\nb\r\tc", "a\\nb\\r\\tc");
  ok("\x1b[2J", "\\x1b[2J");
  ok("\x9b2J\x7f\0", "\\x9b2J\\x7f\\x00");
  ok("\u202eabc\u2066\u2028\ufeff", "\\u202eabc\\u2066\\u2028\\ufeff");
  ok("\ud800", "\ufffd");
});

Deno.test("harmlessJson() gives JSON that means the same", () => {
  const value = { "a\x9b": "\u202e\x7f\u2028 ok", b: "\x1b" };
  const json = harmlessJson(JSON.stringify(value));
  assertEquals(JSON.parse(json), value);
  assertEquals(/[\x7f-\x9f\u2028\u202e]/.test(json), false);
});

Deno.test("cut() keeps within the columns and never splits a character", () => {
  const ok = (text: string, columns: number, want: string) => {
    assertEquals(cut(text, columns), want);
    assertEquals(widthOf(cut(text, columns)) <= columns, true);
  };
  ok("abc", 3, "abc");
  ok("abcd", 3, "ab…");
  ok("日本語", 6, "日本語");
  ok("日本語", 5, "日本…");
  ok("日本語", 4, "日…");
  ok("e\u0301e\u0301e\u0301", 2, "e\u0301…");
  ok("abc", 1, "…");
  ok("abc", 0, "");
});

Deno.test("pad() counts columns, not characters", () => {
  assertEquals(pad("日本", 6), "日本  ");
  assertEquals(pad("日本", 6, "right"), "  日本");
  assertEquals(pad("abc", 2), "abc");
});

Deno.test("wrap() breaks at spaces and leaves a long word whole", () => {
  assertEquals(wrap("aa bb cccccccccc d", 5), ["aa bb", "cccccccccc", "d"]);
  assertEquals(wrap("aa bb", 6, "  "), ["  aa", "  bb"]);
});
