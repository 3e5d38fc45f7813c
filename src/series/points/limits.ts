/**
 * How much one may write. They bound what is kept in memory for each name and series, and are asked when
 * points come, not when they are read back from the log.
 *
 * @module
 */
import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/show.ts";

/** See the top of this file. */
export interface Limits {
  /** Bytes of a line. Default 1 MiB. */
  maxLineBytes: number;
  /** Bytes of a measurement's name, a tag's key or a field's key. Default 512. */
  maxNameBytes: number;
  /** Bytes of a measurement and its tags as they stand in a line. Default 65,535, as in InfluxDB. */
  maxKeyBytes: number;
  /** Measurements in all. Default 10,000. */
  maxMeasurements: number;
  /** Tags of one measurement. Default 256. */
  maxTags: number;
  /** Fields of one measurement. Default 1,024. */
  maxFields: number;
  /** Series in all, over all measurements. Default 1,000,000. */
  maxSeries: number;
}

/** What holds where nothing else is said. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxLineBytes: 1 << 20,
  maxNameBytes: 512,
  maxKeyBytes: 65_535,
  maxMeasurements: 10_000,
  maxTags: 256,
  maxFields: 1024,
  maxSeries: 1_000_000,
};

/** For what was accepted before: it is taken, whatever the limits are now. */
export const NO_LIMITS: Readonly<Limits> = {
  maxLineBytes: Infinity,
  maxNameBytes: Infinity,
  maxKeyBytes: Infinity,
  maxMeasurements: Infinity,
  maxTags: Infinity,
  maxFields: Infinity,
  maxSeries: Infinity,
};

/** The limits with every default filled in. @throws {ConfigError} naming the limit */
export function readLimits(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new ConfigError(
        `Cannot use limits.${name}: wanted one of ${Object.keys(DEFAULT_LIMITS).join(", ")}`,
      );
    }
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new ConfigError(
      `Cannot use limits.${name}: wanted a whole number from 1, received ${show(value)}`,
    );
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(set) };
}
