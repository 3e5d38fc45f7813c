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
import { type Connection, isFatal, isFull, rowsOf } from "./database.ts";
import { quoteTime } from "./quote.ts";
import type { Measurement, Schema } from "./schema.ts";

const DAY_US = 86_400_000_000n;

/** What maintenance works on. */
export interface UpkeepParts {
  readonly connection: Connection;
  readonly schema: Schema;
  readonly aggregates: Aggregates;
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
  let dropped = 0;
  for (const measurement of [...schema.measurements()]) {
    const keepMs = own.get(measurement.name) ?? own.get("*");
    if (keepMs === undefined) continue;
    for await (const event of dropOld(parts, measurement, dayBefore(nowMs, keepMs))) {
      if (event.kind === "dropped") dropped++;
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
  // The space of what is gone can be written again once a checkpoint has passed.
  if (dropped > 0) await api.run("CHECKPOINT");
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
  const { connection: { api }, aggregates, schema } = parts;
  const { name, table, pointsTable } = measurement;
  const beforeUs = aggregates.wholeUntil(table, dayUs);
  if (beforeUs === undefined) {
    const message = `Cannot drop old points of ${name}: the buckets of its continuous aggregates ` +
      "never begin together; drop one of those";
    return yield { kind: "failed", measurement: name, message };
  }
  const before = `time < ${quoteTime(beforeUs * 1000n)}`;
  const found = await rowsOf(api, `SELECT 1 FROM traqq.${pointsTable} WHERE ${before} LIMIT 1`);
  if (found.length === 0) return;
  for (const one of aggregates.over(table)) {
    for await (const event of refreshed(parts, one.name, beforeUs)) {
      yield event;
      // What cannot be computed keeps its points.
      if (event.kind === "failed") return;
    }
  }
  await api.run("BEGIN");
  const [[rows]] = await rowsOf(api, `DELETE FROM traqq.${pointsTable} WHERE ${before}`);
  await aggregates.freeze(api, table, beforeUs);
  await schema.keepFrom(api, measurement, beforeUs * 1000n);
  await api.run("COMMIT");
  yield { kind: "dropped", measurement: name, rows: Number(rows), before: iso(beforeUs) };
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
