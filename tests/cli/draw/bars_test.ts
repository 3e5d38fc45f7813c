import { assertEquals } from "@std/assert";
import { lyingBar, standingBars } from "../../../src/cli/draw/bars.ts";

Deno.test("lyingBar() is as long as its share, to an eighth", () => {
  const ok = (value: number, want: string) => assertEquals(lyingBar(value, 16, 4), want);
  ok(16, "████");
  ok(8, "██");
  ok(9, "██▎");
  ok(0, "");
  ok(-3, "");
  ok(0.001, "▏");
  ok(99, "████");
  assertEquals(lyingBar(0, 0, 4), "");
});

Deno.test("standingBars() grow in eighths of a line, from the bottom", () => {
  assertEquals(standingBars([0, 4, 8, 12, 16], { max: 16, height: 2 }), ["   ▄█", " ▄███"]);
});

Deno.test("standingBars() keep a gap where they have room, and leave days without data blank", () => {
  assertEquals(standingBars([8, undefined, 8], { max: 8, height: 1, step: 3 }), ["██    ██"]);
  assertEquals(standingBars([8, 4], { max: 8, height: 1, step: 2 }), ["█ ▄"]);
});
