/**
 * A meter provider of OpenTelemetry's API, so that code that is instrumented for OpenTelemetry records
 * into a procession. The API itself is not needed here: it is interfaces, which this fits (a test holds
 * it to those of `@opentelemetry/api`).
 *
 * | instrument                     | becomes                                                     |
 * | ------------------------------ | ----------------------------------------------------------- |
 * | Counter, ObservableCounter     | a counter: `add` is an increment, what is observed absolute |
 * | UpDownCounter                  | a gauge that is incremented                                 |
 * | Gauge, ObservableGauge, ObservableUpDownCounter | a gauge that is set                        |
 * | Histogram                      | a histogram                                                 |
 *
 * @module
 */
import type { Labels } from "./series.ts";
import type { Procession } from "./procession.ts";

/** Handles of one instrument that are remembered; beyond it they are made anew. */
const MAX_HANDLES = 10_000;

/** MeterAttributes of a value: strings, numbers, booleans, lists of these. */
export type MeterAttributes = Readonly<Record<string, unknown>>;

/** Takes a value of a counter or an up-down counter. */
export interface MeterAdder {
  /** Adds to it. */
  add(value: number, attributes?: MeterAttributes): void;
}

/** Takes a value of a gauge or a histogram. */
export interface MeterRecorder {
  /** Records it. */
  record(value: number, attributes?: MeterAttributes): void;
}

/** Is asked by a callback what it stands at. */
export interface MeterObservable {
  /** Has a callback asked at each collection. */
  addCallback(callback: MeterCallback): void;
  /** Has it asked no more. */
  removeCallback(callback: MeterCallback): void;
}

/** Says what an instrument stands at. */
export type MeterCallback = (
  result: { observe(value: number, attributes?: MeterAttributes): void },
) => void | Promise<void>;

/** Says what several instruments stand at. */
export type MeterBatchCallback = (
  result: {
    observe(observable: MeterObservable, value: number, attributes?: MeterAttributes): void;
  },
) => void | Promise<void>;

/**
 * Gives meters that record into a procession.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { metrics } from "@opentelemetry/api";
 * import { Procession, ProcessionMeterProvider } from "@traqq/traqq/procession";
 *
 * const procession = new Procession();
 * metrics.setGlobalMeterProvider(new ProcessionMeterProvider(procession));
 * metrics.getMeter("shop").createCounter("orders").add(2, { country: "DE" });
 * const [event] = procession.events();
 * assertEquals([event.name, event.labels.country, event.value], ["orders", "DE", 2]);
 * metrics.disable();
 * ```
 */
export class ProcessionMeterProvider {
  readonly #procession: Procession;
  readonly #observers = new MeterObservers();
  #rejected = 0;

  /** Makes a provider for a procession. */
  constructor(procession: Procession) {
    this.#procession = procession;
  }

  /** Values that could not be recorded: no numbers, or below 0 for a counter. */
  get rejectedCount(): number {
    return this.#rejected;
  }

  /** A meter. All meters record into the same procession; an instrument's name is that of its series. */
  getMeter(_name: string, _version?: string): ProcessionMeter {
    return new ProcessionMeter(this.#procession, this.#observers, () => this.#rejected++);
  }

  /** Asks observable instruments for their values; what their callbacks throw is in the error. */
  async collect(): Promise<void> {
    await this.#observers.collect();
  }

  /**
   * Does so again and again, until what it gives is disposed of. The timer keeps no process alive.
   *
   * @param onError called with what a collection throws
   */
  collectEvery(intervalMs: number, onError: (error: unknown) => void = () => {}): Disposable {
    const timer = setInterval(() => void this.collect().catch(onError), intervalMs);
    Deno.unrefTimer(timer);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }
}

/** Makes instruments. Their options (units, descriptions) are not kept. */
export class ProcessionMeter {
  readonly #procession: Procession;
  readonly #observers: MeterObservers;
  readonly #onRejected: () => void;

  /** Made by {@linkcode ProcessionMeterProvider.getMeter}. */
  constructor(procession: Procession, observers: MeterObservers, onRejected: () => void) {
    this.#procession = procession;
    this.#observers = observers;
    this.#onRejected = onRejected;
  }

