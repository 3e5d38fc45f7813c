import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { Catalog } from "../../../src/series/points/catalog.ts";
import { DEFAULT_LIMITS, type Limits } from "../../../src/series/points/limits.ts";
import { LineReader, type LineSource } from "../../../src/series/points/line_reader.ts";
import type { Precision } from "../../../src/series/points/numbers.ts";
import { byMeasurement, oracle, type PlainPoint, pointsIn } from "./_oracle.ts";

const NOW_NS = 1_700_000_000_123_456_789n;

interface Read {
  readonly points: PlainPoint[];
  readonly rejected: { line: number; error: string }[];
  readonly reader: LineReader;
  readonly refused: string[];
  /** All but that. */
  readonly kept: string;
}

/** @param step bytes that are read at a time; points are taken between */
function read(
  text: string | Uint8Array<ArrayBuffer>,
  { precision = "ns", limits = {}, step = Infinity, reader, spread }: {
    precision?: Precision;
    limits?: Partial<Limits>;
    step?: number;
    reader?: LineReader;
    spread?: number;
  } = {},
): Read {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  reader ??= new LineReader(new Catalog(), { ...DEFAULT_LIMITS, ...limits });
  const source: LineSource = { bytes, precision, nowNs: NOW_NS, spread, at: 0, line: 1 };
  const rejected: Read["rejected"] = [];
  const points: PlainPoint[] = [];
  const refused: string[] = [];
  let kept = "";
  const series = new Map();
  while (source.at < bytes.length) {
    let from = source.at;
    const read = reader.read(source, step, (line, error) => rejected.push({ line, error }));
    const taken = pointsIn(reader.take(), series);
    assertEquals(taken.length, read.points);
    points.push(...taken);
    for (let i = 0; i < read.refused.length; i += 2) {
      const [start, end] = read.refused.slice(i, i + 2);
      kept += new TextDecoder().decode(bytes.subarray(from, start));
      refused.push(new TextDecoder().decode(bytes.subarray(start, end)));
      from = end;
    }
    kept += new TextDecoder().decode(bytes.subarray(from, source.at));
  }
  return { points, rejected, reader, refused, kept };
}

function one(line: string, options: Parameters<typeof read>[1] = {}): PlainPoint {
  const { points, rejected } = read(line, options);
  assertEquals(rejected, []);
  assertEquals(points.length, 1);
  return points[0];
}

/** The line is refused with this text, and the lines around it are kept. */
function bad(line: string, reason: string, options: Parameters<typeof read>[1] = {}): void {
  const { points, rejected, refused } = read(`before a=1\n${line}\nafter a=1\n`, options);
  assertEquals(rejected.map(({ line }) => line), [2], line);
  assertStringIncludes(rejected[0].error, reason);
  assertEquals(points.map(({ measurement }) => measurement), ["before", "after"], line);
  assertEquals(refused, [`${line}\n`]);
}

Deno.test("a line becomes a point with tags, fields of each type, and nanoseconds", () => {
  assertEquals(
    one(
      'cpu,region=eu,host=a usage=64.5,n=-7i,u=18446744073709551615u,ok=t,s="x" 1609459200000000001',
    ),
    {
      measurement: "cpu",
      tags: [["host", "a"], ["region", "eu"]],
      fields: Object.assign(Object.create(null), {
        usage: ["float", 64.5],
        n: ["integer", -7n],
        u: ["unsigned", 18446744073709551615n],
        ok: ["boolean", true],
        s: ["string", "x"],
      }),
      time: 1609459200000000001n,
    },
  );
});

Deno.test("a backslash takes its meaning from a comma, a space and, outside of the measurement, from =", () => {
  const { measurement, tags, fields } = one(
    String.raw`a\,b\ c\=d,k\=\ \,e=v\ \,\=w\x,q="x" f\ \=\,g=1`,
  );
  assertEquals(measurement, String.raw`a,b c\=d`);
  assertEquals(tags, [["k= ,e", String.raw`v ,=w\x`], ["q", '"x"']]);
  assertEquals(Object.keys(fields), ["f =,g"]);
});

Deno.test("two backslashes before a space are one, and a space that belongs to the name", () => {
  assertEquals(one(String.raw`a\\ b v=1`).measurement, String.raw`a\ b`);
});

Deno.test('a quoted text holds line feeds, commas and spaces, and only \\" and \\\\ lose a backslash', () => {
  const line = 'log s="a, b=c\n# no comment\\n \\"q\\" \\\\ \\x é" 5';
  assertEquals(one(line).fields.s, ["string", 'a, b=c\n# no comment\\n "q" \\ \\x é']);
  const { points, rejected } = read(`${line}\nm a=1\nbroken`);
  assertEquals(points.length, 2);
  assertEquals(rejected.map(({ line }) => line), [4]);
});

