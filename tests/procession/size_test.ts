/** The sizes that the package promises. They are bytes, not times, so they are the same everywhere. */
import { assert, assertEquals } from "@std/assert";
import { Procession } from "../../procession.ts";
import { type Mix, START_MS, work } from "./_work.ts";

function recorded(events: number, mix: Mix, decimals?: number): Procession {
  const clock = { nowMs: START_MS };
  const p = new Procession({ maxBytes: 2 ** 30, now: () => clock.nowMs });
  work(p, clock, events, mix, decimals);
  assertEquals(p.eventCount, events);
  assertEquals(p.droppedCount, 0);
  return p;
}

/** Bytes an event of a whole procession, names and all. */
function sealedBytes(mix: Mix, decimals?: number): number {
  const events = 500_000;
  return recorded(events, mix, decimals).toBytes().length / events;
}

Deno.test("size: an event in an open chunk takes at most 14 bytes", () => {
  const p = new Procession({ now: () => START_MS });
  const hits = p.counter("hits");
  const fixed = p.memorySize() - 64 * 13; // room for 64 events is there at once
  for (let events = 1; events <= 65_536; events++) {
    hits.increment();
    if (Math.log2(events) % 1 !== 0 || events < 64) continue;
    // Beside them stand the series and its entry in the chunk.
    const series = 500;
    assert(p.memorySize() - fixed - series <= 13 * events, `${events}: ${p.memorySize()}`);
  }
});

Deno.test("size: a full open chunk takes at most 14 bytes an event, with all series of mixed work", () => {
  const p = recorded(65_536, "all");
  assertEquals(p.seriesCount, 88);
  assert(p.memorySize() <= 14 * p.eventCount, `${p.memorySize() / p.eventCount}`);
});

Deno.test("size: at most 4 bytes an event on mixed work, sealed, doubles in full", () => {
  const bytes = sealedBytes("all");
  assert(bytes <= 4, `${bytes}`);
});

Deno.test("size: at most 1.5 bytes an event for counters alone, sealed", () => {
  const bytes = sealedBytes("counters");
  assert(bytes <= 1.5, `${bytes}`);
});

Deno.test("size: decimals take less than doubles in full", () => {
  for (const mix of ["gauges", "histograms"] as const) {
    assert(sealedBytes(mix, 3) <= 0.6 * sealedBytes(mix), mix);
  }
});

Deno.test("size: in memory too, where most is sealed", () => {
  const p = recorded(2_000_000, "all");
  assert(p.memorySize() <= 4 * p.eventCount, `${p.memorySize() / p.eventCount}`);
});

Deno.test("size: work that repeats costs almost nothing", () => {
  const p = new Procession({ now: () => START_MS });
  const handles = Array.from({ length: 50 }, (_, i) => p.counter(`c${i}`));
  for (let i = 0; i < 500_000; i++) handles[i % 50].increment();
  assert(p.toBytes().length <= 0.3 * 500_000, `${p.toBytes().length}`);
});

Deno.test("recording through a handle allocates nothing", () => {
  const p = new Procession({ now: () => START_MS });
  const [hits, depth, latency] = [p.counter("hits"), p.gauge("depth"), p.histogram("latency")];
  const round = () => {
    for (let i = 0; i < 2000; i++) {
      hits.increment();
      depth.set(i);
      latency.record(i);
    }
  };
  // Until the code is compiled and the chunk has grown.
  for (let i = 0; i < 200; i++) round();
  const grown: number[] = [];
  for (let i = 0; i < 41; i++) {
    const before = Deno.memoryUsage().heapUsed;
    round();
    grown.push(Deno.memoryUsage().heapUsed - before);
  }
  // Now and then a chunk is sealed, or the heap collected: what most rounds show is what counts. For
  // 6,000 events, one byte each would be more than this.
  grown.sort((a, b) => a - b);
  assert(grown[20] < 6000, `${grown}`);
});
