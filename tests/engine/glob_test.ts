import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import minimatch from "minimatch";
import { compileGlobs } from "../../src/engine/glob.ts";

const NAME = `add:${"browser~country~device~event~geo~os~page~referrer".repeat(4)}`;

Deno.test("compileGlobs() matches what minimatch matches (property)", () => {
  const piece = fc.constantFrom(
    ...[
      "a",
      "b",
      "/",
      ".",
      ":",
      "~",
      "*",
      "?",
      "**",
      "[ab]",
      "[!a]",
      "[",
      "]",
      "{a,b}",
      "{a,",
      "}",
    ],
    ...["+(", "*(", "?(", "@(", "!(", ")", "|", "!", "\\", "#", "-", "^", "$", ","],
  );
  const glob = fc.array(piece, { maxLength: 10 }).map((parts) => parts.join(""))
    .filter((glob) => glob.split("!(").length < 4);
  const name = fc.array(fc.constantFrom("a", "b", "/", ".", ":", "~", "[", "("), { maxLength: 6 })
    .map((parts) => parts.join(""));
  let matched = 0;
  fc.assert(
    fc.property(glob, name, (glob, name) => {
      const wanted = minimatch(name, glob);
      if (wanted) matched++;
      assertEquals(compileGlobs([glob])[0].match(name), wanted);
    }),
    { numRuns: 3000 },
  );
  assert(matched > 100, `only ${matched} matched`);
});

Deno.test("compileGlobs() takes what is hardly a glob as minimatch does", () => {
  for (const glob of ["?a\\|", "**\\|", "a\\|?()", "a\\|b", "?(?(!()a", "*(@(!()a"]) {
    for (const name of ["a", ".", "xa", "a|", "a|b", ""]) {
      assertEquals(compileGlobs([glob])[0].match(name), minimatch(name, glob), `${glob}, ${name}`);
    }
  }
});

Deno.test("compileGlobs() matches at once what would keep V8 busy for years", () => {
  for (
    const glob of [
      "+(*)".repeat(12) + "x",
      "*(*(*(*(*(*)))))x",
      "+(?|??|*)+(?|??|*)x",
      "?*".repeat(100) + "!",
      "*e".repeat(60) + "!",
      "a!(+(*)x)!(+(*)y)!",
    ]
  ) {
    assertEquals(compileGlobs([glob])[0].match(NAME), false, glob);
  }
  assertEquals(compileGlobs(["+(*)".repeat(12) + "r"])[0].match(NAME), true);
});

Deno.test("compileGlobs() refuses what is too long or would grow too long", () => {
  const refused = (message: string, ...globs: string[]) =>
    assertThrows(() => compileGlobs(globs), RangeError, message);
  refused("at most 4096 characters", "a".repeat(4097));
  refused("at most 4096 characters", "a".repeat(4096), "a");
  refused("at most 4096 characters", ...Array(4097).fill(""));
  refused("at most 4096 characters", "{1..100000}");
  refused("at most 4096 characters", "{a,b}".repeat(30));
  refused("at most 4 times !(", "a!(b)".repeat(5));
  assertEquals(compileGlobs(["a".repeat(4096)]).length, 1);
  assertEquals(compileGlobs(["{a,b,c}:*", "a!(b)!(c)!(d)!(e)"]).length, 2);
});
