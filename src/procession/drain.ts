/**
 * Events of a procession as events of traqq.
 *
 * @module
 */
import type { ProcessionEvent } from "./events.ts";

/** What events are drained to: a `Traqq`, or anything else with its `recordMany`. */
export interface DrainTarget {
  /** Records the events, in order, each at its time. */
  recordMany(
    events: Iterable<TraqqEvent>,
    options: { at: (event: unknown, index: number) => Date },
  ): Promise<{
    readonly recorded: number;
    readonly rejected: readonly { readonly index: number; readonly error: Error }[];
  }>;
}

/** An event as traqq takes it. */
export type TraqqEvent = Record<string, string | number>;

/** What became of the events that were drained. */
export interface DrainReport {
  /** Events that the target has counted. They are not held here any more. */
  readonly recorded: number;
  /** Events that it refused for good, with the reason. They are not held here any more either. */
  readonly rejected: readonly { readonly event: ProcessionEvent; readonly error: Error }[];
}

/** Properties that are not labels. */
const OWN = ["event", "kind", "op", "value"];

/**
 * An event of a procession as one of traqq: its name is `event`, its labels are properties, beside
 * `kind`, `op` and `value`. A label with one of these names gets `label_` before it. NaN and infinities,
 * which JSON does not have, are left out.
 */
export function traqqEvent({ kind, op, name, labels, value }: ProcessionEvent): TraqqEvent {
  const pairs: [string, string | number][] = Object.entries(labels).map(([label, value]) => [
    OWN.includes(label) ? `label_${label}` : label,
    value,
  ]);
  pairs.push(["event", name], ["kind", kind]);
  if (op !== undefined) pairs.push(["op", op]);
  if (Number.isFinite(value)) pairs.push(["value", value]);
  // Unlike an assignment this makes a property even of "__proto__".
  return Object.fromEntries(pairs);
}
