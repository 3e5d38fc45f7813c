/**
 * `GET /live`: what is being recorded, as server-sent events. Four times a second each listener gets one
 * message, if anything came:
 *
 * ```text
 * event: recorded
 * data: {"count":120,"leftOut":115,"events":[{"event":"view","geo":"US"},…]}
 * ```
 * `count` is exact; `events` are at most so many, drawn evenly from all that came, in their order. While
 * nobody listens nothing is looked at. A listener who does not read as fast is dropped: nothing is kept
 * for it but 64 KiB. A browser then connects again by itself.
 *
 * Where several servers share a port, each shows the others what it records while they watch.
 *
 * @module
 */
import type { Traqq } from "../../traqq.ts";
import type { Siblings } from "../siblings.ts";
import { LiveSample, type Seen, together } from "./live_sample.ts";
import { Problem } from "./problem.ts";

/** The bounds. */
export interface LiveOptions {
  /** Events shown per second. */
  readonly eventsPerSecond: number;
  readonly maxListeners: number;
}

/** What a feed counts. */
export interface LiveStats {
  /** Open now. */
  readonly listeners: number;
  /** Dropped because they read too slowly. */
  readonly dropped: number;
}

/** Bytes that may wait for a listener. */
const MAX_WAITING_BYTES = 1 << 16;
const TICK_MS = 250;
/** Ticks of silence after which a comment says that the connection lives: 15 s. */
const HEARTBEAT_TICKS = 60;

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** When what allowed it ends, by `Date.now()`. */
  readonly untilMs: number;
}

const encoder = new TextEncoder();

/** See the top of this file. */
export class LiveFeed {
  readonly #traqq: Pick<Traqq, "observe">;
  readonly #maxListeners: number;
  /** Events of a message at most. */
  readonly #maxSample: number;
  readonly #sample: LiveSample;
  readonly #siblings: Pick<Siblings, "watch" | "show"> | undefined;
  readonly #listeners = new Set<Listener>();
  /** What the others have shown. */
  #heard: Seen[] = [];
  /** Resolves when the others show what they record, if anybody listens. */
  #watching: Promise<void> | undefined;
  /** Whether the others watch. */
  #isWatched = false;
  #dropped = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #unobserve: (() => void) | undefined;
  #silentTicks = 0;
  #isClosed = false;

  constructor(
    traqq: Pick<Traqq, "observe">,
    options: LiveOptions,
    siblings?: Pick<Siblings, "watch" | "show">,
  ) {
    this.#traqq = traqq;
    this.#maxListeners = options.maxListeners;
    this.#maxSample = Math.ceil(options.eventsPerSecond * TICK_MS / 1000);
    this.#sample = new LiveSample(this.#maxSample);
    this.#siblings = siblings;
  }

  /**
   * A stream for one more listener.
   *
   * @param untilMs when what allows it ends, by `Date.now()`
   * @throws {Problem} 503 if there are too many, or the feed was closed
   */
  listen(untilMs = Infinity): ReadableStream<Uint8Array> {
    if (this.#isClosed) throw new Problem(503, "Cannot listen now: the server is stopping");
    if (this.#listeners.size >= this.#maxListeners) {
      throw new Problem(
        503,
        `Cannot listen now: ${this.#maxListeners} others do; try again later or raise maxListeners`,
        { "Retry-After": "10" },
      );
    }
    let listener: Listener;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = { controller, untilMs };
        this.#listeners.add(listener);
        if (this.#listeners.size === 1) this.#watching = this.#siblings?.watch(true);
        this.#startOrStop();
        // At once, so that the listener knows that it is connected.
        controller.enqueue(encoder.encode(": traqq\nretry: 2000\n\n"));
      },
      cancel: () => {
        this.#remove(listener);
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }));
  }

  /** Resolves when all that is recorded from now on, wherever, comes to who listens. */
  async ready(): Promise<void> {
    await this.#watching;
  }

  /** Counters since the start. */
  stats(): LiveStats {
    return { listeners: this.#listeners.size, dropped: this.#dropped };
  }

  /** Ends all streams; there will be no more. */
  close(): void {
    this.#isClosed = true;
    for (const listener of [...this.#listeners]) this.#end(listener);
    this.#startOrStop();
  }

  /** Another server says whether it watches. */
  setWatched(isWatched: boolean): void {
    this.#isWatched = isWatched;
    this.#startOrStop();
  }

  /** What another server has recorded. */
  hear(seen: Seen): void {
    if (this.#listeners.size > 0) this.#heard.push(seen);
  }

  #startOrStop(): void {
    const isNeeded = this.#listeners.size > 0 || (this.#isWatched && !this.#isClosed);
    if (isNeeded && this.#timer === undefined) {
      this.#unobserve = this.#traqq.observe((event) => this.#sample.see(event));
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
    } else if (!isNeeded && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#unobserve?.();
      this.#timer = this.#unobserve = undefined;
      this.#silentTicks = 0;
      this.#sample.clear();
    }
  }

  #tick(): void {
    const own = this.#sample.take();
    if (own !== undefined && this.#isWatched) this.#siblings?.show(own);
    if (this.#listeners.size === 0) return;
    const nowMs = Date.now();
    const message = this.#message(own === undefined ? this.#heard : [own, ...this.#heard]);
    this.#heard = [];
    for (const listener of [...this.#listeners]) {
      if (nowMs >= listener.untilMs) this.#end(listener);
      else if (message !== undefined) this.#send(listener, message);
    }
  }

  #message(all: readonly Seen[]): Uint8Array | undefined {
    if (all.length === 0) {
      if (++this.#silentTicks < HEARTBEAT_TICKS) return undefined;
      this.#silentTicks = 0;
      return encoder.encode(": nothing new\n\n");
    }
    this.#silentTicks = 0;
    const { count, events } = together(all, this.#maxSample);
    const shown = events.map(({ event }) => event);
    const data = { count, leftOut: count - shown.length, events: shown };
    return encoder.encode(`event: recorded\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #send(listener: Listener, message: Uint8Array): void {
    if ((listener.controller.desiredSize ?? 0) > 0) {
      listener.controller.enqueue(message);
      return;
    }
    this.#dropped++;
    this.#end(listener);
  }

  #end(listener: Listener): void {
    if (!this.#remove(listener)) return;
    try {
      listener.controller.close();
    } catch {
      // It was canceled just now.
    }
  }

  #remove(listener: Listener): boolean {
    const was = this.#listeners.delete(listener);
    if (was && this.#listeners.size === 0) {
      this.#heard = [];
      this.#watching = this.#siblings?.watch(false);
      this.#startOrStop();
    }
    return was;
  }
}
