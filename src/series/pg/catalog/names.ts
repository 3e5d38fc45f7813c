/**
 * What the catalog that PostgreSQL's clients ask is called in the database: everything lies in one schema
 * of ours, so that the gate can allow that schema and nothing else.
 *
 * @module
 */

/** The schema. Only views and macros of ours are in it, and nobody else can make any. */
export const CATALOG_SCHEMA = "postgres";

/** Where views of measurements are in DuckDB, and what that is called towards clients. */
export const TABLES_SCHEMA = "main";
/** See {@linkcode TABLES_SCHEMA}. */
export const PUBLIC_SCHEMA = "public";

/** The one database and the one role there are, whatever names a client connects with. */
export const DATABASE_NAME = "traqq";

/** What stands before the names of information_schema. */
export const INFORMATION_PREFIX = "information_";

/** The version of PostgreSQL whose catalog is answered: clients ask for what it has. */
export const SERVER_VERSION = "15.0";
/** {@linkcode SERVER_VERSION} as a number. */
export const SERVER_VERSION_NUMBER = 150_000;
