/** The bounds of a procession. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Procession } from "../../procession.ts";
import { MIN_BYTES } from "../../src/procession/store.ts";
import { randomNumbers, START_MS, work } from "./_work.ts";

Deno.test("maxBytes holds after every event, and what is dropped is counted", () => {
  const bound = fc.constantFrom(MIN_BYTES, 5000, 20_000, 65_536, 300_000);
  fc.assert(
    fc.property(bound, fc.nat(), fc.constantFrom(1, 5, 3000), (maxBytes, seed, labels) => {
      const random = randomNumbers(seed);
      let now = START_MS;
      const p = new Procession({ maxBytes, now: () => now });
      const values: number[] = [];
      for (let i = 0; i < 3000; i++) {
        now += random() < 0.01 ? 40_000 : Math.floor(3 * random());
        const value = random();
        p.gauge("level", { l: "x".repeat(Math.floor(50 * random())), n: `${i % labels}` }).set(
          value,
        );
        values.push(value);
        assert(p.memorySize() <= maxBytes, `${p.memorySize()} of ${maxBytes}`);
      }
      assertEquals(p.eventCount + p.droppedCount, 3000);
      assert(p.eventCount > 0);
      // The newest ones are there.
      assertEquals([...p.events()].map(({ value }) => value), values.slice(-p.eventCount));
    }),
    { numRuns: 30 },
  );
});

Deno.test("memory is flat for an hour of work", () => {
  const clock = { nowMs: START_MS };
  const maxBytes = 2 ** 20;
  const p = new Procession({ maxBytes, now: () => clock.nowMs });
  let least = Infinity;
  for (let minute = 0; minute < 60; minute++) {
    work(p, clock, 20_000, "all");
    clock.nowMs = START_MS + 60_000 * (minute + 1);
    if (minute >= 20) least = Math.min(least, p.memorySize());
    assert(p.memorySize() <= maxBytes);
  }
  assert(least > maxBytes / 2, `${least}`);
  assertEquals(p.eventCount + p.droppedCount, 1_200_000);
});

Deno.test("a label set goes with its last event, and its bytes with it", () => {
  let now = START_MS;
  const p = new Procession({ maxAgeMs: 100_000, now: () => now });
  const empty = p.memorySize();
  for (let i = 0; i < 500; i++) p.counter("hits", { user: `${i}` }).increment();
  assertEquals(p.seriesCount, 500);
  now += 90_000;
  p.counter("hits", { user: "7" }).increment();
  assertEquals([p.seriesCount, p.eventCount], [500, 501]);
  now += 10_001;
  assertEquals([p.seriesCount, p.eventCount, p.droppedCount], [1, 1, 500]);
  now += 100_000;
  assertEquals([p.seriesCount, p.eventCount, p.droppedCount], [0, 0, 501]);
  assertEquals(p.memorySize(), empty);
});

Deno.test("maxAgeMs holds without another event, and keeps what is young", () => {
  let now = START_MS;
  const p = new Procession({ maxAgeMs: 60_000, now: () => now });
  const hits = p.counter("hits");
  for (let second = 0; second < 300; second++) {
    hits.increment(second);
    now += 1000;
  }
  const oldest = () => p.events().next().value!.timestampMs;
  // A chunk goes as one: no event is older than the bound and a chunk's 65.5 seconds.
  assert(now - oldest() <= 60_000 + 65_536);
  assert(p.eventCount >= 60);
  now += 61_000;
  assertEquals([p.eventCount, p.seriesCount, p.droppedCount], [0, 0, 300]);
  hits.increment();
  assertEquals(p.eventCount, 1);
});

Deno.test("a clock that jumps within maxAgeMs, or where there is none, loses nothing", () => {
  for (const maxAgeMs of [3_600_000, undefined]) {
    let now = START_MS;
    const p = new Procession({ now: () => now, ...maxAgeMs === undefined ? {} : { maxAgeMs } });
    const hits = p.counter("hits");
    for (const jump of [0, 5000, -10_000, 600_000, -600_000, -1_800_000, 1_800_000]) {
      now += maxAgeMs === undefined ? 1e6 * jump : jump;
      hits.increment();
    }
    assertEquals([p.eventCount, p.droppedCount], [7, 0]);
  }
});

Deno.test("a clock that was far behind for a moment does not age what came before", () => {
  let now = START_MS;
  const p = new Procession({ maxAgeMs: 3_600_000, now: () => now });
  const hits = p.counter("hits");
  hits.increment();
  now = 0; // before the clock of the machine was set
  hits.increment();
  now = START_MS + 1000;
  hits.increment();
  assertEquals([p.eventCount, p.droppedCount], [3, 0]);
});

Deno.test("a gauge that rests for longer than its events are kept goes on from where it was", () => {
  let now = START_MS;
  const p = new Procession({ maxAgeMs: 10_000, now: () => now });
  const connections = p.gauge("connections");
  connections.increment(5);
  now += 1_000_000;
  assertEquals([p.eventCount, p.seriesCount], [0, 0]);
  p.gauge("connections").decrement(); // another handle of the same series
  assertEquals(p.summarize()[0].latest, 4);
  connections.increment();
  assertEquals(p.summarize()[0].latest, 5);
});

Deno.test("an event whose label set is larger than the bound is dropped, and counted", () => {
  const p = new Procession({ maxBytes: 5000 });
  p.counter("small").increment();
  p.counter("large", { text: "x".repeat(10_000) }).increment();
  assertEquals([p.seriesCount, p.eventCount + p.droppedCount], [0, 2]);
  p.counter("small").increment();
  assertEquals([p.eventCount, p.droppedCount], [1, 2]);
});

Deno.test("handles that never record take nothing", () => {
  const p = new Procession();
  const before = p.memorySize();
  for (let i = 0; i < 1000; i++) p.counter("hits", { user: `${i}` });
  assertEquals([p.seriesCount, p.memorySize()], [0, before]);
});

Deno.test("an open chunk grows by doubling, and shrinks with the work", () => {
  let now = START_MS;
  const p = new Procession({ now: () => now });
  const hits = p.counter("hits");
  const sizes = new Set<number>();
  for (let i = 0; i < 65_536; i++) {
    hits.increment();
    sizes.add(p.memorySize());
  }
  assertEquals(sizes.size, 11); // 64 events, 128 … 65,536
  now += 100_000;
  hits.increment(); // seals it; the new one has as much room
  const busy = p.memorySize();
  now += 100_000;
  hits.increment(); // seals one event
  assert(p.memorySize() < busy - 13 * 60_000);
});

Deno.test("more than 65,535 label sets have room", () => {
  const p = new Procession({ now: () => START_MS });
  for (let i = 0; i < 70_000; i++) p.counter("hits", { user: `${i}` }).increment(i);
  assertEquals([p.seriesCount, p.eventCount], [70_000, 70_000]);
  let i = 0;
  for (const { labels, value } of Procession.fromBytes(p.toBytes()).events()) {
    if (labels.user !== `${i}` || value !== i) throw new Error(`event ${i}`);
    i++;
  }
  assertEquals(i, 70_000);
});
