/**
 * Makes a source again from what a worker was sent.
 *
 * @module
 */
import { ColumnSource, type SharedColumns } from "./columns.ts";
import type { TrailSource } from "./source.ts";
import { TdbSource } from "./tdb.ts";
import type { TdbPackage } from "./tdb_package.ts";

/** What sources are made from, all in shared memory. */
export type SharedSource = SharedColumns | TdbPackage;

/** The same source in another worker. */
export function sourceFrom(shared: SharedSource): TrailSource {
  return shared.kind === "tdb" ? new TdbSource(shared) : new ColumnSource(shared);
}
