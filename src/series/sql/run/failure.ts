/**
 * DuckDB's errors as ours. It gives a text; what kind of error it is stands at its beginning.
 *
 * @module
 */
import { messageOf } from "../../../base/errors.ts";
import { SqlError, type SqlState } from "../errors.ts";

/** The first that matches counts. */
const CODES: readonly (readonly [RegExp, SqlState])[] = [
  [/^Parser Error/, "42601"],
  [/^Binder Error: .*Referenced column /, "42703"],
  [/^Binder Error: .*Referenced table /, "42P01"],
  [/^Binder Error: .*(No function matches|Could not choose a best candidate)/, "42883"],
  [/^Binder Error/, "42804"],
  [/^Catalog Error: .*Table with name/, "42P01"],
  [/^Catalog Error/, "42883"],
  [/^Invalid Input Error: Values were not provided/, "42P02"],
  [/^(Conversion|Out of Range|Invalid Input|Constraint|Mismatch Type) Error/, "22000"],
  [/^INTERRUPT Error/, "57014"],
  [/^Out of Memory Error/, "53200"],
  [/^Not implemented Error/, "0A000"],
];

/** The error to tell, for whatever was thrown while a statement ran. */
export function toSqlError(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const message = messageOf(error);
  const found = CODES.find(([pattern]) => pattern.test(message));
  const code = found === undefined ? "58000" : found[1];
  const text = `Cannot run the statement: ${message.trimEnd()}${hintFor(message)}`;
  return new SqlError(code, text, { cause: error });
}

function hintFor(message: string): string {
  return /TIMESTAMP_NS and type TIMESTAMP WITH TIME ZONE/.test(message)
    ? "\ntime is a TIMESTAMP in UTC: write TIMESTAMP '…' or add ::TIMESTAMP"
    : "";
}
