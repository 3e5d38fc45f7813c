/**
 * Opening the storage that the flags name, and saying why that fails.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { DEFAULT_MAPPING, type Mapping, readConfig } from "../engine/config.ts";
import type { EventKeeper } from "../engine/event_keeper.ts";
import type { JournalSettings } from "../engine/journal_options.ts";
import { KvStorage } from "../storage/kv.ts";
import { MemoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import { Traqq } from "../traqq.ts";
import { DeadLetters } from "./dead_letters.ts";
import { CliError, UsageError } from "./errors.ts";
import { isKvFile, reasonOf } from "./files.ts";
import { oneOf, type Values } from "./flags.ts";
import { readOptions } from "./options.ts";
import { isGranted, need } from "./permissions.ts";
import { openRedis, redisPermissions, redisWhere, refuseRedisFlags } from "./redis.ts";
import { kvPathOf, refusedPathOf, STORAGES } from "./shared_flags.ts";
import type { Terminal } from "./terminal.ts";

/** A traqq and the storage under it, closed together. */
export interface Opened extends AsyncDisposable {
  readonly traqq: Traqq;
  /** What to call the storage in a message. */
  readonly where: string;
  /** The directory of the journal, and what it promises; undefined: there is none. */
  readonly journal: JournalSettings | undefined;
  /** Events of the journal that could not be counted again. */
  readonly uncounted: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a traqq is opened. */
export interface OpenOptions {
  /** To record, the storage may be new; to ask it, it must exist. */
  readonly records: boolean;
  /** Is told what goes wrong later; default the terminal. */
  readonly log?: (message: string) => void;
  /** The journal's directory in place of that of the flags, where they name one. */
  readonly directory?: string;
  /** What keeps each event besides, for a mapping. */
  readonly keeper?: (mapping: Mapping) => EventKeeper;
}

/** Opens the storage that the flags name. */
export async function openTraqq(
  values: Values,
  terminal: Terminal,
  { records, log, directory: own, keeper: keeperFor }: OpenOptions,
): Promise<Opened> {
  const options = await readOptions(values);
  // Who only asks leaves the journal to the server that has it open.
  if (!records) delete options.journal;
  if (own !== undefined && options.journal !== undefined) {
    options.journal = { ...options.journal, directory: own };
    // It is the directory's own: there may be several of them.
    delete options.writer;
  }
  const { journal } = readConfig(options);
  const kind = kindOf(values);
  const folder = values.get("data-dir");
  if (folder !== undefined) await makeFolder(folder);
  if (journal !== undefined) {
    const { directory } = journal;
    const permissions = [
      { name: "read", path: directory },
      { name: "write", path: directory },
    ] as const;
    need(`open the journal in ${directory}`, ...permissions);
  }
  const letters = lettersFor(values, terminal, log);
  const storage = kind === "memory"
    ? new MemoryStorage()
    : await openStorage(values, terminal, !records, log);
  try {
    const mapping = records ? options.mapping ?? DEFAULT_MAPPING : undefined;
    const keeper = mapping && keeperFor?.(mapping);
    const { onError } = letters;
    const traqq = await Traqq.open({ ...options, mapping, storage, keeper, onError });
    const where = kind !== "memory"
      ? whereOf(values)
      : journal === undefined
      ? "memory (gone when it stops)"
      : "memory (back at the next start, from the journal)";
    return {
      traqq,
      where,
      journal,
      uncounted: letters.uncounted,
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

/** The kind of storage that the flags name. @throws {UsageError} for flags of another one */
export function kindOf(values: Values): typeof STORAGES[number] {
  const kind = oneOf(values, "storage", STORAGES) ?? "kv";
  if (kind !== "kv" && values.has("kv-path")) {
    throw new UsageError("--kv-path is for --storage kv; leave one of the two out");
  }
  if (kind !== "redis") refuseRedisFlags(values);
  return kind;
}

/** Opens the storage that the flags name, which is none in memory. @param mustExist only of a file */
export async function openStorage(
  values: Values,
  terminal: Terminal,
  mustExist: boolean,
  log: (message: string) => void = (message) => terminal.err(`${message}\n`),
): Promise<Storage> {
  return kindOf(values) === "redis"
    ? await openRedis(values, log)
    : await openKv(kvPathOf(values), mustExist);
}

/** Where refused cells go: beside the KV file, or in the folder of the data. */
export function lettersFor(
  values: Values,
  terminal: Terminal,
  log?: (message: string) => void,
): DeadLetters {
  const path = kindOf(values) === "kv" ? kvPathOf(values) : undefined;
  return new DeadLetters(path, terminal, refusedPathOf(values), log);
}

/** What to call it in a message. */
export function whereOf(values: Values): string {
  return kindOf(values) === "redis" ? redisWhere(values) : `Deno KV ${kvPathOf(values)}`;
}

/** What opening the storage needs, so that all that is missing can be named together. */
export function storagePermissions(values: Values): Deno.PermissionDescriptor[] {
  const folder = values.get("data-dir");
  const paths = folder === undefined ? [] : [folder];
  const kind = kindOf(values);
  const isKv = kind === "kv";
  // With a folder and no path of its own it lies in the folder.
  if (isKv && (folder === undefined || values.has("kv-path")) && isKvFile(kvPathOf(values))) {
    paths.push(kvPathOf(values));
  }
  const files = paths.flatMap((path) => [{ name: "read", path }, { name: "write", path }] as const);
  return kind === "redis" ? [...files, ...redisPermissions(values)] : files;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    const reason = error instanceof Deno.errors.AlreadyExists
      ? "there is a file of that name"
      : reasonOf(error);
    throw new CliError(`Cannot make the folder ${path}: ${reason}`, { cause: error });
  }
}

/** Opens a Deno KV and says why that fails. */
export async function openKv(path: string, mustExist: boolean): Promise<Storage> {
  if (isKvFile(path)) {
    need(`open the Deno KV file ${path}`, { name: "read", path }, { name: "write", path });
    if (mustExist && !await exists(path)) {
      throw new CliError(
        `Cannot open the Deno KV file ${path}: there is no such file; name one with --kv-path: ` +
          "that of traqq serve --data-dir DIR is DIR/traqq.db",
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
  if (!(error instanceof StorageError) || !isKvFile(path)) return error;
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

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    return true; // opening it will say what is wrong
  }
}
