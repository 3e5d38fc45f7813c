/**
 * Stand-in for `@std/testing/time` (see dev/std/README.md): `Date`, `setTimeout`, `setInterval` and
 * `AbortSignal.timeout` that stand still until told to move. `performance.now()`, `Temporal.Now` and microtasks stay
 * real, as in the real package.
 *
 * @module
 */

/** Fake time used in a way that cannot work. */
export class TimeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TimeError";
  }
}

/** Options of {@linkcode FakeTime}. */
export interface FakeTimeOptions {
  /** Fake milliseconds per real one; 0 by default: time stands still. */
  advanceRate: number;
  /** Real milliseconds between two steps where time advances by itself; 10 by default. */
  advanceFrequency?: number;
}

/** Options of {@linkcode FakeTime.delay}. */
export interface DelayOptions {
  /** Ends the delay early. */
  signal?: AbortSignal;
}

interface Timer {
  due: number;
  order: number;
  intervalMs?: number;
  run: () => void;
}

const real = {
  Date: globalThis.Date,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  abortTimeout: AbortSignal.timeout,
};

let current: FakeTime | undefined;

/** Replaces the time until `restore()`, or the end of the block: `using time = new FakeTime()`. */
export class FakeTime {
  #startMs: number;
  #nowMs: number;
  #timers = new Map<number, Timer>();
  #lastId = 0;
  #lastOrder = 0;
  #advance: ReturnType<typeof setInterval> | undefined;

  /** Time stands still at `start`, by default at the real now. */
  constructor(start?: number | string | Date | null, options?: FakeTimeOptions) {
    current?.restore();
    this.#startMs = typeof start === "number"
      ? Math.floor(start)
      : start === undefined || start === null
      ? real.Date.now()
      : new real.Date(start).getTime();
    if (Number.isNaN(this.#startMs)) {
      throw new TimeError(
        `Cannot construct FakeTime: start is set to "${start}" and cannot be parsed`,
      );
    }
    this.#nowMs = this.#startMs;
    this.#install();
    current = this;
    const rate = options?.advanceRate ?? 0;
    if (rate > 0) {
      const frequency = Math.max(0, options?.advanceFrequency ?? 10);
      this.#advance = real.setInterval.call(
        globalThis,
        () => this.tick(rate * frequency),
        frequency,
      );
    }
  }

  /** Restores real time. */
  static restore(): void {
    if (!current) throw new TimeError("Cannot restore time: time is already restored");
    current.restore();
  }

  /** Real time while `callback` runs. */
  static async restoreFor<T>(
    // deno-lint-ignore no-explicit-any
    callback: (...args: any[]) => Promise<T> | T,
    // deno-lint-ignore no-explicit-any
    ...args: any[]
  ): Promise<T> {
    const time = current;
    if (!time) throw new TimeError("Cannot restore time: time is already restored");
    uninstall();
    try {
      return await callback(...args);
    } finally {
      if (current === time) time.#install();
    }
  }

  /** The fake time in unix milliseconds. Setting it runs every timer that becomes due, in order. */
  get now(): number {
    return this.#nowMs;
  }
  set now(value: number) {
    if (value < this.#nowMs) {
      throw new RangeError(
        `Cannot set current time in the past, time must be >= ${this.#nowMs}: received ${value}`,
      );
    }
    for (let id = this.#nextId(value); id !== undefined; id = this.#nextId(value)) {
      const timer = this.#timers.get(id)!;
      this.#nowMs = timer.due;
      if (timer.intervalMs === undefined) this.#timers.delete(id);
      else {
        timer.due += timer.intervalMs;
        timer.order = ++this.#lastOrder;
      }
      timer.run();
    }
    this.#nowMs = value;
  }

  /** The fake time at the start, in unix milliseconds. */
  get start(): number {
    return this.#startMs;
  }
  set start(_value: number) {
    throw new TypeError("Cannot change start time after initialization");
  }

  /** Resolves after `ms` milliseconds of real time. */
  delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const aborted = () => {
        real.clearTimeout.call(globalThis, timer);
        reject(new DOMException("Delay was aborted.", "AbortError"));
      };
      if (signal?.aborted) {
        return reject(new DOMException("Delay was aborted.", "AbortError"));
      }
      const timer = real.setTimeout.call(globalThis, () => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      }, ms);
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }

  /** Lets all pending microtasks run. */
  async runMicrotasks(): Promise<void> {
    await this.delay(0);
  }

  /** Moves time by `ms`. */
  tick(ms = 0): void {
    this.now += ms;
  }

  /** Lets all pending microtasks run, then moves time by `ms`. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.now += ms;
  }

  /** Moves time to the next timer; false if there is none. */
  next(): boolean {
    const id = this.#nextId(Infinity);
    if (id !== undefined) this.now = this.#timers.get(id)!.due;
    return id !== undefined;
  }

  /** Lets all pending microtasks run, then moves time to the next timer; false if there is none. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  /** Moves time until no timer is left. */
  runAll(): void {
    while (this.next());
  }

  /** Moves time until no timer is left, with the microtasks between them. */
  async runAllAsync(): Promise<void> {
    while (this.#timers.size > 0) await this.nextAsync();
  }

  /** Restores real time. */
  restore(): void {
    if (current !== this) throw new TimeError("Cannot restore time: time is already restored");
    current = undefined;
    uninstall();
    if (this.#advance !== undefined) clearInterval(this.#advance);
  }

  /** Restores real time. */
  [Symbol.dispose](): void {
    this.restore();
  }

  #nextId(untilMs: number): number | undefined {
    let best: [id: number, timer: Timer] | undefined;
    for (const [id, timer] of this.#timers) {
      if (timer.due > untilMs) continue;
      if (
        !best || timer.due < best[1].due ||
        timer.due === best[1].due && timer.order < best[1].order
      ) best = [id, timer];
    }
    return best?.[0];
  }

  #add(run: () => void, delayMs: unknown, repeat: boolean): number {
    const ms = Math.max(repeat ? 1 : 0, Math.floor(Number(delayMs) || 0));
    const id = ++this.#lastId;
    this.#timers.set(id, {
      due: this.#nowMs + ms,
      order: ++this.#lastOrder,
      intervalMs: repeat ? ms : undefined,
      run,
    });
    return id;
  }

  #install(): void {
    // A proxy, so that `instanceof Date`, `Date.parse` and subclasses keep working.
    const date: DateConstructor = new Proxy(real.Date, {
      construct: (target, args, newTarget) =>
        Reflect.construct(
          target,
          args.length === 0 ? [this.#nowMs] : args,
          newTarget === date ? target : newTarget,
        ),
      apply: () => new real.Date(this.#nowMs).toString(),
      get: (target, key) => key === "now" ? () => this.#nowMs : Reflect.get(target, key),
    });
    type Callback = (...args: unknown[]) => void;
    const clear = (id?: unknown) => void this.#timers.delete(Number(id));
    Object.assign(globalThis, {
      Date: date,
      setTimeout: (callback: Callback, ms?: unknown, ...args: unknown[]) =>
        this.#add(() => callback(...args), ms, false),
      setInterval: (callback: Callback, ms?: unknown, ...args: unknown[]) =>
        this.#add(() => callback(...args), ms, true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    AbortSignal.timeout = (ms: number) => {
      const controller = new AbortController();
      this.#add(
        () => controller.abort(new DOMException("Signal timed out.", "TimeoutError")),
        ms,
        false,
      );
      return controller.signal;
    };
  }
}

function uninstall(): void {
  const { abortTimeout, ...globals } = real;
  Object.assign(globalThis, globals);
  AbortSignal.timeout = abortTimeout;
}
