/**
 * The options of `Traqq.open` from a config file and from flags.
 *
 * @module
 */
import { ConfigError, messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { type FileOptions, readConfig } from "../engine/config.ts";
import { UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { quoted, type Values } from "./flags.ts";
import { MAPPING_FLAGS } from "./shared_flags.ts";

/**
 * The options of `Traqq.open`: those of the config file, and over them those of flags.
 *
 * @throws {ConfigError} naming the file, if it is the file's fault
 */
export async function readOptions(values: Values): Promise<FileOptions> {
  const path = values.get("config");
  const file = path === undefined
    ? {}
    : readConfigFile(path, await readFile("the config file", path));
  const options: FileOptions = { ...file };
  const prefix = values.get("prefix");
  if (prefix !== undefined) options.prefix = prefix;
  const time = { ...file.time };
  if (values.has("timezone")) time.timezone = values.get("timezone");
  if (values.has("hourly")) time.hourly = true;
  if (values.has("time-property")) time.property = values.get("time-property");
  if (Object.keys(time).length > 0) options.time = time;
  if (values.firstOf(MAPPING_FLAGS.flags.map((flag) => flag.name)) !== undefined) {
    options.mapping = {
      add: values.all("add"),
      bitmap: values.all("bitmap"),
      addValue: values.all("add-value").map(readAddValue),
      top: values.all("top"),
    };
  }
  readConfig(options);
  return options;
}

/**
 * Reads a config file.
 *
 * @throws {ConfigError} naming the file
 */
export function readConfigFile(path: string, text: string): FileOptions {
  let options: unknown;
  try {
    options = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${path}: Cannot read it as JSON: ${messageOf(cause)}`, { cause });
  }
  try {
    for (const key of ["storage", "onError"]) {
      if (typeof options === "object" && options !== null && key in options) {
        throw new ConfigError(
          key === "storage"
            ? `Cannot use "storage" in a file: choose it by --storage and --kv-path`
            : `Cannot use ${show(key)} in a file: it is a function`,
        );
      }
    }
    readConfig(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // What only code can give is not offered.
    const message = error.message.replace("only storage, ", "only ").replace(/, onError$/, "");
    throw new ConfigError(`${path}: ${message}`, { cause: error });
  }
  return options as FileOptions;
}

/** `event~geo/amount`; the last slash counts, for a property name may hold one. */
function readAddValue(text: string): { key: string; addKey: string } {
  const slash = text.lastIndexOf("/");
  if (slash <= 0 || slash === text.length - 1) {
    throw new UsageError(
      `--add-value wants PROPS/NUMBER such as event~geo/amount, received ${quoted(text)}`,
    );
  }
  return { key: text.slice(0, slash), addKey: text.slice(slash + 1) };
}
