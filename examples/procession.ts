/**
 * Raw counters, gauges and histograms in memory: what happened in the second before the crash?
 *
 * ```sh
 * deno run examples/procession.ts
 * ```
 */
import { Procession } from "@traqq/traqq/procession";

// A clock in hand, so that the example says the same each time; without `now` it is Date.now.
let nowMs = Date.parse("2026-01-01T12:00:00Z");
const p = new Procession({ maxBytes: 16 << 20, maxAgeMs: 3_600_000, now: () => nowMs });

// Handles: names and labels are resolved once.
const requests = p.counter("requests", { route: "/" });
const latency = p.histogram("latency_seconds", { route: "/" });
const queue = p.gauge("queue_depth");

for (let i = 0; i < 60_000; i++) {
  nowMs += 1;
  requests.increment();
  // In the last second it takes longer and longer.
  const late = Math.max(0, i - 59_000);
  latency.record((10 + i % 7 + late) / 1000);
  if (i % 10 === 0) queue.set(late / 10);
}

console.log(p.eventCount, "events in", Math.round(p.toBytes().length / 1024), "KiB");
const all = { name: "latency_seconds" };
const before = p.summarize({ ...all, to: nowMs - 1000 })[0];
const last = p.summarize({ ...all, from: nowMs - 999 })[0];
console.log(
  `p99 before: ${before.p99!.toFixed(3)} s, in the last second: ${last.p99!.toFixed(3)} s`,
);
for (
  const { name, points } of p.resample({ name: "queue_depth", stepMs: 250, from: nowMs - 999 })
) {
  console.log(name, points.map((point) => point?.max));
}
for (const { timestampMs, value } of p.events({ name: "queue_depth", from: nowMs - 20 })) {
  console.log(new Date(timestampMs).toISOString(), value);
}
console.log(p.toPrometheus().split("\n")[1]);
