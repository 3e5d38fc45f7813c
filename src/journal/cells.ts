/**
 * The cells of a cut as bytes. Cells of one metric and bucket follow each other, so where one belongs is
 * written once.
 *
 * @module
 */
import type { Cell, CellPlace, MetricType, Unit } from "../storage/storage.ts";
import type { ByteReader, ByteWriter } from "../codec/bytes.ts";

const KINDS = ["count", "sum", "tally", "sketch"] as const;
const TYPES: readonly MetricType[] = ["bmp", "add", "adv", "top"];
const UNITS: readonly Unit[] = ["d", "h"];

/** The cell belongs where the one before it does. */
const SAME_PLACE = 0x80;
const KIND_MASK = 0x0f;
/** A sum that fits into 64 bits, and one that is written in digits. */
const SUM_I64 = 0;
const SUM_DIGITS = 1;

/** Writes cells, in order. */
export function writeCells(writer: ByteWriter, cells: readonly Cell[]): void {
  writer.varint(cells.length);
  let last: CellPlace | undefined;
  for (const cell of cells) {
    const same = last !== undefined && samePlace(last, cell);
    writer.u8(KINDS.indexOf(cell.kind) | (same ? SAME_PLACE : 0));
    if (!same) writePlace(writer, cell);
    last = cell;
    switch (cell.kind) {
      case "count":
        writer.text(cell.field);
        writer.varint(cell.count);
        break;
      case "sum":
        writer.text(cell.field);
        writeSum(writer, cell.sum);
        break;
      case "tally":
        writer.varint(cell.count);
        break;
      case "sketch":
        writer.blob(cell.sketch);
    }
  }
}

/** Reads what {@linkcode writeCells} has written. @throws {RangeError} if it is something else */
export function readCells(reader: ByteReader): Cell[] {
  const cells: Cell[] = [];
  let place: CellPlace | undefined;
  for (let left = reader.varint(); left > 0; left--) {
    const head = reader.u8();
    if ((head & SAME_PLACE) === 0) place = readPlace(reader);
    if (place === undefined) throw new RangeError("the first cell belongs nowhere");
    switch (KINDS[head & KIND_MASK]) {
      case "count":
        cells.push({ kind: "count", ...place, field: reader.text(), count: reader.varint() });
        break;
      case "sum":
        cells.push({ kind: "sum", ...place, field: reader.text(), sum: readSum(reader) });
        break;
      case "tally":
        cells.push({ kind: "tally", ...place, count: reader.varint() });
        break;
      case "sketch":
        cells.push({ kind: "sketch", ...place, sketch: reader.blob() });
        break;
      default:
        throw new RangeError(`there is no kind of cell ${head & KIND_MASK}`);
    }
  }
  return cells;
}

function samePlace(a: CellPlace, b: CellPlace): boolean {
  return a.start === b.start && a.unit === b.unit && (a.metric === b.metric ||
    (a.metric.type === b.metric.type && a.metric.pattern === b.metric.pattern &&
      a.metric.addKey === b.metric.addKey));
}

function writePlace(writer: ByteWriter, { metric, unit, start }: CellPlace): void {
  writer.u8(TYPES.indexOf(metric.type));
  writer.u8(UNITS.indexOf(unit));
  writer.f64(start);
  writer.text(metric.pattern);
  if (metric.type === "adv") writer.text(metric.addKey ?? "");
}

function readPlace(reader: ByteReader): CellPlace {
  const type = TYPES[reader.u8()];
  const unit = UNITS[reader.u8()];
  if (type === undefined || unit === undefined) throw new RangeError("there is no such metric");
  const start = reader.f64();
  const pattern = reader.text();
  const metric = type === "adv" ? { type, pattern, addKey: reader.text() } : { type, pattern };
  return { metric, unit, start };
}

function writeSum(writer: ByteWriter, sum: bigint): void {
  const fits = BigInt.asIntN(64, sum) === sum;
  writer.u8(fits ? SUM_I64 : SUM_DIGITS);
  if (fits) writer.i64(sum);
  else writer.text(String(sum));
}

function readSum(reader: ByteReader): bigint {
  return reader.u8() === SUM_I64 ? reader.i64() : BigInt(reader.text());
}
