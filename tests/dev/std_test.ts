/** The stand-ins of dev/std behave as the real packages do; run without the links, these tests check that claim. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { unicodeWidth } from "@std/cli/unicode-width";
import { DAY, HOUR } from "@std/datetime/constants";
import { FakeTime } from "@std/testing/time";

Deno.test("assertEquals() accepts what is deeply equal", () => {
  const same = (a: unknown, b: unknown) => {
    assertEquals(a, b);
    assert(equal(a, b));
    assertThrows(() => assertNotEquals(a, b), AssertionError);
  };
  same(0, -0);
  same(NaN, NaN);
  same({ a: [1, { b: "x" }] }, { a: [1, { b: "x" }] });
  same({ a: 1, b: 2 }, { b: 2, a: 1 });
  same(Object.create(null), {});
  same(new Map([["a", [1]], ["b", [2]]]), new Map([["b", [2]], ["a", [1]]]));
  same(new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }]));
  same(new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1));
  same(new Date(5), new Date(5));
  same(new Error("a"), new Error("a"));
  same(
    JSON.parse(`{"__proto__":1,"constructor":2}`),
    JSON.parse(`{"constructor":2,"__proto__":1}`),
  );
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  same(circle, circle);
});

Deno.test("assertEquals() refuses what differs", () => {
  const differ = (a: unknown, b: unknown) => {
    assertNotEquals(a, b);
    assertThrows(() => assertEquals(a, b), AssertionError, "Values are not equal");
    assertFalse(equal(a, b));
  };
  differ(1, "1");
  differ(1, 1n);
  differ({ a: 1 }, { a: 1, b: undefined });
  differ([1, 2], [1, 2, 3]);
  differ([1, undefined], [1]);
  differ(new Map([["a", 1]]), new Map([["a", 2]]));
  differ(new Set([1]), new Set([2]));
  differ(new Uint8Array([1]), new Uint8Array([2]));
  differ(new Uint8Array([1]), [1]);
  differ(new Date(5), new Date(6));
  differ(new Error("a"), new Error("b"));
  differ(new Error("a"), new TypeError("a"));
  differ(new (class A {})(), {});
  differ(null, undefined);
  differ(JSON.parse(`{"__proto__":1}`), {});
});

Deno.test("assertEquals() shows what differs", () => {
  const error = assertThrows(
    () => assertEquals({ a: 1, b: 2 }, { a: 1, b: 3 }, "the map"),
    AssertionError,
    "the map",
  );
  assertMatch(error.message, /b: 2/);
  assertMatch(error.message, /b: 3/);
});

Deno.test("assertThrows() returns the error and checks its class and message", async () => {
  const boom = () => {
    throw new RangeError("too far: 7");
  };
  assertEquals(assertThrows(boom, RangeError, "far").message, "too far: 7");
  assertInstanceOf(assertThrows(boom), RangeError);
  assertThrows(() => assertThrows(() => 1), AssertionError, "Expected function to throw");
  assertThrows(() => assertThrows(boom, SyntaxError), AssertionError, "SyntaxError");
  assertThrows(() => assertThrows(boom, Error, "near"), AssertionError, "near");
  const later = () => Promise.reject(new RangeError("too far: 7"));
  assertEquals((await assertRejects(later, RangeError, "far")).message, "too far: 7");
  await assertRejects(() => assertRejects(later, SyntaxError), AssertionError);
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
  // deno-lint-ignore no-explicit-any
  await assertRejects(() => assertRejects(boom as any), AssertionError, "throws when expected to");
});

Deno.test("the other assertions pass and fail", () => {
  assert(1);
  assertFalse(0);
  assertExists(0);
  assertStrictEquals("a", "a");
  assertStringIncludes("abc", "b");
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  const bad = (fn: () => void) => assertThrows(fn, AssertionError);
  bad(() => assert(0));
  bad(() => assertFalse(1));
  bad(() => assertExists(null));
  bad(() => assertStrictEquals({}, {}));
  bad(() => assertStrictEquals<unknown>(0, -0));
  bad(() => assertStringIncludes("abc", "d"));
  bad(() => assertMatch("abc", /d/));
  bad(() => assertAlmostEquals(1, 1.001));
  bad(() => assertGreater(1, 1));
  bad(() => assertGreaterOrEqual(1, 2));
  bad(() => assertLess(1, 1));
  bad(() => assertLessOrEqual(2, 1));
  bad(() => assertInstanceOf({}, Date));
  bad(() => fail("x"));
});

Deno.test("parseArgs() types and parses declared options", () => {
  const args = parseArgs(
    ["serve", "--addr", "a:1", "--days=-1", "-v", "--find=x", "--find", "y", "--no-color", "7"],
    {
      string: ["addr", "days", "find"],
      boolean: ["verbose", "help", "color"],
      collect: ["find"],
      negatable: ["color"],
      alias: { verbose: "v", help: "h" },
      default: { port: 9876, color: true },
    },
  );
  const addr: string | undefined = args.addr;
  const find: string[] = args.find;
  const verbose: boolean = args.verbose;
  const help: boolean = args.h;
  assertEquals(
    { addr, days: args.days, find, verbose, help, color: args.color, port: args.port, _: args._ },
    {
      addr: "a:1",
      days: "-1",
      find: ["x", "y"],
      verbose: true,
      help: false,
      color: false,
      port: 9876,
      _: ["serve", 7],
    },
  );
});

Deno.test("parseArgs() follows minimist on what is not declared", () => {
  const ok = (args: string[], want: Record<string, unknown>) =>
    assertEquals({ ...parseArgs(args) }, want);
  ok(["--a", "1", "--b=x", "c"], { a: 1, b: "x", _: ["c"] });
  ok(["--a", "--b"], { a: true, b: true, _: [] });
  ok(["-abc"], { a: true, b: true, c: true, _: [] });
  ok(["-n5", "-m", "6"], { n: 5, m: 6, _: [] });
  ok(["--a", "1", "--a", "2"], { a: 2, _: [] });
  ok(["--no-a"], { "no-a": true, _: [] });
  ok(["--a.b", "1"], { a: { b: 1 }, _: [] });
  ok(["--a", "--", "--b", "-"], { a: true, _: ["--b", "-"] });
  ok(["-"], { _: ["-"] });
  ok(["--a", "true", "x"], { a: "true", _: ["x"] });
  assertEquals(parseArgs(["x", "--a"], { stopEarly: true })._, ["x", "--a"]);
  assertEquals(parseArgs(["--", "y"], { "--": true })["--"], ["y"]);
  assertEquals(parseArgs(["--a"], { string: ["a"] }).a, "");
  assertEquals(parseArgs(["--a", "false"], { boolean: ["a"] }).a, false);
});

Deno.test("parseArgs() asks `unknown` about what is not declared", () => {
  const seen: string[] = [];
  const args = parseArgs(["--known", "1", "--odd=2", "-z", "word"], {
    string: ["known"],
    unknown: (arg) => {
      seen.push(arg);
      return !arg.startsWith("-");
    },
  });
  assertEquals(seen, ["--odd=2", "-z"].concat(seen.includes("word") ? ["word"] : []));
  assertFalse("odd" in args);
  assertEquals(args.known, "1");
});

Deno.test("unicodeWidth() counts columns", () => {
  const ok = (text: string, want: number) => assertEquals(unicodeWidth(text), want, text);
  ok("", 0);
  ok("abc", 3);
  ok("é", 1);
  ok("e\u0301", 1);
  ok("漢字", 4);
  ok("한글", 4);
  ok("😀", 2);
  ok("█", 1);
});

Deno.test("DAY and HOUR are milliseconds", () => {
  assertEquals(DAY, 24 * HOUR);
  assertEquals(HOUR, 3_600_000);
});

Deno.test("FakeTime stands still until moved, and runs timers in order", async () => {
  const realDate = Date;
  {
    using time = new FakeTime("2026-11-21T00:00:00Z");
    const start = Date.now();
    assertEquals(new Date().toISOString(), "2026-11-21T00:00:00.000Z");
    assert(new Date() instanceof Date);
    assertEquals(new Date(5).getTime(), 5);
    const ran: string[] = [];
    setTimeout(() => ran.push("late"), 200);
    setTimeout(() => ran.push(`early ${Date.now() - start}`), 100);
    const cleared = setTimeout(() => ran.push("never"), 100);
    clearTimeout(cleared);
    const every = setInterval(() => ran.push("tick"), 90);
    const signal = AbortSignal.timeout(150);
    time.tick(100);
    assertEquals(ran, ["tick", "early 100"]);
    assertFalse(signal.aborted);
    time.tick(100);
    assertEquals(ran, ["tick", "early 100", "tick", "late"]);
    assert(signal.aborted);
    clearInterval(every);
    const slept = new Promise<void>((resolve) => setTimeout(resolve, 5));
    await time.nextAsync();
    await slept;
    assertEquals(time.now - time.start, 205);
    assertFalse(time.next());
    assertThrows(() => time.now = 0, RangeError);
    await FakeTime.restoreFor(() => assertStrictEquals(Date, realDate));
    assertNotEquals(Date.now(), realDate.now());
  }
  assertStrictEquals(Date, realDate);
});