Deno.test("comments, blank lines, carriage returns and spaces around the parts are passed over", () => {
  const { points, rejected } = read(
    '# c v=1\r\n\r\n \t\n  a   v=1i   7  \r\na v=2i\r\n\n#\na s="x"\r',
  );
  assertEquals(rejected, []);
  assertEquals(points.map(({ time }) => time), [7n, NOW_NS + 1n, NOW_NS + 2n]);
});

Deno.test("times of each precision become nanoseconds, up to both ends of what is kept", () => {
  const cases: [Precision, string, bigint][] = [
    ["ns", "9223372036854775806", 2n ** 63n - 2n],
    ["ns", "-9223372036854775806", -(2n ** 63n) + 2n],
    ["ns", "0", 0n],
    ["ns", "-1", -1n],
    ["ns", "4294967296", 2n ** 32n],
    ["ns", "-4294967296", -(2n ** 32n)],
    ["us", "1609459200000001", 1609459200000001000n],
    ["us", "-1", -1000n],
    ["ms", "9223372036854", 9223372036854000000n],
    ["s", "1609459200", 1609459200000000000n],
    ["m", "26824320", 1609459200000000000n],
    ["h", "447072", 1609459200000000000n],
  ];
  for (const [precision, text, ns] of cases) {
    assertEquals(one(`a v=1 ${text}`, { precision }).time, ns, `${text} ${precision}`);
  }
});

Deno.test("a line without a time has that of its receipt, cut to the precision", () => {
  assertEquals(one("a v=1").time, NOW_NS);
  assertEquals(one("a v=1", { precision: "ms" }).time, 1_700_000_000_123_000_000n);
  assertEquals(
    one("a v=1", { precision: "h" }).time,
    NOW_NS / 3_600_000_000_000n * 3_600_000_000_000n,
  );
});

Deno.test("times that no 64 bits hold are refused", () => {
  bad("a v=1 9223372036854775807", "lies outside");
  bad("a v=1 -9223372036854775807", "lies outside");
  bad("a v=1 99999999999999999999999999", "lies outside");
  bad("a v=1 9223372037", "lies outside", { precision: "s" });
  bad("a v=1 1609459200000000", "set precision", { precision: "s" });
  bad("a v=1 1.5", "whole number");
  bad("a v=1 5 6", "whole number");
  bad("a v=1 abc", "whole number");
});

Deno.test("numbers are the nearest float, and integers are exact", () => {
  for (
    const text of [
      "0",
      "-0",
      "1",
      "1.",
      ".5",
      "-.5",
      "0.1",
      "123456789012345678",
      "1.7976931348623157e308",
      "5e-324",
      "9007199254740993",
      "0.000000000000000000000001",
      "1e22",
      "1E+23",
      "4.35",
      "00012.50",
    ]
  ) {
    const [, value] = one(`a v=${text} 1`).fields.v;
    assertEquals(Object.is(value, Number(text)), true, text);
  }
  for (
    const text of ["0", "-0", "9223372036854775807", "-9223372036854775808", "4294967296", "-1"]
  ) {
    assertEquals(one(`a v=${text}i 1`).fields.v, ["integer", BigInt(text)]);
  }
  assertEquals(one("a v=00000000000000000000000000018i 1").fields.v, ["integer", 18n]);
  assertEquals(one("a v=9007199254740993u").fields.v, ["unsigned", 9007199254740993n]);
});

Deno.test("what is no value is refused with what would be right", () => {
  bad("a v=", "there is no value");
  bad("a v=abc", "there is no value");
  bad("a v=NaN", "there is no value");
  bad("a v=+1", "there is no value");
  bad("a v=-", "no number");
  bad("a v=.", "no number");
  bad("a v=1e", "no number");
  bad("a v=1e400", "beyond 1.8e308");
  bad("a v=1.5i", "after a value");
  bad("a v=1e5i", "after a value");
  bad("a v=9223372036854775808i", "the integer is beyond 9223372036854775807");
  bad("a v=-9223372036854775809i", "the integer is beyond -9223372036854775808");
  bad("a v=18446744073709551616u", "the integer is beyond 18446744073709551615");
  bad("a v=-1u", "not negative");
  bad("a v=truer", "not a boolean");
  bad("a v=tt", "not a boolean");
  bad('a v="x"y', "after a value");
  bad("a v=1,", "a field is missing here");
  bad("a v=1,=2", "no name before its =");
  bad("a v=1,w", "write w=VALUE");
  bad("a v=1,v=2", "twice");
  bad("a n=1,n=2", "twice");
  bad("a time=1", '"time"');
  bad("a", "there are no fields");
  bad("a ", "there are no fields");
});

