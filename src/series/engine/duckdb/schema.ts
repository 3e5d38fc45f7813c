/**
 * Tables and views, and what of them is known in memory.
 *
 * Ours lie in the schema `traqq`, with numbers for names, so that no name from outside is one there:
 *
 * | table            | holds                                                                       |
 * | ---------------- | --------------------------------------------------------------------------- |
 * | `state`          | one row: the format, the database's id, the position that is applied        |
 * | `measurements`   | number, name and SQL name of each, and since when it is kept                |
 * | `columns`        | tags and fields of each: number, name, SQL name, type; `tag` is a type here |
 * | `aggregates`     | continuous aggregates, and `a1`, `a2` … their rows: see `aggregates.ts`     |
 * | `dirty`          | buckets of those that are to be computed anew                               |
 * | `cold`           | days in files of the cold tier: see `cold.ts`                               |
 * | `s1`, `s2` …     | series of a measurement: `id`, and a column `t0`, `t1` … per tag            |
 * | `m1`, `m2` …     | its points: `time`, `series`, and a column `f0`, `f1` … per field           |
 *
 * A view in `main` puts them together under the names that users know. It is what SQL asks. An inner join
 * finds tags by the series' number: DuckDB makes an array of those, which costs 5 ns a row (measured; a left
 * join costs twice that, strings in the points themselves six times the space).
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Batch, FieldColumn, FieldType, TagColumn } from "../../points/batch.ts";
import { type Connection, rowsOf } from "./database.ts";
import { appendColumns, type Column } from "./columns.ts";
import { quoteName, quoteText, SQL_TYPES } from "./quote.ts";

/** A day of a measurement that lies in a file. */
export interface ColdDay {
  /** Its begin, unix nanoseconds. */
  readonly dayNs: bigint;
  /** The path of the file. */
  readonly file: string;
  /** How many fields the measurement had when it was written: those columns are in it. */
  readonly fields: number;
}

/** Number of a measurement, its columns, and where they lie. */
export class Measurement {
  readonly tags: TagColumn[] = [];
  readonly fields: FieldColumn[] = [];
  /** Days that lie in files, see `cold.ts`. */
  readonly cold: ColdDay[] = [];
  /** What was older is dropped, unix nanoseconds; undefined: nothing is. */
  keptFromNs: bigint | undefined;
  /** How many series there are; their numbers are smaller. */
  series = 0;
  readonly #tagAt = new Map<string, number>();
  readonly #fieldAt = new Map<string, number>();

  constructor(
    /** Its tables are `m` and `s` with this number. */
    readonly id: number,
    readonly name: string,
    /** Its name in SQL. */
    readonly table: string,
  ) {}

  /** The name of the table of points, without the schema. */
  get pointsTable(): string {
    return `m${this.id}`;
  }

  /** The name of the table of series, without the schema. */
  get seriesTable(): string {
    return `s${this.id}`;
  }

  addTag(tag: TagColumn): number {
    this.#tagAt.set(tag.name, this.tags.length);
    return this.tags.push(tag) - 1;
  }

  addField(field: FieldColumn): number {
    this.#fieldAt.set(field.name, this.fields.length);
    return this.fields.push(field) - 1;
  }

  /** The number of a tag: its column is `t` with this number. */
  tagAt(name: string): number {
    return known(this.#tagAt.get(name), `the tag ${name} of ${this.name}`);
  }

  /** The number of a field: its column is `f` with this number. */
  fieldAt(name: string): number {
    return known(this.#fieldAt.get(name), `the field ${name} of ${this.name}`);
  }
}

function known<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`BUG: ${what} was never announced`);
  return found;
}

/** See the top of this file. */
export class Schema {
  readonly #measurements = new Map<string, Measurement>();
  #lastId = 0;

  /** In the order in which they came. */
  measurements(): IterableIterator<Measurement> {
    return this.#measurements.values();
  }

  /** The measurement of a name. */
  get(name: string): Measurement | undefined {
    return this.#measurements.get(name);
  }

