/**
 * The class: ties store, formats and questions together.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { yieldToEventLoop } from "../base/yield.ts";
import { fromBytes, toBytes } from "./bytes.ts";
import {
  type CrateChunk,
  type CrateEvent,
  type CrateProcession,
  CrateWriter,
} from "./crate_json.ts";
import { readCrate } from "./crate_reader.ts";
import { type DrainReport, type DrainTarget, type TraqqEvent, traqqEvent } from "./drain.ts";
import { type EventFilter, eventsOf, type ProcessionEvent, readFilter } from "./events.ts";
import { Counter, Gauge, Histogram, type Target } from "./handles.ts";
import { prometheusText } from "./prometheus.ts";
import { type Kind, type Labels, readKey } from "./series.ts";
import { resample, type ResampledSeries, type SeriesSummary, summarize } from "./stats.ts";
import { MIN_BYTES, Store } from "./store.ts";

/** How a procession is bounded, and what it records. */
export interface ProcessionOptions {
  /**
   * Memory that it may take, at least 4,096 bytes. Beyond it the oldest chunks are dropped. Default 64
   * MiB; what is read from bytes or JSON has no bound unless one is given.
   */
  readonly maxBytes?: number;
  /**
   * How long events are kept. Chunks whose last event is older are dropped, so single events may stay
   * for up to 65.5 seconds longer. Default: as long as there is room.
   */
  readonly maxAgeMs?: number;
  /** Whether a series is recorded; asked once for each handle. Default: all are. */
  readonly filter?: (name: string, labels: Labels) => boolean;
  /** The clock, in milliseconds since 1970; read at each event. Default `Date.now`. */
  readonly now?: () => number;
}

/** Which events are written as JSON, and how. */
export interface JsonOptions extends EventFilter {
  /** Also writes what the crate cannot hold: numbers of 64 bits, and more than 65,535 label sets. */
  readonly wide?: boolean;
}

/** The bound unless one is given. */
export const DEFAULT_MAX_BYTES = 64 * 2 ** 20;
const DEFAULT_QUANTILE_WINDOW_MS = 60_000;
const OPTIONS = ["maxBytes", "maxAgeMs", "filter", "now"];
const EVERYTHING = readFilter();

/**
 * Records every counter, gauge and histogram event at millisecond precision, in memory, in a few bytes
 * each. Recorders are instances: two of them share nothing.
 *
 * @example Record and look back
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Procession } from "@traqq/traqq/procession";
 *
 * const p = new Procession({ maxBytes: 64 << 20, maxAgeMs: 3_600_000 });
 * const hits = p.counter("http_requests", { route: "/", status: "200" });
 * hits.increment();
 * hits.increment(5);
 * const depth = p.gauge("queue_depth");
 * depth.set(3.5);
 * depth.decrement(2);
 *
 * const [first] = p.events({ name: "http_requests" });
 * assertEquals(first.op, "add");
 * const [requests, queue] = p.summarize();
 * assertEquals(requests.sum, 6);
 * assertEquals(queue.latest, 1.5);
 *
 * const back = Procession.fromBytes(p.toBytes());
 * assertEquals([...back.events()], [...p.events()]);
 * ```
 */
export class Procession {
  readonly #store: Store;
  readonly #filter: ((name: string, labels: Labels) => boolean) | undefined;
  readonly #now: () => number;
  #draining: Promise<unknown> = Promise.resolve();

  /**
   * Begins to record.
   *
   * @throws {ConfigError} for an option that cannot be used
   */
  constructor(options: ProcessionOptions = {}) {
    checkOptions(options);
    const { maxBytes = DEFAULT_MAX_BYTES, maxAgeMs = Infinity, filter } = options;
    // Read at each call: whoever replaces Date, as tests do, is heard.
    const now = options.now ?? (() => Date.now());
    this.#store = new Store({ maxBytes, maxAgeMs, now });
    this.#filter = filter;
    this.#now = now;
  }

