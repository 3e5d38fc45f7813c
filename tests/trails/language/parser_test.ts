import { assertEquals, assertThrows } from "@std/assert";
import { ProgramError } from "../../../src/trails/errors.ts";
import { parse } from "../../../src/trails/language/parser.ts";

/** A clause in a program. */
const clauseOf = (line: string) => {
  const { blocks: [block] } = parse(`a ->\n  receive\n    ${line}\n`, "t", undefined);
  if (block.kind !== "receive") throw new Error("BUG: no receive");
  return block.clauses[0];
};

function bad(text: string, message: string): void {
  assertEquals(assertThrows(() => parse(text, "t", undefined), ProgramError).message, message);
}

const badClause = (line: string, place: string, message: string) =>
  bad(`a ->\n  receive\n    ${line}\n`, `Cannot use t:${place}: ${message}`);

/** Without places. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, one) => key === "line" || key === "column" ? undefined : one),
  );
}

Deno.test("parse() reads blocks, windows in windows, and after", () => {
  const tree = parse(
    "foreach %a, #b in @list merged results\n" +
      "  w ->\n    window\n      x ->\n        receive\n          * -> repeat\n" +
      "    after 5s -> yield $n\n" +
      "  y ->\n    receive\n      * -> w\n    after -> quit\n",
    "t",
    undefined,
  );
  assertEquals(plain(tree.foreach), {
    vars: [{ sigil: "%", name: "a" }, { sigil: "#", name: "b" }],
    array: "list",
    merged: true,
  });
  const [w, y] = tree.blocks;
  assertEquals([w.kind, w.name, w.line, w.column], ["window", "w", 2, 3]);
  assertEquals([w.after?.seconds, w.after?.actions.target], [5, undefined]);
  assertEquals([y.kind, y.after?.seconds, y.after?.actions.target?.kind], [
    "receive",
    undefined,
    "quit",
  ]);
});

Deno.test("parse() reads every comparison; commas bind closer than or", () => {
  const { alternatives } = clauseOf(
    'a = "x", b != "y" or c in #s, d not in #t or e < 2.5, f >= %p, timestamp > \'1970-01-02\' -> quit',
  );
  assertEquals(plain(alternatives), [
    [
      { field: "a", op: "=", operand: { kind: "text", text: "x" } },
      { field: "b", op: "!=", operand: { kind: "text", text: "y" } },
    ],
    [
      { field: "c", op: "in", operand: { kind: "hash", name: "s" } },
      { field: "d", op: "not in", operand: { kind: "hash", name: "t" } },
    ],
    [
      { field: "e", op: "<", operand: { kind: "number", text: "2.5" } },
      { field: "f", op: ">=", operand: { kind: "scalar", name: "p" } },
      { field: "timestamp", op: ">", operand: { kind: "number", text: "86400" } },
    ],
  ]);
  assertEquals(clauseOf("* -> repeat").alternatives, undefined);
});

Deno.test("parse() reads yields in their order, and the target last", () => {
  const { yields, target } = clauseOf(
    '* -> yield $n, yield a,start_timestamp[w] to #s, yield f(a, %p, "x", g(3)) to &m, ' +
      "yield sum to ^h, yield sum amount to $total, b",
  ).actions;
  assertEquals(plain(yields), [
    { kind: "count", result: "n" },
    {
      kind: "tuple",
      sigil: "#",
      result: "s",
      terms: [{ kind: "field", name: "a" }, { kind: "start", window: "w" }],
    },
    {
      kind: "tuple",
      sigil: "&",
      result: "m",
      terms: [{
        kind: "call",
        name: "f",
        args: [
          { kind: "field", name: "a" },
          { kind: "scalar", name: "p" },
          { kind: "text", text: "x" },
          { kind: "call", name: "g", args: [{ kind: "text", text: "3" }] },
        ],
      }],
    },
    // A field may be called as a word of the language's own additions.
    { kind: "tuple", sigil: "^", result: "h", terms: [{ kind: "field", name: "sum" }] },
    { kind: "fold", fold: "sum", field: "amount", result: "total" },
  ]);
  assertEquals(plain(target), { kind: "block", name: "b" });
});

Deno.test("parse() takes a string for a parameter only as the original does", () => {
  const operand = (compat?: "trck") => {
    const { blocks: [block] } = parse('a ->\n  receive\n    x = "%p" -> quit\n', "t", compat);
    return block.kind === "receive" ? block.clauses[0].alternatives![0][0].operand : undefined;
  };
  assertEquals(operand(), { kind: "text", text: "%p" });
  assertEquals(operand("trck"), { kind: "scalar", name: "p" });
});

Deno.test("parse() says what was found and what would be right", () => {
  bad("", "Cannot use t:1:1: found the end of the program; wanted a block, as in name ->");
  bad(
    "a",
    "Cannot use t:1:2: found the end of the line; wanted -> behind the name of the block",
  );
  bad(
    "a -> receive\n",
    "Cannot use t:1:6: found the word receive; wanted the end of the line; receive or window " +
      "begins a line of its own",
  );
  bad(
    "a ->\nreceive\n",
    "Cannot use t:2:1: found the word receive; wanted receive or window, further in than the name " +
      "of the block",
  );
  bad(
    "a ->\n  window\n    b ->\n      receive\n        * -> repeat\n",
    "Cannot use t:6:1: found a line that is further out; wanted after, below the window it ends",
  );
  bad(
    "a ->\n  window\n    b ->\n      receive\n        * -> repeat\n  after -> quit\n",
    "Cannot use t:6:3: found the word after; wanted after with a duration; a window always has one, " +
      "as in after 30m ->",
  );
  bad(
    "foreach #s\n  a ->\n",
    "Cannot use t:1:11: found the end of the line; wanted in @list; only one scalar, as in foreach " +
      "%x, can do without",
  );
  badClause("x ~ 3 -> a", "3:7", 'found "~"; leave it out');
  badClause('x = "a" b -> a', "3:13", "found the name b; wanted a comma, or or ->");
  badClause("x -> a", "3:7", "found ->; wanted =, !=, in, not in, <, <=, > or >= behind a field");
  badClause(
    'x < "a" -> a',
    "3:9",
    'found the string "a"; wanted a number, a date such as ' +
      "'2026-11-01', or a parameter such as %x",
  );
  badClause(
    "x = '2026-11-01' -> a",
    "3:9",
    "found 2026-11-01; wanted text in double quotes, " +
      '"2026-11-01"; single quotes make it a time',
  );
  badClause(
    "* -> a, yield $n",
    "3:11",
    "found ,; wanted the end of the line; where the machine goes " +
      "stands last",
  );
  badClause(
    "* -> yield a",
    "3:17",
    "found the end of the line; wanted a comma, or to and a result " +
      "such as #set, &multiset, ^sketch",
  );
  badClause(
    "* -> yield med a to $n",
    "3:16",
    "found the name med; wanted one of min, max, sum, avg, " +
      "or a comma behind it",
  );
});

Deno.test("parse() of windows and calls far too deep is an error, not a crash", () => {
  let text = "";
  for (let i = 0; i < 100; i++) {
    text += `${"  ".repeat(2 * i)}w${i} ->\n${"  ".repeat(2 * i + 1)}window\n`;
  }
  assertThrows(() => parse(text, "t", undefined), ProgramError, "at most 64 windows");
  const call = `${"f(".repeat(10_000)}a${")".repeat(10_000)}`;
  assertThrows(() => clauseOf(`* -> yield ${call} to #s`), ProgramError, "at most 64 calls");
});