  /** Reads what the database holds. */
  async load(api: DuckDBConnection): Promise<void> {
    for (const row of await rowsOf(api, "FROM traqq.measurements ORDER BY id")) {
      const [id, name, table, keptFromNs] = row as [number, string, string, bigint | null];
      const measurement = new Measurement(id, name, table);
      measurement.keptFromNs = keptFromNs ?? undefined;
      const count = await rowsOf(api, `SELECT count(*) FROM traqq.${measurement.seriesTable}`);
      measurement.series = Number(count[0][0]);
      this.#measurements.set(name, measurement);
      this.#lastId = id;
    }
    const byId = new Map([...this.#measurements.values()].map((one) => [one.id, one]));
    for (const row of await rowsOf(api, "FROM traqq.columns ORDER BY measurement, number")) {
      const [of, , name, column, type] = row as [number, number, string, string, string];
      const measurement = known(byId.get(of), `the measurement ${of}`);
      if (type === "tag") measurement.addTag({ name, column });
      else measurement.addField({ name, column, type: type as FieldType });
    }
  }

  /** Makes what a batch announces: the measurement, its columns, its series. Before its rows are appended. */
  async announce(connection: Connection, batch: Batch): Promise<Measurement> {
    const before = this.#measurements.get(batch.measurement);
    const measurement = before ?? await this.#create(connection.api, batch);
    if (before !== undefined) await this.#widen(connection.api, before, batch);
    if (batch.newTags.length > 0 || batch.newFields.length > 0) {
      await connection.api.run(viewOf(measurement));
    }
    this.#addSeries(connection, measurement, batch);
    return measurement;
  }

  async #create(api: DuckDBConnection, batch: Batch): Promise<Measurement> {
    const measurement = new Measurement(++this.#lastId, batch.measurement, batch.table);
    this.#measurements.set(batch.measurement, measurement);
    const { id, pointsTable, seriesTable } = measurement;
    await api.run(
      `INSERT INTO traqq.measurements VALUES (${id}, ${quoteText(batch.measurement)}, ${
        quoteText(batch.table)
      }, NULL)`,
    );
    await this.#note(api, measurement, batch);
    const tags = measurement.tags.map((_, number) => `, t${number} VARCHAR`).join("");
    const fields = measurement.fields.map(({ type }, number) => `, f${number} ${SQL_TYPES[type]}`);
    await api.run(`CREATE TABLE traqq.${seriesTable} (id UINTEGER NOT NULL${tags})`);
    await api.run(
      `CREATE TABLE traqq.${pointsTable} (time TIMESTAMP_NS NOT NULL, series UINTEGER NOT NULL${
        fields.join("")
      })`,
    );
    return measurement;
  }

  async #widen(api: DuckDBConnection, measurement: Measurement, batch: Batch): Promise<void> {
    const { pointsTable, seriesTable } = measurement;
    const [tags, fields] = [measurement.tags.length, measurement.fields.length];
    await this.#note(api, measurement, batch);
    for (let at = tags; at < measurement.tags.length; at++) {
      await api.run(`ALTER TABLE traqq.${seriesTable} ADD COLUMN t${at} VARCHAR`);
    }
    for (let at = fields; at < measurement.fields.length; at++) {
      const type = SQL_TYPES[measurement.fields[at].type];
      await api.run(`ALTER TABLE traqq.${pointsTable} ADD COLUMN f${at} ${type}`);
    }
  }

  /** Notes new tags and fields in memory and in `columns`. */
  async #note(api: DuckDBConnection, measurement: Measurement, batch: Batch): Promise<void> {
    const rows = [
      ...batch.newTags.map((tag) => ({ ...tag, type: "tag", at: measurement.addTag(tag) })),
      ...batch.newFields.map((field) => ({ ...field, at: measurement.addField(field) })),
    ].map(({ at, name, column, type }) =>
      `(${measurement.id}, ${at}, ${quoteText(name)}, ${quoteText(column)}, '${type}')`
    );
    if (rows.length > 0) await api.run(`INSERT INTO traqq.columns VALUES ${rows.join(", ")}`);
  }

  /** Notes that the points of a measurement before a time are dropped, within the transaction that is open. */
  async keepFrom(api: DuckDBConnection, measurement: Measurement, fromNs: bigint): Promise<void> {
    measurement.keptFromNs = fromNs;
    await api.run(
      `UPDATE traqq.measurements SET kept_from = ${fromNs} WHERE id = ${measurement.id}`,
    );
  }

  #addSeries({ handle }: Connection, measurement: Measurement, { newSeries }: Batch): void {
    if (newSeries.length === 0) return;
    const rows = newSeries.length;
    const columns = measurement.tags.map(() => ({
      type: "string" as const,
      values: new Array<string>(rows),
      present: new Uint8Array(rows),
    }));
    const ids = new Uint32Array(rows);
    newSeries.forEach(({ id, tags }, row) => {
      ids[row] = id;
      for (const [key, value] of tags) {
        const { values, present } = columns[measurement.tagAt(key)];
        values[row] = value;
        present[row] = 1;
      }
    });
    const all: Column[] = [{ type: "number", values: ids }, ...columns];
    appendColumns(handle, { schema: "traqq", table: measurement.seriesTable }, all, rows);
    measurement.series += rows;
  }
}

/** The columns of a table of points: all of them, or those that it had with so many fields. */
export function pointColumns({ fields }: Measurement, count = fields.length): string[] {
  return ["time", "series", ...fields.slice(0, count).map((_, at) => `f${at}`)];
}

/** The view of a measurement: time, its tags, its fields. */
export function viewOf(measurement: Measurement): string {
  const { tags, fields, seriesTable } = measurement;
  const columns = [
    `p.time AS "time"`,
    ...tags.map(({ column }, at) => `s.t${at} AS ${quoteName(column)}`),
    ...fields.map(({ column }, at) => `p.f${at} AS ${quoteName(column)}`),
  ];
  const join = tags.length === 0 ? "" : ` JOIN traqq.${seriesTable} s ON s.id = p.series`;
  return `CREATE OR REPLACE VIEW main.${quoteName(measurement.table)} AS SELECT ${
    columns.join(", ")
  } FROM ${pointsOf(measurement)} p${join}`;
}

/** All points of a measurement: its table, and the files of its cold days by the fields that they have. */
function pointsOf(measurement: Measurement): string {
  const { pointsTable, cold, fields } = measurement;
  if (cold.length === 0) return `traqq.${pointsTable}`;
  const all = pointColumns(measurement);
  const parts = [`SELECT ${all.join(", ")} FROM traqq.${pointsTable}`];
  for (const [count, days] of Map.groupBy(cold, (day) => day.fields)) {
    const later = fields.slice(count).map(({ type }, at) =>
      `NULL::${SQL_TYPES[type]} AS f${count + at}`
    );
    const columns = [...pointColumns(measurement, count), ...later];
    const files = days.map(({ file }) => quoteText(file)).join(", ");
    parts.push(`SELECT ${columns.join(", ")} FROM read_parquet([${files}])`);
  }
  return `(${parts.join(" UNION ALL ")})`;
}
