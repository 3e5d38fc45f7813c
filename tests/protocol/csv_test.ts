import { assertEquals } from "@std/assert";
import { harmless } from "../../src/cli/draw/text.ts";
import { csvLine } from "../../src/protocol/csv.ts";

Deno.test("csvLine() quotes what needs it", () => {
  const ok = (cell: string, want: string) => assertEquals(csvLine([cell, 1.5]), `${want},1.5\n`);
  ok("plain", "plain");
  ok("", "");
  ok("a,b", '"a,b"');
  ok('say "hi"', '"say ""hi"""');
  ok("a\nb", '"a\nb"');
  ok("a\rb", '"a\rb"');
  ok(" a", '" a"');
  ok("=1+1", "=1+1");
});

Deno.test("csvLine() with escapeFormulas makes text of formulas, and leaves numbers alone", () => {
  const line = csvLine(["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "x=1", -5], {
    escapeFormulas: true,
  });
  assertEquals(line, "'=HYPERLINK(1),'+1,'-1,'@x,'\tx,x=1,-5\n");
});

Deno.test("csvLine() on a terminal writes control characters out", () => {
  assertEquals(csvLine(["\x1b[2J"], { shown: harmless }), "\\x1b[2J\n");
});
