/**
 * How late timers are: what keeps the event loop busy keeps every client waiting.
 *
 * @module
 */
import { Histogram, type HistogramStats } from "../../base/histogram.ts";

const INTERVAL_MS = 500;

/** Looks twice a second, from when it is first asked. */
export class LoopLag {
  readonly #lags = new Histogram();
  #timer: ReturnType<typeof setInterval> | undefined;
  #expectedMs = 0;
  #isStopped = false;

  /** How late timers were so far. */
  stats(): HistogramStats {
    if (this.#timer === undefined && !this.#isStopped) this.#start();
    return this.#lags.stats();
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #start(): void {
    this.#expectedMs = performance.now() + INTERVAL_MS;
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#lags.add(Math.max(0, nowMs - this.#expectedMs));
      this.#expectedMs = nowMs + INTERVAL_MS;
    }, INTERVAL_MS);
    // Nobody's program goes on because of it.
    Deno.unrefTimer(this.#timer as unknown as number);
  }
}
