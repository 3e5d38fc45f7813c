/** What programs mean, worked out by hand; where ours and the original's answers differ, both. */
import { assertEquals, assertRejects } from "@std/assert";
import { TrailData, TrailProgram, TrailsError } from "../../src/trails/mod.ts";
import type { RunOptions } from "../../src/trails/mod.ts";

/** Events of one user, as `time:type` or `time:type:other`. */
function events(text: string): Record<string, unknown>[] {
  return text.split(" ").filter((one) => one !== "").map((one) => {
    const [time, type, other] = one.split(":");
    return { user: "u", time: Number(time), type, ...(other === undefined ? {} : { other }) };
  });
}

type Compat = "trck" | undefined;

async function run(text: string, trail: string, compat: Compat, options: RunOptions = {}) {
  const data = TrailData.fromEvents(events(trail), { by: "user" });
  const results = await Promise.all([true, false].map(async (generateCode) => {
    const result = await TrailProgram.parse(text, { compat })
      .run(data, { ...options, generateCode });
    return JSON.parse(JSON.stringify(result));
  }));
  assertEquals(results[0], results[1]);
  return results[0];
}

/** The same in both. */
async function same(text: string, trail: string, wanted: unknown, options?: RunOptions) {
  assertEquals(await run(text, trail, undefined, options), wanted);
  assertEquals(await run(text, trail, "trck", options), wanted);
}

/** One answer of ours, one of the original. */
async function differs(text: string, trail: string, ours: unknown, original: unknown) {
  assertEquals(await run(text, trail, undefined), ours);
  assertEquals(await run(text, trail, "trck"), original);
}

const SESSIONS = `
start ->
  receive
    * -> session
session ->
  receive
    * -> session
  after 30s -> yield $sessions, start
`;

Deno.test("trails: a gap as long as the after ends a session, a shorter one does not", async () => {
  await same(SESSIONS, "0:a 29:a 58:a", { $sessions: 1 });
  await same(SESSIONS, "0:a 29:a 59:a", { $sessions: 2 });
  await same(SESSIONS, "", { $sessions: 0 });
});

Deno.test("trails: repeat does not start the clock again, going to the same block does", async () => {
  const bucket = SESSIONS.replace("* -> session\n  after", "* -> repeat\n  after");
  await same(bucket, "0:a 20:a 40:a 60:a", { $sessions: 2 });
  await same(SESSIONS, "0:a 20:a 40:a 60:a", { $sessions: 1 });
});

Deno.test("trails: the clock of what a deadline leads to starts at the deadline", async () => {
  const ticks = `
start ->
  receive
    * -> tick
tick ->
  receive
    * -> repeat
  after 10s -> yield $ticks, tick
`;
  // Ten for the event 105 seconds later, one at the end of the trail.
  await same(ticks, "0:a 105:a", { $ticks: 11 });
});

Deno.test("trails: deadlines fire one after the other on one late event, which is then seen", async () => {
  const chain = `
start ->
  receive
    * -> a
a ->
  receive
    * -> quit
  after 5s -> yield timestamp to #late, b
b ->
  receive
    * -> quit
  after 5s -> yield start_timestamp to #started, c
c ->
  receive
    * -> yield type to #seen, quit
`;
  await same(chain, "0:x 100:y", { "#late": ["100"], "#started": ["5"], "#seen": ["y"] });
});

Deno.test("trails: no clock runs in the first block until something leads there", async () => {
  const first = `
start ->
  receive
    type = "go" -> start
    * -> repeat
  after 5s -> yield $n, start
`;
  await same(first, "0:x 100:x", { $n: 0 });
  // 12 seconds after go: two, and one at the end.
  await same(first, "0:go 12:x", { $n: 3 });
});

Deno.test("trails: at the end of a trail exactly one after fires", async () => {
  const end = `
start ->
  receive
    type = "go" -> a
    * -> repeat
  after -> yield $never, quit
a ->
  receive
    * -> repeat
  after -> yield $a, b
b ->
  receive
    * -> repeat
  after -> yield $b, quit
`;
  await same(end, "0:go 9:x", { $never: 0, $a: 1, $b: 0 });
  await same(end, "0:x", { $never: 0, $a: 0, $b: 0 });
});

