/**
 * The newest time of each series of a measurement: what tells a point that is simply appended from one that
 * may meet another of its series and time. It may say too much, never too little: a point that is taken for
 * a late one is merged, which is right for all of them and only takes longer.
 *
 * @module
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { rowsOf } from "./database.ts";
import { quoteTime } from "./quote.ts";

/** Smaller than every time that a point can have. */
const NEVER = -(2n ** 63n);

/** Nanoseconds in the first, shortest look back at what a measurement holds. */
const FIRST_LOOK_NS = 3_600_000_000_000n;
/** Each further look goes so many times as far. */
const LOOK_FACTOR = 8n;
/** A look that read so many rows is the last: the older series are taken to be as new as its begin. */
const ENOUGH_ROWS = 1_000_000;

/** See the top of this file. */
export class NewestTimes {
  #times: BigInt64Array<ArrayBuffer>;

  /** `series`: how many there are; they were never seen. */
  constructor(series: number) {
    this.#times = new BigInt64Array(Math.max(16, series)).fill(NEVER);
  }

  /**
   * Reads them from a table of points, newest rows first, until every series was seen or many rows were
   * read: a measurement of years costs no more than one of a day.
   *
   * @param floor there may be points up to this time elsewhere
   */
  static async read(
    api: DuckDBConnection,
    table: string,
    series: number,
    floor: bigint = NEVER,
  ): Promise<NewestTimes> {
    const newest = new NewestTimes(series);
    newest.#times.fill(floor, 0, series);
    const span = await rowsOf(api, `SELECT epoch_ns(min(time)), epoch_ns(max(time)) FROM ${table}`);
    const [oldest, last] = span[0] as [bigint | null, bigint | null];
    if (oldest === null || last === null) return newest;
    for (let look = FIRST_LOOK_NS;; look *= LOOK_FACTOR) {
      const from: bigint = last - look > oldest ? last - look : oldest;
      const found = await rowsOf(
        api,
        `SELECT series, epoch_ns(max(time)), count(*) FROM ${table}
         WHERE time >= ${quoteTime(from)} GROUP BY series`,
      ) as [number, bigint, bigint][];
      const rows = found.reduce((sum, [, , count]) => sum + Number(count), 0);
      const isAll = from === oldest || found.length >= series;
      if (!isAll && rows < ENOUGH_ROWS) continue;
      if (!isAll && from > floor) newest.#times.fill(from, 0, series);
      for (const [id, time] of found) if (time > floor) newest.#times[id] = time;
      return newest;
    }
  }

  /** Makes room for series up to this number. */
  grow(series: number): void {
    if (series <= this.#times.length) return;
    const grown = new BigInt64Array(series * 2).fill(NEVER);
    grown.set(this.#times);
    this.#times = grown;
  }

  /**
   * Goes through rows in their order: gives the numbers of those that are not newer than all that their
   * series had, ascending.
   */
  late(times: BigInt64Array, series: Uint32Array): number[] {
    const newest = this.#times;
    const late: number[] = [];
    for (let row = 0; row < times.length; row++) {
      const time = times[row];
      if (time > newest[series[row]]) newest[series[row]] = time;
      else late.push(row);
    }
    return late;
  }
}
