/**
 * The options of `Traqq.open` from a config file and from flags.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { type FileOptions, readConfig } from "../engine/config.ts";
import { DURABILITIES, type JournalOptions } from "../engine/journal_options.ts";
import { parseConfigFile } from "./config_file.ts";
import { keptMs } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { oneOf, quoted, type Values } from "./flags.ts";
import { journalIn, MAPPING_FLAGS } from "./shared_flags.ts";

/**
 * The options of `Traqq.open`: those of the config file, and over them those of flags.
 *
 * @throws {ConfigError} naming the file, if it is the file's fault
 */
export async function readOptions(values: Values): Promise<FileOptions> {
  const path = values.get("config");
  const file = path === undefined
    ? {}
    : await readConfigFile(path, await readFile("the config file", path));
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
  const journal = readJournalFlags(values, file.journal);
  if (journal !== undefined) options.journal = journal;
  readConfig(options);
  return options;
}

/** The journal of the config file, and over it that of flags. @throws {UsageError} */
function readJournalFlags(
  values: Values,
  file: JournalOptions | undefined,
): JournalOptions | undefined {
  const folder = values.get("data-dir");
  const directory = folder === undefined ? file?.directory : journalIn(folder);
  const durability = oneOf(values, "durability", DURABILITIES);
  const retainMs = keptMs(values, "retain");
  if (directory === undefined) {
    const alone = values.firstOf(["durability", "retain"]);
    if (alone === undefined) return undefined;
    throw new UsageError(
      `--${alone} is about the journal, and there is none: add --data-dir DIR, or "journal" to the ` +
        "config file",
    );
  }
  const journal: JournalOptions = { ...file, directory };
  if (durability !== undefined) journal.durability = durability;
  if (retainMs !== undefined) journal.retainMs = retainMs;
  return journal;
}

/**
 * Reads a config file.
 *
 * @throws {ConfigError} naming the file
 */
export async function readConfigFile(path: string, text: string): Promise<FileOptions> {
  const { options } = await parseConfigFile(path, text);
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
