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
 * @module
 */
import type { Traqq } from "../../traqq.ts";
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

/** Properties of an event that are shown, and characters of a string. */
const MAX_PROPERTIES = 32;
const MAX_CHARACTERS = 256;
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
  readonly #listeners = new Set<Listener>();
  #dropped = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #unobserve: (() => void) | undefined;
  #count = 0;
  #sample: { at: number; event: object }[] = [];
  #silentTicks = 0;
  #isClosed = false;

  constructor(traqq: Pick<Traqq, "observe">, options: LiveOptions) {
    this.#traqq = traqq;
    this.#maxListeners = options.maxListeners;
    this.#maxSample = Math.ceil(options.eventsPerSecond * TICK_MS / 1000);
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
        if (this.#timer === undefined) this.#start();
        // At once, so that the listener knows that it is connected.
        controller.enqueue(encoder.encode(": traqq\nretry: 2000\n\n"));
      },
      cancel: () => {
        this.#remove(listener);
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }));
  }

  /** Counters since the start. */
  stats(): LiveStats {
    return { listeners: this.#listeners.size, dropped: this.#dropped };
  }

  /** Ends all streams; there will be no more. */
  close(): void {
    this.#isClosed = true;
    for (const listener of [...this.#listeners]) this.#end(listener);
  }

  #start(): void {
    this.#unobserve = this.#traqq.observe((event) => this.#see(event));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#unobserve?.();
    this.#timer = this.#unobserve = undefined;
    this.#count = this.#silentTicks = 0;
    this.#sample = [];
  }

  /** Reservoir sampling: each of the events so far is in the sample with the same chance. */
  #see(event: unknown): void {
    const at = this.#count++;
    if (at < this.#maxSample) {
      this.#sample.push({ at, event: shownOf(event) });
      return;
    }
    const place = Math.floor(Math.random() * (at + 1));
    if (place < this.#maxSample) this.#sample[place] = { at, event: shownOf(event) };
  }

  #tick(): void {
    const nowMs = Date.now();
    const message = this.#message();
    for (const listener of [...this.#listeners]) {
      if (nowMs >= listener.untilMs) this.#end(listener);
      else if (message !== undefined) this.#send(listener, message);
    }
  }

  #message(): Uint8Array | undefined {
    if (this.#count === 0) {
      if (++this.#silentTicks < HEARTBEAT_TICKS) return undefined;
      this.#silentTicks = 0;
      return encoder.encode(": nothing new\n\n");
    }
    const events = this.#sample.sort((a, b) => a.at - b.at).map(({ event }) => event);
    const data = { count: this.#count, leftOut: this.#count - events.length, events };
    this.#count = this.#silentTicks = 0;
    this.#sample = [];
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
    if (this.#listeners.size === 0 && this.#timer !== undefined) this.#stop();
    return was;
  }
}

/** A copy of what can be counted of an event, bounded. */
function shownOf(event: unknown): object {
  const shown: Record<string, unknown> = Object.create(null);
  try {
    for (const name of Object.keys(event as object).slice(0, MAX_PROPERTIES)) {
      const value = (event as Record<string, unknown>)[name];
      if (typeof value === "string") shown[name] = value.slice(0, MAX_CHARACTERS).toWellFormed();
      else if (typeof value === "number" || typeof value === "boolean") shown[name] = value;
    }
  } catch {
    // A property that cannot be read was not counted either.
  }
  return shown;
}
