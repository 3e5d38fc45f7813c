/**
 * Writing everything that a prefix holds as lines of JSON.
 *
 * @module
 */
import type { BucketRange, Metric, Storage, Unit } from "../storage/storage.ts";
import { cellLine } from "./cell_json.ts";
import { Checksum, footerLine, headerLine } from "./format.ts";

/** What {@linkcode exportCells} takes beside the storage and the prefix. */
export interface ExportOptions {
  /** Called now and then with the cells that were given out so far. */
  readonly onProgress?: (cells: number) => void;
}

/**
 * Gives all cells of a prefix, days and hours, as lines without their ends: a header, a line for each
 * cell, and a footer by which a file that was cut off or damaged is told. Memory stays bounded.
 *
 * It is no snapshot: what is committed meanwhile may be in it or not, each cell by itself.
 *
 * @example
 * ```ts
 * import { exportCells, importCells, MemoryStorage, Traqq } from "@traqq/traqq";
 *
 * await using storage = new MemoryStorage();
 * await using traqq = await Traqq.open({ storage });
 * await traqq.record({ event: "purchase" });
 * await traqq.flush();
 *
 * await using copy = new MemoryStorage();
 * const report = await importCells(copy, exportCells(storage, "traqq"));
 * console.assert(report.cells === 1);
 * ```
 *
 * @throws {StorageError} if the storage cannot be read
 */
export async function* exportCells(
  storage: Storage,
  prefix: string,
  options: ExportOptions = {},
): AsyncGenerator<string> {
  const checksum = new Checksum();
  const timezone = await storage.timezone(prefix);
  const header = headerLine({ id: crypto.randomUUID(), prefix, timezone });
  checksum.add(header);
  yield header;
  let cells = 0;
  for (const unit of ["d", "h"] as const) {
    const range = allOf(prefix, unit);
    for (const metric of (await storage.metrics(range)).sort(compareMetrics)) {
      for await (const batch of storage.read(metric, range)) {
        for (const cell of batch) {
          const line = cellLine(cell);
          checksum.add(line);
          yield line;
        }
        cells += batch.length;
        options.onProgress?.(cells);
      }
    }
  }
  yield footerLine({ cells, crc32: checksum.hex });
}

/** Every bucket of a unit. */
export function allOf(prefix: string, unit: Unit): BucketRange {
  return { prefix, unit, from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
}

function compareMetrics(a: Metric, b: Metric): number {
  return compareText(a.type, b.type) || compareText(a.pattern, b.pattern) ||
    compareText(a.addKey ?? "", b.addKey ?? "");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
