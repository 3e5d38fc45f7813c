/**
 * Where `query` reads from: a server, or a storage that was opened here. Both give the same answers.
 *
 * @module
 */
import type { QueryDaysOptions } from "../engine/query.ts";
import type { MetricResult, ResultBucket } from "../engine/result.ts";
import type { MetricSelector, ReadSelector } from "../engine/selector.ts";
import type { Client } from "../client/client.ts";
import type { Traqq } from "../traqq.ts";

/** From the first to the last second. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Gives results. */
export interface Source {
  query(range: Range, filter: QueryDaysOptions): Promise<ResultBucket[]>;
  queryDays(days: number, options: QueryDaysOptions): Promise<ResultBucket[]>;
  /** A metric over the whole range as one; several for `adv` without an `addKey`. */
  merged(wanted: ReadSelector, range: Range, filter: QueryDaysOptions): Promise<MetricResult[]>;
  /** The days of a range without what is in them. */
  buckets(range: Range): Promise<ResultBucket[]>;
  /** The last days without what is in them. */
  lastDays(days: number): Promise<ResultBucket[]>;
}

/** Reads no metric: only buckets are wanted. (`**` stands for names with slashes.) */
const NOTHING = { accept: [], ignore: ["*", "**", "*/**"] };

/** A storage that was opened here. */
export function localSource(traqq: Traqq): Source {
  const query = (range: Range, filter: QueryDaysOptions) =>
    traqq.query({ ...instants(range), ...filter });
  return {
    query: async (range, filter) => (await query(range, filter)).buckets,
    queryDays: async (days, filter) => (await traqq.queryDays(days, filter)).buckets,
    merged: async (wanted, range, filter) => {
      const select = selector(wanted);
      return (await query(range, { ...filter, select })).mergedAll(select);
    },
    buckets: async (range) => (await query(range, NOTHING)).buckets,
    lastDays: async (days) => (await traqq.queryDays(days, NOTHING)).buckets,
  };
}

/** A server. */
export function remoteSource(client: Client): Source {
  const query = async (range: Range, filter: QueryDaysOptions) =>
    (await client.query({ ...instants(range), ...filter })).buckets;
  return {
    query,
    queryDays: async (days, filter) => (await client.queryDays(days, filter)).buckets,
    merged: (wanted, range, filter) =>
      client.find({ ...instants(range), ...filter }, selector(wanted), { merge: true }),
    buckets: (range) => query(range, NOTHING),
    lastDays: async (days) => (await client.queryDays(days, NOTHING)).buckets,
  };
}

/** As dates: bare numbers of the year 5138 and later would be taken for milliseconds. */
function instants({ from, to }: Range): { from: Date; to: Date } {
  return { from: new Date(from * 1000), to: new Date(to * 1000) };
}

/** A selector that was read, as the library and the wire take it. */
export function selector({ type, pattern, addKey }: ReadSelector): MetricSelector {
  return { type, key: pattern, ...(addKey === undefined ? {} : { addKey }) };
}
