/**
 * Maintenance of the database, in steps between which points are applied.
 *
 * A step is a transaction of its own, or several that are right one by one: the program may end at any of
 * them. First aggregates, then what is dropped: its aggregates are computed to the end before.
 *
 * @module
 */
import { messageOf } from "../../../base/errors.ts";
import type { MaintenanceEvent, MaintenancePlan } from "../maintenance.ts";
import type { Aggregates } from "./aggregates.ts";
import { type ColdTier, DAY_NS, dayOf, type WrittenDay } from "./cold.ts";
import { type Connection, isFatal, isFull, rowsOf } from "./database.ts";
import { FIRST_NS, quoteTime } from "./quote.ts";
import type { ColdDay, Measurement, Schema } from "./schema.ts";

const DAY_US = 86_400_000_000n;

/** What maintenance works on. */
export interface UpkeepParts {
  readonly connection: Connection;
  readonly schema: Schema;
  readonly aggregates: Aggregates;
  /** Undefined in memory. */
  readonly cold: ColdTier | undefined;
}

/** Runs a plan as of a moment: every `yield` is the end of a step. */
export async function* upkeep(
  parts: UpkeepParts,
  plan: MaintenancePlan,
  nowMs: number,
): AsyncGenerator<MaintenanceEvent> {
  const { connection: { api }, schema, aggregates } = parts;
  const nowUs = BigInt(nowMs) * 1000n;
  for (const { name } of aggregates.list()) yield* refreshed(parts, name, nowUs);
  const own = new Map(plan.retention.map(({ measurement, keepMs }) => [measurement, keepMs]));
  let gone = 0;
  for (const measurement of [...schema.measurements()]) {
    const keepMs = own.get(measurement.name) ?? own.get("*");
    if (keepMs === undefined) continue;
    for await (const event of dropOld(parts, measurement, dayBefore(nowMs, keepMs))) {
      if (event.kind === "dropped") gone++;
      yield event;
    }
  }
  for (const { name } of aggregates.list()) {
    const keepMs = own.get(name);
    if (keepMs === undefined) continue;
    const beforeUs = dayBefore(nowMs, keepMs);
    const rows = await aggregates.dropOld(api, name, beforeUs);
    if (rows > 0) yield { kind: "dropped", measurement: name, rows, before: iso(beforeUs) };
  }
  if (plan.coldAfterMs !== undefined) {
    for await (const event of moveOld(parts, dayBefore(nowMs, plan.coldAfterMs))) {
      gone++;
      yield event;
    }
  }
  // The space of what is gone can be written again once a checkpoint has passed. It may have to wait for those
  // who read: then the next one that comes by itself does it.
  if (gone > 0) {
    await api.run("CHECKPOINT").catch((error) => {
      if (isFull(messageOf(error)) || isFatal(messageOf(error))) throw error;
    });
  }
  await parts.cold?.tidy();
}

/** Moves days before one to the cold tier. */
async function* moveOld(
  { connection: { api }, schema, cold }: UpkeepParts,
  beforeUs: bigint,
): AsyncGenerator<MaintenanceEvent> {
  for (const measurement of [...schema.measurements()]) {
    const { name, pointsTable } = measurement;
    if (cold?.isOpen !== true) {
      const why = cold === undefined
        ? "the engine is in memory"
        : "it was not opened with isTiered";
      const message = `Cannot move days of ${name} to the cold tier: ${why}`;
      return yield { kind: "failed", measurement: name, message };
    }
    for (let fromNs = FIRST_NS;;) {
      const [[oldest]] = await rowsOf(
        api,
        `SELECT epoch_ns(min(time)) FROM traqq.${pointsTable}
         WHERE time >= ${quoteTime(fromNs)} AND time < ${quoteTime(beforeUs * 1000n)}`,
      ) as [[bigint | null]];
      if (oldest === null) break;
      const dayNs = dayOf(oldest);
      fromNs = dayNs + DAY_NS;
      let written: WrittenDay | undefined;
      try {
        written = await cold.write(api, measurement, dayNs);
      } catch (error) {
        const message = `Cannot move days of ${name} to the cold tier: ${messageOf(error)}`;
        if (isFatal(message)) throw error;
        yield { kind: "failed", measurement: name, message };
        break;
      }
      if (written === undefined) continue;
      await cold.take(api, measurement, written);
      const { rows, bytes } = written;
      const day = iso(dayNs / 1000n).slice(0, 10);
      yield { kind: "moved", measurement: name, rows, day, bytes };
    }
  }
}

/** The begin of the first day, in UTC, that did not end so long ago; unix microseconds. */
function dayBefore(nowMs: number, agoMs: number): bigint {
  const atUs = BigInt(Math.trunc(nowMs - agoMs)) * 1000n;
  const rest = atUs % DAY_US;
  return atUs - (rest < 0n ? rest + DAY_US : rest);
}

/** Drops the points of a measurement before a day. */
async function* dropOld(
  parts: UpkeepParts,
  measurement: Measurement,
  dayUs: bigint,
): AsyncGenerator<MaintenanceEvent> {
  const { connection: { api }, aggregates, schema, cold } = parts;
  const { name, table, pointsTable } = measurement;
  const beforeUs = aggregates.wholeUntil(table, dayUs);
  if (beforeUs === undefined) {
    const message = `Cannot drop old points of ${name}: the buckets of its continuous aggregates ` +
      "never begin together; drop one of those";
    return yield { kind: "failed", measurement: name, message };
  }
  const before = `time < ${quoteTime(beforeUs * 1000n)}`;
  const found = await rowsOf(api, `SELECT 1 FROM traqq.${pointsTable} WHERE ${before} LIMIT 1`);
  const isOld = ({ dayNs }: ColdDay) => dayNs + DAY_NS <= beforeUs * 1000n;
  if (found.length === 0 && !measurement.cold.some(isOld)) return;
  for (const one of aggregates.over(table)) {
    for await (const event of refreshed(parts, one.name, beforeUs)) {
      yield event;
      // What cannot be computed keeps its points.
      if (event.kind === "failed") return;
    }
  }
  await api.run("BEGIN");
  const [[hot]] = await rowsOf(api, `DELETE FROM traqq.${pointsTable} WHERE ${before}`);
  const rows = Number(hot) + (await cold?.drop(api, measurement, beforeUs * 1000n) ?? 0);
  await aggregates.freeze(api, table, beforeUs);
  await schema.keepFrom(api, measurement, beforeUs * 1000n);
  await api.run("COMMIT");
  yield { kind: "dropped", measurement: name, rows, before: iso(beforeUs) };
}

/** Computes dirty buckets of an aggregate that end by then. What cannot be computed stays dirty. */
async function* refreshed(
  { connection: { api }, aggregates }: UpkeepParts,
  name: string,
  endUs: bigint,
): AsyncGenerator<MaintenanceEvent> {
  try {
    for (;;) {
      const buckets = await aggregates.refresh(api, name, endUs);
      if (buckets === 0) return;
      yield { kind: "refreshed", measurement: name, buckets };
    }
  } catch (error) {
    yield failed(name, error);
  }
}

function failed(measurement: string, error: unknown): MaintenanceEvent {
  const message = messageOf(error);
  // After these nothing works: whoever runs the steps must hear of it.
  if (isFull(message) || isFatal(message)) throw error;
  return {
    kind: "failed",
    measurement,
    message: `Cannot keep ${measurement} in order: ${message}`,
  };
}

/** A time as text. */
function iso(us: bigint): string {
  return new Date(Number(us / 1000n)).toISOString();
}