Deno.test("trails: after with repeat consumes the event and fires again", async () => {
  const stays = `
start ->
  receive
    * -> a
a ->
  receive
    * -> yield $clauses, repeat
  after 5s -> yield $n, repeat
`;
  await same(stays, "0:x 1:x 5:x 6:x", { $clauses: 1, $n: 3 });
});

Deno.test("trails: quit ends the trail, also its end", async () => {
  const text = `
start ->
  receive
    type = "stop" -> quit
    * -> start
  after 5s -> yield $n, start
`;
  await same(text, "0:x 1:stop 100:x", { $n: 0 });
});

/** X, then Y, then Z, all within 10 seconds of X. */
const funnel = (inner: string) =>
  `
start ->
  receive
    type = "x" -> w
    * -> repeat
w ->
  window
    y ->
      receive
        type = "y" -> z
        * -> repeat
${inner === "" ? "" : `      after ${inner} -> yield $slow, start`}
    z ->
      receive
        type = "z" -> yield $found, start
        * -> repeat
${inner === "" ? "" : `      after ${inner} -> yield $slow, start`}
  after 10s -> yield $late, start
`.replaceAll("\n\n", "\n");

Deno.test("trails: a window ends when its time is up; in the original when a block within is late", async () => {
  await same(funnel(""), "0:x 1:y 9:z", { $found: 1, $late: 0 });
  await differs(funnel(""), "0:x 1:y 10:z", { $found: 0, $late: 1 }, { $found: 1, $late: 0 });
  await differs(
    funnel("10s"),
    "0:x 9:y 12:z",
    { $slow: 0, $found: 0, $late: 1 },
    { $slow: 0, $found: 1, $late: 0 },
  );
});

Deno.test("trails: the earliest deadline fires first; in the original the outermost window", async () => {
  await differs(
    funnel("3s"),
    "0:x 20:q",
    { $slow: 1, $found: 0, $late: 0 },
    { $slow: 0, $found: 0, $late: 1 },
  );
  // At the end of the trail too.
  await differs(
    funnel("3s"),
    "0:x",
    { $slow: 1, $found: 0, $late: 0 },
    { $slow: 0, $found: 0, $late: 1 },
  );
  // Of equal ones the outermost.
  await same(funnel("10s"), "0:x 20:q", { $slow: 0, $found: 0, $late: 1 });
});

Deno.test("trails: what a window's after enters starts at the window's end; in the original at the block's", async () => {
  const text = `
start ->
  receive
    * -> w
w ->
  window
    a ->
      receive
        * -> repeat
      after 12s -> quit
  after 10s -> yield start_timestamp to #ended, b
b ->
  receive
    * -> repeat
  after 100s -> yield start_timestamp to #began, quit
`;
  await differs(text, "0:x 20:x 200:x", { "#ended": ["0"], "#began": ["10"] }, {
    // The original takes the window's length from the end of the block within.
    "#ended": ["2"],
    "#began": ["12"],
  });
});

Deno.test("trails: going to a window's own name starts its time again", async () => {
  const text = `
start ->
  receive
    * -> w
w ->
  window
    a ->
      receive
        type = "again" -> yield start_timestamp[w] to #starts, w
        * -> yield start_timestamp[w] to #starts, a
      after 100s -> quit
  after 10s -> yield $ended, start
`;
  assertEquals(await run(text, "0:x 5:again 14:x 15:x", undefined), {
    "#starts": ["0", "5"],
    // At 15, and the one that the event at 15 opens, at the end of the trail.
    $ended: 2,
  });
});

Deno.test("trails: an event that no clause matches is passed over; in the original an error", async () => {
  const text = 'start ->\n  receive\n    type = "a" -> yield $n, repeat\n';
  assertEquals(await run(text, "0:a 1:b 2:a", undefined), { $n: 2 });
  await assertRejects(
    () => run(text, "0:a 1:b", "trck"),
    TrailsError,
    "no clause of start matches",
  );
});

