import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { BoundedRegExp } from "../../src/engine/bounded_regexp.ts";

Deno.test("BoundedRegExp.test() says what the expression itself says", () => {
  const ok = (source: string, ...texts: string[]) => {
    const regexp = new RegExp(source);
    for (const text of texts) {
      assertEquals(new BoundedRegExp(regexp).test(text), regexp.test(text), `/${source}/, ${text}`);
    }
  };
  ok("^$", "", "a");
  ok("^a|^b", "a", "b", "ab", "c");
  ok("^(?:a|bc|d*)$", "a", "bc", "", "dd", "ab", "b");
  ok("^(?:a|)(?:b|c)+$", "ab", "b", "abcb", "a");
  ok("^(?!\\.)(?=.)[^/]*?$", "", "a", ".a", "a.", "a/b", "a\nb");
  ok("^(?:(?:a?)*)+b$", "b", "aab", "aa");
  ok("^[a-c][!\\]^]\\[[^x]$", "a][y", "a][x", "b^[]", "d^[y");
  ok("^\\.\\*\u2028\n\\/$", ".*\u2028\n/", ".*");
  ok("^(?:(?!(?:a|b(?=c))x)[^/]*?)d$", "axd", "ayd", "bcd", "bxd", "d");
  ok("$.", "", "a");
  ok("^a|$", "a", "b", "");
  ok("^(a|b)*(c)$", "abc", "c", "abd");
  ok("^a|b(?!c)|c$", "xb", "xbc", "bcd", "xc", "xa", "");
});

Deno.test("BoundedRegExp.test() says what the expression itself says, whatever it is (property)", () => {
  const atom = fc.constantFrom("a", "b", "[ab]", "[^a]", ".", "\\.", "^", "$", "(?=a)", "(?!b)");
  const { tree } = fc.letrec<{ tree: string; group: string }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      atom,
      fc.array(tie("tree"), { maxLength: 3 }).map((parts) => parts.join("")),
      tie("group"),
    ),
    group: fc.tuple(
      fc.constantFrom("(?:", "(", "(?=", "(?!"),
      fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
      fc.constantFrom("", "*", "+?", "?", "*?"),
    ).map(([open, parts, sign]) =>
      `${open}${parts.join("|")})${open.endsWith(":") || open === "(" ? sign : ""}`
    ),
  }));
  const text = fc.array(fc.constantFrom("a", "b", ".", "\n"), { maxLength: 6 })
    .map((parts) => parts.join(""));
  let matched = 0;
  fc.assert(
    fc.property(tree, text, fc.boolean(), (source, text, isWhole) => {
      const regexp = new RegExp(isWhole ? `^(?:${source})$` : source);
      const wanted = regexp.test(text);
      if (wanted) matched++;
      assertEquals(new BoundedRegExp(regexp).test(text), wanted);
    }),
    { numRuns: 3000 },
  );
  assert(matched > 100, `only ${matched} matched`);
});
