/**
 * How large a statement may be. DuckDB plans a statement without looking at an interrupt, and some
 * small texts take exponential time there; so their size is bounded before it sees them.
 *
 * Measured on 1.5.5: 300 nested calls are planned in 0.6 s and 300 nested structs in 2.3 s, both cubic;
 * 32 joined tables in 0.05 s, 48 in 0.4 s, 60 in more than 12 s; ten column aliases that each add the
 * one before to itself in 58 ms, 18 of them in more than 28 s; 500 UNIONs in 0.7 s, 6,000 in 7 s, and
 * 30,000 end the process.
 *
 * @module
 */

/** UTF-16 units of a statement. */
export const MAX_LENGTH = 131_072;
/** Expressions, tables and queries inside each other. */
export const MAX_DEPTH = 128;
/** Expressions, tables and queries together. */
export const MAX_NODES = 20_000;
/** Tables that one FROM joins, through its subqueries too; a measurement is two, points and series. */
export const MAX_JOINED = 32;
/** Expressions that an expression becomes when the aliases in it are put in. */
export const MAX_EXPANDED = 300;
/** UNION, INTERSECT and EXCEPT together. */
export const MAX_SET_OPERATIONS = 200;
/** Parameters of a statement. */
export const MAX_PARAMETERS = 1000;
