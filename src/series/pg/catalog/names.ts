/**
 * What the catalog that PostgreSQL's clients ask is called in DuckDB: everything lies under one name, so
 * that the gate can allow that name and nothing else.
 *
 * @module
 */

/**
 * What stands before each name: a database by itself, whose views and macros all are ours. Nobody else
 * can make any.
 */
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
