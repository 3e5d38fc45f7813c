/**
 * The series of `serve`: their flags, and opening them. What they are made of is loaded only where they are
 * asked for.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { withDeadline } from "../base/promises.ts";
import { DURABILITIES, type Durability } from "../engine/journal_options.ts";
import type { Series } from "../series/series.ts";
import { harmless } from "./draw/text.ts";
import { CliError, UsageError } from "./errors.ts";
import { type FlagGroup, oneOf, type Values } from "./flags.ts";
import type { Log } from "./log.ts";
import type { SeriesFileOptions } from "./config_file.ts";
import { need, workerPermissions } from "./permissions.ts";
import { seriesOptionsOf } from "./with_config.ts";

/** Of every point kept. */
export const SERIES_FLAGS: FlagGroup = {
  title: "Series (every point kept, beside what is counted)",
  flags: [
    {
      name: "series",
      value: "DIR",
      help: "Keep points in this folder: line protocol at /write, and each event",
    },
    {
      name: "series-durability",
      value: "MODE",
      help: `${DURABILITIES.join(", ")}; default periodic; none: in memory, without --series`,
    },
  ],
};

/** What the flags say of series. */
export interface SeriesSettings {
  /** Undefined: in memory. */
  readonly directory: string | undefined;
  readonly durability: Durability;
  /** What only a config file says. */
  readonly options: SeriesFileOptions;
}

/** @throws {UsageError} */
export function readSeriesFlags(values: Values): SeriesSettings | undefined {
  const directory = values.get("series");
  const durability = oneOf(values, "series-durability", DURABILITIES) ?? "periodic";
  if (directory !== undefined && durability === "none") {
    throw new UsageError("--series-durability none keeps all in memory; leave --series out");
  }
  if (directory === undefined && durability !== "none") {
    if (!values.has("series-durability")) return undefined;
    throw new UsageError("--series-durability is about series; add --series DIR");
  }
  if (values.has("workers") && values.get("workers") !== "1") {
    throw new UsageError("--series and --workers do not go together: series have one owner");
  }
  return { directory, durability, options: seriesOptionsOf(values) };
}

/** Opens the series. @throws {CliError} naming the permission that is missing */
export async function openSeries(
  { directory, durability, options }: SeriesSettings,
  log: Log,
): Promise<Series> {
  need(
    "keep series",
    // What DuckDB itself reads and writes, Deno does not see.
    { name: "ffi" },
    ...workerPermissions(),
    ...directory === undefined
      ? []
      : [{ name: "read", path: directory }, { name: "write", path: directory }] as const,
  );
  const { Series } = await import("../series/mod.ts");
  return await Series.open({
    ...options,
    directory,
    durability,
    onError: (error) => log.error(error.message),
  });
}

/** Closes them. @throws {CliError} if that took longer, saying where what they hold is */
export async function closeSeries(
  series: Series,
  settings: SeriesSettings,
  milliseconds: number,
): Promise<void> {
  const timeoutMs = Math.max(milliseconds, 1000);
  try {
    const late = () => new CliError("the database took too long; raise --stop-timeout");
    await withDeadline(series.close(timeoutMs), timeoutMs + 1000, late);
  } catch (error) {
    throw new CliError(
      settings.directory === undefined
        ? `Cannot close the series: ${messageOf(error)}`
        : `Not all points are in the database yet: ${
          messageOf(error)
        }. What was acknowledged is in ` +
          `the log in ${harmless(settings.directory)}, and the next start brings it there`,
      { cause: error },
    );
  }
}
