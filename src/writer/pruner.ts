/**
 * Retention: removes expired buckets soon after `open` and then every hour, whether or not anything is
 * recorded meanwhile.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { withDeadline } from "../base/promises.ts";
import type { Unit } from "../storage/storage.ts";

/** When a process that records nothing first looks, milliseconds after `open`. */
const FIRST_MS = 1000;
/** How often expired buckets are looked for. */
const EVERY_MS = 3_600_000;

/** What a {@linkcode Pruner} is made of. */
export interface PrunerOptions {
  /** How long buckets are kept after their end, in seconds; undefined: for ever. */
  readonly retention: Readonly<Record<Unit, number | undefined>>;
  /** Removes the buckets of a unit that end at or before a unix second. */
  prune(unit: Unit, before: number): Promise<unknown>;
  /** Told of what failed; the next try is an hour later. */
  onError(error: Error): void;
}

/** Prunes by itself, never twice at a time. Its timer does not keep the process alive. */
export class Pruner {
  readonly #options: PrunerOptions;
  #ranAtMs = -Infinity;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: PrunerOptions) {
    this.#options = options;
  }

  /** Begins to look now and then; does nothing where everything is kept for ever. */
  start(): void {
    if (!this.#closed && this.#keepsSome()) this.#arm(FIRST_MS);
  }

  /** Looks now unless it did so within the hour: a process may live shorter than the timer. */
  runIfDue(): void {
    if (this.#closed || this.#running !== undefined || !this.#keepsSome()) return;
    const now = Date.now();
    // By its absolute value: a clock that was put back must not stop it for as long.
    if (Math.abs(now - this.#ranAtMs) < EVERY_MS) return;
    this.#ranAtMs = now;
    this.#running = this.#run(Math.floor(now / 1000))
      .catch((error) => this.#options.onError(error))
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Starts nothing more, and waits up to `deadlineMs` for what is under way. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#running === undefined) return;
    const late = () =>
      new StorageError(
        "unknown",
        "Closed while expired buckets were being pruned: not done within flush.deadlineMs",
      );
    await withDeadline(this.#running, deadlineMs, late).catch(this.#options.onError);
  }

  async #run(now: number): Promise<void> {
    for (const unit of ["d", "h"] as const) {
      const kept = this.#options.retention[unit];
      if (kept !== undefined) await this.#options.prune(unit, Math.floor(now - kept));
    }
  }

  #keepsSome(): boolean {
    const { d, h } = this.#options.retention;
    return d !== undefined || h !== undefined;
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      this.runIfDue();
      const left = this.#ranAtMs + EVERY_MS - Date.now();
      this.#arm(left > 0 && left < EVERY_MS ? left : EVERY_MS);
    }, ms);
    Deno.unrefTimer(this.#timer as unknown as number);
  }
}
