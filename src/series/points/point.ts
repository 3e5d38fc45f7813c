/**
 * A point as a program writes it.
 *
 * @module
 */

/** A value: a `number` is a float, a `bigint` an integer, `{ unsigned }` an unsigned integer. */
export type PointValue = number | bigint | string | boolean | { readonly unsigned: bigint };

/** What was measured, of what, and when. */
export interface Point {
  /** What kind of thing it is: SQL's table. */
  readonly measurement: string;
  /** Of what: few different values, by which one groups and filters. Absent ones may be undefined. */
  readonly tags?: Readonly<Record<string, string | undefined>>;
  /** What was measured: at least one. Absent ones may be undefined. */
  readonly fields: Readonly<Record<string, PointValue | undefined>>;
  /** When: a `Date`, or unix nanoseconds as a `bigint`. Default: when it is received. */
  readonly time?: Date | bigint;
}
