/**
 * Makes a source again from what a worker was sent.
 *
 * @module
 */
import { ColumnSource, type SharedColumns } from "./columns.ts";
import type { TrailSource } from "./source.ts";

/** What sources are made from, all in shared memory. */
export type SharedSource = SharedColumns;

/** The same source in another worker. */
export function sourceFrom(shared: SharedSource): TrailSource {
  return new ColumnSource(shared);
}
