/**
 * Why a question in SQL was not answered.
 *
 * @module
 */

/**
 * Codes as PostgreSQL has them (SQLSTATE), of those that a question can end in:
 *
 * | code    | when                                                        |
 * | ------- | ----------------------------------------------------------- |
 * | `42601` | it is no SQL, or more than one statement                    |
 * | `42501` | it is refused: a statement, function, table or setting      |
 * | `42P01` | a table is missing                                          |
 * | `42703` | a column is missing                                         |
 * | `42883` | a function is missing, or not for these types               |
 * | `42P02` | a parameter is missing                                      |
 * | `42804` | types do not fit                                            |
 * | `22000` | a value does not fit: a cast, a division, out of range      |
 * | `0A000` | DuckDB cannot do this                                       |
 * | `53200` | it needs more memory than it may                            |
 * | `53300` | too many questions at once                                  |
 * | `54000` | more rows or bytes than asked for are allowed               |
 * | `57014` | cancelled, or over its time                                 |
 * | `58000` | the engine failed                                           |
 * | `57P01` | the engine was closed                                       |
 */
export type SqlState =
  | "42601"
  | "42501"
  | "42P01"
  | "42703"
  | "42883"
  | "42P02"
  | "42804"
  | "22000"
  | "0A000"
  | "53200"
  | "53300"
  | "54000"
  | "57014"
  | "58000"
  | "57P01";

/** A question in SQL has no answer; the message says why, and what to do. */
export class SqlError extends Error {
  /** The name of the class. */
  override name = "SqlError";
  /** The SQLSTATE. */
  readonly code: SqlState;
  /** Where in the statement, in UTF-16 units from 0; undefined where it is not known. */
  readonly position: number | undefined;

  /** Made by the session and the gate. */
  constructor(code: SqlState, message: string, options?: ErrorOptions & { position?: number }) {
    super(message, options);
    this.code = code;
    this.position = options?.position;
  }
}
