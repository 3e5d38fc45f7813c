/**
 * Errors as PostgreSQL's clients get them: a code of five characters, and what may follow.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { SqlError } from "../sql/errors.ts";

/** Codes beside those of {@linkcode SqlError}. */
export const CODE = {
  protocolViolation: "08P01",
  notSupported: "0A000",
  wrongPassword: "28P01",
  notAllowed: "28000",
  syntax: "42601",
  wrongParameter: "22023",
  wrongText: "22P02",
  wrongBinary: "22P03",
  wrongEncoding: "22021",
  readOnly: "25006",
  noTransaction: "25P01",
  failedTransaction: "25P02",
  noStatement: "26000",
  noCursor: "34000",
  takenCursor: "42P03",
  takenStatement: "42P05",
  noSavepoint: "3B001",
  unknownSetting: "42704",
  tooMany: "54000",
  tooManyConnections: "53300",
  stopping: "57P01",
  idle: "57P05",
  internal: "XX000",
} as const;

/** Something that a client asked for cannot be done. */
export class PgError extends Error {
  /** The name of the class. */
  override name = "PgError";
  /** The SQLSTATE. */
  readonly code: string;
  /** Whether the connection ends with it. */
  readonly isFatal: boolean;
  /** Where in the text of the query, in UTF-16 units from 0. */
  readonly position: number | undefined;

  /** The function of PostgreSQL's that says this: some drivers look at it. */
  readonly routine: string | undefined;

  constructor(
    code: string,
    message: string,
    { isFatal = false, position, routine }: {
      isFatal?: boolean;
      position?: number;
      routine?: string;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.isFatal = isFatal;
    this.position = position;
    this.routine = routine;
  }
}

/** An error after which the connection ends. */
export function fatal(code: string, message: string): PgError {
  return new PgError(code, message, { isFatal: true });
}

/** What a client is told of any error. */
export function pgError(error: unknown): PgError {
  if (error instanceof PgError) return error;
  if (!(error instanceof SqlError)) return new PgError(CODE.internal, messageOf(error));
  return new PgError(error.code, error.message, { position: error.position });
}
