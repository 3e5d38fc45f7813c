/**
 * How a metric is named where people read it, and where a map needs a word for it.
 *
 * @module
 */
import type { Metric } from "./storage.ts";

/** `type:pattern`, for `adv` `adv:addKey:pattern`: `add:event~geo`, `adv:amount:event`. */
export function metricName({ type, pattern, addKey }: Metric): string {
  return addKey === undefined ? `${type}:${pattern}` : `${type}:${addKey}:${pattern}`;
}