Deno.test("trails: equal neighbours are two events; in the original one", async () => {
  const text = "start ->\n  receive\n    * -> yield $n, repeat\n";
  await differs(text, "0:a 0:a 0:b 0:a 1:a", { $n: 5 }, { $n: 4 });
});

Deno.test("trails: values of an event at the end of a trail are empty; the original crashes", async () => {
  const text = `
start ->
  receive
    * -> a
a ->
  receive
    * -> repeat
  after 5s -> yield type,timestamp,cookie to #s, quit
`;
  assertEquals(await run(text, "0:x", undefined), { "#s": [",,u"] });
  await assertRejects(() => run(text, "0:x", "trck"), TrailsError, "where the original crashes");
  await same(text, "0:x 9:y", { "#s": ["y,9,u"] });
});

Deno.test("trails: tuples keep their commas; in the original empty ones in front lose theirs", async () => {
  const text = "start ->\n  receive\n    * -> yield other,type to #s, repeat\n";
  await differs(text, "0:t 1:", { "#s": [",", ",t"] }, { "#s": ["", "t"] });
  const three = "start ->\n  receive\n    * -> yield type,other,type to #s, repeat\n";
  await same(three, "0:t", { "#s": ["t,,t"] });
});

Deno.test("trails: different tuples have different texts; in the original some are the same", async () => {
  const text = "start ->\n  receive\n    * -> yield type,other to &m, repeat\n";
  const data = TrailData.fromEvents([
    { user: "u", time: 1, type: "a,b", other: "c" },
    { user: "u", time: 2, type: "a", other: "b,c" },
  ], { by: "user" });
  const of = async (compat: Compat) =>
    (await TrailProgram.parse(text, { compat }).run(data)).multiset("&m");
  assertEquals([...await of(undefined)], [['"a,b",c', 1], ['a,"b,c"', 1]]);
  assertEquals([...await of("trck")], [["a,b,c", 2]]);
});

Deno.test("trails: values are whole; in the original they end at 253 bytes", async () => {
  const text = "start ->\n  receive\n    * -> yield type to #s, repeat\n";
  const long = "é".repeat(200);
  await differs(text, `0:${long}1 1:${long}2`, { "#s": [`${long}1`, `${long}2`] }, {
    "#s": ["é".repeat(126)],
  });
});

Deno.test("trails: several conditions on one field must all hold; or takes either", async () => {
  const text = (condition: string) =>
    `start ->\n  receive\n    ${condition} -> yield $n, repeat\n    * -> repeat\n`;
  await same(text('type = "a", type = "b"'), "0:a 1:b", { $n: 0 });
  await same(text('type = "a" or type = "b"'), "0:a 1:b 2:c", { $n: 2 });
  await same(text('type = "a", other = "x" or type = "b"'), "0:a:x 1:a:y 2:b:z", { $n: 2 });
});

Deno.test("trails: a missing field is the empty text", async () => {
  const text = (condition: string) =>
    `start ->\n  receive\n    ${condition} -> yield $n, repeat\n    * -> repeat\n`;
  await same(text('nothing = ""'), "0:a 1:b", { $n: 2 });
  await same(text('nothing != "x"'), "0:a 1:b", { $n: 2 });
  await same(text('other = ""'), "0:a 1:b:x", { $n: 1 });
  const parameters = { "%p": "", "#s": ["", "x"] };
  const of = (condition: string, compat: Compat) =>
    run(text(condition), "0:a 1:a:x", compat, { parameters });
  assertEquals(await of("other = %p", undefined), { $n: 1 });
  assertEquals(await of("other = %p", "trck"), { $n: 1 });
  // The original: a parameter never equals a field that is not there, and no set has the empty text.
  assertEquals(await of("nothing = %p", undefined), { $n: 2 });
  assertEquals(await of("nothing = %p", "trck"), { $n: 0 });
  assertEquals(await of("other in #s", undefined), { $n: 2 });
  assertEquals(await of("other in #s", "trck"), { $n: 1 });
  assertEquals(await of("other not in #s", undefined), { $n: 0 });
});

Deno.test("trails: a string with a backslash equals its value; in the original nothing", async () => {
  const text = 'start ->\n  receive\n    type = "a\\"b" -> yield $n, repeat\n    * -> repeat\n';
  await differs(text, '0:a"b 1:x', { $n: 1 }, { $n: 0 });
});

