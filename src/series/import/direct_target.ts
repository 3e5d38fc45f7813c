/**
 * An import into a directory that no server has open.
 *
 * @module
 */
import type { Series } from "../series.ts";
import { SqlError } from "../sql/errors.ts";
import type { WriteReport } from "../write_report.ts";
import { type ImportTarget, isMissing, type Written } from "./target.ts";
import type { TablePart } from "./table_reader.ts";

/** So many make a transaction that is worth its commit. */
const BATCH_SIZE = 500_000;

/** @param series closed with the target */
export async function directTarget(series: Series, directory: string): Promise<ImportTarget> {
  return {
    name: `series ${await Deno.realPath(directory)} ${series.id}`,
    batchSize: BATCH_SIZE,
    writeLines: async (lines) => toWritten(await series.write(lines)),
    tableWriter: (part: TablePart) => async () => {
      const points = part.times.length;
      await series.load(part);
      return { points, rejectedLines: 0, rejected: [] };
    },
    async ask(sql) {
      try {
        return (await series.sql(sql)).rows;
      } catch (error) {
        if (error instanceof SqlError && isMissing(error.code)) return "missing";
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => series.close(),
  };
}

function toWritten({ written, rejectedLines, rejected }: WriteReport): Written {
  return { points: written, rejectedLines, rejected };
}
