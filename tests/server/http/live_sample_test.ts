import { assert, assertEquals } from "@std/assert";
import { LiveSample, together } from "../../../src/server/http/live_sample.ts";

/** So many events of one place. */
function sample(place: string, count: number, most: number) {
  const sample = new LiveSample(most);
  for (let i = 0; i < count; i++) sample.see({ event: "a", place, i });
  return sample.take()!;
}

Deno.test("LiveSample.take() counts all since the last time, and draws in their order", () => {
  const sample = new LiveSample(3);
  assertEquals(sample.take(), undefined);
  for (let i = 0; i < 100; i++) sample.see({ i });
  const { count, events } = sample.take()!;
  const drawn = events.map(({ event }) => (event as { i: number }).i);
  assertEquals([count, drawn.length], [100, 3]);
  assertEquals(drawn, drawn.toSorted((a, b) => a - b));
  assertEquals(sample.take(), undefined);
});

Deno.test("together() draws from several as evenly as from one, and counts all", () => {
  const drawn = { few: 0, many: 0 };
  for (let round = 0; round < 500; round++) {
    const { count, events } = together([sample("few", 20, 10), sample("many", 80, 10)], 10);
    assertEquals([count, events.length], [100, 10]);
    assertEquals(new Set(events).size, 10, "none twice");
    for (const { event } of events) drawn[(event as { place: "few" | "many" }).place]++;
  }
  // A fifth of 5,000; the deviation is below 28.3.
  assert(Math.abs(drawn.few - 1000) < 200, JSON.stringify(drawn));
});

Deno.test("together() gives all that there are where they are fewer, by their time", () => {
  const at = (atMs: number) => ({ atMs, event: { event: String(atMs) } });
  const all = [{ count: 2, events: [at(1), at(4)] }, { count: 1, events: [at(2)] }];
  const { count, events } = together(all, 10);
  assertEquals([count, events.map(({ atMs }) => atMs)], [3, [1, 2, 4]]);
});
