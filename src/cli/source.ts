/**
 * Where `query` reads from: a server, or a storage that was opened here. Both give the same answers.
 *
 * @module
 */
import type { QueryDaysOptions, QueryOptions } from "../engine/query.ts";
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
  query(options: QueryOptions): Promise<ResultBucket[]>;
  queryDays(days: number, options: QueryDaysOptions): Promise<ResultBucket[]>;
  /** A metric over the whole range as one; several for `adv` without an `addKey`. */
  merged(wanted: ReadSelector, options: QueryOptions): Promise<MetricResult[]>;
  /** The days of a range without what is in them. */
  buckets(range: Range): Promise<ResultBucket[]>;
  /** The last days without what is in them. */
  lastDays(days: number): Promise<ResultBucket[]>;
}

/** Reads no metric: only buckets are wanted. (`**` stands for names with slashes.) */
const NOTHING = { accept: [], ignore: ["*", "**", "*/**"] };

/** A storage that was opened here. */
export function localSource(traqq: Traqq): Source {
  return {
    query: async (options) => (await traqq.query(options)).buckets,
    queryDays: async (days, options) => (await traqq.queryDays(days, options)).buckets,
    merged: async (wanted, options) =>
      (await traqq.query({ ...options, ...narrowed(wanted, options) })).mergedAll(selector(wanted)),
    buckets: async (range) => (await traqq.query({ ...range, ...NOTHING })).buckets,
    lastDays: async (days) => (await traqq.queryDays(days, NOTHING)).buckets,
  };
}

/** A server. */
export function remoteSource(client: Client): Source {
  return {
    query: async (options) => (await client.query(options)).buckets,
    queryDays: async (days, options) => (await client.queryDays(days, options)).buckets,
    merged: (wanted, options) => client.find(options, selector(wanted), { merge: true }),
    buckets: async (range) => (await client.query({ ...range, ...NOTHING })).buckets,
    lastDays: async (days) => (await client.queryDays(days, NOTHING)).buckets,
  };
}

/**
 * Globs that spare the storage from reading other metrics. They may let others through, but keep
 * nothing out that is wanted.
 */
export function narrowed(wanted: ReadSelector, given: QueryDaysOptions): QueryDaysOptions {
  // What the user accepts cannot be made narrower by globs.
  if (given.accept !== undefined) return {};
  const pattern = escapeGlob(wanted.pattern);
  if (wanted.type !== "adv") return { accept: `${wanted.type}:${pattern}` };
  if (wanted.addKey !== undefined) return { accept: `adv:${escapeGlob(wanted.addKey)}:${pattern}` };
  // `*` does not match a slash, which the summed property may have in its name.
  const ignored = given.ignore ?? [];
  return {
    ignore: [...(typeof ignored === "string" ? [ignored] : ignored), "{bmp,add,top}:*"],
  };
}

function selector({ type, pattern, addKey }: ReadSelector): MetricSelector {
  return { type, key: pattern, ...(addKey === undefined ? {} : { addKey }) };
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]{}()!+@|]/g, "\\$&");
}
