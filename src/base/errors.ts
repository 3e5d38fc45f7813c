/**
 * The errors that callers catch. Each message says what could not be done, what was wanted and what
 * was received, and `cause` keeps the error underneath.
 *
 * @module
 */

/** An option, mapping or limit cannot be used: nothing was opened or changed. */
export class ConfigError extends Error {
  /** The name of the class. */
  override name = "ConfigError";
}

/** Why an event was refused; `stats()` counts each by itself. */
export type EventErrorReason =
  /** It is not an event, or a value in it cannot be used. */
  | "invalid"
  /** Its bucket is past its retention. */
  | "late"
  /** It lies further in the future than `limits.maxFutureMs`. */
  | "future"
  /** Storage is slower than the events, and the caller did not wait for `record`. */
  | "overloaded";

/** An event was refused: it left no trace in any metric. */
export class EventError extends Error {
  /** The name of the class. */
  override name = "EventError";
  /** Why the event was refused. */
  readonly reason: EventErrorReason;

  /**
   * Made by the engine.
   *
   * @param options `reason`: why the event was refused; default `invalid`
   */
  constructor(message: string, options?: ErrorOptions & { reason?: EventErrorReason }) {
    super(message, options);
    this.reason = options?.reason ?? "invalid";
  }
}

/** What went wrong in a storage, for callers that decide what to do next. */
export type StorageErrorCode =
  /** Nothing was applied and the same call may succeed later (a lock, a lost connection). */
  | "unavailable"
  /** The answer was lost: the call may or may not have been applied. Its repetition is safe. */
  | "unknown"
  /** The storage refuses this for good: repeating it cannot help. */
  | "refused"
  /** The writer's checkpoint is older than what it had confirmed: the storage went back in time. */
  | "behind"
  /** The writer's checkpoint belongs to another incarnation: two processes share one writer id. */
  | "foreign"
  /** Another live instance holds this writer id. */
  | "held"
  /** The storage was closed. */
  | "closed";

/** A storage could not do what was asked. */
export class StorageError extends Error {
  /** The name of the class. */
  override name = "StorageError";
  /** What kind of failure it is. */
  readonly code: StorageErrorCode;

  /**
   * Made by adapters.
   *
   * @param code what kind of failure, for callers that decide what to do next
   */
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Something is wrong with a journal's files. They are kept as they are, and what is good is used. */
export class JournalError extends Error {
  /** The name of the class. */
  override name = "JournalError";
  /** The file, with its path. */
  readonly file: string;
  /** The byte at which the damage begins; undefined where it is about the whole file. */
  readonly offset: number | undefined;

  /** Made by the journal. */
  constructor(message: string, file: string, offset?: number, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
    this.offset = offset;
  }
}

/** A line on the wire is not a command, or a reply is not one that was expected. */
export class ProtocolError extends Error {
  /** The name of the class. */
  override name = "ProtocolError";
}

/** The text of an error of any kind, for messages that wrap it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
