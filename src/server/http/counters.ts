/**
 * What the HTTP side counts.
 *
 * @module
 */
import { Histogram, type HistogramStats } from "../../base/histogram.ts";

/** Counters since the start, and what is held right now. */
export interface HttpStats {
  /** Requests that were answered. */
  readonly requests: number;
  /** Those by method, path and status: `POST /record 200`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Being answered now. */
  readonly active: number;
  /** Bytes of bodies that came, unzipped. */
  readonly bodyBytes: number;
  /** Bytes of bodies that are held now. */
  readonly heldBytes: number;
  /** Lines of bodies that are no JSON. */
  readonly unreadableLines: number;
  /** Requests with a token that is none. */
  readonly wrongTokens: number;
  /** Who listens to `/live`. */
  readonly listeners: number;
  /** Listeners that were dropped because they read too slowly. */
  readonly droppedListeners: number;
  /** How long answers took. */
  readonly times: HistogramStats;
}

/** See {@linkcode HttpStats}. */
export class HttpCounters {
  readonly #answers = new Map<string, number>();
  readonly #times = new Histogram();
  requests = 0;
  active = 0;
  bodyBytes = 0;
  unreadableLines = 0;

  /** @param path one of ours, or a word for all others: the keys must stay few */
  answered(method: string, path: string, status: number, milliseconds: number): void {
    const key = `${method} ${path} ${status}`;
    this.requests++;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
    this.#times.add(milliseconds);
  }

  stats(): Pick<
    HttpStats,
    "requests" | "answers" | "active" | "bodyBytes" | "unreadableLines" | "times"
  > {
    return {
      requests: this.requests,
      answers: Object.fromEntries(this.#answers),
      active: this.active,
      bodyBytes: this.bodyBytes,
      unreadableLines: this.unreadableLines,
      times: this.#times.stats(),
    };
  }
}