Deno.test("what is no measurement with tags is refused with what would be right", () => {
  bad(",k=v f=1", "there is no measurement");
  bad("a,k= f=1", "has no value");
  bad("a,=v f=1", "has no key");
  bad("a,k f=1", "write k=VALUE");
  bad("a,,k=v f=1", "a tag is missing");
  bad("a, f=1", "a tag is missing");
  bad("a,k=v=w f=1", "write it as \\=");
  bad("a,k=v,k=w f=1", "twice");
  bad("a,time=v f=1", '"time"');
});

Deno.test("text that is not UTF-8 is refused, and the lines around it are kept", () => {
  const parts = ['ok v=1\na s="', [0xff], '"\nb,k=', [0xc3], " v=1\nok v=2\n"];
  const bytes = new Uint8Array(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );
  const { points, rejected } = read(bytes);
  assertEquals(points.length, 2);
  assertEquals(rejected.map(({ line }) => line), [2, 3]);
  for (const { error } of rejected) assertStringIncludes(error, "UTF-8");
});

Deno.test("a quote that is not closed takes all that follows, and says how far it goes", () => {
  const { points, rejected, refused } = read('a v=1\na s="x\na v=2\na v=3\n');
  assertEquals(points.length, 1);
  assertEquals(rejected.length, 1);
  assertEquals(rejected[0].line, 2);
  assertStringIncludes(rejected[0].error, "the text has no end");
  assertStringIncludes(rejected[0].error, "goes on to line 5");
  assertEquals(refused, ['a s="x\na v=2\na v=3\n']);
});

Deno.test("a field of another type than that of its first point is refused", () => {
  const { points, rejected, reader } = read("a v=1\na v=1i\na v=2\nb v=1i\n");
  assertEquals(points.length, 3);
  assertEquals(rejected.map(({ line }) => line), [2]);
  assertStringIncludes(rejected[0].error, '"v" of "a" is float');
  // Also by a later text.
  assertEquals(read('a v="x"', { reader }).rejected.length, 1);
});

Deno.test("a line that is refused leaves nothing behind: no field, series, tag or measurement", () => {
  const { reader, rejected, points } = read(
    'a,k=v new=1i,w=oops\nb,k=v f=1 oops\na,k=v new=1.5\na,k=w,l=x new=2 oops\na new="s"\na s="y"\n',
  );
  assertEquals(rejected.map(({ line }) => line), [1, 2, 4, 5]);
  assertEquals(points.length, 2);
  assertEquals([...reader.catalog.measurements()].map(({ name }) => name), ["a"]);
  const a = reader.catalog.get("a")!;
  assertEquals([...a.tags.keys()], ["k"]);
  assertEquals([...a.fields.values()].map(({ name, type }) => `${name} ${type}`), [
    "new float",
    "s string",
  ]);
  assertEquals(a.seriesCount, 2);
});

Deno.test("the type of a field that only a refused line had is that of the first good one", () => {
  const { points, rejected } = read("a w=1\na x=1i oops\na x=1.5\na w=1,y=t oops\na w=1,y=2\n");
  assertEquals(rejected.map(({ line }) => line), [2, 4]);
  assertEquals(points.map(({ fields }) => Object.keys(fields)), [["w"], ["x"], ["w", "y"]]);
});

Deno.test("names that SQL cannot tell apart get names that it can", () => {
  const { reader } = read("A,host=x,Host=y host=1,HOST=2,v=1\na v=1\na_1 v=1\n");
  const tables = [...reader.catalog.measurements()].map(({ table }) => table);
  assertEquals(tables, ["A", "a_1", "a_1_1"]);
  const { tags, fields } = reader.catalog.get("A")!;
  assertEquals([...tags.values()].map(({ column }) => column), ["Host", "host_1"]);
  assertEquals([...fields.values()].map(({ column }) => column), ["host_2", "HOST_3", "v"]);
});

Deno.test("the time of an event is its second and the number of its point, so that each is apart", () => {
  const { points } = read("#a v=1i 5\n#a v=1i 5\nbad\n#a v=1i -5\n", {
    precision: "s",
    spread: 999_999_999,
  });
  assertEquals(points.map(({ measurement, time }) => [measurement, time]), [
    ["#a", 5_999_999_999n],
    ["#a", 5_000_000_000n],
    ["#a", -5_000_000_001n],
  ]);
});

