import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { ProgramError, TrailProgram } from "../../../src/trails/mod.ts";
import { parseProgram } from "../../../src/trails/language/check.ts";
import { alternativesText } from "../../../src/trails/language/text.ts";
import { randomProgram } from "../_random.ts";

const PROGRAM = TrailProgram.parse(`foreach %v
  foreach event
    start ->
      receive
        page = %v, n >= 3 or page = "<&\\">" -> yield $n, chain
        * -> quit
    chain ->
      window
        more ->
          receive
            * -> yield previous(page),page to &paths, repeat
          after 30m -> start
      after 7d -> yield start_timestamp to #late
`);

Deno.test("draw() as SVG has every block, condition, yield and clock, and asks for nothing outside", () => {
  const svg = PROGRAM.draw("svg");
  for (
    const text of [
      "foreach %v",
      "foreach event",
      ">start<",
      ">chain<",
      ">more<",
      ">page = %v, n &#62;= 3 or page = &#34;&#60;&#38;\\&#34;&#62;&#34;<",
      ">yield $n<",
      ">yield previous(page, 1),page to &#38;paths<",
      ">after 30m<",
      ">after 7d<",
      ">yield start_timestamp[chain] to #late<",
      ">quit<",
      ">→ chain<",
      ">→ start<",
      ">↻<",
    ]
  ) assertStringIncludes(svg, text);
  assertEquals(svg.match(/(?:href|src|url|@import)[^>]*/g), null);
  // One arrow each to the window, and to the start from two places.
  assertEquals(svg.match(/<path fill=/g)?.length, 2);
  assertEquals(svg.match(/class="line"[^>]*stroke-dasharray/g)?.length, 2);
});

Deno.test("draw() as Mermaid has an edge for every row, and nothing that Mermaid reads otherwise", () => {
  assertEquals(
    PROGRAM.draw("mermaid"),
    `flowchart TB
  %% foreach %v
  %% foreach event
  s0["start"]
  subgraph w0["chain"]
    s1["more"]
    end0(["its time is up"])
  end
  begin((begin)) --> s0
  s0 -->|"page = #37;v, n #62;= 3 or page = #34;#60;#38;#92;#34;#62;#34;<br/>yield #36;n"| s1
  s0 -->|"#42;"| quit
  s1 -->|"#42;<br/>yield previous(page, 1),page to #38;paths"| s1
  s1 -.->|"after 30m"| s0
  end0 -.->|"after 7d<br/>yield start_timestamp#91;chain#93; to #35;late"| s0
  quit((quit))
`,
  );
});

Deno.test("draw() of random programs is well-formed, and conditions are what the parser reads", () => {
  let drawn = 0;
  fc.assert(
    fc.property(randomProgram(false), ({ text }) => {
      let program: TrailProgram;
      try {
        program = TrailProgram.parse(text);
      } catch (error) {
        if (error instanceof ProgramError) return;
        throw error;
      }
      drawn++;
      const svg = program.draw("svg");
      const open: string[] = [];
      for (const [, end, name, own] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
        if (end === "/") assertEquals(open.pop(), name);
        else if (own === "") open.push(name);
      }
      assertEquals(open, []);
      assert(!/NaN|Infinity|undefined/.test(svg));
      const { states } = parseProgram(text);
      assertEquals(program.draw("mermaid").match(/^ +s\d+\["/gm)?.length, states.length);
      for (const { alternatives } of states.flatMap(({ clauses }) => clauses)) {
        const again = `s ->\n  receive\n    ${alternativesText(alternatives)} -> quit\n`;
        const [{ clauses: [clause] }] = parseProgram(again).states;
        assertEquals(alternativesText(clause.alternatives), alternativesText(alternatives));
      }
    }),
    { numRuns: 150 },
  );
  assert(drawn > 50);
});

Deno.test("draw() leaves out what XML cannot have, and cuts long text with the whole of it as a title", () => {
  const long = "x".repeat(200);
  const svg = TrailProgram.parse(
    `s ->\n  receive\n    a = "\u0001\u001b[31m" -> quit\n    b = "${long}" -> quit\n`,
  ).draw("svg");
  assertStringIncludes(svg, ">a = &#34;[31m&#34;<");
  assertStringIncludes(svg, `<title>b = &#34;${long}&#34;</title>`);
  assertStringIncludes(svg, "x…<");
});
