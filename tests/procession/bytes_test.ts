import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import { Procession } from "../../procession.ts";
import { HEAD_BYTES } from "../../src/procession/bytes.ts";
import { START_MS, work } from "./_work.ts";

function sample(): Procession {
  const clock = { nowMs: START_MS };
  const p = new Procession({ now: () => clock.nowMs });
  work(p, clock, 800, "all", 3);
  clock.nowMs += 100_000;
  work(p, clock, 300, "all");
  clock.nowMs -= 1e6;
  p.gauge("nan").set(NaN);
  return p;
}

function withCrc(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(
    5,
    crc32(bytes.subarray(HEAD_BYTES)),
    true,
  );
  return bytes;
}

Deno.test("Procession.fromBytes() gives back everything, and can be recorded into", () => {
  const p = sample();
  const bytes = p.toBytes();
  const back = Procession.fromBytes(bytes);
  assertEquals([...back.events()], [...p.events()]);
  assertEquals([back.eventCount, back.seriesCount, back.droppedCount], [1101, p.seriesCount, 0]);
  assertEquals(back.toBytes(), bytes);
  const window = { windowMs: Infinity };
  assertEquals(back.toPrometheus(window), p.toPrometheus(window));
  // It goes on where the other stands, and the other is not changed.
  const gauge = p.summarize({ name: "pool_size", labels: { pool: "p3" } })[0];
  back.gauge("pool_size", { pool: "p3" }).increment(2);
  assertEquals(
    back.summarize({ name: "pool_size", labels: { pool: "p3" } })[0].latest,
    gauge.latest + 2,
  );
  assertEquals(p.eventCount, 1101);
  // From the middle of another array.
  const around = new Uint8Array(bytes.length + 7);
  around.set(bytes, 3);
  assertEquals(Procession.fromBytes(around.subarray(3, -4)).eventCount, 1101);
});

Deno.test("Procession.toBytes() of an empty one, and of one that has dropped events", () => {
  assertEquals(Procession.fromBytes(new Procession().toBytes()).eventCount, 0);
  const p = new Procession({ maxBytes: 5000 });
  for (let i = 0; i < 5000; i++) p.histogram("h").record(Math.sqrt(i));
  assert(p.droppedCount > 0);
  assertEquals(Procession.fromBytes(p.toBytes()).droppedCount, p.droppedCount);
});

Deno.test("Procession.fromBytes() keeps the bounds that it is given", () => {
  const clock = { nowMs: START_MS };
  const p = new Procession({ now: () => clock.nowMs });
  work(p, clock, 300_000, "all");
  const bytes = p.toBytes();
  assertEquals(Procession.fromBytes(bytes).eventCount, 300_000);
  const small = Procession.fromBytes(bytes, { maxBytes: 500_000, now: () => clock.nowMs });
  assert(small.memorySize() <= 500_000);
  assertEquals(small.eventCount + small.droppedCount, 300_000);
});

Deno.test("Procession.fromBytes() refuses what is damaged, byte for byte", () => {
  const bytes = sample().toBytes();
  for (let at = 0; at < bytes.length; at += at < 40 ? 1 : 13) {
    const damaged = bytes.slice();
    damaged[at] ^= 1 << (at % 8);
    assertThrows(() => Procession.fromBytes(damaged), RangeError, "Cannot read a procession: ");
  }
  for (const length of [0, 3, 4, 8, 9, 20, bytes.length - 1]) {
    assertThrows(() => Procession.fromBytes(bytes.subarray(0, length)), RangeError);
  }
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assertThrows(() => Procession.fromBytes(longer), RangeError, "checksum");
  assertThrows(() => Procession.fromBytes(withCrc(longer)), RangeError, "behind the end");
  const newer = bytes.slice();
  newer[4] = 2;
  assertThrows(() => Procession.fromBytes(newer), RangeError, "wanted version 1, received 2");
  const json = new TextEncoder().encode('{"chunks":[],"labels":[]}');
  assertThrows(() => Procession.fromBytes(json), RangeError, "Procession.fromJSON()");
  assertThrows(() => Procession.fromBytes("TQPR" as never), TypeError, "Uint8Array");
});

Deno.test("Procession.fromBytes() reads damage with a good checksum to an error, or to events", () => {
  const bytes = sample().toBytes();
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(bytes.length), { freq: 4 }),
      (changes, cut) => {
        const damaged = bytes.slice(0, Math.max(HEAD_BYTES, cut ?? bytes.length));
        for (const [at, byte] of changes) if (at >= HEAD_BYTES) damaged[at] = byte;
        try {
          const p = Procession.fromBytes(withCrc(damaged));
          // Whatever it is, it can be used.
          let events = 0;
          for (const { timestampMs } of p.events()) if (Number.isSafeInteger(timestampMs)) events++;
          assertEquals(events, p.eventCount);
          p.summarize();
          Procession.fromBytes(p.toBytes());
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          refused++;
        }
      },
    ),
    { numRuns: 500 },
  );
  assert(refused > 50, `${refused}`);
});
