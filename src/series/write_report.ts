/**
 * What a write takes beside the points, and what became of them.
 *
 * @module
 */
import type { RejectedLine } from "./points/line_error.ts";
import type { Precision } from "./points/numbers.ts";

/** What `Series.write` takes beside the lines. */
export interface WriteOptions {
  /** What the times of lines count in. Default nanoseconds. Points have their own. */
  precision?: Precision;
}

/** What became of a write. */
export interface WriteReport {
  /** How many points were accepted. */
  written: number;
  /** How many lines were refused. */
  rejectedLines: number;
  /**
   * The first 1,000 of them, and why. Of points, `line` is which one it is, from 1.
   */
  rejected: RejectedLine[];
}
