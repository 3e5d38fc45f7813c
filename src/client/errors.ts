/**
 * What a client throws beside the errors of the server.
 *
 * @module
 */
import type { RecordReport } from "../traqq.ts";

/** There is no connection, or none any more. */
export class ConnectionError extends Error {
  /** `"ConnectionError"`. */
  override name = "ConnectionError";
  /** Calls that were sent and not answered: whether they were carried out is not known. */
  readonly unanswered: number;

  /** An error with its message; `unanswered`: calls that were sent and not answered. */
  constructor(message: string, unanswered: number = 0, options?: ErrorOptions) {
    super(message, options);
    this.unanswered = unanswered;
  }
}

/** `recordMany` could not be brought to its end; `cause` says why. */
export class PartialRecordError extends Error {
  /** `"PartialRecordError"`. */
  override name = "PartialRecordError";
  /** What the server has confirmed. */
  readonly report: RecordReport;
  /** Events that were sent and not answered: whether they were counted is not known. */
  readonly unanswered: number;

  /** An error with its message; `unanswered`: events that were sent and not answered. */
  constructor(message: string, report: RecordReport, unanswered: number, options?: ErrorOptions) {
    super(message, options);
    this.report = report;
    this.unanswered = unanswered;
  }
}
