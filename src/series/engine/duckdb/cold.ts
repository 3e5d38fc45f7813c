/**
 * The cold tier: days of points in Parquet files (zstd) in `cold`, beside the database. The view of a
 * measurement reads them with the rest.
 *
 * A day is written to a file of a new name, synced, counted, and only then taken out of the table, in one
 * transaction with the file's entry in `traqq.cold`: so every point is at every moment at one place that
 * counts. A file without an entry is left over from a run that ended early, or from a day that was brought
 * back because a late point came for it; it is removed when nobody can be reading it any more.
 *
 * For this SQL may read and write that one folder, and no other file. The gate lets no user name a file.
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { messageOf } from "../../../base/errors.ts";
import { EngineError } from "../errors.ts";
import { rowsOf } from "./database.ts";
import { quoteText, quoteTime } from "./quote.ts";
import { type ColdDay, type Measurement, pointColumns, type Schema, viewOf } from "./schema.ts";

/** The folder in an engine's directory. */
export const COLD_NAME = "cold";

/** Nanoseconds of a day in UTC. */
export const DAY_NS = 86_400_000_000_000n;

/** Files that we wrote: nothing else in the folder is touched. */
const OUR_FILES = /^m\d+-[-\d]+-[0-9a-f]{12}\.parquet$/;

/** The begin of the day of a time, both in unix nanoseconds. */
export function dayOf(timeNs: bigint): bigint {
  const rest = timeNs % DAY_NS;
  return timeNs - (rest < 0n ? rest + DAY_NS : rest);
}

/** A day in a file that nobody reads yet. */
export interface WrittenDay {
  readonly dayNs: bigint;
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
}

/** See the top of this file. */
export class ColdTier {
  readonly #schema: Schema;
  /** With a slash at its end. */
  readonly #folder: string;
  #unused: string[] = [];
  /** Whether files may be written: SQL can reach the folder. */
  isOpen = false;

  /** `directory`: that of the engine, where the folder is or will be. */
  constructor(schema: Schema, directory: string) {
    this.#schema = schema;
    this.#folder = `${directory}/${COLD_NAME}/`;
  }

  /** The folder, as it must be opened for SQL. */
  get folder(): string {
    return this.#folder;
  }

