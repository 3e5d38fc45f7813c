import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/base/errors.ts";
import type { MetricResult, ResultBucket } from "../../src/engine/result.ts";
import {
  bucketsFromWire,
  bucketsToWire,
  errorLine,
  fromWire,
  isEventRefusal,
  okLine,
  parseReply,
  toWire,
} from "../../src/protocol/replies.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";

const field = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
  fc.constantFrom("__proto__", "constructor", "toJSON", "hasOwnProperty", "0", "-1", ""),
);
const amount = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0);
const hash = fc.array(fc.tuple(field, amount)).map((entries) => {
  const result: Record<string, number> = Object.create(null);
  for (const [name, value] of entries) result[name] = value;
  return result;
});
const head = { key: fc.array(field, { minLength: 1 }), location: fc.constant("p:t:d:0:k") };
const result: fc.Arbitrary<MetricResult> = fc.oneof(
  fc.record({ ...head, type: fc.constant("bmp" as const), count: fc.nat() }),
  fc.record({ ...head, type: fc.constant("add" as const), counts: hash }),
  fc.record({
    ...head,
    type: fc.constant("top" as const),
    ranked: fc.array(fc.tuple(field, amount)),
  }),
  fc.record({
    ...head,
    type: fc.constant("adv" as const),
    addKey: field,
    sums: hash,
    sum: amount,
    count: fc.nat(),
  }),
);

/** Metrics of which no two `adv` are the same one, as in a bucket. */
const results = fc.uniqueArray(result, {
  selector: (result) =>
    result.type === "adv" ? JSON.stringify([result.key, result.addKey]) : Symbol(),
});

/** Own entries in order: assertEquals alone might look at prototypes. */
function entriesOf(results: readonly MetricResult[]): unknown {
  return results.map((result) => ({
    ...result,
    counts: Object.entries("counts" in result ? result.counts : {}),
    sums: Object.entries("sums" in result ? result.sums : {}),
  }));
}

Deno.test("fromWire reads what toWire writes, whatever the fields are called", () => {
  fc.assert(fc.property(results, fc.boolean(), (all, merged) => {
    const sent = merged ? all.map((result) => ({ ...result, location: "" })) : all;
    const reply = parseReply(okLine(sent.flatMap(toWire)).trimEnd());
    const read = fromWire(reply.success && reply.data);
    assertEquals(entriesOf(read), entriesOf(sent));
    for (const result of read) {
      if ("counts" in result) assertEquals(Object.getPrototypeOf(result.counts), null);
      if ("sums" in result) assertEquals(Object.getPrototypeOf(result.sums), null);
    }
  }));
});

Deno.test("bucketsFromWire reads what bucketsToWire writes", () => {
  const bucket: fc.Arbitrary<ResultBucket> = fc.record({
    start: fc.integer(),
    label: fc.string(),
    results,
  });
  fc.assert(fc.property(fc.array(bucket, { maxLength: 3 }), (buckets) => {
    const reply = parseReply(okLine(bucketsToWire(buckets), '"id"').trimEnd());
    const read = bucketsFromWire(reply.success && reply.data);
    const plain = (all: ResultBucket[]) =>
      all.map(({ start, label, results }) => [start, label, entriesOf(results)]);
    assertEquals(plain(read), plain(buckets));
  }));
});

Deno.test("errorLine is one line, whatever the error says", () => {
  const line = errorLine(new Error("two\nlines \u2028 and a lone \ud800"), "7");
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(parseReply(line.trimEnd()), {
    success: false,
    error: "two\nlines \u2028 and a lone \ud800",
  });
  assertEquals(errorLine("text"), '{"success":false,"error":"text"}\n');
});

Deno.test("fromWire puts a Summary to its FloatHash in any order, and takes either alone", () => {
  const adv = {
    type: "adv" as const,
    key: ["a"],
    location: "l",
    addKey: "n",
    sums: { x: 1.5 },
    sum: 1.5,
    count: 1,
  };
  const [hash, summary] = toWire(adv);
  assertEquals(fromWire([hash, summary]).length, 1);
  assertEquals(entriesOf(fromWire([summary, hash])), entriesOf([adv]));
  assertEquals(entriesOf(fromWire([summary])), entriesOf([{ ...adv, sums: {} }]));
  assertEquals(entriesOf(fromWire([hash])), entriesOf([{ ...adv, sum: 0, count: 0 }]));
});

Deno.test("parseReply and fromWire refuse what is no reply, saying what was wanted", () => {
  const refused = (read: () => unknown) =>
    assertThrows(read, ProtocolError, "Cannot read the reply: ");
  for (const line of ["", "hello", "[]", "null", "{}", '{"success":1}', '{"success":false}']) {
    refused(() => parseReply(line));
  }
  for (
    const data of [
      null,
      {},
      [1],
      [{ result: {} }],
      [{ metric_type: "add", key: ["a"], location: "", result: { Count: 1 } }],
      [{ metric_type: "add", key: ["a"], location: "", result: { Hash: { a: "1" } } }],
      [{ metric_type: "top", key: ["a"], location: "", result: { Ranked: [["a"]] } }],
      [{ metric_type: "sum", key: ["a"], location: "", result: { Count: 1 } }],
    ]
  ) {
    refused(() => fromWire(data));
  }
  refused(() => bucketsFromWire([{ date: 1, timestamp: 0, results: [] }]));
  refused(() => bucketsFromWire([{ date: "", timestamp: "0", results: [] }]));
});

Deno.test("isEventRefusal knows every EventError of the engine, and no other error", async () => {
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    mapping: { add: ["event", "n", "m"], addValue: [{ key: "event", addKey: "n" }] },
    time: { property: "created" },
    retention: { d: "1d" },
    limits: { maxMetricsPerEvent: 1 },
  });
  const bad: [unknown, number?][] = [
    [null],
    ["text"],
    [{}],
    [{ event: 1 }],
    [{ event: "~" }],
    [{ event: "a", n: 1, m: 2 }],
    [{ event: "a", created: "never" }],
    [{ event: "a", created: 1e12 }],
    [{ event: "a" }, NaN],
    [{ event: "a" }, 0],
    [{ event: "a" }, 1e11],
  ];
  for (const [event, at] of bad) {
    const { rejected } = await traqq.recordMany([event], { at });
    assertEquals(isEventRefusal(rejected[0].error.message), true, rejected[0].error.message);
  }
  for (
    const other of [
      "Cannot read the line: …",
      'Cannot record: "event" is missing',
      "Cannot use a traqq that was closed: open another one",
      "Storage did not confirm within flush.deadlineMs",
      "Cannot reach it",
    ]
  ) {
    assertEquals(isEventRefusal(other), false, other);
  }
});
