/**
 * The counters of a server by room, and those of several servers together.
 *
 * @module
 */
import type { HistogramStats } from "../base/histogram.ts";
import type { TraqqStats } from "../traqq.ts";
import type { TcpCounters } from "./_connection.ts";
import type { HttpStats } from "./http/counters.ts";

/** Counters of the rooms that there are. */
export interface Totals {
  readonly traqq: TraqqStats;
  /** Absent where no HTTP server runs beside. */
  readonly http?: HttpStats;
  /** Absent where no TCP server runs beside. */
  readonly tcp?: TcpCounters;
  /** Absent where nobody looks at the event loop. */
  readonly loopLag?: HistogramStats;
}

/** All of them added up, number by number. @param all at least one */
export function addUp(all: readonly Totals[]): Totals {
  return all.reduce((sum, one) => plus(sum, one) as Totals);
}

/** Counters are numbers, or objects of counters; what one side lacks is that of the other. */
function plus(a: unknown, b: unknown): unknown {
  if (a === undefined) return b;
  if (b === undefined) return a;
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    throw new TypeError(`BUG: a counter is ${typeof a} and ${typeof b}`);
  }
  const sum: Record<string, unknown> = { ...a };
  for (const [name, value] of Object.entries(b)) sum[name] = plus(sum[name], value);
  return sum;
}