Deno.test("trails: timestamp is compared with numbers, dates and parameters", async () => {
  const text = (condition: string) =>
    `start ->\n  receive\n    ${condition} -> yield $n, repeat\n    * -> repeat\n`;
  const trail = "86399:a 86400:b 86401:c";
  await same(text("timestamp >= '1970-01-02'"), trail, { $n: 2 });
  await same(text("timestamp < 86400"), trail, { $n: 1 });
  await same(text('timestamp = "86400"'), trail, { $n: 1 });
  await same(text("timestamp > %t"), trail, { $n: 1 }, { parameters: { "%t": "86400" } });
  // 2^32 + 5 is 5 in the original, and 2^31 more than any time.
  const big = (value: string, compat: Compat) =>
    run(text("timestamp > %t"), trail, compat, { parameters: { "%t": value } });
  assertEquals(await big("4294967301", undefined), { $n: 0 });
  assertEquals(await big("4294967301", "trck"), { $n: 3 });
  const before = (compat: Compat) =>
    run(text("timestamp < %t"), "2147483649:a", compat, { parameters: { "%t": "2147483648" } });
  assertEquals(await before(undefined), { $n: 0 });
  assertEquals(await before("trck"), { $n: 1 });
  await assertRejects(() => big("soon", undefined), TrailsError, 'with %t: "soon" is no number');
});

Deno.test("trails: numbers are compared exactly, and text that is none never", async () => {
  const text = (condition: string) => `start ->\n  receive\n    ${condition} -> yield $n, repeat\n`;
  const trail = "0:9007199254740993 1:-2.50 2:1e3 3:x 4: 5:007";
  const n = async (condition: string) => (await run(text(condition), trail, undefined)).$n;
  assertEquals(await n("type > 9007199254740992"), 1);
  assertEquals(await n("type >= 9007199254740994"), 0);
  assertEquals(await n("type = -2.5"), 1);
  assertEquals(await n("type < 0"), 1);
  assertEquals(await n("type = 1000"), 1);
  assertEquals(await n("type != 1000"), 5);
  assertEquals(await n("type <= 99999999999999999"), 3);
});

Deno.test("trails: min, max, sum and avg are exact decimals of the values that are numbers", async () => {
  const text = "start ->\n  receive\n    * -> yield sum type to $sum, yield min type to $min, " +
    "yield max type to $max, yield avg type to $avg, repeat\n";
  assertEquals(await run(text, "0:0.1 1:0.2 2:x 3:-7", undefined), {
    $sum: -6.7,
    $min: -7,
    $max: 0.2,
    $avg: -6.7 / 3,
  });
  assertEquals(await run(text, "0:x", undefined), { $sum: 0, $min: null, $max: null, $avg: null });
});

const LOOP = `
foreach %t, #o in @list
  start ->
    receive
      type = %t, other in #o -> yield $n, next
  next ->
    receive
      type = "stop" -> quit
      * -> yield type to #then, start
`;

Deno.test("trails: foreach has a row for each tuple, in their order, twice where it is there twice", async () => {
  const parameters = {
    "@list": [["a", ["x", "y"]], ["b", ["x"]], ["none", []], ["a", ["x", "y"]]],
  };
  const first = { "%t": "a", "#o": ["x", "y"], $n: 2, "#then": ["b", "c"] };
  assertEquals(await run(LOOP, "0:a:x 1:b:x 2:a:y 3:c 4:a:z", undefined, { parameters }), [
    first,
    { "%t": "b", "#o": ["x"], $n: 1, "#then": ["a"] },
    { "%t": "none", "#o": [], $n: 0, "#then": [] },
    first,
  ]);
});

Deno.test("trails: quit ends one round of a foreach, not the others", async () => {
  const parameters = { "@list": [["a", ["x"]], ["b", ["x"]]] };
  const result = await run(LOOP, "0:a:x 1:stop 2:b:x 3:c 4:a:x 5:d", undefined, { parameters });
  assertEquals(result.map(({ $n }: { $n: number }) => $n), [1, 1]);
});

