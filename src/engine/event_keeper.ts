/**
 * What gets each event that is counted, to keep more of it than counts.
 *
 * @module
 */

/** See the top of this file. `Series` has one, see its `keeper`. */
export interface EventKeeper {
  /**
   * Takes an event that was counted.
   *
   * @param event the caller's own object, which may change afterwards
   * @param seconds when it happened, unix seconds
   */
  keep(event: unknown, seconds: number): void;
  /** Resolves when all that was taken so far is as durable as the keeper promises. */
  readonly kept: Promise<void>;
  /** Whether `times` times as much is held as should be: callers should wait for {@linkcode kept}. */
  isFull(times: number): boolean;
}
