import { assertEquals, assertRejects } from "@std/assert";
import { TrailProgram, TrailsError } from "../../../src/trails/mod.ts";

const PROGRAM = `foreach %a in @list
  start ->
    receive
      type = "cli", ad = %a -> yield $n, yield cookie,timestamp to &seen
      * -> repeat
`;

const program = (tests: string, compat?: "trck") =>
  TrailProgram.parse(`${PROGRAM}\n${tests}`, { file: "p.tr", compat });

/** Behind dashes, as it stands in a program. */
const commented = (json: unknown) =>
  JSON.stringify(json, null, 1).split("\n").map((line) => `-- ${line}`).join("\n");

const TWO_FILES = [
  { abcd: [{ timestamp: 1, type: "cli", ad: "x" }, { timestamp: 3, type: "cli", ad: 7 }] },
  { abcd: [{ timestamp: 2, type: "cli", ad: "x" }], efgh: [] },
];
const COOKIE = "61626364000000000000000000000000";

Deno.test("TrailProgram.test() runs the tests in the comments, over several files", async () => {
  const json = {
    tests: [
      {
        desc: "both files",
        trails: TWO_FILES,
        expected: [
          { "%a": "7", $n: 1 },
          { "%a": "x", $n: 2, "&seen": { [`${COOKIE},2`]: 1, [`${COOKIE},1`]: 1 } },
        ],
      },
      { trails: TWO_FILES, expected: [{ "%a": "x", $n: 3 }] },
      {
        desc: "filtered",
        trails: TWO_FILES,
        filter: { clauses: [[{ field: "ad", value: "7" }]] },
        expected: [{ "%a": "x", $n: 0 }],
      },
    ],
    params: { "@list": [["x"], ["7"]] },
  };
  const { tests, failed } = await program(`----- unit tests ----\n${commented(json)}`).test();
  assertEquals(tests.map(({ name }) => name), ["both files", "2", "filtered"]);
  assertEquals(failed, 1);
  assertEquals(tests.map(({ failure }) => failure === undefined), [true, false, true]);
  assertEquals(
    tests[1].failure,
    'expected a row {"%a":"x","$n":3}, received [{"%a":"x","$n":2,"&seen":' +
      `{"${COOKIE},1":1,"${COOKIE},2":1}},{"%a":"7","$n":1,"&seen":{"${COOKIE},3":1}}]`,
  );
});

Deno.test("TrailProgram.test(): in the original's mode what is older than the file before is dropped", async () => {
  const json = {
    tests: [{ trails: TWO_FILES, expected: [{ "%a": "x", $n: 1 }] }],
    params: { "@list": [["x"]] },
  };
  const text = `-- unit tests --\n${commented(json)}`;
  assertEquals((await program(text, "trck").test()).failed, 0);
  assertEquals((await program(text).test()).failed, 1);
});

Deno.test("TrailProgram.test(): a test whose parameters are missing fails, with the reason", async () => {
  const text = `-- unit tests --\n${commented({ tests: [{ trails: [{}], expected: [] }] })}`;
  const { tests } = await program(text).test();
  assertEquals(
    tests[0].failure,
    'Cannot use the parameter @list: wanted an array of tuples, such as [["a"], ["b"]], received nothing',
  );
});

Deno.test("TrailProgram.test() says what is wrong with the tests themselves", async () => {
  const bad = (text: string, message: string) =>
    assertRejects(() => program(text).test(), TrailsError, message);
  await bad("", 'Cannot test p.tr: it has no tests; write them behind a line "-- unit tests --"');
  await bad("-- unit tests --\n-- {", "Cannot test p.tr: what stands behind line 7 is not JSON");
  await bad('-- unit tests --\n-- {"tests": 1}', 'Cannot test p.tr: "tests" must be a list');
  await bad(
    '-- unit tests --\n-- {"tests": [{"trails": [{"a": [{"timestamp": "x"}]}]}]}',
    'Cannot test p.tr: timestamp must be unix seconds, received "x"',
  );
});
