/**
 * The time of day for many events at once. Reading the system's clock costs 25 to 60 ns, as much as
 * counting the event, so it is read once for what is recorded in one turn of the event loop.
 *
 * @module
 */

/** Calls within one turn after which the clock is read again. */
const MAX_CALLS = 256;

/** Gives the time, no older than the current turn of the event loop. */
export class Clock {
  #seconds = 0;
  #callsLeft = 0;
  readonly #endTurn = () => {
    this.#callsLeft = 0;
  };

  /** Now, in whole unix seconds. */
  seconds(): number {
    if (this.#callsLeft === 0) this.#read();
    this.#callsLeft--;
    return this.#seconds;
  }

  #read(): void {
    this.#seconds = Math.floor(Date.now() / 1000);
    this.#callsLeft = MAX_CALLS;
    queueMicrotask(this.#endTurn);
  }
}
