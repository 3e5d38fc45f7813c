/**
 * Rows of Parquet files as events, one group of rows after the other. The library is loaded only here.
 *
 * | column                          | becomes                                                     |
 * | ------------------------------- | ----------------------------------------------------------- |
 * | text, booleans                  | itself                                                      |
 * | whole numbers, floats           | the number, whole ones beyond 2^53 their digits             |
 * | decimals of up to 15 digits     | the number; of more: refused, as they would be rounded      |
 * | times and dates                 | RFC 3339 in UTC, with milliseconds                          |
 * | null, lists, structures         | nothing                                                     |
 *
 * @module
 */
import type { AsyncBuffer } from "hyparquet";
import { TrailsError } from "../errors.ts";
import type { EventReader } from "./event_reader.ts";

/** Digits that a double holds. */
const MAX_DIGITS = 15;

/** Reads all rows. @throws {TrailsError} for columns that would be rounded; else what the library says */
export async function readParquet(path: string, reader: EventReader): Promise<void> {
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  using opened = await Deno.open(path);
  const file = await bufferOf(opened);
  const metadata = await parquetMetadataAsync(file);
  const scales = new Map<string, number>();
  for (const { name, converted_type, logical_type, precision = 0, scale = 0 } of metadata.schema) {
    if (converted_type !== "DECIMAL" && logical_type?.type !== "DECIMAL") continue;
    if (precision > MAX_DIGITS) {
      throw new TrailsError(
        `Cannot read the column ${name}: decimals of ${precision} digits would be rounded; write ` +
          "them as text",
      );
    }
    scales.set(name, scale);
  }
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const rows = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd });
    for (const row of rows) reader.add(eventOf(row, scales));
    rowStart = rowEnd;
  }
}

async function bufferOf(file: Deno.FsFile): Promise<AsyncBuffer> {
  const { size: byteLength } = await file.stat();
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start));
      await file.seek(start, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) {
        const count = await file.read(bytes.subarray(at));
        if (count === null) throw new TrailsError("Cannot read all of the file: it became shorter");
        at += count;
      }
      return bytes.buffer;
    },
  };
}

function eventOf(
  row: Readonly<Record<string, unknown>>,
  scales: ReadonlyMap<string, number>,
): Record<string, unknown> {
  // Without a prototype, so that no name is special.
  const event: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(row)) event[name] = plain(value, scales.get(name));
  return event;
}

function plain(value: unknown, scale: number | undefined): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  // The library multiplies: 115 × 0.01 is 1.1500000000000001.
  if (typeof value === "number" && scale !== undefined) return Number(value.toFixed(scale));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  return value;
}
