import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { findFrames } from "../../src/journal/frame.ts";
import {
  confirmedRecord,
  cutRecord,
  eventsCapacity,
  type Head,
  headRecord,
  type JournalRecord,
  MAX_EVENTS,
  readRecord,
  roomIn,
  writeEvents,
} from "../../src/journal/records.ts";
import { anyCells } from "./_cells.ts";

function read(bytes: Uint8Array): JournalRecord {
  const [found, ...more] = [...findFrames(bytes)];
  assertEquals(more, []);
  assert(found.kind === "record");
  return readRecord(found.payload);
}

const anyCheckpoint = fc.record({
  incarnation: fc.uuid(),
  flush: fc.maxSafeNat(),
  part: fc.nat(),
});

Deno.test("readRecord() gives back a head", () => {
  const head: Head = {
    version: 1,
    writer: 'w"ä',
    prefix: "p\0",
    incarnation: "i",
    segment: 7,
    nextEvent: 2 ** 53 - 1,
    confirmed: { checkpoint: { incarnation: "i", flush: 3, part: 0 }, covers: 9 },
    neededFrom: 5,
    damaged: [1, 2],
  };
  assertEquals(read(headRecord(head)), { kind: "head", head });
});

Deno.test("readRecord() gives back a confirmation", () => {
  fc.assert(fc.property(anyCheckpoint, fc.maxSafeNat(), (checkpoint, covers) => {
    const confirmed = { checkpoint, covers };
    assertEquals(read(confirmedRecord(confirmed)), { kind: "confirmed", confirmed });
  }));
});

Deno.test("readRecord() gives back a cut with its chunks", () => {
  fc.assert(fc.property(
    fc.option(anyCheckpoint),
    fc.maxSafeNat(),
    fc.array(anyCells, { maxLength: 4 }),
    (previous, covers, chunks) => {
      const head = { incarnation: "i", flush: 4, covers, previous };
      const record = read(cutRecord(head, chunks));
      assert(record.kind === "cut");
      assertEquals(record.head, { ...head, parts: chunks.length });
      assertEquals(record.chunks(), chunks);
      assertEquals(record.chunks(), chunks, "as often as it is asked");
    },
  ));
});

Deno.test("readRecord() gives back events, where they stand in a larger block", () => {
  // A line of JSON has no line end.
  const line = fc.string({ unit: "grapheme" }).map((text) => JSON.stringify({ event: text }));
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer(), line), { minLength: 1, maxLength: MAX_EVENTS }),
    fc.maxSafeNat(),
    fc.nat(50),
    (events, first, offset) => {
      const text = events.map(([, line]) => line).join("\n");
      const room = offset + eventsCapacity(events.length, text);
      const bytes = new Uint8Array(room + 30).subarray(10);
      const seconds = events.map(([second]) => second);
      const end = writeEvents(roomIn(bytes), offset, first, 1234, seconds, text);
      assert(end <= room);
      const record = read(bytes.subarray(offset, end));
      assert(record.kind === "events");
      assertEquals([record.first, record.count, record.receivedMs], [first, events.length, 1234]);
      assertEquals(record.events(), events.map(([seconds, text]) => ({ seconds, text })));
    },
  ));
});

Deno.test("readRecord() keeps a byte order mark, and the widest characters have room", () => {
  const text = "\ufeff" + "\uffff".repeat(1000);
  const bytes = new Uint8Array(eventsCapacity(1, text));
  const record = read(bytes.subarray(0, writeEvents(roomIn(bytes), 0, 1, 0, [5], text)));
  assert(record.kind === "events");
  assertEquals(record.events(), [{ seconds: 5, text }]);
});

Deno.test("readRecord() refuses another kind, and events that are fewer than they say", () => {
  assertThrows(() => readRecord(Uint8Array.of(9)), RangeError, "kind 9");
  assertThrows(() => readRecord(new Uint8Array()), RangeError);
  const bytes = new Uint8Array(100);
  const end = writeEvents(roomIn(bytes), 0, 1, 0, [1, 2], "only one");
  const record = read(bytes.subarray(0, end));
  assert(record.kind === "events");
  assertThrows(() => record.events(), RangeError, "wanted 2 events");
});

Deno.test("readRecord() ends with an error or with a record, on any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(5), (rest, kind) => {
    try {
      const record = readRecord(Uint8Array.of(kind, ...rest));
      if (record.kind === "cut") record.chunks();
      if (record.kind === "events") record.events();
    } catch (error) {
      assert(error instanceof Error);
    }
  }));
});