Deno.test("each limit refuses what is beyond it, and lets what is known pass", () => {
  const cases: [Partial<Limits>, string, string][] = [
    [{ maxLineBytes: 10 }, "a v=1 123", "a v=1 12345"],
    [{ maxNameBytes: 3 }, "abc v=1", "abcd v=1"],
    [{ maxNameBytes: 3 }, "a abc=1", "a abcd=1"],
    [{ maxNameBytes: 3 }, "a,abc=1 v=1", "a,abcd=1 v=1"],
    [{ maxKeyBytes: 5 }, "a,k=v v=1", "a,k=vw v=1"],
    [{ maxMeasurements: 1 }, "a v=1\na v=2", "b v=1"],
    [{ maxTags: 1 }, "a,k=v v=1\na,k=w v=1", "a,l=v v=1"],
    [{ maxFields: 2 }, "a v=1,w=1\na w=2", "a x=1"],
    [{ maxSeries: 2 }, "a,k=v v=1\nb v=1\na,k=v v=2", "a v=1"],
  ];
  for (const [limits, good, beyond] of cases) {
    const { rejected, points } = read(`${good}\n${beyond}\n${good}`, { limits });
    const lines = good.split("\n").length;
    assertEquals(rejected.map(({ line }) => line), [lines + 1], JSON.stringify([limits, rejected]));
    assertEquals(points.length, lines * 2);
  }
  // Fields that are new in one line count together.
  assertEquals(read("a v=1,w=1,x=1", { limits: { maxFields: 2 } }).rejected.length, 1);
});

const word = fc.string({
  unit: fc.constantFrom("a", "b", "k", "\\", ",", " ", "=", '"', "é"),
  minLength: 1,
  maxLength: 4,
});
const soup = fc.string({
  unit: fc.constantFrom(
    "a",
    "b",
    ",",
    "=",
    " ",
    "\t",
    '"',
    "\\",
    "\n",
    "\r",
    "#",
    "1",
    "2",
    "i",
    "u",
    ".",
    "-",
    "e",
    "t",
    "a v=1",
    '="',
    "\na,k=b v=",
  ),
  maxLength: 40,
});
const escaped = word.map((text) => text.replaceAll(/[, =]/g, "\\$&"));
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => `${n}i`),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => `${n}u`),
  fc.constantFrom("t", "F", "true", "FALSE", "", "tru"),
  fc.string({
    unit: fc.constantFrom("a", "é", "\n", "\r", ",", " ", "=", '\\"', "\\\\", "\\"),
    maxLength: 30,
  })
    .map((text) => `"${text}"`),
);
const line = fc.tuple(
  escaped,
  fc.array(fc.tuple(escaped, escaped), { maxLength: 2 }),
  fc.array(fc.tuple(escaped, value), { minLength: 1, maxLength: 3 }),
  fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
).map(([measurement, tags, fields, time]) =>
  `${measurement}${tags.map(([key, value]) => `,${key}=${value}`).join("")} ${
    fields.map(([key, value]) => `${key}=${value}`).join(",")
  }${time === null ? "" : ` ${time}`}`
);

Deno.test("whatever comes is read as a slow and obvious reader reads it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(line, soup), { maxLength: 8 }).map((lines) => lines.join("\n")),
      fc.constantFrom<Precision>("ns", "ns", "us", "ms", "s", "m", "h"),
      fc.integer({ min: 1, max: 60 }),
      (text, precision, step) => {
        const expected = oracle(text, precision, NOW_NS);
        const { points, rejected } = read(text, { precision, step });
        assertEquals(rejected.map(({ line }) => line), expected.rejected);
        assertEquals(byMeasurement(points), byMeasurement(expected.points));
      },
    ),
    { numRuns: 3000, interruptAfterTimeLimit: 20_000 },
  );
});

Deno.test("what was accepted is accepted again, to the same points, when the refused lines are left out", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(line, soup), { maxLength: 8 }), (lines) => {
      const text = lines.join("\n");
      const first = read(text);
      const second = read(first.kept);
      // Line by line, in other parts: each has the time that it would have had.
      assertEquals(byMeasurement(read(text, { step: 1 }).points), byMeasurement(first.points));
      assertEquals(second.rejected, []);
      assertEquals(second.points, first.points);
    }),
    { numRuns: 1000, interruptAfterTimeLimit: 10_000 },
  );
});

Deno.test("any bytes are read to their end, and nothing but refused lines comes of it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      read(new Uint8Array(bytes));
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 10_000 },
  );
});
