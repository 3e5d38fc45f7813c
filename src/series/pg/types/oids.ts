/**
 * PostgreSQL's types: their numbers, as every client knows them, and which of them a type of DuckDB is
 * towards clients.
 *
 * Every time goes out as `timestamptz`: points lie on instants, in UTC. As `timestamp` many clients would
 * read it as a time of their own zone.
 *
 * @module
 */

/** A type of PostgreSQL. */
export interface PgType {
  readonly oid: number;
  /** As `pg_type` has it: `float8`. */
  readonly name: string;
  /** As `format_type` says it: `double precision`. */
  readonly title: string;
  /** Bytes; -1 where values differ. */
  readonly size: number;
  /** B: boolean, N: number, S: string, D: date and time, T: interval, U: user-defined, A: array. */
  readonly category: string;
  /** The array of it. */
  readonly arrayOid: number;
  /** DuckDB's type of a parameter of it. */
  readonly duckdb: string;
}

/** name, title, oid, oid of the array, size, category, DuckDB's type */
const ROWS: readonly (readonly [string, string, number, number, number, string, string])[] = [
  ["bool", "boolean", 16, 1000, 1, "B", "BOOLEAN"],
  ["bytea", "bytea", 17, 1001, -1, "U", "BLOB"],
  ["char", '"char"', 18, 1002, 1, "Z", "VARCHAR"],
  ["name", "name", 19, 1003, 64, "S", "VARCHAR"],
  ["int8", "bigint", 20, 1016, 8, "N", "BIGINT"],
  ["int2", "smallint", 21, 1005, 2, "N", "SMALLINT"],
  ["int4", "integer", 23, 1007, 4, "N", "INTEGER"],
  ["text", "text", 25, 1009, -1, "S", "VARCHAR"],
  ["oid", "oid", 26, 1028, 4, "N", "BIGINT"],
  ["json", "json", 114, 199, -1, "U", "VARCHAR"],
  ["float4", "real", 700, 1021, 4, "N", "FLOAT"],
  ["float8", "double precision", 701, 1022, 8, "N", "DOUBLE"],
  ["unknown", "unknown", 705, 0, -2, "X", "VARCHAR"],
  ["bpchar", "character", 1042, 1014, -1, "S", "VARCHAR"],
  ["varchar", "character varying", 1043, 1015, -1, "S", "VARCHAR"],
  ["date", "date", 1082, 1182, 4, "D", "DATE"],
  ["time", "time without time zone", 1083, 1183, 8, "D", "TIME"],
  ["timestamp", "timestamp without time zone", 1114, 1115, 8, "D", "TIMESTAMP"],
  ["timestamptz", "timestamp with time zone", 1184, 1185, 8, "D", "TIMESTAMP"],
  ["interval", "interval", 1186, 1187, 16, "T", "INTERVAL"],
  ["numeric", "numeric", 1700, 1231, -1, "N", "DOUBLE"],
  ["uuid", "uuid", 2950, 2951, 16, "U", "UUID"],
  ["jsonb", "jsonb", 3802, 3807, -1, "U", "VARCHAR"],
];

/** The types that go over the wire, without their arrays. */
export const PG_TYPES: readonly PgType[] = ROWS.map((
  [name, title, oid, arrayOid, size, category, duckdb],
) => ({ name, title, oid, arrayOid, size, category, duckdb }));

const BY_NAME = new Map(PG_TYPES.map((type) => [type.name, type]));
const BY_OID = new Map(PG_TYPES.map((type) => [type.oid, type]));
const BY_ARRAY_OID = new Map(PG_TYPES.map((type) => [type.arrayOid, type]));

/** What DuckDB's types are towards clients; what is not here is text. */
export const OF_DUCKDB: Readonly<Record<string, string>> = {
  BOOLEAN: "bool",
  TINYINT: "int2",
  SMALLINT: "int2",
  UTINYINT: "int2",
  USMALLINT: "int4",
  INTEGER: "int4",
  UINTEGER: "int8",
  BIGINT: "int8",
  UBIGINT: "numeric",
  HUGEINT: "numeric",
  UHUGEINT: "numeric",
  BIGNUM: "numeric",
  FLOAT: "float4",
  DOUBLE: "float8",
  DATE: "date",
  TIME: "time",
  TIMESTAMP_S: "timestamptz",
  TIMESTAMP_MS: "timestamptz",
  TIMESTAMP: "timestamptz",
  TIMESTAMP_NS: "timestamptz",
  "TIMESTAMP WITH TIME ZONE": "timestamptz",
  INTERVAL: "interval",
  UUID: "uuid",
  BLOB: "bytea",
  JSON: "json",
};

/** A type on the wire: a type, or an array of it. */
export interface WireType {
  readonly oid: number;
  readonly size: number;
  /** Of the elements where it is an array. */
  readonly type: PgType;
  readonly isArray: boolean;
}

/** The type by its name. @throws if there is none */
export function pgType(name: string): PgType {
  const type = BY_NAME.get(name);
  if (type === undefined) throw new Error(`BUG: there is no type ${name}`);
  return type;
}

/** What a type of DuckDB is on the wire. Arrays of arrays are the text that DuckDB prints. */
export function wireTypeOf(duckdb: string): WireType {
  const element = /^(.*)\[\d*\]$/s.exec(duckdb)?.[1];
  const type = scalarOf(element ?? duckdb);
  if (element === undefined) return { oid: type.oid, size: type.size, type, isArray: false };
  if (/\]$/.test(element)) return wireTypeOf("VARCHAR");
  return { oid: type.arrayOid, size: -1, type, isArray: true };
}

/** What a client means by a number; undefined for 0, which leaves it open, and for one unknown. */
export function wireTypeOfOid(oid: number): WireType | undefined {
  const scalar = BY_OID.get(oid);
  if (scalar !== undefined) return { oid, size: scalar.size, type: scalar, isArray: false };
  const element = oid === 0 ? undefined : BY_ARRAY_OID.get(oid);
  return element && { oid, size: -1, type: element, isArray: true };
}

/** DuckDB's name of a parameter's type. */
export function duckdbTypeOf({ type, isArray }: WireType): string {
  return isArray ? `${type.duckdb}[]` : type.duckdb;
}

function scalarOf(duckdb: string): PgType {
  const decimal = /^DECIMAL\b/.test(duckdb) ? "numeric" : undefined;
  return pgType(decimal ?? (Object.hasOwn(OF_DUCKDB, duckdb) ? OF_DUCKDB[duckdb] : "text"));
}