  /**
   * What {@linkcode Procession.toBytes} wrote. It has no bounds unless some are given, and can be
   * recorded into.
   *
   * @throws {TypeError} if it is no `Uint8Array`
   * @throws {RangeError} if the bytes are damaged, cut off, or of another version
   */
  static fromBytes(bytes: Uint8Array, options?: ProcessionOptions): Procession {
    const procession = new Procession({ maxBytes: Infinity, ...options });
    fromBytes(bytes, procession.#store);
    return procession;
  }

  /**
   * What the Rust crate metrics-procession wrote, or {@linkcode Procession.toJSON} or
   * {@linkcode Procession.jsonLines}: a whole procession, an array or another iterable of events or of
   * lines, or the text of either. It has no bounds unless some are given, and can be recorded into.
   *
   * @throws {SyntaxError} if a text is not JSON
   * @throws {TypeError} if a value is not of the crate's shape
   */
  static fromJSON(value: unknown, options?: ProcessionOptions): Procession {
    const procession = new Procession({ maxBytes: Infinity, ...options });
    readCrate(value, procession.#store);
    return procession;
  }

  /**
   * A handle of the counter with this name and these labels.
   *
   * @throws {TypeError} if a name or label is no string
   */
  counter(name: string, labels?: Labels): Counter {
    return new Counter(this.#target("counter", name, labels));
  }

  /** A handle of the gauge. @throws {TypeError} if a name or label is no string */
  gauge(name: string, labels?: Labels): Gauge {
    return new Gauge(this.#target("gauge", name, labels));
  }

  /** A handle of the histogram. @throws {TypeError} if a name or label is no string */
  histogram(name: string, labels?: Labels): Histogram {
    return new Histogram(this.#target("histogram", name, labels));
  }

  /** Events that are held. */
  get eventCount(): number {
    this.#store.tidy();
    return this.#store.eventCount;
  }

  /** Series (kind, name and labels) that have events. One leaves with its last event. */
  get seriesCount(): number {
    this.#store.tidy();
    return this.#store.seriesCount;
  }

  /** Events that were dropped to stay within the bounds, since it began. */
  get droppedCount(): number {
    this.#store.tidy();
    return this.#store.droppedCount;
  }

  /** Bytes that are allocated for what is held: arrays exactly, objects and texts by estimate. */
  memorySize(): number {
    this.#store.tidy();
    return this.#store.bytes;
  }

  /**
   * The events, in the order of recording, as they are at this call; each chunk is decoded when it is
   * reached, and chunks without a wanted series or time are passed over.
   *
   * @throws {TypeError} for a filter that cannot be used
   */
  events(filter?: EventFilter): IterableIterator<ProcessionEvent> {
    return eventsOf(this.#chunks(), readFilter(filter));
  }

  /**
   * What each series with events in the window comes to: count, rate, extremes, mean, quantiles.
   *
   * @throws {TypeError} for a filter that cannot be used
   */
  summarize(filter?: EventFilter): SeriesSummary[] {
    return summarize(this.#chunks(), readFilter(filter));
  }

  /**
   * The same step by step; a step without an event is null.
   *
   * @throws {TypeError} for a filter that cannot be used
   * @throws {RangeError} if a step is none, or there are more than a million
   */
  resample(options: EventFilter & { readonly stepMs: number }): ResampledSeries[] {
    return resample(this.#chunks(), readFilter(options), options.stepMs);
  }

  /** Everything, in our own form: small, exact, with a checksum. */
  toBytes(): Uint8Array<ArrayBuffer> {
    this.#store.tidy();
    return toBytes(this.#store);
  }

  /**
   * Everything, in the form in which the Rust crate writes and reads a whole procession. `JSON.stringify`
   * calls it.
   *
   * @throws {RangeError} if something is in it that the crate's 32-bit numbers and 65,535 label sets
   *   cannot hold; not if `wide` is set
   */
  toJSON(options?: JsonOptions | string): CrateProcession {
    // JSON.stringify gives the name of the property.
    const given = typeof options === "object" ? options : {};
    const writer = new CrateWriter(given.wide === true);
    const chunks: CrateChunk[] = [...writer.chunks(this.#chunks(), readFilter(given))];
    return { chunks, labels: [...writer.labels] };
  }

  /**
   * Each event as a line of JSON, as the Rust crate writes one. Lines have no line end.
   *
   * @throws {RangeError} as {@linkcode Procession.toJSON} does, when it comes to that event
   */
  jsonLines(options: JsonOptions = {}): IterableIterator<string> {
    const events = new CrateWriter(options.wide === true)
      .events(this.#chunks(), readFilter(options));
    return lines(events);
  }

  /**
   * What {@linkcode Procession.toJSON} gives, as text in pieces of a chunk each: for more than fits into
   * memory at once.
   *
   * @throws {RangeError} as it does, when it comes to that chunk
   */
  jsonPieces(options: JsonOptions = {}): IterableIterator<string> {
    const writer = new CrateWriter(options.wide === true);
    return pieces(writer, writer.chunks(this.#chunks(), readFilter(options)));
  }

  /**
   * The current state in Prometheus' text format: what counters and gauges stand at, histograms as
   * summaries with the quantiles of the last minute.
   *
   * @param options `windowMs`: what time the quantiles are of
   */
  toPrometheus(options: { readonly windowMs?: number } = {}): string {
    const from = this.#now() - (options.windowMs ?? DEFAULT_QUANTILE_WINDOW_MS);
    const { matches: _, ...window } = readFilter({ from });
    const histograms = { ...window, matches: ({ kind }: { kind: Kind }) => kind === "histogram" };
    const summaries = summarize(this.#chunks(), histograms);
    return prometheusText(this.#store.states(), summaries);
  }

  /**
   * Moves the events, oldest first, to a `Traqq`: each becomes an event at its time, with its name as
   * `event`, its labels as properties, and `kind`, `op` and `value`. What is recorded meanwhile stays for
   * the next time. What the target has taken is not held here any more, and not in `droppedCount` either.
   * If it fails, it keeps what it took before, by the same rule as `Traqq.recordMany()`: an event is taken
   * once the next one is asked for. The rest stays here.
   *
   * Calls wait for each other, so no event is moved twice.
   */
  drainTo(target: DrainTarget): Promise<DrainReport> {
    const drained = this.#draining.then(() => this.#drain(target));
    // The next one begins whatever became of this one.
    this.#draining = drained.catch(() => {});
    return drained;
  }

  async #drain(target: DrainTarget): Promise<DrainReport> {
    this.#store.tidy();
    let recorded = 0;
    const rejected: DrainReport["rejected"][number][] = [];
    for (const chunk of this.#store.sealAll()) {
      const events = [...eventsOf([chunk], EVERYTHING)];
      let taken = 0;
      let report;
      try {
        report = await target.recordMany(handOver(events, () => taken++), {
          at: (_, index) => new Date(events[index].timestampMs),
        });
        taken = events.length;
      } finally {
        this.#store.remove(chunk, taken);
      }
      recorded += report.recorded;
      for (const { index, error } of report.rejected) {
        rejected.push({ event: events[index], error });
      }
      await yieldToEventLoop();
    }
    return { recorded, rejected };
  }

  #chunks() {
    this.#store.tidy();
    return this.#store.chunks();
  }

  #target(kind: Kind, name: string, labels: Labels | undefined): Target | undefined {
    if (this.#filter !== undefined) {
      const key = readKey(kind, name, labels);
      if (!this.#filter(key.name, key.labels)) return undefined;
    }
    return { store: this.#store, series: this.#store.seriesOf(kind, name, labels) };
  }
}

/** Events for another, one by one; `onTaken` is called for each once it asks for more. */
function* handOver(
  events: readonly ProcessionEvent[],
  onTaken: () => void,
): Generator<TraqqEvent> {
  for (const event of events) {
    yield traqqEvent(event);
    onTaken();
  }
}

function* lines(events: Iterable<CrateEvent>): Generator<string> {
  for (const event of events) yield JSON.stringify(event);
}

function* pieces(writer: CrateWriter, chunks: Iterable<CrateChunk>): Generator<string> {
  let before = '{"chunks":[';
  for (const chunk of chunks) {
    yield before + JSON.stringify(chunk);
    before = ",";
  }
  yield `${before === "," ? "" : before}],"labels":${JSON.stringify(writer.labels)}}`;
}

function checkOptions(options: ProcessionOptions): void {
  const refuse = (what: string, wanted: string, received: unknown) => {
    throw new ConfigError(
      `Cannot make a procession: wanted ${what} to be ${wanted}, received ${show(received)}`,
    );
  };
  if (options === null || typeof options !== "object") {
    return refuse("the options", "an object", options);
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) refuse("the options", `only ${OPTIONS.join(", ")}`, name);
  }
  const { maxBytes, maxAgeMs, filter, now } = options;
  if (maxBytes !== undefined && !(typeof maxBytes === "number" && maxBytes >= MIN_BYTES)) {
    refuse("maxBytes", `a number of bytes from ${MIN_BYTES}`, maxBytes);
  }
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === "number" && maxAgeMs > 0)) {
    refuse("maxAgeMs", "a number of milliseconds above 0", maxAgeMs);
  }
  for (const [name, value] of Object.entries({ filter, now })) {
    if (value !== undefined && typeof value !== "function") refuse(name, "a function", value);
  }
}
