/** Holds docs/trails.md to the code: its programs run, its tables parse. */
import { assert, assertEquals } from "@std/assert";
import { BUILT_IN } from "../../src/trails/run/built_in.ts";
import { TrailProgram } from "../../src/trails/mod.ts";
import { code, read, table } from "./_pages.ts";

const PAGE = "docs/trails.md";

Deno.test("docs/trails.md: the tests of its programs pass", async () => {
  const programs = [...read(PAGE).matchAll(/<!-- program -->\n\n```text\n(.*?)^```$/gms)];
  assertEquals(programs.length, 4);
  for (const [, text] of programs) {
    const { tests, failed } = await TrailProgram.parse(text).test();
    assertEquals([failed, tests.filter(({ failure }) => failure !== undefined)], [0, []]);
    assert(tests.length > 0);
  }
});

/** A program around a line. */
const around = (condition: string, actions: string) =>
  `start ->\n  receive\n    ${condition} -> ${actions}\n  after 1h -> start\n`;

Deno.test("docs/trails.md: conditions, yields and targets are what the parser takes", () => {
  const first = (mark: string) => table(PAGE, mark).map(([cell]) => code(cell));
  for (const condition of first("conditions")) TrailProgram.parse(around(condition, "quit"));
  for (const one of first("yields")) TrailProgram.parse(around("*", `${one}, start`));
  for (const target of first("targets")) TrailProgram.parse(around("*", target));
  assertEquals(first("targets").length, 3);
  const functions = first("functions");
  for (const call of functions) TrailProgram.parse(around("*", `yield ${call} to #s, start`));
  assertEquals(functions.map((call) => call.split("(")[0]).sort(), Object.keys(BUILT_IN).sort());
});

Deno.test("docs/trails.md: every difference that a test names is there, with that test", () => {
  const named = read(PAGE).replaceAll("\n", " ");
  const source = read("tests/trails/semantics_test.ts");
  const differences = [
    ...source.matchAll(
      /^Deno\.test\("(trails: [^"]*(?:in the original|the original crashes)[^"]*)"/gm,
    ),
  ];
  assert(differences.length >= 10);
  for (const [, name] of differences) assert(named.includes(`\`${name}\``), name);
});
