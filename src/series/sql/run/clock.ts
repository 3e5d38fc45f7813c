/**
 * The time that a statement takes of the engine. While its reader is slow it stands still.
 *
 * @module
 */
import { SqlError } from "../errors.ts";

const INTERRUPT_EVERY_MS = 50;
/** After an interrupt DuckDB is given this long; then whoever asked is answered without it. */
const GRACE_MS = 5_000;

/** Ends what DuckDB does when the time is over, or somebody says so. */
export class Clock {
  readonly #interrupt: () => void;
  readonly #limitMs: number;
  #leftMs: number;
  #reason: SqlError | undefined;
  #stop: ((reason: SqlError) => void) | undefined;

  /** `interrupt` ends what runs on the connection. */
  constructor(timeoutMs: number, interrupt: () => void) {
    this.#limitMs = timeoutMs;
    this.#leftMs = timeoutMs;
    this.#interrupt = interrupt;
  }

  /** Ends what is measured now, and whatever comes. The first reason counts. */
  cancel(reason: SqlError): void {
    this.#reason ??= reason;
    this.#stop?.(this.#reason);
  }

  /**
   * Waits for a step of DuckDB's. One that does not end after an interrupt is left alone: then `onLost`
   * is called, and it may go on for long.
   *
   * @throws {SqlError} it was cancelled, or its time is over
   */
  async measure<T>(step: () => Promise<T>, onLost: (rest: Promise<unknown>) => void): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    const { promise: lost, reject: giveUp } = Promise.withResolvers<never>();
    lost.catch(() => {});
    let again: ReturnType<typeof setInterval> | undefined;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const started = performance.now();
    const running = step();
    this.#stop = (reason) => {
      if (again !== undefined) return;
      this.#interrupt();
      // A step is several calls of DuckDB's, and between two of them an interrupt meets nothing.
      again = setInterval(this.#interrupt, INTERRUPT_EVERY_MS);
      grace = setTimeout(() => {
        onLost(running.catch(() => {}));
        giveUp(reason);
      }, GRACE_MS);
    };
    const timer = setTimeout(() => this.cancel(overdue(this.#limitMs)), this.#leftMs);
    try {
      const result = await Promise.race([running, lost]);
      // A fetch that was interrupted may look like the end of the rows.
      if (this.#reason !== undefined) throw this.#reason;
      return result;
    } catch (error) {
      throw this.#reason ?? error;
    } finally {
      clearTimeout(timer);
      clearInterval(again);
      clearTimeout(grace);
      this.#stop = undefined;
      this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - started));
    }
  }
}

function overdue(limitMs: number): SqlError {
  return new SqlError(
    "57014",
    `Cannot finish the statement: it ran longer than ${limitMs} ms; ask for less, or allow more time`,
  );
}
