/**
 * The TCP client of a traqq server.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Client, MemoryStorage, Traqq } from "@traqq/traqq";
 * import { serveTcp } from "../server/tcp.ts";
 *
 * await using traqq = await Traqq.open({ storage: new MemoryStorage() });
 * await using server = serveTcp(traqq, { port: 0 });
 *
 * await using client = await Client.connect(`127.0.0.1:${server.addr.port}`);
 * await client.record({ event: "purchase" });
 * const { buckets } = await client.queryDays(7);
 * assertEquals(buckets.length, 7);
 * ```
 *
 * @module
 */
import { EventError, messageOf, ProtocolError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { utf8Length } from "../base/utf8.ts";
import {
  type Instant,
  type QueryDaysOptions,
  type QueryOptions,
  readInstant,
} from "../engine/query.ts";
import type { MetricResult, ResultBucket, ResultOf } from "../engine/result.ts";
import { type MetricPath, type MetricSelector, readSelector } from "../engine/selector.ts";
import { MAX_BARE_SECONDS, toUnixSeconds } from "../engine/time.ts";
import { parseAddress } from "../protocol/address.ts";
import {
  type Command,
  commandLine,
  MAX_EVENTS_PER_LINE,
  recordLine,
} from "../protocol/commands.ts";
import { bucketsFromWire, fromWire, isEventRefusal } from "../protocol/replies.ts";
import type { RecordManyOptions, RecordOptions, RecordReport } from "../traqq.ts";
import { Batches, isTooLong, type RecordProgress, tooLong } from "./_batches.ts";
import { type TlsClientOptions, Wire } from "./_wire.ts";
import { ConnectionError, PartialRecordError } from "./errors.ts";

export { ConnectionError, PartialRecordError, type RecordProgress, type TlsClientOptions };

/** What {@linkcode Client.connect} takes beside the address. */
export interface ClientOptions {
  /** The server's token, where it has one. */
  token?: string;
  /** Speak TLS; default false. With an object: which certificates to trust. */
  tls?: boolean | TlsClientOptions;
  /** Milliseconds until {@linkcode Client.connect} gives up. Default 10,000. */
  connectTimeoutMs?: number;
  /** Milliseconds of silence after which the server is pinged. Default 60,000; 0: never. */
  keepAliveMs?: number;
  /** Called when a `record` rejects, whether it is awaited or not. */
  onError?: (error: Error) => void;
}

/** What {@linkcode Client.recordMany} takes beside the events. */
export interface ClientRecordManyOptions extends RecordManyOptions {
  /** Called after each reply. */
  onProgress?: (progress: RecordProgress) => void;
  /** Events of a line, at most. Default 1,000. */
  batchSize?: number;
}

/** What {@linkcode Client.find} takes beside the range and the metric. */
export interface FindOptions {
  /** The whole range as one result; default one per bucket. */
  merge?: boolean;
}

/** What {@linkcode Client.query} gives: buckets only, for the wire carries counts, not sketches. */
export interface ClientQueryResult {
  /** Every bucket of the range, oldest first, those without data too. */
  readonly buckets: ResultBucket[];
}

/** Counters of a server; those of its TCP side under `server`. */
export interface ClientStats {
  /** Connections, commands, errors and bytes of the TCP server. */
  readonly server?: Readonly<Record<string, number>>;
  /** What `Traqq.stats` gives. */
  readonly [counter: string]: number | Readonly<Record<string, number>> | undefined;
}

/**
 * A connection to a server. Calls may overlap: they are answered in their order. A call whose reply was
 * not seen is never sent again, for an event might then be counted twice: when the connection ends it
 * rejects, and a new client must be connected.
 *
 * @example
 * ```ts ignore
 * await using client = await Client.connect("127.0.0.1:9876");
 * await client.record({ event: "purchase", geo: "US" });
 * const { buckets } = await client.queryDays(7);
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #onError: (error: Error) => void;
  #keepAlive: ReturnType<typeof setInterval> | undefined;
  /** Whether something was sent since the last tick of `#keepAlive`. */
  #active = false;

  private constructor(wire: Wire, options: ClientOptions) {
    this.#wire = wire;
    this.#onError = options.onError ?? (() => {});
    const keepAliveMs = options.keepAliveMs ?? 60_000;
    if (keepAliveMs > 0) {
      const timer = setInterval(() => this.#ping(), keepAliveMs);
      Deno.unrefTimer(timer);
      this.#keepAlive = timer;
    }
  }

  /**
   * Connects, and sends the token if there is one.
   *
   * @param address `"host:port"`, `"[::1]:9876"`
   * @throws {TypeError} if the address is not one
   * @throws {ConnectionError} if nothing answers there
   * @throws {ProtocolError} if the server refuses the token, or the connection
   */
  static async connect(address: string, options: ClientOptions = {}): Promise<Client> {
    const { connectTimeoutMs = 10_000, token, tls = false } = options;
    const trusted = tls === true ? {} : tls === false ? undefined : tls;
    const deadlineMs = performance.now() + connectTimeoutMs;
    const wire = await Wire.open(parseAddress(address), trusted, connectTimeoutMs);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      wire.abort();
    }, Math.max(0, deadlineMs - performance.now()));
    try {
      // Asks something even without a token: a server that is full, or speaks TLS, is seen here.
      await wire.call(commandLine(token === undefined ? { cmd: "ping" } : { cmd: "auth", token }));
      return new Client(wire, options);
    } catch (cause) {
      wire.abort();
      if (cause instanceof ProtocolError) throw cause;
      const reason = late
        ? `no answer within ${connectTimeoutMs} ms`
        : wire.reason ?? messageOf(cause);
      throw new ConnectionError(
        `Cannot connect to ${address}: ${reason}; ${whatToDo(reason)}`,
        0,
        { cause },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Records an event; resolves when the server has it. Not awaiting it is fine, many may be under way.
   *
   * @throws {EventError} (by rejecting) if the event is refused
   * @throws {ProtocolError} (by rejecting) if the server cannot record anything now
   * @throws {ConnectionError} (by rejecting) if the connection ends first: it may have been recorded
   */
  record(event: unknown, options?: RecordOptions): Promise<void> {
    const recorded = this.#record(event, options?.at).catch((error) => {
      const reason = error instanceof ProtocolError && isEventRefusal(error.message)
        ? new EventError(error.message, { cause: error })
        : error;
      this.#report(reason);
      throw reason;
    });
    // Nobody need await it: that must not end the process.
    recorded.catch(() => {});
    return recorded;
  }

  /**
   * Records many events, in batches, a few of which are under way at any time.
   *
   * @param events an array, or anything that is iterable or async iterable
   * @throws {PartialRecordError} if the connection ends, or the server refuses a whole batch
   */
  async recordMany(
    events: Iterable<unknown> | AsyncIterable<unknown>,
    options: ClientRecordManyOptions = {},
  ): Promise<RecordReport> {
    const { at, onProgress = () => {}, batchSize = 1000 } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_EVENTS_PER_LINE) {
      throw new RangeError(
        `Cannot record: wanted batchSize from 1 to ${MAX_EVENTS_PER_LINE}, received ${
          show(batchSize)
        }`,
      );
    }
    const atFor = typeof at === "function"
      ? at
      : ((json) => () => json)(at === undefined ? undefined : JSON.parse(instantJson(at, "at")));
    const batches = new Batches(this.#wire, batchSize, onProgress);
    let index = 0;
    const add = (event: unknown): Promise<void> | undefined => {
      this.#active = true;
      try {
        const time = atFor(event, index);
        const atJson = time === undefined ? "null" : instantJson(time, "at");
        return batches.add(index, eventJson(event), atJson);
      } catch (error) {
        batches.reject(index, error);
      } finally {
        index++;
      }
    };
    try {
      if (Symbol.iterator in events) {
        for (const event of events) {
          const wait = add(event);
          if (wait !== undefined) await wait;
          if (batches.failed) break;
        }
      } else {
        for await (const event of events) {
          await add(event);
          if (batches.failed) break;
        }
      }
    } catch (error) {
      // The source failed. What was sent is answered before the caller hears of it.
      await batches.settle();
      throw error;
    }
    return await batches.finish();
  }

  /**
   * Every bucket of a range.
   *
   * @throws {ProtocolError} with the server's text, if it refuses
   */
  async query(options: QueryOptions): Promise<ClientQueryResult> {
    return readBuckets(await this.#call({ cmd: "query", options: wireRange(options) }));
  }

  /**
   * The last `days` calendar days of the server's zone, today the last of them.
   *
   * @throws {ProtocolError} with the server's text, if it refuses
   */
  async queryDays(days: number, options: QueryDaysOptions = {}): Promise<ClientQueryResult> {
    return readBuckets(await this.#call({ cmd: "query_days", days, options }));
  }

  /**
   * One metric: a result per bucket that holds it, oldest first; with `merge` the whole range as one,
   * in which `bmp` counts what is unique over all of it. `[]` where nothing was recorded.
   *
   * @param what `"top/geo"`, `"adv/event~geo/amount"`, or the same as an object
   * @throws {ProtocolError} with the server's text, if it refuses
   */
  async find<const S extends MetricPath | MetricSelector>(
    range: QueryOptions,
    what: S,
    options: FindOptions = {},
  ): Promise<ResultOf<S>[]> {
    const { type, pattern, addKey } = readSelector(what);
    const select = { type, key: pattern, ...(addKey === undefined ? {} : { addKey }) };
    const command = {
      cmd: "find",
      options: wireRange(range),
      select,
      merge: options.merge ?? false,
    };
    const results: MetricResult[] = fromWire(await this.#call(command as Command));
    return results as ResultOf<S>[];
  }

  /** Resolves when the server answers. */
  async ping(): Promise<void> {
    await this.#call({ cmd: "ping" });
  }

  /** The server's counters. */
  async stats(): Promise<ClientStats> {
    return await this.#call({ cmd: "stats" }) as ClientStats;
  }

  /**
   * Takes no more calls, waits for the replies to those that were made, and closes. What is not
   * answered within `deadlineMs`, default 30,000, rejects.
   */
  async close(options: { deadlineMs?: number } = {}): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#wire.close(options.deadlineMs ?? 30_000);
  }

  /** As {@linkcode Client.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #record(event: unknown, at: Instant | undefined): Promise<void> {
    const line = recordLine(
      eventJson(event),
      at === undefined ? undefined : instantJson(at, "at"),
    );
    if (isTooLong(line)) throw tooLong(utf8Length(line) - 1);
    this.#active = true;
    await this.#wire.call(line);
  }

  #call(command: Command): Promise<unknown> {
    this.#active = true;
    return this.#wire.call(commandLine(command));
  }

  #ping(): void {
    if (!this.#active && this.#wire.unanswered === 0) {
      this.#wire.call(commandLine({ cmd: "ping" })).catch(() => clearInterval(this.#keepAlive));
    }
    this.#active = false;
  }

  #report(error: Error): void {
    try {
      this.#onError(error);
    } catch {
      // A report must not stop what it reports about.
    }
  }
}

function readBuckets(data: unknown): ClientQueryResult {
  return { buckets: bucketsFromWire(data) };
}

function eventJson(event: unknown): string {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(event);
  } catch (error) {
    cause = error;
  }
  if (json?.includes(":null")) json = JSON.stringify(event, infinite);
  if (json !== undefined) return json;
  throw new EventError(
    cause === undefined
      ? `Cannot record an event: wanted an object such as {"event":"purchase"}, received ${
        show(event)
      }`
      : `Cannot record an event: it cannot be written as JSON: ${messageOf(cause)}`,
    { cause },
  );
}

/**
 * JSON writes `null` where a number is not finite, and that is an absent property. What is too large for
 * a number stays what it is, so that the server treats it as the library does.
 */
function infinite(_key: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  return rawJSON(value < 0 ? "-1e999" : "1e999");
}

// TypeScript does not know it yet.
const { rawJSON } = JSON as unknown as { rawJSON: (json: string) => unknown };

function wireRange(options: QueryOptions): QueryOptions {
  const { from, to } = options;
  return {
    ...options,
    from: JSON.parse(secondsJson(readInstant("from", from))),
    to: JSON.parse(secondsJson(readInstant("to", to))),
  };
}

/** An event's time for the wire. Read here: JSON has no Dates, and NaN would become `null`: now. */
function instantJson(value: Instant, what: string): string {
  return secondsJson(toUnixSeconds(value, what));
}

function secondsJson(seconds: number): string {
  return Math.abs(seconds) <= MAX_BARE_SECONDS
    ? String(seconds)
    // The server would take such a number for milliseconds.
    : JSON.stringify(new Date(seconds * 1000).toISOString());
}

/** What to do where a server does not answer as one. */
function whatToDo(reason: string): string {
  if (/CaUsedAsEndEntity/.test(reason)) {
    return "that certificate is one of an authority: have the server use one with CA:FALSE";
  }
  if (/peer certificate/.test(reason)) return "trust who signed it by tls.caCerts (--tls-ca)";
  return "is it a traqq server, and does it use TLS?";
}
