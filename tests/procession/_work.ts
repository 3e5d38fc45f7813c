/**
 * Work as it looks in production: 64 counters, 16 gauges that wander, 8 histograms of latencies with a
 * long tail, 2,000 events a second. The same numbers each time.
 *
 * @module
 */
import type { Procession } from "../../procession.ts";

/** When the work begins. */
export const START_MS: number = Date.parse("2026-01-01T00:00:00Z");
/** Events a second. */
export const EVENTS_PER_SECOND = 2000;

/** Numbers from 0 to 1, always the same ones. */
export function randomNumbers(seed = 42): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

/** What is recorded: everything, or one kind alone. */
export type Mix = "all" | "counters" | "gauges" | "histograms";

/**
 * Something that records the next event each time it is called. The clock is the caller's.
 *
 * @param decimals places that gauges and latencies are rounded to, as many sources do; absent: none
 */
export function workOf(p: Procession, mix: Mix, decimals?: number): () => void {
  const random = randomNumbers();
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const rounded = (value: number) =>
    decimals === undefined ? value : Number(value.toFixed(decimals));
  const counters = Array.from(
    { length: 64 },
    (_, i) => p.counter(`requests_${i % 8}`, { route: `/r${i >> 3}`, status: "200" }),
  );
  const gauges = Array.from({ length: 16 }, (_, i) => ({
    handle: p.gauge("pool_size", { pool: `p${i}` }),
    level: 100 * i,
  }));
  const histograms = Array.from(
    { length: 8 },
    (_, i) => p.histogram("latency_seconds", { route: `/r${i}` }),
  );
  const count = () => {
    const by = random() < 0.8 ? 1 : 1 + Math.floor(10 * random());
    counters[Math.floor(64 * random())].increment(by);
  };
  const wander = () => {
    const gauge = gauges[Math.floor(16 * random())];
    gauge.level += normal();
    gauge.handle.set(rounded(gauge.level));
  };
  const measure = () => {
    histograms[Math.floor(8 * random())].record(rounded(Math.exp(normal() - 3)));
  };
  if (mix === "counters") return count;
  if (mix === "gauges") return wander;
  if (mix === "histograms") return measure;
  return () => {
    const which = 88 * random();
    if (which < 64) count();
    else if (which < 80) wander();
    else measure();
  };
}

/** Records so many events at {@linkcode EVENTS_PER_SECOND}. */
export function work(
  p: Procession,
  clock: { nowMs: number },
  events: number,
  mix: Mix,
  decimals?: number,
): void {
  const next = workOf(p, mix, decimals);
  const start = clock.nowMs;
  for (let i = 0; i < events; i++) {
    clock.nowMs = start + Math.floor(i * 1000 / EVENTS_PER_SECOND);
    next();
  }
}
