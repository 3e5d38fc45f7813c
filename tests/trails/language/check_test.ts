import { assertEquals, assertThrows } from "@std/assert";
import { ProgramError } from "../../../src/trails/errors.ts";
import { type ParseOptions, parseProgram } from "../../../src/trails/language/check.ts";

function bad(text: string, message: string, options: ParseOptions = {}): void {
  const error = assertThrows(() => parseProgram(text, options), ProgramError);
  assertEquals(error.message, `Cannot use ${message}`);
}

/** Blocks `a` and `b`, each with one line. */
const two = (a: string, b: string) => `a ->\n  receive\n    ${a}\nb ->\n  receive\n    ${b}\n`;

const NESTED = `start ->
  receive
    x = "1" -> outer
outer ->
  window
    inner ->
      window
        deep ->
          receive
            x = "1" -> TARGET
          after 1s -> start
      after 10s -> outer
    second ->
      receive
        * -> repeat
  after 1m -> yield start_timestamp to #s, start
`;

Deno.test("parseProgram() numbers receive blocks and windows in the order of the text", () => {
  const { states, windows } = parseProgram(NESTED.replace("TARGET", "second"));
  assertEquals(states.map(({ name, windows }) => [name, windows]), [
    ["start", []],
    ["deep", [0, 1]],
    ["second", [0]],
  ]);
  assertEquals(windows.map(({ name, depth }) => [name, depth]), [["outer", 0], ["inner", 1]]);
});

Deno.test("parseProgram(): to enter a window is to enter its first block, and opens all around it", () => {
  const target = (name: string) => {
    const program = parseProgram(NESTED.replace("TARGET", name));
    return program.states[1].clauses[0].step.target;
  };
  assertEquals(target("outer"), { kind: "enter", state: 1, opens: [0, 1] });
  assertEquals(target("inner"), { kind: "enter", state: 1, opens: [1] });
  assertEquals(target("second"), { kind: "enter", state: 2, opens: [] });
  assertEquals(target("deep"), { kind: "enter", state: 1, opens: [] });
  assertEquals(target("start"), { kind: "enter", state: 0, opens: [] });
});

Deno.test("parseProgram() refuses to go into a window other than by its name", () => {
  bad(
    NESTED.replace('x = "1" -> outer', 'x = "1" -> deep').replace("TARGET", "repeat"),
    "program:3:16: deep is inside the window inner; go to inner instead",
  );
  bad(
    NESTED.replace("-> outer\n    second", "-> deep\n    second").replace("TARGET", "repeat"),
    "program:12:20: deep is inside the window inner; go to inner instead",
  );
});

Deno.test("parseProgram(): without a target the first block stays, others are errors", () => {
  const text = two('x = "1" -> yield $n', "* -> yield $n, a");
  assertEquals(parseProgram(text).states[0].clauses[0].step.target, { kind: "repeat" });
  bad(
    two("* -> b", "* -> yield $n"),
    "t.tr:6:10: nothing says where the machine goes from here; end the line with repeat, quit or a block",
    { file: "t.tr" },
  );
  const after = parseProgram(`${two("* -> b", "* -> b")}  after 3s -> yield $n\n`).states[1].after!;
  assertEquals(after.step.target, { kind: "enter", state: 0, opens: [] });
});

Deno.test("parseProgram() looks up names", () => {
  bad(two("* -> c", "* -> a"), "program:3:10: there is no block c; there is a, b");
  bad(
    two("* -> a", "* -> a").replace("b ->", "a ->"),
    "program:4:1: the name a is taken; give this block another",
  );
  bad(
    two("* -> yield start_timestamp to #s, b", "* -> a"),
    "program:3:16: start_timestamp needs a block with a timed after, as in after 30m ->",
  );
  bad(
    two("* -> yield start_timestamp[b] to #s, b", "* -> a"),
    "program:3:16: b is no window around this block",
  );
  bad(
    two('cookie = "x" -> b', "* -> a"),
    "program:3:5: cookie cannot be compared; use it in yield, or compare a field",
  );
  bad(
    two('timestamp = "x" -> b', "* -> a"),
    "program:3:5: timestamp is compared with unix seconds or a date like '2026-11-01'",
  );
  bad(
    two("* -> yield $n, b", "* -> yield sum x to $n, a"),
    "program:6:10: found yield sum … to $n beside yield $n; give each its own result",
  );
  bad(
    "foreach %x\n  a ->\n    receive\n      * -> yield $n\n",
    "program:1:1: no clause compares %x with a field; do so, or add in @list",
  );
});

Deno.test("parseProgram(): of two blocks with one name the original takes the last", () => {
  const text = `${two("* -> b", "* -> a")}b ->\n  receive\n    * -> quit\n`;
  assertEquals(parseProgram(text, { compat: "trck" }).states[0].clauses[0].step.target, {
    kind: "enter",
    state: 2,
    opens: [],
  });
});

Deno.test("parseProgram() gathers fields, parameters, functions and results", () => {
  const program = parseProgram(
    "foreach %x, #y in @list\n  a ->\n    receive\n" +
      "      f = %x, g in #y, h = %z, timestamp > %t -> yield $n, yield i,fn(j, %w) to &n, yield avg k to $k\n",
  );
  assertEquals(program.fields, ["f", "g", "h", "i", "j", "k"]);
  assertEquals(program.parameters.toSorted(), ["%t", "%w", "%z", "@list"]);
  assertEquals(program.functions, ["fn"]);
  assertEquals(program.loop, {
    vars: ["%x", "#y"],
    array: "list",
    field: undefined,
    merged: false,
  });
  assertEquals(program.results, [
    { sigil: "$", name: "n", fold: undefined, isCompound: false },
    { sigil: "&", name: "n", fold: undefined, isCompound: true },
    { sigil: "$", name: "k", fold: "avg", isCompound: false },
  ]);
});

Deno.test("parseProgram() refuses to go round for ever", () => {
  const after = (a: string, b: string) =>
    `a ->\n  receive\n    * -> b\n  after ${a} -> b\nb ->\n  receive\n    * -> a\n  after ${b} -> a\n`;
  const what = "comes back to itself in no time; give one after on the way a duration";
  bad(after("0s", "0s"), `program:4:3: the block a ${what}`);
  parseProgram(after("0s", "1s"));
  parseProgram(after("1s", "0s"));
  bad(
    "s ->\n  receive\n    * -> w\nw ->\n  window\n    a ->\n      receive\n        * -> repeat\n  after 0s -> w\n",
    `program:9:3: the block w ${what}`,
  );
});
