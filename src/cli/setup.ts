/**
 * What several commands share: the flags that say where data is, and opening it.
 *
 * @module
 */
import { ConfigError, messageOf, StorageError } from "../base/errors.ts";
import { type FileOptions, readConfig } from "../engine/config.ts";
import { show } from "../base/show.ts";
import { DEFAULT_PORT, parseAddress } from "../protocol/address.ts";
import { KvStorage } from "../storage/kv.ts";
import { MemoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import { Traqq } from "../traqq.ts";
import { DeadLetters } from "./dead_letters.ts";
import { CliError, UsageError } from "./errors.ts";
import { type Flag, type FlagGroup, oneOf, quoted, type Values } from "./flags.ts";
import { isGranted, need } from "./permissions.ts";
import type { Terminal } from "./terminal.ts";

/** Where the server listens unless told otherwise. */
export const DEFAULT_ADDR = `127.0.0.1:${DEFAULT_PORT}`;
/** The KV file unless told otherwise. */
export const DEFAULT_KV_PATH = "./traqq.db";
/** The environment variable that holds the token. */
export const TOKEN_VARIABLE = "TRAQQ_TOKEN";

/** Where a command that talks to a server finds it. */
export const CONNECT_FLAGS: FlagGroup = {
  title: "Server",
  flags: [
    {
      name: "addr",
      value: "HOST:PORT",
      help: `Where traqq serve listens; default ${DEFAULT_ADDR}`,
    },
    tokenFlag("The server's token"),
    { name: "tls", help: "Talk TLS" },
    {
      name: "tls-ca",
      value: "FILE",
      help: "PEM certificate that the server's is signed by, for one of your own; implies --tls",
    },
  ],
};

const KV_PATH: Flag = {
  name: "kv-path",
  value: "FILE",
  help: `The Deno KV file; default ${DEFAULT_KV_PATH}`,
};

const CONFIG: Flag = {
  name: "config",
  value: "FILE",
  help: "The options of Traqq.open as JSON; flags win over it",
};

const PREFIX: Flag = {
  name: "prefix",
  value: "NAME",
  help: "Names the data within the storage; default traqq",
};

/** Where a command that opens the storage finds it. */
export function storageFlags(storage: string): FlagGroup {
  return {
    title: "Storage",
    flags: [
      { name: "storage", value: "memory|kv", help: storage },
      KV_PATH,
      PREFIX,
      CONFIG,
    ],
  };
}

/** What is counted; each flag may be given several times. */
export const MAPPING_FLAGS: FlagGroup = {
  title: "What is counted (all of these together replace the config file's mapping)",
  flags: [
    {
      name: "add",
      value: "PROPS",
      many: true,
      help: "Count by these properties: event, event~geo; default event. Repeatable, as the next",
    },
    { name: "bitmap", value: "PROPS", many: true, help: "Count unique values: ip" },
    {
      name: "add-value",
      value: "PROPS/NUMBER",
      many: true,
      help: "Sum a number: event~geo/amount sums amount by event and geo",
    },
    { name: "top", value: "PROPS", many: true, help: "Rank the most frequent values: geo" },
  ],
};

/** How time is read and divided. */
export const TIME_FLAGS: FlagGroup = {
  title: "Time",
  flags: [
    {
      name: "timezone",
      value: "ZONE",
      help: "An IANA zone such as Europe/Berlin; default the stored one, else UTC",
    },
    { name: "hourly", help: "Keep hours beside days" },
    {
      name: "time-property",
      value: "NAME",
      help: "The property with an event's own time; default: the time it arrives",
    },
  ],
};

/** The flag for a file with the token: never the token itself, which all processes could see. */
export function tokenFlag(what: string): Flag {
  return {
    name: "token-file",
    value: "FILE",
    help: `${what}, in a file; default the environment variable ${TOKEN_VARIABLE}`,
  };
}

/** Reads a file that a flag names. @throws {CliError} */
export async function readFile(what: string, path: string): Promise<string> {
  need(`read ${what}`, { name: "read", path });
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new CliError(`Cannot read ${what} ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What the system says about a file, without Deno's copy of the path. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return messageOf(error).replace(/: \w+ '.*'$/s, "");
}

/** The token, or undefined where there is none. @throws {CliError} */
export async function readToken(values: Values): Promise<string | undefined> {
  const path = values.get("token-file");
  if (path !== undefined) {
    const token = (await readFile("the token file", path)).trim();
    if (token === "") throw new CliError(`Cannot use the token file ${path}: it is empty`);
    return token;
  }
  // Without the permission there is none: `serve` says so when it starts, a client is refused.
  if (!isGranted({ name: "env", variable: TOKEN_VARIABLE })) return undefined;
  return Deno.env.get(TOKEN_VARIABLE)?.trim() || undefined;
}

/** The address of `--addr`. @throws {UsageError} */
export function readAddress(values: Values): { hostname: string; port: number } {
  const text = values.get("addr") ?? DEFAULT_ADDR;
  try {
    return parseAddress(text);
  } catch {
    throw new UsageError(
      `--addr wants HOST:PORT such as ${DEFAULT_ADDR} or [::1]:${DEFAULT_PORT}, received ${
        quoted(text)
      }`,
    );
  }
}

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

/** A traqq and the storage under it, closed together. */
export interface Opened extends AsyncDisposable {
  readonly traqq: Traqq;
  /** What to call the storage in a message. */
  readonly where: string;
}

/** Opens the storage that the flags name. */
export async function openTraqq(
  values: Values,
  terminal: Terminal,
  { mustExist }: { mustExist: boolean },
): Promise<Opened> {
  const options = await readOptions(values);
  const kind = oneOf(values, "storage", ["memory", "kv"]) ?? "kv";
  const path = values.get("kv-path") ?? DEFAULT_KV_PATH;
  if (kind === "memory" && values.has("kv-path")) {
    throw new UsageError("--kv-path is for --storage kv; leave one of the two out");
  }
  const letters = new DeadLetters(kind === "kv" ? path : undefined, terminal);
  const storage = kind === "memory" ? new MemoryStorage() : await openKv(path, mustExist);
  try {
    const traqq = await Traqq.open({ ...options, storage, onError: letters.onError });
    const where = kind === "memory" ? "memory (gone when it stops)" : `Deno KV ${path}`;
    return {
      traqq,
      where,
      async [Symbol.asyncDispose]() {
        try {
          await traqq.close();
        } finally {
          await storage.close();
        }
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** What opening the storage needs, so that all that is missing can be named together. */
export function storagePermissions(values: Values): Deno.PermissionDescriptor[] {
  const path = values.get("kv-path") ?? DEFAULT_KV_PATH;
  if (values.get("storage") === "memory" || !isFile(path)) return [];
  return [{ name: "read", path }, { name: "write", path }];
}

async function openKv(path: string, mustExist: boolean): Promise<Storage> {
  if (isFile(path)) {
    need(`open the Deno KV file ${path}`, { name: "read", path }, { name: "write", path });
    if (mustExist && !await exists(path)) {
      throw new CliError(
        `Cannot open the Deno KV file ${path}: there is no such file; name one with --kv-path, ` +
          `or leave out --storage to ask a server`,
      );
    }
  }
  try {
    return await KvStorage.open(path);
  } catch (error) {
    throw await whyNotOpened(error, path);
  }
}

/** SQLite says only "unable to open database file" for every reason there is. */
async function whyNotOpened(error: unknown, path: string): Promise<unknown> {
  if (!(error instanceof StorageError) || !isFile(path)) return error;
  // Without --unstable-kv: the error says so.
  if (typeof Deno.openKv !== "function") return error;
  const folder = path.replace(/[^/\\]*$/, "") || ".";
  let reason: string | undefined;
  try {
    const file = await Deno.stat(path).catch(() => undefined);
    if (file?.isDirectory) reason = "it is a folder";
    else if (/not a database|malformed/i.test(error.message)) {
      reason = "it is a file of another kind; name another one with --kv-path";
    } else if (file === undefined && isGranted({ name: "read", path: folder })) {
      const parent = await Deno.stat(folder).catch(() => undefined);
      reason = parent?.isDirectory
        ? `the system does not allow it; look at the rights of the folder ${folder}`
        : `there is no folder ${folder}; create it first`;
    } else if (/readonly|unable to open/i.test(error.message)) {
      reason = "the system does not allow it; look at the rights of the file and its folder";
    }
  } catch {
    // Then what SQLite said must do.
  }
  if (reason === undefined) return error;
  return new CliError(`Cannot open the Deno KV file ${path}: ${reason}`, { cause: error });
}

/** Not `:memory:`, nor a KV Connect server. */
function isFile(path: string): boolean {
  return path !== ":memory:" && !/^https?:\/\//.test(path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    return true; // opening it will say what is wrong
  }
}

/**
 * Whether the command opens the storage itself (`--storage`) rather than talk to a server.
 *
 * @throws {UsageError} for flags of the one beside the other
 */
export function opensStorage(values: Values): boolean {
  if (values.has("storage")) {
    const wrong = values.firstOf(CONNECT_FLAGS.flags.map((flag) => flag.name));
    if (wrong === undefined) return true;
    throw new UsageError(
      `--${wrong} is for a server, --storage opens the storage here; leave one of the two out`,
    );
  }
  const groups = [storageFlags(""), MAPPING_FLAGS, TIME_FLAGS];
  const wrong = values.firstOf(groups.flatMap((group) => group.flags.map((flag) => flag.name)));
  if (wrong !== undefined) {
    throw new UsageError(
      `--${wrong} is for opening the storage here: add --storage kv, or give it to traqq serve`,
    );
  }
  return false;
}