  /** What only rises. */
  createCounter(name: string): MeterAdder {
    const handles = new Handles((labels) => this.#procession.counter(name, labels));
    return { add: this.#sink((value, own) => handles.of(own).increment(value)) };
  }

  /** What rises and falls. */
  createUpDownCounter(name: string): MeterAdder {
    const handles = new Handles((labels) => this.#procession.gauge(name, labels));
    return { add: this.#sink((value, own) => handles.of(own).increment(value)) };
  }

  /** What stands at something. */
  createGauge(name: string): MeterRecorder {
    const handles = new Handles((labels) => this.#procession.gauge(name, labels));
    return { record: this.#sink((value, own) => handles.of(own).set(value)) };
  }

  /** Values whose distribution is wanted. */
  createHistogram(name: string): MeterRecorder {
    const handles = new Handles((labels) => this.#procession.histogram(name, labels));
    return { record: this.#sink((value, own) => handles.of(own).record(value)) };
  }

  /** What only rises, and is asked for. */
  createObservableCounter(name: string): MeterObservable {
    const handles = new Handles((labels) => this.#procession.counter(name, labels));
    return this.#observers.add(this.#sink((value, own) => handles.of(own).absolute(value)));
  }

  /** What stands at something, and is asked for. */
  createObservableGauge(name: string): MeterObservable {
    const handles = new Handles((labels) => this.#procession.gauge(name, labels));
    return this.#observers.add(this.#sink((value, own) => handles.of(own).set(value)));
  }

  /** What rises and falls, and is asked for. */
  createObservableUpDownCounter(name: string): MeterObservable {
    return this.createObservableGauge(name);
  }

  /** Has a callback asked about several instruments at each collection. */
  addBatchObservableCallback(callback: MeterBatchCallback, observables: MeterObservable[]): void {
    this.#observers.addBatch(callback, observables);
  }

  /** Has it asked no more. */
  removeBatchObservableCallback(
    callback: MeterBatchCallback,
    observables: MeterObservable[],
  ): void {
    this.#observers.removeBatch(callback, observables);
  }

  /** Instrumented code must not fail because of what it measures: what is refused is counted. */
  #sink(record: Sink): Sink {
    return (value, attributes) => {
      try {
        record(value, attributes);
      } catch {
        this.#onRejected();
      }
    };
  }
}

/** Records a value. */
export type Sink = (value: number, attributes?: MeterAttributes) => void;

/** The handles of one instrument, by attributes. */
class Handles<T> {
  readonly #make: (labels: Labels) => T;
  readonly #known = new Map<string, T>();
  readonly #plain: T;

  constructor(make: (labels: Labels) => T) {
    this.#make = make;
    this.#plain = make({});
  }

  of(attributes: MeterAttributes | undefined): T {
    if (attributes === undefined) return this.#plain;
    const key = JSON.stringify(attributes);
    let handle = this.#known.get(key);
    if (handle === undefined) {
      if (this.#known.size === MAX_HANDLES) this.#known.clear();
      this.#known.set(key, handle = this.#make(labelsOf(attributes)));
    }
    return handle;
  }
}

/** MeterAttributes as labels: numbers and booleans as text, lists as JSON, what is absent not at all. */
function labelsOf(attributes: MeterAttributes): Labels {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== null)
    .map((
      [label, value],
    ) => [label, typeof value === "object" ? JSON.stringify(value) : `${value}`]);
  return Object.fromEntries(pairs);
}

/** The observable instruments of a provider, and who says what they stand at. */
export class MeterObservers {
  readonly #single = new Map<MeterObservable, { sink: Sink; callbacks: Set<MeterCallback> }>();
  #batches: { callback: MeterBatchCallback; observables: readonly MeterObservable[] }[] = [];

  /** A new instrument. */
  add(sink: Sink): MeterObservable {
    const callbacks = new Set<MeterCallback>();
    const observable: MeterObservable = {
      addCallback: (callback) => void callbacks.add(callback),
      removeCallback: (callback) => void callbacks.delete(callback),
    };
    this.#single.set(observable, { sink, callbacks });
    return observable;
  }

  /** A callback for several of them. */
  addBatch(callback: MeterBatchCallback, observables: readonly MeterObservable[]): void {
    this.removeBatch(callback, observables);
    this.#batches.push({ callback, observables: [...observables] });
  }

  /** The other way. */
  removeBatch(callback: MeterBatchCallback, observables: readonly MeterObservable[]): void {
    const wanted = new Set(observables);
    this.#batches = this.#batches.filter((batch) =>
      batch.callback !== callback ||
      wanted.symmetricDifference(new Set(batch.observables)).size > 0
    );
  }

  /** Calls everyone; one that fails does not keep the others from being asked. */
  async collect(): Promise<void> {
    const asked: (() => void | Promise<void>)[] = [];
    for (const { sink, callbacks } of this.#single.values()) {
      for (const callback of callbacks) asked.push(() => callback({ observe: sink }));
    }
    for (const { callback, observables } of this.#batches) {
      const observe = (
        observable: MeterObservable,
        value: number,
        attributes?: MeterAttributes,
      ) => {
        if (observables.includes(observable)) this.#single.get(observable)?.sink(value, attributes);
      };
      asked.push(() => callback({ observe }));
    }
    const results = await Promise.allSettled(asked.map(async (ask) => await ask()));
    const errors = results.filter((result) => result.status === "rejected").map(({ reason }) =>
      reason
    );
    if (errors.length > 0) {
      throw new AggregateError(errors, `Cannot collect: ${errors.length} callbacks failed`);
    }
  }
}