  /** Reads what there is, and makes the views read it where the folder is now. */
  async load(api: DuckDBConnection): Promise<void> {
    const rows = await rowsOf(api, "FROM traqq.cold ORDER BY measurement, day");
    const byId = Map.groupBy(rows as [number, number, string, number, bigint][], ([id]) => id);
    for (const measurement of this.#schema.measurements()) {
      for (const [, day, name, fields] of byId.get(measurement.id) ?? []) {
        await this.#expect(name);
        measurement.cold.push({ dayNs: BigInt(day) * DAY_NS, file: this.#folder + name, fields });
      }
      if (measurement.cold.length > 0) await api.run(viewOf(measurement));
    }
    this.#unused = await this.#findUnused();
  }

  async #expect(name: string): Promise<void> {
    try {
      await Deno.stat(this.#folder + name);
    } catch (error) {
      throw new EngineError(
        "damaged",
        `Cannot open the cold tier: ${this.#folder}${name}: ${messageOf(error)}; put the file back`,
        { cause: error },
      );
    }
  }

  /**
   * Writes the points of a day into a file, which nobody reads yet; undefined if there are none. A failure
   * leaves nothing behind.
   */
  async write(
    api: DuckDBConnection,
    measurement: Measurement,
    dayNs: bigint,
  ): Promise<WrittenDay | undefined> {
    // A file of this day is there if new series came for it since: they become one again.
    if (measurement.cold.some((day) => day.dayNs === dayNs)) {
      await transaction(api, () => this.bringBack(api, measurement, new Set([dayNs])));
    }
    await Deno.mkdir(this.#folder, { recursive: true });
    const date = new Date(Number(dayNs / 1_000_000n)).toISOString().slice(0, 10);
    const name = `m${measurement.id}-${date}-${crypto.randomUUID().slice(-12)}.parquet`;
    const path = this.#folder + name;
    try {
      // Ordered by series, so that neighbours are alike, and a series is found by statistics.
      await api.run(
        `COPY (SELECT ${pointColumns(measurement).join(", ")} ${ofDay(measurement, dayNs)}
         ORDER BY series, time) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const bytes = await syncFile(path, this.#folder);
      const [[rows]] = await rowsOf(api, `SELECT count(*) FROM read_parquet(${quoteText(path)})`);
      if (rows !== 0n) return { dayNs, name, bytes, rows: Number(rows) };
    } catch (error) {
      await Deno.remove(path).catch(() => {});
      throw error;
    }
    await Deno.remove(path);
    return undefined;
  }

  /** Takes a day that was written out of the table: from here on its file counts. */
  async take(api: DuckDBConnection, measurement: Measurement, written: WrittenDay): Promise<void> {
    const { dayNs, name, rows } = written;
    const { id, fields } = measurement;
    await transaction(api, async () => {
      const [[deleted]] = await rowsOf(api, `DELETE ${ofDay(measurement, dayNs)}`);
      if (Number(deleted) !== rows) throw new Error(`BUG: ${name} has ${rows} rows of ${deleted}`);
      await api.run(
        `INSERT INTO traqq.cold VALUES (${id}, ${dayNs / DAY_NS}, ${
          quoteText(name)
        }, ${fields.length}, ${rows})`,
      );
      measurement.cold.push({ dayNs, file: this.#folder + name, fields: fields.length });
      await api.run(viewOf(measurement));
    });
  }

  /** Puts the points of these days back into the table, within the transaction that is open. */
  async bringBack(
    api: DuckDBConnection,
    measurement: Measurement,
    days: ReadonlySet<bigint>,
  ): Promise<void> {
    const back = measurement.cold.filter(({ dayNs }) => days.has(dayNs));
    if (back.length === 0) return;
    for (const { dayNs, file, fields } of back) {
      const columns = pointColumns(measurement, fields).join(", ");
      await api.run(
        `INSERT INTO traqq.${measurement.pointsTable} (${columns})
         SELECT ${columns} FROM read_parquet(${quoteText(file)})`,
      );
      await this.#forget(api, measurement, dayNs);
    }
    await api.run(viewOf(measurement));
  }

  /** Drops the days that end by then, within the transaction that is open; gives how many rows they had. */
  async drop(api: DuckDBConnection, measurement: Measurement, endNs: bigint): Promise<number> {
    const old = measurement.cold.filter(({ dayNs }) => dayNs + DAY_NS <= endNs);
    if (old.length === 0) return 0;
    let rows = 0;
    for (const { dayNs } of old) rows += await this.#forget(api, measurement, dayNs);
    await api.run(viewOf(measurement));
    return rows;
  }

  /** Removes the entry of a day; its file stays for those who read it now. */
  async #forget(api: DuckDBConnection, measurement: Measurement, dayNs: bigint): Promise<number> {
    const [[rows]] = await rowsOf(
      api,
      `DELETE FROM traqq.cold WHERE measurement = ${measurement.id} AND day = ${
        dayNs / DAY_NS
      } RETURNING rows`,
    );
    const at = measurement.cold.findIndex((day: ColdDay) => day.dayNs === dayNs);
    measurement.cold.splice(at, 1);
    return Number(rows);
  }

  /**
   * Removes files without an entry that had none at the last call either, or when the engine was opened:
   * nobody reads those any more.
   */
  async tidy(): Promise<void> {
    for (const path of this.#unused) await Deno.remove(path).catch(ignoreMissing);
    this.#unused = await this.#findUnused();
  }

  /** Files of ours that have no entry. */
  async #findUnused(): Promise<string[]> {
    const used = new Set<string>();
    for (const { cold } of this.#schema.measurements()) for (const { file } of cold) used.add(file);
    try {
      const entries = await Array.fromAsync(Deno.readDir(this.#folder));
      return entries.filter(({ name }) => OUR_FILES.test(name))
        .map(({ name }) => this.#folder + name).filter((path) => !used.has(path));
    } catch (error) {
      ignoreMissing(error);
      return [];
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** What of a measurement's table is of a day. */
function ofDay({ pointsTable }: Measurement, dayNs: bigint): string {
  return `FROM traqq.${pointsTable} WHERE time >= ${quoteTime(dayNs)} AND time < ${
    quoteTime(dayNs + DAY_NS)
  }`;
}

/** Runs statements in a transaction. A failure ends it; what is known in memory may be wrong afterwards. */
async function transaction(api: DuckDBConnection, run: () => Promise<void>): Promise<void> {
  await api.run("BEGIN");
  await run();
  await api.run("COMMIT");
}

/** Makes a new file last; gives its bytes. */
async function syncFile(path: string, folder: string): Promise<number> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
  if (Deno.build.os !== "windows") {
    using directory = await Deno.open(folder);
    await directory.sync();
  }
  return (await file.stat()).size;
}
