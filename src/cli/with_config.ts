/**
 * The flags of `serve`, with what a config file says where they are silent.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { parseConfigFile, type SeriesFileOptions } from "./config_file.ts";
import { readFile } from "./files.ts";
import { Values } from "./flags.ts";

/** Names that no flag has: what only a file can say. Workers get them with the flags. */
const SERIES_OPTIONS = "config: series";
const JWT_SECRET = "config: jwt secret";

/** Flags, and what to say of the file. */
export interface Configured {
  readonly values: Values;
  readonly remarks: readonly string[];
}

/** @throws {ConfigError} naming the file */
export async function withConfig(values: Values): Promise<Configured> {
  const path = values.get("config");
  if (path === undefined) return { values, remarks: [] };
  const file = await parseConfigFile(path, await readFile("the config file", path));
  const given = new Map(values.given);
  for (const [name, value] of file.flags) if (!given.has(name)) given.set(name, [value]);
  if (Object.keys(file.series).length > 0) {
    const isKept = given.has("series") || given.get("series-durability")?.[0] === "none";
    if (!isKept && file.series.retention?.length !== 0) {
      throw new ConfigError(
        `${path}: Cannot use what it says of points: there is no storage.data_dir; add it, or --series`,
      );
    }
    given.set(SERIES_OPTIONS, [JSON.stringify(file.series)]);
  }
  if (file.jwtSecret !== undefined && !given.has("jwt-secret-file")) {
    given.set(JWT_SECRET, [file.jwtSecret]);
  }
  return { values: new Values(given, values.rest), remarks: file.remarks };
}

/** What a file says of series. */
export function seriesOptionsOf(values: Values): SeriesFileOptions {
  return JSON.parse(values.get(SERIES_OPTIONS) ?? "{}");
}

/** The secret of JWTs that a file says. */
export function jwtSecretOf(values: Values): string | undefined {
  return values.get(JWT_SECRET);
}
