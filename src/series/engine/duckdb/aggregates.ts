/**
 * Continuous aggregates: answers that are kept, and always right.
 *
 * Each has a table `a1`, `a2` … of ours with what is computed, and its dirty buckets in `dirty`: those that a
 * point came for since. The view that users ask takes the computed rows of all other buckets, and computes
 * those of the dirty ones as it is asked. So it is never behind, and a refresh only makes it cheaper.
 *
 * Points and the dirt that they make are one transaction. Buckets whose points retention has dropped are
 * frozen: they stay as they were computed, and late points for them change nothing.
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { messageOf } from "../../../base/errors.ts";
import type { AggregateInfo } from "../maintenance.ts";
import { EngineError } from "../errors.ts";
import { type AggregateQuery, judgeQuery, readCommand } from "./aggregate_query.ts";
import { bucketOf, DirtyBuckets } from "./buckets.ts";
import { rowsOf } from "./database.ts";
import { quoteName, quoteText, quoteTime } from "./quote.ts";
import type { Schema } from "./schema.ts";

/** Before every time: nothing is frozen. */
export const NEVER_US = -(2n ** 62n);

/** Most dirty buckets that one step computes. */
const STEP_BUCKETS = 500;
/** Most buckets that one statement names as dirty. */
const STATEMENT_BUCKETS = 5000;

/** An aggregate, with what is known of it here. */
export interface Aggregate extends AggregateInfo {
  readonly id: number;
  /** The query as DuckDB is given it. */
  readonly sql: string;
  /** The name of the column with the bucket. */
  readonly bucket: string;
  readonly widthUs: bigint;
  readonly dirty: DirtyBuckets;
  /** From here on its view looks for dirty buckets. */
  viewFromUs: bigint | undefined;
}

/** Microseconds, as a TIMESTAMP. */
const moment = (us: bigint) => `make_timestamp(${us})`;

/** See the top of this file. */
export class Aggregates {
  readonly #schema: Schema;
  readonly #byName = new Map<string, Aggregate>();
  #lastId = 0;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** What there is. */
  list(): AggregateInfo[] {
    return [...this.#byName.values()].map(({ name, table, query }) => ({ name, table, query }));
  }

  /** Reads what the database holds. */
  async load(api: DuckDBConnection): Promise<void> {
    for (const row of await rowsOf(api, "FROM traqq.aggregates ORDER BY id")) {
      const [id, name, table, query, sql, bucket, widthUs, frozenBeforeUs] = row as [
        number,
        string,
        string,
        string,
        string,
        string,
        bigint,
        bigint,
      ];
      const found = await rowsOf(
        api,
        `SELECT epoch_us(bucket) FROM traqq.dirty WHERE aggregate = ${id}`,
      );
      const dirty = new DirtyBuckets(widthUs, frozenBeforeUs, found.map(([at]) => at as bigint));
      const viewFromUs = dirty.oldest;
      const one = { id, name, table, query, sql, bucket, widthUs, dirty, viewFromUs };
      this.#byName.set(name, one);
      this.#lastId = id;
    }
  }

  /** Runs CREATE or DROP CONTINUOUS AGGREGATE in a transaction. @throws {EngineError} */
  async command(api: DuckDBConnection, sql: string): Promise<void> {
    const command = readCommand(sql);
    if (command.kind === "drop") return await this.#drop(api, command.name);
    const before = this.#byName.get(command.name);
    if (before?.query === command.query) return;
    const { name } = command;
    const isTaken =
      [...this.#schema.measurements()].some(({ table }) =>
        table.toLowerCase() === name.toLowerCase()
      ) || [...this.#byName.keys()].some((other) => other.toLowerCase() === name.toLowerCase());
    if (isTaken) {
      throw new EngineError(
        "refused",
        `Cannot create the continuous aggregate ${name}: there is something else of this name; ` +
          "take another name, or drop it first",
      );
    }
    await this.#create(api, name, command.query);
  }

  async #create(api: DuckDBConnection, name: string, query: string): Promise<void> {
    const judged = await judgeQuery(api, name, query);
    const measurement = [...this.#schema.measurements()].find(({ table }) =>
      table.toLowerCase() === judged.table.toLowerCase()
    );
    if (measurement === undefined) {
      throw new EngineError(
        "refused",
        `Cannot create the continuous aggregate ${name}: there is no measurement ${judged.table} ` +
          "yet; write a point of it first",
      );
    }
    const id = ++this.#lastId;
    const { table } = measurement;
    const { sql } = judged;
    await api.run("BEGIN");
    try {
      await api.run(`CREATE TABLE traqq.a${id} AS FROM (${sql}) LIMIT 0`);
      const bucket = await bucketColumn(api, id, judged);
      const us = judged.widthUs;
      // What was dropped of the points is not in it: the bucket in which that ends would be half of one.
      const keptFromUs = measurement.keptFromNs === undefined
        ? NEVER_US
        : bucketOf(measurement.keptFromNs / 1000n + us - 1n, us);
      await api.run(
        `INSERT INTO traqq.aggregates VALUES (${id}, ${quoteText(name)}, ${quoteText(table)}, ${
          quoteText(query)
        }, ${quoteText(sql)}, ${quoteText(bucket)}, ${us}, ${keptFromUs})`,
      );
      const width = `to_microseconds(${us})`;
      const begins = await rowsOf(
        api,
        `INSERT INTO traqq.dirty SELECT DISTINCT ${id}, time_bucket(${width}, time) AS bucket
         FROM main.${quoteName(table)} WHERE time_bucket(${width}, time) >= ${moment(keptFromUs)}
         RETURNING epoch_us(bucket)`,
      );
      const dirty = new DirtyBuckets(us, keptFromUs, begins.map(([at]) => at as bigint));
      const viewFromUs = dirty.oldest;
      const one = { id, name, table, query, sql, bucket, widthUs: us, dirty, viewFromUs };
      await api.run(viewOf(one));
      await api.run("COMMIT");
      this.#byName.set(name, one);
    } catch (error) {
      await api.run("ROLLBACK").catch(() => {});
      if (error instanceof EngineError) throw error;
      throw new EngineError(
        "refused",
        `Cannot create the continuous aggregate ${name}: ${messageOf(error)}; mend the SELECT`,
        { cause: error },
      );
    }
  }

  async #drop(api: DuckDBConnection, name: string): Promise<void> {
    const one = this.#byName.get(name);
    if (one === undefined) {
      throw new EngineError(
        "refused",
        `Cannot drop the continuous aggregate ${name}: there is none of this name`,
      );
    }
    await api.run(
      `BEGIN; DROP VIEW main.${quoteName(name)}; DROP TABLE traqq.a${one.id};
       DELETE FROM traqq.aggregates WHERE id = ${one.id};
       DELETE FROM traqq.dirty WHERE aggregate = ${one.id}; COMMIT`,
    );
    this.#byName.delete(name);
  }

