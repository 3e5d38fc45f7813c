import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { findFrames, FRAME_BYTES } from "../../src/journal/frame.ts";
import {
  confirmedRecord,
  cutRecord,
  eventsCapacity,
  type Head,
  headRecord,
  type JournalRecord,
  MAX_EVENTS,
  readRecord,
  type Room,
  roomIn,
  textsCapacity,
  writeLines,
  writeTexts,
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
  const text = fc.string({ unit: "grapheme" });
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer(), text), { minLength: 1, maxLength: MAX_EVENTS }),
    fc.maxSafeNat(),
    fc.nat(50),
    (events, first, offset) => {
      const texts = events.map(([, text]) => text);
      const seconds = events.map(([second]) => second);
      const head = { first, receivedMs: 1234, seconds };
      const lines = new TextEncoder().encode(`before\n${texts.join("\n")}`);
      const ends = texts.map((_, i) =>
        new TextEncoder().encode(`before\n${texts.slice(0, i + 1).join("\n")}`).length
      );
      const capacity = eventsCapacity(events.length, lines.length - 7);
      assert(capacity <= textsCapacity(texts));
      const write = [
        (room: Room) => writeTexts(room, offset, head, texts),
        (room: Room) => writeLines(room, offset, head, lines, 7, ends),
      ];
      for (const [i, room] of [textsCapacity(texts), capacity].entries()) {
        const bytes = new Uint8Array(offset + room + 10).subarray(10);
        const end = write[i](roomIn(bytes));
        const record = read(bytes.subarray(offset, end));
        assert(record.kind === "events");
        assertEquals([record.first, record.count, record.receivedMs], [first, events.length, 1234]);
        assertEquals(record.events(), events.map(([seconds, text]) => ({ seconds, text })));
      }
    },
  ));
});

Deno.test("readRecord() keeps a byte order mark and line ends, and the widest characters have room", () => {
  const texts = ["\ufeff" + "\uffff".repeat(1000), "{\n}"];
  const bytes = new Uint8Array(textsCapacity(texts));
  const head = { first: 1, receivedMs: 0, seconds: [5, 6] };
  const record = read(bytes.subarray(0, writeTexts(roomIn(bytes), 0, head, texts)));
  assert(record.kind === "events");
  assertEquals(record.events(), texts.map((text, i) => ({ seconds: 5 + i, text })));
});

Deno.test("readRecord() refuses another kind, and events that are fewer than they say", () => {
  assertThrows(() => readRecord(Uint8Array.of(9)), RangeError, "kind 9");
  assertThrows(() => readRecord(new Uint8Array()), RangeError);
  const bytes = new Uint8Array(200);
  const head = { first: 1, receivedMs: 0, seconds: [1, 2] };
  const end = writeLines(roomIn(bytes), 0, head, new Uint8Array(9), 0, [3, 9]);
  const record = readRecord(bytes.slice(FRAME_BYTES, end - 1));
  assert(record.kind === "events");
  assertThrows(() => record.events(), RangeError, "too early");
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
