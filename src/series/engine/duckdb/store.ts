/**
 * What the worker keeps: the database, what is known of it, and the way of a unit into it.
 *
 * One transaction takes all of a unit: new tables and columns, new series, the points, and the unit's
 * position. So a unit is applied whole or not at all, and the position says which.
 *
 * After a failed unit nothing more is taken: what is known in memory may be ahead of the database. The caller
 * opens the engine again and goes on behind the position that it finds.
 *
 * @module
 */
import { messageOf } from "../../../base/errors.ts";
import type { Batch } from "../../points/batch.ts";
import type { EngineOptions, EngineStats, Unit } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { MaintenanceEvent } from "../maintenance.ts";
import { Aggregates } from "./aggregates.ts";
import { ColdTier, DAY_NS, dayOf } from "./cold.ts";
import { appendColumns, type Column } from "./columns.ts";
import { type Connection, Database, isFatal, isFull, rowsOf } from "./database.ts";
import { readState } from "./format.ts";
import { merge } from "./merge.ts";
import type { MaintenanceStart } from "./messages.ts";
import { NewestTimes } from "./newest.ts";
import { others, pick, type Rows } from "./rows.ts";
import { type Measurement, Schema } from "./schema.ts";
import { upkeep } from "./upkeep.ts";

/** See the top of this file. */
export class Store {
  readonly database: Database;
  readonly schema = new Schema();
  readonly aggregates = new Aggregates(this.schema);
  /** Undefined in memory. */
  readonly cold: ColdTier | undefined;
  readonly stats: EngineStats = { units: 0, rows: 0, mergedRows: 0 };
  /** The database's id. */
  readonly id: string;
  #position: number;
  readonly #connection: Connection;
  readonly #newest = new Map<string, NewestTimes>();
  readonly #ends: (() => Promise<void>)[] = [];
  #upkeep: AsyncGenerator<MaintenanceEvent> | undefined;
  #broken: EngineError | undefined;

  private constructor(
    database: Database,
    connection: Connection,
    id: string,
    position: number,
    directory: string | undefined,
  ) {
    if (directory !== undefined) this.cold = new ColdTier(this.schema, directory);
    this.database = database;
    this.#connection = connection;
    this.id = id;
    this.#position = position;
  }

  /** Opens a database, and makes it where there is none. @throws {EngineError} */
  static async open(options: EngineOptions): Promise<Store> {
    const { directory, memoryLimitBytes, threads, isTiered = false } = options;
    const database = await Database.open({ directory, memoryLimitBytes, threads });
    try {
      const connection = await database.connect();
      const { id, position } = await readState(connection.api, directory ?? "memory");
      const store = new Store(database, connection, id, position, directory);
      await store.schema.load(connection.api);
      await store.cold?.load(connection.api);
      await store.aggregates.load(connection.api);
      const hasCold = [...store.schema.measurements()].some(({ cold }) => cold.length > 0);
      const isOpen = store.cold !== undefined && (isTiered || hasCold);
      if (isOpen) store.cold!.isOpen = true;
      await database.seal(isOpen ? [store.cold!.folder] : []);
      return store;
    } catch (error) {
      database.close();
      if (error instanceof EngineError) throw error;
      throw new EngineError(
        "damaged",
        `Cannot read the database in ${directory ?? "memory"}: ${messageOf(error)}; ` +
          "restore it, or move it away to begin anew",
        { cause: error },
      );
    }
  }

  /** Number of the last write that is applied for good. */
  get position(): number {
    return this.#position;
  }

  /** The tags' values of some series of a measurement, one array a tag; null where it has none. */
  async seriesPage(name: string, from: number, count: number): Promise<(string | null)[][]> {
    const { tags, seriesTable } = this.schema.get(name)!;
    if (tags.length === 0) return [];
    const columns = tags.map((_, tag) => `t${tag}`);
    const rows = await rowsOf(
      this.#connection.api,
      `SELECT ${columns.join(", ")} FROM traqq.${seriesTable}
       WHERE id >= ${from} AND id < ${from + count} ORDER BY id`,
    );
    return tags.map((_, tag) => rows.map((row) => row[tag] as string | null));
  }

