/**
 * Wrong tokens by address, so that nobody can try many.
 *
 * An address that sent too many is not listened to until a minute is over. One from which a right token
 * came a while ago goes on with that one: behind one proxy there may be a program with an old token
 * beside those that record, and what they send must not be lost. With that one alone, for a token that
 * only records may be known to everybody, and must not help to find the others.
 *
 * @module
 */

/** Wrong tokens that an address may send in a minute. */
export const MAX_WRONG_PER_MINUTE = 20;

const WINDOW_MS = 60_000;
/** How long a right token speaks for its address. */
const KNOWN_MS = 3_600_000;
/** Addresses that are remembered; beyond, the one that came longest ago is forgotten. */
const MAX_ADDRESSES = 10_000;

interface Seen {
  wrong: number;
  /** Since when they are counted. */
  sinceMs: number;
  /** When each right token came. */
  readonly knownMs: Map<number, number>;
}

/** See the top of this file. Times are an argument, as of `performance.now()`. */
export class Attempts {
  readonly #seen = new Map<string, Seen>();

  /** Counts a wrong token; whether it was one too many. */
  wrong(address: string, nowMs: number): boolean {
    const seen = this.#of(address, nowMs);
    seen.wrong++;
    return seen.wrong > MAX_WRONG_PER_MINUTE;
  }

  /**
   * Notes a right token; whether it counts, rather than being one of too many tries.
   *
   * @param token which one it is
   */
  right(address: string, token: number, nowMs: number): boolean {
    const seen = this.#of(address, nowMs);
    const knownMs = seen.knownMs.get(token) ?? -Infinity;
    if (seen.wrong >= MAX_WRONG_PER_MINUTE && nowMs - knownMs > KNOWN_MS) return false;
    seen.knownMs.set(token, nowMs);
    return true;
  }

  #of(address: string, nowMs: number): Seen {
    const seen = this.#seen.get(address) ?? { wrong: 0, sinceMs: nowMs, knownMs: new Map() };
    if (nowMs - seen.sinceMs >= WINDOW_MS) {
      seen.wrong = 0;
      seen.sinceMs = nowMs;
    }
    // Set anew, it is the last to be forgotten.
    this.#seen.delete(address);
    this.#seen.set(address, seen);
    if (this.#seen.size > MAX_ADDRESSES) this.#seen.delete(this.#seen.keys().next().value!);
    return seen;
  }
}
