/**
 * What the catalog knows that a question needs.
 *
 * @module
 */
import type { FieldColumn, TagColumn } from "../../points/batch.ts";

/** What a question is about, as the catalog has it. */
export interface Asked {
  /** What the measurement is called in SQL. */
  readonly table: string;
  readonly tags: ReadonlyMap<string, TagColumn>;
  readonly fields: ReadonlyMap<string, FieldColumn>;
}
