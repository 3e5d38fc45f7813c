import { assert, assertEquals, assertThrows } from "@std/assert";
import { StorageError } from "../../../src/base/errors.ts";
import {
  assertPrefix,
  besideKey,
  Book,
  knownKey,
  metricKey,
  parseKnown,
  summaryKey,
  unnameable,
} from "../../../src/storage/redis/keys.ts";
import type { Metric } from "../../../src/storage/storage.ts";

const ADV: Metric = { type: "adv", pattern: "event~geo", addKey: "amount" };
const at = { unit: "d" as const, start: 1_700_000_000 };

Deno.test("metricKey() is the Rust traqq's", () => {
  const key = (metric: Metric) => metricKey("myapp", { metric, ...at });
  assertEquals(key({ type: "bmp", pattern: "ip" }), "myapp:bmp:d:1700000000:ip");
  assertEquals(key(ADV), "myapp:adv:d:1700000000:amount:event~geo");
  assertEquals(summaryKey(key(ADV)), "myapp:adv:d:1700000000:amount:event~geo:i");
  assertEquals(knownKey("myapp", "d", 1_700_000_000), "myapp:k:d:1700000000");
  assertEquals(knownKey("myapp", "h", -0), "myapp:k:h:0");
});

Deno.test("parseKnown() reads what metricKey() and summaryKey() write", () => {
  const metrics: Metric[] = [
    { type: "add", pattern: "event" },
    { type: "top", pattern: "a:b" },
    { type: "bmp", pattern: "" },
    ADV,
    { type: "adv", pattern: "i", addKey: "amount" },
    { type: "adv", pattern: "i", addKey: "i" },
  ];
  for (const prefix of ["app", "a:b", "{app}"]) {
    for (const metric of metrics) {
      const key = metricKey(prefix, { metric, ...at });
      const parse = (key: string) => parseKnown(prefix, at.unit, at.start, key);
      assertEquals(parse(key), { metric, summary: false });
      if (metric.type === "adv") assertEquals(parse(summaryKey(key)), { metric, summary: true });
      assertEquals(parseKnown("other", at.unit, at.start, key), null);
      assertEquals(parseKnown(prefix, "h", at.start, key), null);
      assertEquals(parseKnown(prefix, at.unit, at.start + 1, key), null);
    }
  }
});

Deno.test("parseKnown() gives null for what is of no such layout", () => {
  const bad = ["app", "app:add:d:1700000000", "app:xyz:d:1700000000:a", "app:adv:d:1700000000:a"];
  for (
    const key of [...bad, "app:adv:d:1700000000:a:b:c", "app:adv:d:1700000000:a:b:i:i", "appadd"]
  ) {
    assertEquals(parseKnown("app", at.unit, at.start, key), null, key);
  }
});

Deno.test("the keys of the prefixes app and {app} never meet, and lie where they must", () => {
  const all = (prefix: string) => {
    const book = new Book(prefix);
    const key = metricKey(prefix, { metric: ADV, ...at });
    return [
      ...["w", "x:cp:w"].flatMap((writer) => [book.checkpoint(writer), book.lease(writer)]),
      ...(["d", "h"] as const).flatMap((unit) => [book.starts(unit), book.versions(unit)]),
      ...[book.writers, book.timezone, book.scratch, book.prune, key, knownKey(prefix, "d", 0)],
      ...(["cps", "tmp", "cp"] as const).map((what) => besideKey(prefix, key, what)),
    ];
  };
  const tagOf = (key: string) => /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  const plain = all("app");
  const tagged = all("{app}");
  assertEquals(new Set([...plain, ...tagged]).size, plain.length + tagged.length);
  assert(tagged.every((key) => tagOf(key) === "app"), "all of a prefix that is a tag");
  const book = plain.filter((key) => key.includes(":meta:"));
  assertEquals(book.length, 12);
  assert(book.every((key) => tagOf(key) === "app"), "the bookkeeping of another");
  const key = metricKey("app", { metric: ADV, ...at });
  for (const what of ["cps", "tmp", "cp"] as const) {
    assertEquals(tagOf(besideKey("app", key, what)), key, "what stands beside a key");
  }
});

Deno.test("assertPrefix() takes no braces but one whole tag", () => {
  for (const prefix of ["app", "a b", "{app}", "a:b", "~"]) assertPrefix(prefix);
  for (const prefix of ["", "{", "}", "{}", "a{b}", "{a}b", "{a}{b}", "{{a}}", "{a"]) {
    const error = assertThrows(() => assertPrefix(prefix), StorageError);
    assertEquals(error.code, "refused");
  }
});

Deno.test("unnameable() refuses names that would be other keys or other slots", () => {
  const why = (metric: Metric, prefix = "app") => unnameable(prefix, { metric, ...at });
  assertEquals(why(ADV), null);
  assertEquals(why({ type: "add", pattern: "a:b" }), null);
  assert(why({ type: "add", pattern: "a{b" }) !== null);
  assert(why({ ...ADV, addKey: "}" }) !== null);
  assert(why({ ...ADV, addKey: "a:b" }) !== null);
  assert(why({ ...ADV, pattern: "a:i" }) !== null);
  assert(why({ type: "add", pattern: "a:cp:b" }, "{app}") !== null);
});
