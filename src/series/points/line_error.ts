/**
 * Why a line is no point.
 *
 * @module
 */

/** Thrown while a line is read; it becomes a rejected line. */
export class LineError extends Error {
  /** The name of the class. */
  override name = "LineError";
  /** Where, in the bytes that were read. */
  readonly at: number;

  /** @param reason what is wrong, and what would be right */
  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

/** A line that was refused. */
export interface RejectedLine {
  /** Its number in the text, from 1. */
  readonly line: number;
  /** Why, with the place in the line, and what would be right. */
  readonly error: string;
}
