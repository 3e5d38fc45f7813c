/**
 * Values for `$1`, `$2` … as DuckDB takes them.
 *
 * @module
 */
import {
  BIGINT,
  type DuckDBConnection,
  DuckDBIntervalValue,
  type DuckDBPreparedStatement,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
} from "@duckdb/node-api";
import { show } from "../../../base/show.ts";
import { SqlError } from "../errors.ts";
import { MAX_PARAMETER_LENGTH } from "../gate/growth.ts";
import type { SqlParameter } from "../session.ts";

/** Names of types, as they may stand in a cast. */
const TYPE_NAME = /^[A-Z][A-Z0-9_]*(?: [A-Z]+)*(?:\(\d{1,2}(?:, ?\d{1,2})?\))?(?:\[\])*$/;

/** Checks the name of a type. @throws {SqlError} */
export function readTypeName(name: string): string {
  if (TYPE_NAME.test(name)) return name;
  throw new SqlError(
    "42804",
    `Cannot use the parameter's type ${show(name)}: it is none of DuckDB's`,
  );
}

/**
 * Binds a value to each parameter of the statement.
 *
 * @throws {SqlError} there are too few or too many, or one is of no use
 */
export async function bindParameters(
  connection: DuckDBConnection,
  statement: DuckDBPreparedStatement,
  values: readonly SqlParameter[],
  types: readonly (string | undefined)[],
): Promise<void> {
  const wanted = statement.parameterCount;
  if (values.length !== wanted) {
    const received = `received ${values.length}`;
    throw new SqlError(
      "42P02",
      `Cannot run the statement: wanted ${wanted} parameters, ${received}`,
    );
  }
  for (let i = 0; i < wanted; i++) {
    const value = values[i];
    checkLength(value, i + 1);
    const type = types[i];
    if (typeof value === "string" && type !== undefined && type !== "VARCHAR") {
      const cast = await castText(connection, value, type, i + 1);
      statement.bindValue(i + 1, cast.value, cast.type);
    } else {
      bind(statement, i + 1, value);
    }
  }
}

/** The gate counts on it. */
function checkLength(value: SqlParameter, index: number): void {
  const length = typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
  if (length <= MAX_PARAMETER_LENGTH) return;
  throw new SqlError(
    "54000",
    `Cannot use parameter ${index}: it is ${length} long, ${MAX_PARAMETER_LENGTH} are allowed`,
  );
}

/** DuckDB reads the text: it knows best what its types look like. */
async function castText(
  connection: DuckDBConnection,
  text: string,
  type: string,
  index: number,
): Promise<{ value: DuckDBValue; type: DuckDBType }> {
  const name = readTypeName(type);
  const result = await connection.run(`SELECT TRY_CAST($1 AS ${name})`, [text]);
  const value = (await result.getRows())[0][0];
  if (value === null) {
    throw new SqlError("22000", `Cannot use parameter ${index}: ${show(text)} is no ${name}`);
  }
  return { value, type: result.columnType(0) };
}

function bind(statement: DuckDBPreparedStatement, index: number, value: SqlParameter): void {
  if (value === null) statement.bindNull(index);
  else if (typeof value === "boolean") statement.bindBoolean(index, value);
  else if (typeof value === "string") statement.bindVarchar(index, value);
  else if (typeof value === "number") bindNumber(statement, index, value);
  else if (typeof value === "bigint") bindBigint(statement, index, value);
  else if (value instanceof Uint8Array) statement.bindBlob(index, value);
  else if (value instanceof Date) statement.bindTimestamp(index, toTimestamp(value, index));
  else if (typeof value === "object" && typeof value.micros === "bigint") {
    const { months, days, micros } = value;
    statement.bindInterval(index, new DuckDBIntervalValue(months, days, micros));
  } else {
    throw new SqlError(
      "42804",
      `Cannot use parameter ${index}: ${show(value)} has no type of DuckDB`,
    );
  }
}

/** A whole number is a BIGINT, as a literal of it would be; `-0` is none. */
function bindNumber(statement: DuckDBPreparedStatement, index: number, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    statement.bindBigInt(index, BigInt(value));
  } else {
    statement.bindDouble(index, value);
  }
}

function bindBigint(statement: DuckDBPreparedStatement, index: number, value: bigint): void {
  const fits = BigInt.asIntN(64, value) === value;
  if (!fits && BigInt.asIntN(128, value) !== value) {
    throw new SqlError("22000", `Cannot use parameter ${index}: it has more than 128 bits`);
  }
  statement.bindValue(index, value, fits ? BIGINT : HUGEINT);
}

function toTimestamp(date: Date, index: number): DuckDBTimestampValue {
  if (Number.isNaN(date.getTime())) {
    throw new SqlError("22000", `Cannot use parameter ${index}: it is an invalid Date`);
  }
  return new DuckDBTimestampValue(BigInt(date.getTime()) * 1000n);
}
