import { assertEquals, assertThrows } from "@std/assert";
import { ProgramError } from "../../../src/trails/errors.ts";
import { tokenize } from "../../../src/trails/language/lexer.ts";

const kinds = (text: string) => tokenize(text, "t", undefined).map(({ kind }) => kind).join(" ");
const one = (text: string, compat?: "trck") => tokenize(text, "t", compat)[0];

function bad(text: string, message: string): void {
  const error = assertThrows(() => tokenize(text, "t", undefined), ProgramError);
  assertEquals(error.message, message);
}

Deno.test("tokenize() makes tokens of layout, and none of blank lines and comments", () => {
  assertEquals(
    kinds("a ->\n\n  receive\n      -- nothing\n    * -> repeat -- more\n\n  after 1s -> a\nb ->"),
    "name -> newline indent keyword newline indent * -> keyword newline dedent keyword duration " +
      "-> name newline dedent name -> newline end",
  );
  assertEquals(kinds(""), "end");
  assertEquals(kinds("-- only\n  -- comments"), "end");
});

Deno.test("tokenize() takes the first line's column as the outermost, whatever it is", () => {
  assertEquals(kinds("    a\n      b\n    c\n"), kinds("a\n  b\nc\n"));
  bad(
    "  a\n    b\n c\n",
    "Cannot use t:3:2: this line begins at column 2; begin it at one of 3",
  );
  bad("a\n    b\n  c\n", "Cannot use t:3:3: this line begins at column 3; begin it at one of 1");
});

Deno.test("tokenize() joins lines at a backslash, and reads \\r\\n and a byte order mark", () => {
  assertEquals(kinds("a = \\\n      'x'\nb"), "name = string newline name newline end");
  assertEquals(kinds("\ufeffa\r\n  b\r\n"), kinds("a\n  b\n"));
});

Deno.test("tokenize() reads durations, dates and numbers", () => {
  const seconds = (text: string) => one(text).seconds;
  assertEquals(["7s", "2m", "3h", "4d", "0s"].map(seconds), [7, 120, 10_800, 345_600, 0]);
  assertEquals(seconds("'1970-01-02'"), 86_400);
  assertEquals(seconds("'1969-12-31'"), -86_400);
  assertEquals(one('"1970-01-02"').kind, "string");
  assertEquals(["12", "-3", "2.50"].map((text) => one(text).text), ["12", "-3", "2.50"]);
  bad("2w", "Cannot use t:1:1: found 2w; a duration is digits and one of s, m, h, d, as in 90m");
  bad(
    "1h30m",
    "Cannot use t:1:1: found 1h30m; a duration is digits and one of s, m, h, d, as in 90m",
  );
  bad(
    "'2026-02-30'",
    "Cannot use t:1:1: found the date '2026-02-30', which no calendar has; write it as 'YYYY-MM-DD'",
  );
});

Deno.test("tokenize() undoes the escapes of strings, which the original keeps", () => {
  assertEquals(one(String.raw`"a\"b\\c\n\t\0\'"`).text, "a\"b\\c\n\t\0'");
  assertEquals(one(String.raw`"a\"b"`, "trck").text, String.raw`a\"b`);
  bad(
    String.raw`"a\q"`,
    String.raw`Cannot use t:1:3: found \q in a string; there is \0 \n \r \t \\ \" \'`,
  );
  bad('"a\nb"', 'Cannot use t:1:1: this string has no end on its line; close it with "');
});

Deno.test("tokenize() names what is no token, with its place", () => {
  bad("a\n\tb", "Cannot use t:2:1: found a tab; use spaces");
  bad("a = ?", 'Cannot use t:1:5: found "?"; leave it out');
  bad("% a", "Cannot use t:1:1: found % alone; a name follows it at once, as in %name");
});
