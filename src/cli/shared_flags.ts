/**
 * The flags that several commands share: where a server or a storage is, what is counted, the token.
 *
 * @module
 */
import { DEFAULT_PORT, parseAddress } from "../protocol/address.ts";
import { UsageError } from "./errors.ts";
import { type Flag, type FlagGroup, quoted, type Values } from "./flags.ts";
import { REDIS_FLAGS } from "./redis.ts";
import { TOKEN_VARIABLE } from "./tokens.ts";

/** Where the server listens unless told otherwise. */
export const DEFAULT_ADDR = `127.0.0.1:${DEFAULT_PORT}`;
/** Where data can be kept; the default is kv. */
export const STORAGES = ["memory", "kv", "redis"] as const;
/** The KV file unless told otherwise. */
export const DEFAULT_KV_PATH = "./traqq.db";
/** In the folder of `--data-dir`. */
const JOURNAL_NAME = "journal";
const KV_NAME = "traqq.db";
const REFUSED_NAME = "refused.ndjson";
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
  short: "c",
  value: "FILE",
  help: "The options of Traqq.open as JSON or YAML, for serve also its blocks; flags win over it",
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
      { name: "storage", value: STORAGES.join("|"), help: storage },
      KV_PATH,
      ...REDIS_FLAGS,
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

/** Everything that a server keeps, in one folder. */
export const DATA_FLAGS: FlagGroup = {
  title: "Data directory (with it, a crash loses nothing that was acknowledged)",
  flags: [
    {
      name: "data-dir",
      value: "DIR",
      help: `Keep everything here: the journal in DIR/${JOURNAL_NAME}, the KV file ` +
        `DIR/${KV_NAME}, refused values in DIR/${REFUSED_NAME}. Made if there is none`,
    },
    {
      name: "durability",
      value: "MODE",
      help: "When an event is acknowledged: every_write: on the disk; periodic (default): with " +
        "the system, on the disk within 0.1 s; os_default: with the system; none: in memory",
    },
    {
      name: "retain",
      value: "TIME|forever",
      help: "How long the journal keeps what storage has, for journal dump: 12h, 30d; default 10m",
    },
  ],
};

/** The journal in the folder of `--data-dir`. */
export function journalIn(folder: string): string {
  return inFolder(folder, JOURNAL_NAME);
}

/** The path of the KV file. */
export function kvPathOf(values: Values): string {
  const folder = values.get("data-dir");
  return values.get("kv-path") ??
    (folder === undefined ? DEFAULT_KV_PATH : inFolder(folder, KV_NAME));
}

/** Where refused values go; undefined: beside the KV file. */
export function refusedPathOf(values: Values): string | undefined {
  const folder = values.get("data-dir");
  return folder === undefined ? undefined : inFolder(folder, REFUSED_NAME);
}

function inFolder(folder: string, name: string): string {
  return `${folder.replace(/[/\\]+$/, "")}/${name}`;
}

/** The flag for a file with the token. */
export function tokenFlag(what: string): Flag {
  return {
    name: "token-file",
    value: "FILE",
    help: `${what}, in a file; default the environment variable ${TOKEN_VARIABLE}`,
  };
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
