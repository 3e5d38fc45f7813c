/**
 * How many requests a client may send.
 *
 * @module
 */

/** Clients that are remembered; beyond, the one that came longest ago begins anew. */
const MAX_CLIENTS = 10_000;

interface Bucket {
  /** Requests that may come at once; filled up with time. */
  left: number;
  atMs: number;
}

/** So many requests a second and client, and as many at once. Times are those of `performance.now()`. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #clients = new Map<string, Bucket>();

  /** @param perSecond 0: no limit */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether a client may send one now. */
  take(client: string, nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    const bucket = this.#clients.get(client) ?? { left: this.#perSecond, atMs: nowMs };
    const filled = bucket.left + (nowMs - bucket.atMs) / 1000 * this.#perSecond;
    bucket.left = Math.min(this.#perSecond, filled);
    bucket.atMs = nowMs;
    // Set anew, it is the last to be forgotten.
    this.#clients.delete(client);
    this.#clients.set(client, bucket);
    if (this.#clients.size > MAX_CLIENTS) this.#clients.delete(this.#clients.keys().next().value!);
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }
}
