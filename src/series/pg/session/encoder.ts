/**
 * Rows → messages, in the forms that the client asked for.
 *
 * @module
 */
import type { SqlBatch, SqlColumn } from "../../sql/values.ts";
import { valueAt } from "../../sql/values.ts";
import { CODE, PgError } from "../errors.ts";
import type { FieldDescription, MessageWriter } from "../messages/writer.ts";
import { binaryEncoding } from "../types/binary.ts";
import { wireTypeOf } from "../types/oids.ts";
import { textEncoding } from "../types/text.ts";

/** Writes the rows of one answer. */
export class RowEncoder {
  /** What a client is told of the columns. */
  readonly fields: readonly FieldDescription[];
  readonly #encodings: readonly ((value: NonNullable<ReturnType<typeof valueAt>>) =>
    | Uint8Array
    | string)[];

  /**
   * @param formats 0 for text and 1 for binary: one for all columns, or one for each, or none for text
   * @throws {PgError} if there are others
   */
  constructor(columns: readonly SqlColumn[], formats: readonly number[] = []) {
    if (formats.length > 1 && formats.length !== columns.length) {
      throw new PgError(
        CODE.protocolViolation,
        `Cannot give ${columns.length} columns in ${formats.length} forms`,
      );
    }
    const isBinary = (i: number) => (formats.length === 1 ? formats[0] : formats[i] ?? 0) === 1;
    const types = columns.map(({ type }) => wireTypeOf(type));
    this.fields = columns.map(({ name }, i) => ({
      name,
      oid: types[i].oid,
      size: types[i].size,
      isBinary: isBinary(i),
    }));
    this.#encodings = columns.map(({ type }, i) =>
      (isBinary(i) ? binaryEncoding : textEncoding)(types[i], type)
    );
  }

  /** Writes one row. */
  row(writer: MessageWriter, batch: SqlBatch, row: number): void {
    writer.dataRow(batch.columns.length, (i) => {
      const value = valueAt(batch.columns[i], row);
      return value === null ? null : this.#encodings[i](value);
    });
  }

  /** The texts of one row, for COPY. */
  texts(batch: SqlBatch, row: number): (string | null)[] {
    return batch.columns.map((column, i) => {
      const value = valueAt(column, row);
      return value === null ? null : this.#encodings[i](value) as string;
    });
  }
}
