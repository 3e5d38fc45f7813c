/**
 * Talking to Deno KV over a connection that can fail: which errors pass, how long to wait, and how
 * an error is told.
 *
 * @module
 */
import { messageOf, StorageError, type StorageErrorCode } from "../../base/errors.ts";
import { LIST_BATCH } from "./limits.ts";

/** Wait before the first repetition, milliseconds; doubled each time, with full jitter. */
const BACKOFF_BASE_MS = 4;
/** The longest wait between two attempts, milliseconds. */
const BACKOFF_CAP_MS = 250;
/** How often an attempt is repeated at most, unless told otherwise: about 4 seconds of waiting. */
export const DEFAULT_RETRIES = 40;

/** What an error of Deno KV means for the caller. */
export type Failure =
  /** Nothing was applied, another process had the file. */
  | "locked"
  /** The connection broke: a write may or may not have been applied. */
  | "lost"
  /** The database was closed by whoever opened it. */
  | "closed"
  /** The database does not want it. */
  | "refused";

/**
 * Sorts an error by its text: Deno gives a TypeError or a plain Error for all of them.
 * SQLite's `database is locked` comes from the first write of a transaction, so nothing of it stands
 * (denoland/denokv sqlite/backend.rs: `run_tx` never sees it and does not repeat it).
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof StorageError) return error.code === "closed" ? "closed" : "refused";
  const text = messageOf(error);
  if (/\blocked\b/i.test(text)) return "locked";
  if (
    error instanceof Deno.errors.BadResource || /database is closed|bad resource id/i.test(text)
  ) return "closed";
  if (CONNECTION_ERRORS.some((type) => error instanceof type)) return "lost";
  if (/status=4\d\d/.test(text)) return "refused"; // a token or a request the server does not take
  return CONNECTION_WORDS.test(text) ? "lost" : "refused";
}

const CONNECTION_ERRORS = [
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionAborted,
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.Http,
  Deno.errors.Interrupted,
  Deno.errors.NotConnected,
  Deno.errors.TimedOut,
  Deno.errors.UnexpectedEof,
];

/** Words of denokv's remote client (remote/lib.rs) and of what lies under it. */
const CONNECTION_WORDS =
  /connect|network|socket|timed? ?out|timeout|broken pipe|reset by peer|unreachable|read response|decode response|unexpected eof|dns|status=5\d\d/i;

/** A Deno.Kv with bounded patience. Owned by one KvStorage. */
export class Connection {
  readonly kv: Deno.Kv;
  readonly retries: number;
  readonly #where: string;
  #closed = false;

  constructor(kv: Deno.Kv, where: string, retries: number) {
    this.kv = kv;
    this.#where = where;
    this.retries = retries;
  }

  /** @throws {StorageError} `closed` */
  assertOpen(): void {
    if (!this.#closed) return;
    throw new StorageError("closed", `Cannot use ${this.#where}: it was closed`);
  }

  /** From now on everything fails; what is under way stops at its next attempt. */
  markClosed(): void {
    this.#closed = true;
  }

  /** A StorageError for anything that was thrown, saying what could not be done. */
  errorOf(doing: string, error: unknown): StorageError {
    if (error instanceof StorageError) return error;
    const failure = this.#closed ? "closed" : failureOf(error);
    const code: StorageErrorCode = failure === "locked"
      ? "unavailable"
      : failure === "lost"
      ? "unknown"
      : failure;
    return new StorageError(code, `Cannot ${doing} in ${this.#where}: ${messageOf(error)}`, {
      cause: error,
    });
  }

  /** Waits before repetition number `attempt` (from 0), less the more often it was lucky. */
  async pause(attempt: number): Promise<void> {
    const most = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * most));
    this.assertOpen();
  }

  /** Runs what may be repeated at will: reads, and writes that come to the same when done twice. */
  async patiently<T>(doing: string, run: () => Promise<T>): Promise<T> {
    for (let attempt = 0;; attempt++) {
      this.assertOpen();
      try {
        return await run();
      } catch (error) {
        const failure = failureOf(error);
        const passes = failure === "locked" || failure === "lost";
        if (!passes || attempt >= this.retries) throw this.errorOf(doing, error);
        await this.pause(attempt);
      }
    }
  }

  /** Lists entries in order of their keys, going on where it was when the connection came back. */
  async *list(doing: string, selector: Deno.KvListSelector): AsyncIterable<Deno.KvEntry<unknown>> {
    let rest = selector;
    let attempt = 0;
    for (;;) {
      this.assertOpen();
      let last: Deno.KvKey | null = null;
      try {
        for await (const entry of this.kv.list<unknown>(rest, { batchSize: LIST_BATCH })) {
          last = entry.key;
          yield entry;
          this.assertOpen();
        }
        return;
      } catch (error) {
        const failure = failureOf(error);
        const passes = failure === "locked" || failure === "lost";
        if (!passes || attempt >= this.retries) throw this.errorOf(doing, error);
      }
      if (last !== null) {
        rest = after(last, selector);
        attempt = 0;
      }
      await this.pause(attempt++);
    }
  }
}

/** What a selector selects behind a key: no key of ours ends in empty bytes, the least of all parts. */
function after(key: Deno.KvKey, selector: Deno.KvListSelector): Deno.KvListSelector {
  const start = [...key, new Uint8Array(0)];
  return "end" in selector ? { start, end: selector.end } : { prefix: selector.prefix, start };
}
