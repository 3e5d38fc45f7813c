/**
 * The commands carried out, whatever brought them.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import type { Instant } from "../engine/query.ts";
import type { RecordReport, Traqq } from "../traqq.ts";
import type { Command } from "./commands.ts";
import { bucketsToWire, toWire } from "./replies.ts";

/** What commands are carried out on: a `Traqq`, or what a test puts in its place. */
export type Target = Pick<Traqq, "record" | "recordMany" | "query" | "queryDays" | "stats">;

/** The data of a reply to `record_many`. */
export interface RecordManyData {
  /** How many were counted. */
  readonly recorded: number;
  /** The others, by their place in `events`. */
  readonly rejected: readonly { readonly index: number; readonly error: string }[];
}

/**
 * Carries a command out and gives the data of its reply, `undefined` where there is none. `auth` is
 * the session's: here it succeeds like `ping`.
 *
 * @param serverStats added to the `stats` of the target
 * @throws whatever the target throws
 */
export async function dispatch(
  target: Target,
  command: Command,
  serverStats?: () => object | Promise<object>,
): Promise<unknown> {
  switch (command.cmd) {
    case "record":
      return await target.record(
        command.event,
        command.at === undefined ? undefined : { at: command.at },
      );
    case "record_many":
      return await recordMany(target, command.events, command.at);
    case "query":
      return bucketsToWire((await target.query(command.options)).buckets);
    case "query_days":
      return bucketsToWire((await target.queryDays(command.days, command.options)).buckets);
    case "find":
      return await find(target, command);
    case "stats":
      return { ...target.stats(), ...await serverStats?.() };
    case "auth":
    case "ping":
      return undefined;
  }
}

async function recordMany(
  target: Target,
  events: readonly unknown[],
  at: Instant | readonly (Instant | null)[] | undefined,
): Promise<RecordManyData> {
  const times = isList(at) ? (_: unknown, index: number) => at[index] ?? undefined : at;
  const report = await target.recordMany(events, times === undefined ? undefined : { at: times });
  return toRecordManyData(toTheEnd(report, events.length));
}

/**
 * A report that says of each event what became of it, also of those that were not read because the
 * target was closed meanwhile.
 *
 * @param count of all events
 */
export function toTheEnd(report: RecordReport, count: number): RecordReport {
  const last = report.rejected.at(-1);
  if (!(last?.error instanceof StorageError && last.error.code === "closed")) return report;
  const error = new StorageError(
    "closed",
    "Cannot take any more events: the server is stopping, and it was not counted; send it again later",
    { cause: last.error },
  );
  const rejected = report.rejected.slice(0, -1);
  for (let index = last.index; index < count; index++) rejected.push({ index, error });
  return { recorded: report.recorded, rejected };
}

/** A report as it goes over the wire. */
export function toRecordManyData({ recorded, rejected }: RecordReport): RecordManyData {
  return {
    recorded,
    rejected: rejected.map(({ index, error }) => ({ index, error: messageOf(error) })),
  };
}

function isList(at: unknown): at is readonly unknown[] {
  return Array.isArray(at);
}

async function find(
  target: Target,
  { options, select, merge }: Extract<Command, { cmd: "find" }>,
): Promise<unknown> {
  const result = await target.query({ ...options, select });
  const found = merge ? result.mergedAll(select) : result.find(select);
  return found.flatMap(toWire);
}
