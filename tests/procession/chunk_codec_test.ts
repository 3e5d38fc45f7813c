import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Columns, decodeChunk, encodeChunk } from "../../src/procession/chunk_codec.ts";

/** Any events of so many series, each of which has one. */
const chunk = fc.integer({ min: 1, max: 40 }).chain((series) =>
  fc.record({
    events: fc.array(
      fc.record({
        time: fc.nat(65_535),
        slot: fc.nat(series - 1),
        op: fc.nat(2),
        value: fc.oneof(fc.double(), fc.nat(5)),
      }),
      { maxLength: 200 },
    ),
    levels: fc.array(fc.double(), { minLength: series, maxLength: series }),
  })
).map(({ events, levels }) => {
  const first = levels.map((_, slot) => ({ time: slot, slot, op: slot % 3, value: slot }));
  return { events: [...first, ...events], levels };
});

function columnsOf(
  { events, levels }: typeof chunk extends fc.Arbitrary<infer T> ? T : never,
): Columns {
  return {
    times: Uint16Array.from(events, ({ time }) => time),
    slots: Uint16Array.from(events, ({ slot }) => slot),
    ops: Uint8Array.from(events, ({ op }) => op),
    values: Float64Array.from(events, ({ value }) => value),
    levels: Float64Array.from(levels),
  };
}

Deno.test("decodeChunk() gives back what encodeChunk() was given", () => {
  fc.assert(fc.property(chunk, (one) => {
    const columns = columnsOf(one);
    const bytes = encodeChunk(columns, one.events.length);
    assertEquals(decodeChunk(bytes, one.events.length, one.levels.length), columns);
    // Room behind the last event is not written.
    const roomy = { ...columns, times: new Uint16Array(300), slots: new Uint16Array(300) };
    roomy.times.set(columns.times);
    roomy.slots.set(columns.slots);
    assertEquals(encodeChunk(roomy, one.events.length), bytes);
  }));
});

Deno.test("decodeChunk() passes over the columns that are not wanted", () => {
  fc.assert(fc.property(chunk, fc.array(fc.boolean(), { maxLength: 40 }), (one, wishes) => {
    const columns = columnsOf(one);
    const wanted = Uint8Array.from(one.levels, (_, slot) => wishes[slot] ? 1 : 0);
    const some = decodeChunk(
      encodeChunk(columns, one.events.length),
      one.events.length,
      one.levels.length,
      wanted,
    );
    assertEquals([some.times, some.slots], [columns.times, columns.slots]);
    columns.slots.forEach((slot, i) => {
      assertEquals(some.values[i], wanted[slot] ? columns.values[i] : 0);
      assertEquals(some.ops[i], wanted[slot] ? columns.ops[i] : 0);
    });
  }));
});

Deno.test("decodeChunk() refuses ops, series and lengths that are none", () => {
  const events = [0, 1, 2, 1].map((slot, time) => ({ time, slot, op: 0, value: time }));
  const columns = columnsOf({ events, levels: [0, 0, 0] });
  const bytes = encodeChunk(columns, 4);
  assertEquals(decodeChunk(bytes, 4, 3), columns);
  for (const ops of [Uint8Array.of(3, 3, 3, 3), Uint8Array.of(0, 1, 0, 3)]) {
    assertThrows(() => decodeChunk(encodeChunk({ ...columns, ops }, 4), 4, 3), RangeError, "op 3");
  }
  const three = encodeChunk({ ...columns, slots: Uint16Array.of(0, 1, 3, 1) }, 4);
  assertThrows(() => decodeChunk(three, 4, 3), RangeError);
  assertThrows(() => decodeChunk(bytes, 3, 3), RangeError);
  assertThrows(() => decodeChunk(bytes, 4, 4), RangeError);
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assertThrows(() => decodeChunk(longer, 4, 3), RangeError, "behind the last column");
  assertThrows(() => decodeChunk(bytes.subarray(0, -1), 4, 3), RangeError);
});