Deno.test("trails: merged results are one row; without tuples it is empty", async () => {
  const merged = LOOP.replace("@list", "@list merged results");
  const of = (list: unknown[]) =>
    run(merged, "0:a:x 1:b:x 2:a:x", undefined, { parameters: { "@list": list } });
  assertEquals(await of([["a", ["x"]], ["b", ["x"]]]), { $n: 3, "#then": ["a", "b"] });
  assertEquals(await of([]), { $n: 0, "#then": [] });
  assertEquals(await run(LOOP, "0:a:x", undefined, { parameters: { "@list": [] } }), []);
});

Deno.test("trails: foreach without an array has a row for every value, the empty one first", async () => {
  const text =
    "foreach %t\n  start ->\n    receive\n      type = %t -> yield $n, repeat\n      * -> repeat\n";
  await same(text, "0:b 1:a 2:b", [
    { "%t": "", $n: 0 },
    { "%t": "b", $n: 2 },
    { "%t": "a", $n: 1 },
  ]);
});

Deno.test("trails: each round has its own functions' results; in the original equal rounds share one", async () => {
  const text = "foreach %t, %tag in @list\n  start ->\n    receive\n" +
    '      type = %t -> yield join(%tag, type, "!", 7) to #s, repeat\n      * -> repeat\n';
  const options = {
    parameters: { "@list": [["a", "1"], ["a", "2"]] },
    functions: { join: (...all: string[]) => all.join("") },
  };
  const sets = async (compat: Compat) =>
    (await run(text, "0:a", compat, options)).map((row: Record<string, unknown>) => row["#s"]);
  assertEquals(await sets(undefined), [["1a!7"], ["2a!7"]]);
  assertEquals(await sets("trck"), [["1a!7"], ["1a!7"]]);
  await assertRejects(
    () => run(text, "0:a", undefined, { parameters: options.parameters }),
    TrailsError,
    "it calls join(); give that function in functions",
  );
});

Deno.test("trails: a loop's variable compared with the time is that time; in the original the end of time", async () => {
  const text =
    "foreach %t in @list\n  start ->\n    receive\n      timestamp < %t -> yield $n, repeat\n      * -> repeat\n";
  const n = async (compat: Compat) =>
    (await run(text, "0:a 5:b", compat, { parameters: { "@list": [["3"]] } }))[0].$n;
  assertEquals(await n(undefined), 1);
  assertEquals(await n("trck"), 2);
});

Deno.test("trails: parameters that are missing or of another shape are named", async () => {
  const bad = (parameters: Record<string, unknown>, message: string) =>
    assertRejects(() => run(LOOP, "0:a", undefined, { parameters }), TrailsError, message);
  await bad({}, "Cannot use the parameter @list: wanted an array of tuples");
  await bad(
    { "@list": [["a"]] },
    "the parameter @list[0]: wanted an array with a value for each of %t, #o",
  );
  await bad(
    { "@list": [["a", "x"]] },
    'the parameter @list[0][1]: wanted an array of strings, received "x"',
  );
  await bad({ "@list": [[1, []]] }, "the parameter @list[0][0]: wanted a string, received 1");
});

Deno.test("trails: sketches count distinct tuples, and have the original's text on request", async () => {
  const text = "start ->\n  receive\n    * -> yield type to ^types, repeat\n";
  assertEquals(await run(text, "0:a 1:b 2:a", undefined), { "^types": 2 });
  assertEquals(await run(text, "", undefined, { sketches: "trck" }), { "^types": "0e00" });
  const hex = await run(text, "0:a 1:b 2:a", undefined, { sketches: "trck" });
  assertEquals(/^0e01([0-9a-f]{2})+$/.test(hex["^types"]), true);
});

Deno.test("trails: names are data: __proto__ is a value and a result as any other", async () => {
  const text = "start ->\n  receive\n    * -> yield type to &m, yield $__proto__, repeat\n";
  const data = TrailData.fromEvents([{ user: "u", time: 0, type: "__proto__" }], { by: "user" });
  const result = await TrailProgram.parse(text).run(data);
  assertEquals(JSON.stringify(result), '{"&m":{"__proto__":1},"$__proto__":1}');
});
