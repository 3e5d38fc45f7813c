import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodePoint, encodePoints } from "../../../src/series/points/encode.ts";
import type { Point } from "../../../src/series/points/point.ts";
import { oracle } from "./_oracle.ts";

Deno.test("a point becomes a line with a type for each value", () => {
  assertEquals(
    encodePoint({
      measurement: "cpu load",
      tags: { host: "a,b", absent: undefined },
      fields: { f: 1.5, i: 7n, u: { unsigned: 8n }, s: 'say "x"\n\\', ok: true, absent: undefined },
      time: new Date(1_609_459_200_001),
    }),
    String.raw`cpu\ load,host=a\,b f=1.5,i=7i,u=8u,s="say \"x\"` + "\n" +
      String.raw`\\",ok=true 1609459200001000000`,
  );
});

Deno.test("what line protocol cannot say is refused, with what to do", () => {
  const bad = (point: Partial<Point>, message: string) => {
    const whole = { measurement: "a", fields: { v: 1 }, ...point };
    assertThrows(() => encodePoint(whole), RangeError, message);
  };
  bad({ measurement: "" }, "it is empty");
  bad({ measurement: "#a" }, "is a comment");
  bad({ measurement: "a\nb" }, "line break");
  bad({ tags: { k: "a\\" } }, "ends in a backslash");
  bad({ tags: { k: "" } }, "it is empty");
  bad({ tags: { k: 5 as unknown as string } }, "it is no text");
  bad({ tags: { k: "\ud800" } }, "half a character");
  bad({ tags: { time: "x" } }, "the time is called so");
  bad({ fields: { time: 1 } }, "the time is called so");
  bad({ fields: {} }, "no field");
  bad({ fields: { v: undefined } }, "no field");
  bad({ fields: { v: NaN } }, "no number to keep");
  bad({ fields: { v: 2n ** 63n } }, "more than 64 bits");
  bad({ fields: { v: { unsigned: -1n } } }, "wanted a number");
  bad({ fields: { v: null as unknown as number } }, "wanted a number");
  bad({ time: new Date(NaN) }, "wanted a Date");
  bad({ time: 2n ** 63n - 1n }, "wanted a Date");
});

const name = fc.string({ unit: "grapheme", minLength: 1 })
  .filter((text) => !/[\r\n\ue000-\ue002]|\\$|^#/.test(text) && text.isWellFormed())
  // Blanks in front of a line are no part of it.
  .filter((text) => text !== "time" && !/^[ \t]/.test(text));
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
);

Deno.test("whatever point can be written comes back as it was", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          measurement: name,
          tags: fc.dictionary(name, name, { maxKeys: 3 }),
          fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }),
          time: fc.bigInt({ min: -(2n ** 63n) + 2n, max: 2n ** 63n - 2n }),
        }),
        { maxLength: 3 },
      ),
      (points) => {
        const read = points.flatMap((point) => oracle(encodePoints([point]), "ns", 0n).points);
        assertEquals(read.length, points.length);
        for (const [i, { measurement, tags, fields, time }] of read.entries()) {
          assertEquals(measurement, points[i].measurement);
          assertEquals(time, points[i].time);
          assertEquals(tags, Object.entries(points[i].tags).sort(([a], [b]) => a < b ? -1 : 1));
          for (const [key, value] of Object.entries(points[i].fields)) {
            assertEquals(fields[key][1], value);
          }
        }
      },
    ),
    { numRuns: 500, interruptAfterTimeLimit: 10_000 },
  );
});
