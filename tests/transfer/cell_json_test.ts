import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Cell } from "../../src/storage/storage.ts";
import { cellLine, cellOf } from "../../src/transfer/cell_json.ts";
import { oddCells, sketchOf } from "./_cells.ts";

Deno.test("cellLine() writes the lines that are documented", () => {
  const line = (cell: Cell, want: string) => assertEquals(cellLine(cell), want);
  const place = { unit: "d", start: 1767225600 } as const;
  const adv = { type: "adv", pattern: "event", addKey: "amount" } as const;
  line(
    {
      kind: "count",
      ...place,
      metric: { type: "add", pattern: "event~geo" },
      field: "buy~US",
      count: 12,
    },
    '{"type":"add","unit":"d","start":1767225600,"pattern":"event~geo","field":"buy~US","count":12}',
  );
  line(
    { kind: "sum", ...place, metric: adv, field: "buy", sum: -20_500_000n },
    '{"type":"adv","unit":"d","start":1767225600,"pattern":"event","addKey":"amount","field":"buy","sum":"-20.5"}',
  );
  line(
    { kind: "tally", ...place, metric: adv, count: 3 },
    '{"type":"adv","unit":"d","start":1767225600,"pattern":"event","addKey":"amount","count":3}',
  );
  const sketch = cellLine({
    kind: "sketch",
    ...place,
    metric: { type: "bmp", pattern: "ip" },
    sketch: sketchOf(3),
  });
  assertStringIncludes(sketch, '"pattern":"ip","sketch":"SFlMTAE');
});

Deno.test("cellOf() gives back every cell, however odd", () => {
  for (const cell of oddCells()) assertEquals(cellOf(JSON.parse(cellLine(cell))), cell);
});

Deno.test("cellOf() gives back any cell (property)", () => {
  const text = fc.string({ unit: "binary", maxLength: 20 });
  const place = { unit: fc.constantFrom("d" as const, "h" as const), start: fc.maxSafeInteger() };
  const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  const adv = fc.record({ type: fc.constant("adv" as const), pattern: text, addKey: text });
  const cells = fc.oneof(
    fc.record({
      kind: fc.constant("count" as const),
      metric: fc.record({ type: fc.constantFrom("add" as const, "top" as const), pattern: text }),
      ...place,
      field: text,
      count,
    }),
    fc.record({
      kind: fc.constant("sum" as const),
      metric: adv,
      ...place,
      field: text,
      sum: fc.bigInt(-(2n ** 90n), 2n ** 90n),
    }),
    fc.record({ kind: fc.constant("tally" as const), metric: adv, ...place, count }),
    fc.record({
      kind: fc.constant("sketch" as const),
      metric: fc.record({ type: fc.constant("bmp" as const), pattern: text }),
      ...place,
      sketch: fc.nat(3000).map(sketchOf),
    }),
  );
  fc.assert(
    fc.property(cells, (cell) => {
      const line = cellLine(cell);
      assertEquals(line.includes("\n"), false);
      assertEquals(cellOf(JSON.parse(line)), { ...cell, start: cell.start + 0 });
    }),
    { numRuns: 300 },
  );
});

Deno.test("cellOf() refuses what is no cell, and says why", () => {
  const count = { type: "add", unit: "d", start: 0, pattern: "event", field: "a", count: 1 };
  const sum = { type: "adv", unit: "d", start: 0, pattern: "e", addKey: "n", field: "a", sum: "1" };
  const tally = { type: "adv", unit: "d", start: 0, pattern: "e", addKey: "n", count: 1 };
  const sketch = { type: "bmp", unit: "d", start: 0, pattern: "e", sketch: sketchOf(3).toBase64() };
  for (const good of [count, sum, tally, sketch]) cellOf(good);
  const bad = (value: unknown, message: string) => {
    const error = assertThrows(() => cellOf(value), TypeError, "Cannot read a cell: ");
    assertStringIncludes((error as Error).message, message);
  };
  bad(null, "wanted a JSON object, received null");
  bad([count], "wanted a JSON object");
  bad("x", "wanted a JSON object");
  bad({ ...count, type: "sum" }, 'as type, received "sum"');
  bad({ ...count, unit: "w" }, 'wanted d or h as unit, received "w"');
  bad({ ...count, start: "0" }, 'wanted a whole unix second as start, received "0"');
  bad({ ...count, start: 0.5 }, "whole unix second as start, received 0.5");
  bad({ ...count, pattern: 1 }, "wanted text as pattern, received 1");
  bad({ ...count, field: undefined }, "wanted text as field, received nothing");
  bad({ ...count, count: 0 }, "from 1 to 2^53 - 1, received 0");
  bad({ ...count, count: 1.5 }, "received 1.5");
  bad({ ...count, count: 2 ** 53 }, "from 1 to 2^53 - 1");
  bad({ ...count, count: "1" }, "wanted a whole number as count");
  bad({ ...count, more: 1 }, 'received "more"');
  bad(JSON.parse('{"__proto__":{},"type":"add"}'), 'received "__proto__"');
  bad({ ...count, sum: "1" }, "wanted no such member");
  bad({ ...count, addKey: "n" }, "wanted no such member");
  bad({ ...tally, addKey: undefined }, "wanted text as addKey");
  bad({ ...sum, count: 1 }, "wanted no such member");
  for (const text of ["", "1.", "1.0", "1.50", "01", "-0", "+1", "1e3", "0.0000001", " 1", "1\n"]) {
    bad({ ...sum, sum: text }, "wanted a decimal");
  }
  bad({ ...sum, sum: 1 }, "wanted a decimal as text as sum, received 1");
  bad({ ...sketch, sketch: "" }, "its sketch is damaged");
  bad({ ...sketch, sketch: sketch.sketch.slice(0, -4) }, "its sketch is damaged");
  bad({ ...sketch, sketch: "*" }, "its sketch is damaged");
  bad({ ...sketch, field: "a" }, "wanted no such member");
});