  /** Applies a unit. @throws {EngineError} and nothing is taken any more */
  async apply(unit: Unit): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const { api } = this.#connection;
    try {
      if (unit.position <= this.#position) {
        throw new Error(`BUG: the unit ${unit.position} comes after ${this.#position}`);
      }
      await api.run("BEGIN");
      for (const batch of unit.batches) await this.#applyBatch(batch);
      await api.run(`UPDATE traqq.state SET position = ${unit.position}`);
      await api.run("COMMIT");
    } catch (error) {
      this.#broken = writeError(error);
      await api.run("ROLLBACK").catch(() => {});
      throw this.#broken;
    }
    this.#position = unit.position;
    this.stats.units++;
  }

  async #applyBatch(batch: Batch): Promise<void> {
    const { api } = this.#connection;
    if (this.schema.get(batch.measurement) === undefined) {
      await this.aggregates.makeWay(api, batch.table);
    }
    const measurement = await this.schema.announce(this.#connection, batch);
    const newest = await this.#newestOf(measurement, batch.newSeries.length);
    newest.grow(measurement.series);
    const late = newest.late(batch.times, batch.series);
    this.#append(measurement, late.length === 0 ? batch : pick(batch, others(batch.rows, late)));
    if (late.length > 0) {
      const rows = pick(batch, Uint32Array.from(late));
      if (measurement.cold.length > 0) {
        await this.cold!.bringBack(api, measurement, new Set(rows.times.values().map(dayOf)));
      }
      await merge(this.#connection, measurement, rows);
    }
    await this.aggregates.touch(api, measurement.table, batch.times);
    this.stats.rows += batch.rows;
    this.stats.mergedRows += late.length;
  }

  async #newestOf(measurement: Measurement, newSeries: number): Promise<NewestTimes> {
    const { name, series, pointsTable } = measurement;
    let newest = this.#newest.get(name);
    if (newest === undefined) {
      const table = `traqq.${pointsTable}`;
      const last = measurement.cold.reduce<bigint | undefined>(
        (last, { dayNs }) => last === undefined || dayNs > last ? dayNs : last,
        undefined,
      );
      const floor = last === undefined ? undefined : last + DAY_NS - 1n;
      newest = await NewestTimes.read(this.#connection.api, table, series - newSeries, floor);
      this.#newest.set(name, newest);
    }
    return newest;
  }

  #append(measurement: Measurement, { times, series, fields, rows }: Rows): void {
    const columns: Column[] = [
      { type: "time", values: times },
      { type: "number", values: series },
      ...measurement.fields.map(({ type }) => ({ type })),
    ];
    for (const field of fields) columns[2 + measurement.fieldAt(field.name)] = field;
    const target = { schema: "traqq", table: measurement.pointsTable };
    appendColumns(this.#connection.handle, target, columns, rows);
  }

  /** Runs CREATE or DROP CONTINUOUS AGGREGATE. @throws {EngineError} */
  async command(sql: string): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.aggregates.command(this.#connection.api, sql);
  }

  /**
   * Runs the next step of maintenance: gives what it did, undefined at the end. With a plan it begins anew.
   *
   * @throws {EngineError} and nothing is taken any more
   */
  async maintain(start?: MaintenanceStart): Promise<MaintenanceEvent | undefined> {
    if (this.#broken !== undefined) throw this.#broken;
    if (start !== undefined) {
      const parts = {
        connection: this.#connection,
        schema: this.schema,
        aggregates: this.aggregates,
        cold: this.cold,
      };
      this.#upkeep = upkeep(parts, start.plan, start.nowMs);
    }
    try {
      return (await this.#upkeep?.next())?.value ?? undefined;
    } catch (error) {
      throw this.#broken = writeError(error);
    }
  }

  /** Calls this before the database is closed, and waits: it ends what runs on other connections. */
  endBeforeClose(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  /** Moves what the database's log holds into its file, and closes it. */
  async close(): Promise<void> {
    await this.#endOthers();
    // The log alone is enough to open it again: what fails here is not lost.
    await this.#connection.api.run("CHECKPOINT").catch(() => {});
    this.database.close();
  }

  /** Closes it without more work: the next one to open it reads the log. */
  async abandon(): Promise<void> {
    await this.#endOthers();
    this.database.close();
  }

  async #endOthers(): Promise<void> {
    await Promise.allSettled(this.#ends.map((end) => end()));
  }
}

function writeError(cause: unknown): EngineError {
  const text = messageOf(cause);
  if (isFull(text)) {
    return new EngineError(
      "full",
      `Cannot write to the database: ${text}; make room on the disk: what was acknowledged is applied then`,
      { cause },
    );
  }
  return new EngineError(
    isFatal(text) ? "died" : "failed",
    `Cannot write to the database: ${text}; the engine must be opened again`,
    { cause },
  );
}
