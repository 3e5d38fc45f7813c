/**
 * What every adapter asks of a cell before it touches the storage, so that a cell one storage refuses
 * is refused by all.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { metricName } from "./metric.ts";
import type { Cell } from "./storage.ts";

const TYPES_BY_KIND: Readonly<Record<Cell["kind"], readonly string[]>> = {
  count: ["add", "top"],
  sum: ["adv"],
  tally: ["adv"],
  sketch: ["bmp"],
};

/** A cell as people find it again: metric, unit, bucket and field. */
export function cellText(cell: Cell): string {
  const field = "field" in cell ? ` field ${JSON.stringify(cell.field)}` : "";
  return `${cell.kind} of ${metricName(cell.metric)} in ${cell.unit}:${cell.start}${field}`;
}

/** The error for a cell that a storage will never take. */
export function refusal(cell: Cell, why: string, cause?: unknown): StorageError {
  const options = cause === undefined ? undefined : { cause };
  return new StorageError("refused", `Cannot store the ${cellText(cell)}: ${why}`, options);
}

/** Why a cell is none, or null. What only one storage cannot hold is that adapter's own business. */
export function malformed(cell: Cell): StorageError | null {
  const { metric } = cell;
  if (!TYPES_BY_KIND[cell.kind]?.includes(metric.type)) {
    return refusal(cell, `wanted a metric of type ${TYPES_BY_KIND[cell.kind]?.join(" or ")}`);
  }
  if ((metric.type === "adv") !== (metric.addKey !== undefined)) {
    return refusal(cell, "wanted an addKey for adv, and for adv only");
  }
  if (!Number.isSafeInteger(cell.start)) {
    return refusal(cell, `wanted a whole unix second as start, received ${cell.start}`);
  }
  if ("count" in cell && !(Number.isSafeInteger(cell.count) && cell.count > 0)) {
    return refusal(cell, `wanted a whole count from 1 to 2^53 - 1, received ${cell.count}`);
  }
  return null;
}
