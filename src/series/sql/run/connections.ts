/**
 * The connections on which statements run, each one at a time. Who finds none free waits its turn.
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { SqlError } from "../errors.ts";
import { Gate } from "../gate/gate.ts";
import type { Extras } from "../gate/tree.ts";
import { ViewNames } from "../gate/view_names.ts";

const DEFAULT_MAX_RUNNING = 8;
const DEFAULT_MAX_WAITING = 256;

/** A connection with its gate. */
export interface Slot {
  readonly connection: DuckDBConnection;
  readonly gate: Gate;
}

/** Where connections come from. */
export interface Database {
  connect(): Promise<DuckDBConnection>;
  disconnect(connection: DuckDBConnection): void;
}

/** How many statements run at once, and how many wait. */
export interface ConnectionLimits {
  /** Default 8. Each keeps a thread busy, and DuckDB's own threads are shared by all. */
  readonly maxRunning?: number;
  /** Default 256. */
  readonly maxWaiting?: number;
}

/**
 * `now()`, `current_timestamp` and `to_timestamp(x)` are TIMESTAMPs here, in UTC as `time` is: DuckDB compares no
 * TIMESTAMP_NS with a TIMESTAMP WITH TIME ZONE, which its own give.
 */
const MACROS = [
  "CREATE OR REPLACE TEMP MACRO now() AS transaction_timestamp()::TIMESTAMP",
  "CREATE OR REPLACE TEMP MACRO get_current_timestamp() AS transaction_timestamp()::TIMESTAMP",
  "CREATE OR REPLACE TEMP MACRO to_timestamp(x) AS system.main.to_timestamp(x)::TIMESTAMP",
];

/** See the top of this file. */
export class Connections {
  readonly #database: Database;
  readonly #extras: Extras;
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #names = new ViewNames();
  readonly #free: Slot[] = [];
  readonly #waiting: ((slot: Slot | undefined) => void)[] = [];
  #count = 0;
  #isClosed = false;

  constructor(database: Database, extras: Extras, limits: ConnectionLimits = {}) {
    this.#database = database;
    this.#extras = extras;
    this.#maxRunning = limits.maxRunning ?? DEFAULT_MAX_RUNNING;
    this.#maxWaiting = limits.maxWaiting ?? DEFAULT_MAX_WAITING;
  }

  /** A connection of one's own, until {@linkcode release}. @throws {SqlError} */
  async acquire(): Promise<Slot> {
    if (this.#isClosed) throw closed();
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#count < this.#maxRunning) return await this.#open();
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new SqlError(
        "53300",
        `Cannot run the statement: ${this.#maxWaiting} others wait already; try again later`,
      );
    }
    const { promise, resolve } = Promise.withResolvers<Slot | undefined>();
    this.#waiting.push(resolve);
    const slot = await promise;
    if (slot === undefined) throw closed();
    return slot;
  }

  /** Gives it back. `isSound` false: it is not used again. */
  release(slot: Slot, isSound: boolean): void {
    if (this.#isClosed || !isSound) {
      this.#database.disconnect(slot.connection);
      this.#count--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#open().then(next, () => next(undefined));
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) next(slot);
    else this.#free.push(slot);
  }

  /** Closes what is free; who waits is told. What is in use is closed when it is given back. */
  close(): void {
    this.#isClosed = true;
    for (const { connection } of this.#free.splice(0)) this.#database.disconnect(connection);
    for (const next of this.#waiting.splice(0)) next(undefined);
  }

  async #open(): Promise<Slot> {
    this.#count++;
    try {
      const connection = await this.#database.connect();
      for (const macro of MACROS) await connection.run(macro);
      return { connection, gate: new Gate(connection, this.#names, this.#extras) };
    } catch (error) {
      this.#count--;
      throw error;
    }
  }
}

function closed(): SqlError {
  return new SqlError("57P01", "Cannot run the statement: the engine is closed");
}