  /** Notes what points of these times touch, within the transaction that is open. */
  async touch(api: DuckDBConnection, table: string, times: BigInt64Array): Promise<void> {
    for (const one of this.over(table)) {
      const added = one.dirty.touch(times);
      if (added.length === 0) continue;
      for (let at = 0; at < added.length; at += STATEMENT_BUCKETS) {
        const rows = added.slice(at, at + STATEMENT_BUCKETS).map((begin) =>
          `(${one.id}, ${moment(begin)})`
        );
        await api.run(`INSERT INTO traqq.dirty VALUES ${rows.join(", ")}`);
      }
      await this.#showFrom(api, one, added.reduce((a, b) => a < b ? a : b));
    }
  }

  /** Makes the view of one look at dirty buckets from there on, if it does not. */
  async #showFrom(api: DuckDBConnection, one: Aggregate, fromUs: bigint): Promise<void> {
    if (one.viewFromUs !== undefined && one.viewFromUs <= fromUs) return;
    one.viewFromUs = fromUs;
    await api.run(viewOf(one));
  }

  /**
   * Computes some dirty buckets of an aggregate that end by then: gives how many, 0 if there are none.
   * After a failure nothing is changed.
   */
  async refresh(api: DuckDBConnection, name: string, endUs: bigint): Promise<number> {
    const one = this.#byName.get(name)!;
    const due = one.dirty.due(endUs, STEP_BUCKETS);
    if (due.length === 0) return 0;
    const [from, to] = [due[0], due.at(-1)! + one.widthUs];
    const these = `(${due.map(moment).join(", ")})`;
    const bucket = quoteName(one.bucket);
    one.dirty.clean(due);
    const viewFromUs = one.dirty.oldest;
    try {
      await api.run("BEGIN");
      await api.run(`DELETE FROM traqq.a${one.id} WHERE ${bucket} IN ${these}`);
      await api.run(
        `INSERT INTO traqq.a${one.id} FROM (${within(one, from, to)}) WHERE ${bucket} IN ${these}`,
      );
      await api.run(`DELETE FROM traqq.dirty WHERE aggregate = ${one.id} AND bucket IN ${these}`);
      await api.run(viewOf({ ...one, viewFromUs }));
      await api.run("COMMIT");
    } catch (error) {
      one.dirty.add(due);
      await api.run("ROLLBACK").catch(() => {});
      throw error;
    }
    one.viewFromUs = viewFromUs;
    return due.length;
  }

  /** Drops computed rows before a time, for good; gives how many. */
  async dropOld(api: DuckDBConnection, name: string, beforeUs: bigint): Promise<number> {
    const one = this.#byName.get(name)!;
    const whole = bucketOf(beforeUs, one.widthUs);
    const frozen = whole > one.dirty.frozenBeforeUs ? whole : one.dirty.frozenBeforeUs;
    const before = `< ${moment(whole)}`;
    await api.run("BEGIN");
    const [[rows]] = await rowsOf(
      api,
      `DELETE FROM traqq.a${one.id} WHERE ${quoteName(one.bucket)} ${before}`,
    );
    await api.run(`DELETE FROM traqq.dirty WHERE aggregate = ${one.id} AND bucket ${before}`);
    await api.run(`UPDATE traqq.aggregates SET frozen_before = ${frozen} WHERE id = ${one.id}`);
    await api.run("COMMIT");
    one.dirty.frozenBeforeUs = frozen;
    one.dirty.clean(one.dirty.due(whole, Infinity));
    return Number(rows);
  }

  /** The latest time up to then at which no bucket of a measurement's aggregates is cut in two. */
  wholeUntil(table: string, untilUs: bigint): bigint | undefined {
    const widths = this.over(table).map(({ widthUs }) => widthUs);
    for (let round = 0, cut = untilUs; round < 1000; round++) {
      const lower = widths.reduce((at, width) => bucketOf(at, width), cut);
      if (lower === cut) return cut;
      cut = lower;
    }
    return undefined;
  }

  /** Buckets before this stay as they are: the points of a measurement are dropped up to there. */
  async freeze(api: DuckDBConnection, table: string, beforeUs: bigint): Promise<void> {
    for (const one of this.over(table)) {
      if (beforeUs <= one.dirty.frozenBeforeUs) continue;
      one.dirty.frozenBeforeUs = beforeUs;
      await api.run(
        `UPDATE traqq.aggregates SET frozen_before = ${beforeUs} WHERE id = ${one.id}`,
      );
    }
  }

  /** Gives way to a measurement of the same name: the aggregate gets another one. */
  async makeWay(api: DuckDBConnection, table: string): Promise<void> {
    const tables = [...this.#schema.measurements()].map((one) => one.table.toLowerCase());
    const same = (name: string) => name.toLowerCase() === table.toLowerCase();
    const one = [...this.#byName.values()].find(({ name }) => same(name));
    if (one === undefined) return;
    let name = one.name;
    for (let n = 1; same(name) || tables.includes(name.toLowerCase()); n++) {
      name = `${one.name}_${n}`;
    }
    const renamed = { ...one, name };
    await api.run(`DROP VIEW main.${quoteName(one.name)}`);
    await api.run(viewOf(renamed));
    await api.run(`UPDATE traqq.aggregates SET name = ${quoteText(name)} WHERE id = ${one.id}`);
    this.#byName.delete(one.name);
    this.#byName.set(name, renamed);
  }

  /** Those over a measurement, by its SQL name. */
  over(table: string): Aggregate[] {
    return [...this.#byName.values()].filter((one) => one.table === table);
  }
}

/** The name of the bucket's column. */
async function bucketColumn(
  api: DuckDBConnection,
  id: number,
  { bucketAt }: AggregateQuery,
): Promise<string> {
  const [[name]] = await rowsOf(
    api,
    `SELECT column_name FROM duckdb_columns()
     WHERE schema_name = 'traqq' AND table_name = 'a${id}' AND column_index = ${bucketAt + 1}`,
  );
  return String(name);
}

/**
 * An aggregate's query over the points of a range. The name that it reads stands for those: a WITH hides the
 * view of the whole. A microsecond more on both sides, as DuckDB cuts nanoseconds off before it finds the
 * bucket.
 */
function within({ table, sql }: Aggregate, fromUs: bigint, toUs?: bigint): string {
  const bounds = [`time >= ${quoteTime((fromUs - 1n) * 1000n)}`];
  if (toUs !== undefined) bounds.push(`time <= ${quoteTime((toUs + 1n) * 1000n)}`);
  const name = quoteName(table);
  return `WITH ${name} AS (SELECT * FROM main.${name} WHERE ${bounds.join(" AND ")}) ${sql}`;
}

function viewOf(one: Aggregate): string {
  const { id, name, viewFromUs } = one;
  const bucket = quoteName(one.bucket);
  const dirty = `(SELECT bucket FROM traqq.dirty WHERE aggregate = ${id})`;
  const computed = `SELECT * FROM traqq.a${id}`;
  const view = `CREATE OR REPLACE VIEW main.${quoteName(name)} AS ${computed}`;
  if (viewFromUs === undefined) return view;
  return `${view} WHERE ${bucket} NOT IN ${dirty}
    UNION ALL SELECT * FROM (${within(one, viewFromUs)}) WHERE ${bucket} IN ${dirty}`;
}
