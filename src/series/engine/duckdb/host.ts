/**
 * The engine on DuckDB, as the rest of the program sees it: a worker that owns the database, and calls to it.
 *
 * @module
 */
import { buffersOf, type Tag } from "../../points/batch.ts";
import type {
  Engine,
  EngineOptions,
  EngineState,
  EngineStats,
  MeasurementState,
  Unit,
} from "../engine.ts";
import { SqlClient } from "../../sql/client.ts";
import type { SqlSession } from "../../sql/session.ts";
import { EngineError } from "../errors.ts";
import type { AggregateInfo, MaintenanceEvent, MaintenancePlan } from "../maintenance.ts";
import { DirectoryLock } from "./lock.ts";
import type { CallName, Calls, Opened, ToHost, ToWorker } from "./messages.ts";

/** Series that one message carries. */
const SERIES_PAGE = 20_000;

/** What the worker loads for questions in SQL. */
const SQL = new URL("../../sql/run/attach.ts", import.meta.url);

/** How long a worker may take to close its database before it is ended. */
const CLOSE_PATIENCE_MS = 60_000;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** See the top of this file. */
export class DuckDbEngine implements Engine {
  readonly #worker: Worker;
  readonly #lock: DirectoryLock | undefined;
  readonly #isWriting = new Int32Array(new SharedArrayBuffer(4));
  readonly #pending = new Map<number, Pending>();
  readonly #death = Promise.withResolvers<Error>();
  #state: EngineState = { id: "", position: 0, measurements: [] };
  #stats: EngineStats = { units: 0, rows: 0, mergedRows: 0 };
  #maintenance: Promise<unknown> = Promise.resolve();
  #lastNumber = 0;
  #session: SqlClient | undefined;
  /** Why nothing can be called any more. */
  #end: EngineError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(lock: DirectoryLock | undefined) {
    this.#lock = lock;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "series engine",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<ToHost>) => this.#hear(data);
    // What the worker could not catch itself: its program could not be loaded.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#die(event.message);
    };
    this.#post({ kind: "hello", isWriting: this.#isWriting });
  }

  /** Opens the engine in a worker of its own. @throws {EngineError} */
  static async open(options: EngineOptions): Promise<DuckDbEngine> {
    const lock = options.directory === undefined
      ? undefined
      : await DirectoryLock.take(options.directory);
    const engine = new DuckDbEngine(lock);
    try {
      engine.#state = await engine.#readState(await engine.#call("open", options));
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  get state(): EngineState {
    return this.#state;
  }

  get died(): Promise<Error> {
    return this.#death.promise;
  }

  get session(): SqlSession {
    if (this.#session === undefined) {
      this.#session = new SqlClient(this.attach(SQL));
      if (this.#end !== undefined) this.#session.end(this.#end.message);
    }
    return this.#session;
  }

  /** Whether the worker answers a call that may write files. */
  get isWriting(): boolean {
    return Atomics.load(this.#isWriting, 0) === 1;
  }

  async apply(unit: Unit): Promise<void> {
    this.#stats = await this.#call("apply", unit, unit.batches.flatMap(buffersOf));
  }

  /**
   * Runs `CREATE CONTINUOUS AGGREGATE name AS SELECT …` or `DROP CONTINUOUS AGGREGATE name`. To create one
   * that is there, with the same SELECT, does nothing.
   *
   * @throws {EngineError} `refused` if it cannot be
   */
  async command(sql: string): Promise<void> {
    await this.#call("command", sql);
  }

  /** Continuous aggregates. */
  aggregates(): Promise<AggregateInfo[]> {
    return this.#call("aggregates", undefined);
  }

  /**
   * Refreshes continuous aggregates, drops what is past its retention, moves old days to the cold tier.
   * Points are applied in between. One at a time: a second call waits for the first.
   *
   * @returns what was done, and what could not be
   */
  maintain(plan: MaintenancePlan, nowMs: number = Date.now()): Promise<MaintenanceEvent[]> {
    const result = this.#maintenance.then(async () => {
      const events: MaintenanceEvent[] = [];
      let event = await this.#call("maintain", { plan, nowMs });
      for (; event !== undefined; event = await this.#call("maintain", undefined)) {
        events.push(event);
      }
      return events;
    });
    this.#maintenance = result.catch(() => {});
    return result;
  }

  stats(): EngineStats {
    return { ...this.#stats };
  }

  /**
   * A line to a module that the worker loads: its export `attach(store, port)` gets the other end, and the
   * `Store`, whose `database` makes connections. It may give a function that ends what it runs: that is
   * awaited before the database is closed.
   */
  attach(module: URL): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#post({ kind: "attach", module: module.href, port: port2 }, [port2]);
    return port1;
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /**
   * Ends the worker at once, as a crash would. What was under way is rejected. If it was writing just then,
   * nothing in this process may open the files again, as the threads below it go on.
   */
  terminate(): void {
    this.#die("its worker was ended");
  }

  async #close(): Promise<void> {
    if (this.#end !== undefined) return;
    const closed = this.#call("close", undefined);
    this.#end = new EngineError("closed", "Cannot use the engine: it was closed; open it again");
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, CLOSE_PATIENCE_MS);
    await Promise.race([closed.catch(() => {}), patience.promise]);
    clearTimeout(timer);
    this.#release(this.#end);
  }

  /** Ends the worker, gives the directory back, rejects what waits. */
  #release(reason: EngineError): void {
    this.#worker.terminate();
    this.#session?.end(reason.message);
    if (this.isWriting) this.#lock?.poison();
    else this.#lock?.free();
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }

  #die(why: string): void {
    if (this.#end !== undefined) return;
    this.#end = new EngineError(
      "died",
      `The engine of the series ended: ${why}; what was under way may or may not have been applied`,
    );
    this.#release(this.#end);
    this.#death.resolve(this.#end);
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #call<Name extends CallName>(
    name: Name,
    argument: Calls[Name][0],
    transfer?: Transferable[],
  ): Promise<Calls[Name][1]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const number = ++this.#lastNumber;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(number, { resolve, reject });
    this.#post({ kind: "call", number, name, argument }, transfer);
    return promise as Promise<Calls[Name][1]>;
  }

  #hear(message: ToHost): void {
    if (message.kind === "died") return this.#die(message.message);
    const pending = this.#pending.get(message.number);
    this.#pending.delete(message.number);
    if (message.kind === "answer") pending?.resolve(message.value);
    else pending?.reject(new EngineError(message.failure.code, message.failure.message));
  }

  async #readState({ id, position, measurements }: Opened): Promise<EngineState> {
    const states: MeasurementState[] = [];
    for (const { name, table, tags, fields, seriesCount } of measurements) {
      const keys = tags.map((tag) => tag.name);
      const series: Tag[][] = [];
      for (let from = 0; from < seriesCount; from += SERIES_PAGE) {
        const count = Math.min(SERIES_PAGE, seriesCount - from);
        const values = await this.#call("series", { measurement: name, from, count });
        for (let at = 0; at < count; at++) series.push(tagsOf(keys, values, at));
      }
      states.push({ name, table, tags, fields, series });
    }
    return { id, position, measurements: states };
  }
}

/** The tags of one series, ascending by key. */
function tagsOf(keys: readonly string[], values: (string | null)[][], at: number): Tag[] {
  const tags: Tag[] = [];
  keys.forEach((key, tag) => {
    const value = values[tag][at];
    if (value !== null) tags.push([key, value]);
  });
  return tags.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}
