import { assertEquals, assertThrows } from "@std/assert";
import { type Filter, metricFilter, readUnit } from "../../src/engine/query.ts";
import { metricName } from "../../src/storage/metric.ts";
import type { Metric } from "../../src/storage/storage.ts";

const METRICS: readonly Metric[] = [
  { type: "bmp", pattern: "ip" },
  { type: "add", pattern: "event" },
  { type: "add", pattern: "event~geo" },
  { type: "adv", pattern: "event", addKey: "amount" },
  { type: "adv", pattern: "event~geo", addKey: "tax" },
  { type: "top", pattern: "geo" },
];

function accepted(filter: Filter): string[] {
  return METRICS.filter(metricFilter(filter)).map(metricName);
}

Deno.test("metricFilter() accepts by glob, a string or several, all without one", () => {
  const all = METRICS.map(metricName);
  assertEquals(accepted({}), all);
  assertEquals(accepted({ accept: undefined, ignore: undefined }), all);
  assertEquals(accepted({ accept: [] }), all);
  assertEquals(accepted({ accept: "add:*" }), ["add:event", "add:event~geo"]);
  assertEquals(accepted({ accept: "add:event" }), ["add:event"]);
  assertEquals(accepted({ accept: ["top:*", "bmp:*"] }), ["bmp:ip", "top:geo"]);
  assertEquals(accepted({ accept: "adv:*:event" }), ["adv:amount:event"]);
  assertEquals(accepted({ accept: "*:event*" }), [
    "add:event",
    "add:event~geo",
    "adv:amount:event",
    "adv:tax:event~geo",
  ]);
  assertEquals(accepted({ accept: "*geo" }), ["add:event~geo", "adv:tax:event~geo", "top:geo"]);
  assertEquals(accepted({ accept: "{bmp,top}:*" }), ["bmp:ip", "top:geo"]);
  assertEquals(accepted({ accept: "!add:*" }), all.filter((name) => !name.startsWith("add:")));
  assertEquals(accepted({ accept: "a?d:event" }), ["add:event"]);
  assertEquals(accepted({ accept: "nothing" }), []);
  assertEquals(accepted({ accept: "" }), []);
});

Deno.test("metricFilter() takes allow for accept, and both together", () => {
  assertEquals(accepted({ allow: "top:*" }), ["top:geo"]);
  assertEquals(accepted({ allow: "top:*", accept: "bmp:*" }), ["bmp:ip", "top:geo"]);
});

Deno.test("metricFilter() lets ignore win", () => {
  assertEquals(accepted({ ignore: "adv:*" }), ["bmp:ip", "add:event", "add:event~geo", "top:geo"]);
  assertEquals(accepted({ accept: "add:*", ignore: "*geo" }), ["add:event"]);
  assertEquals(accepted({ accept: "add:event", ignore: ["add:event"] }), []);
  assertEquals(accepted({ ignore: ["*"] }), []);
});

Deno.test("metricFilter() narrows to the selected metric", () => {
  assertEquals(accepted({ select: "add/geo~event" }), ["add:event~geo"]);
  assertEquals(accepted({ select: "adv/event" }), ["adv:amount:event"]);
  assertEquals(accepted({ select: { type: "top", key: "geo" }, ignore: "top:*" }), []);
  assertThrows(
    () => metricFilter({ select: "geo" as "top/geo" }),
    TypeError,
    "Cannot find a metric",
  );
});

Deno.test("metricFilter() refuses what is no glob", () => {
  for (const key of ["accept", "allow", "ignore"] as const) {
    const bad = (value: unknown, shown: string) => {
      assertThrows(
        () => metricFilter({ [key]: value } as Filter),
        TypeError,
        `Cannot query: wanted ${key} to be a glob or an array of globs, received ${shown}`,
      );
    };
    bad(7, "7");
    bad({}, "{}");
    bad(["add:*", 7], "7");
    bad([["add:*"]], '["add:*"]');
    bad(true, "true");
  }
});

Deno.test("readUnit() is d by default, and d or h", () => {
  assertEquals([undefined, null, "d", "h"].map(readUnit), ["d", "d", "d", "h"]);
  for (const unit of ["", "day", "D", 1, {}]) {
    assertThrows(() => readUnit(unit), TypeError, 'Cannot query: wanted unit "d" or "h", received');
  }
});
