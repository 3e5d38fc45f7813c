/**
 * Why an engine cannot do what it was asked.
 *
 * @module
 */

/** What went wrong, for callers that decide what to do next. */
export type EngineErrorCode =
  /** Another one has the files open; nothing was touched. */
  | "held"
  /** The files are not those of an engine, or are broken; they are kept as they are. */
  | "damaged"
  /** The files have a format that this version does not know; they are kept as they are. */
  | "format"
  /** There is no room on the disk, or a file may not grow. It goes on when there is. */
  | "full"
  /** The engine died: what was under way may or may not have been applied. */
  | "died"
  /** The engine was closed. */
  | "closed"
  /** What was asked for cannot be done: a policy, an aggregate. Nothing was changed. */
  | "refused"
  /** The database failed in another way. */
  | "failed";

/** An engine could not do what was asked. */
export class EngineError extends Error {
  /** The name of the class. */
  override name = "EngineError";
  /** What kind of failure it is. */
  readonly code: EngineErrorCode;

  /** Made by engines. */
  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
