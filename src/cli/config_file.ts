/**
 * The file of `--config`, JSON or YAML: the options of `Traqq.open`, and beside them the blocks of a RusTs
 * configuration, which say what `serve` takes as flags. A key that is not known is an error.
 *
 * @module
 */
import { ConfigError, messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { DURABILITIES } from "../engine/journal_options.ts";
import type { SeriesOptions } from "../series/options.ts";
import { suggestion } from "./did_you_mean.ts";

/** What only a file can give to series, beside the flags. */
export type SeriesFileOptions = Pick<
  SeriesOptions,
  "syncIntervalMs" | "retainLogMs" | "maxWaitingBytes" | "retention"
>;

/** A file that was read. */
export interface ConfigFile {
  /** The options of `Traqq.open`, not checked yet. */
  readonly options: unknown;
  /** Flags of `serve`, by name. */
  readonly flags: ReadonlyMap<string, string>;
  readonly series: SeriesFileOptions;
  readonly jwtSecret: string | undefined;
  /** What stands there and means nothing here, one sentence each. */
  readonly remarks: readonly string[];
}

/** The secret of the file that RusTs generates. */
const PUBLIC_SECRET = "change-me-in-production";
const LEVELS: Readonly<Record<string, string>> = {
  ...{ trace: "debug", debug: "debug", info: "info", warn: "warning", error: "error" },
};

/** Reads the text of a config file. @throws {ConfigError} naming the file */
export async function parseConfigFile(path: string, text: string): Promise<ConfigFile> {
  const value = /\.ya?ml$/i.test(path) ? await readYaml(path, text) : readJson(path, text);
  try {
    return new Reader().read(value);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${path}: ${error.message}`, { cause: error });
  }
}

function readJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${path}: Cannot read it as JSON: ${messageOf(cause)}`, { cause });
  }
}

async function readYaml(path: string, text: string): Promise<unknown> {
  const { CORE_SCHEMA, load } = await import("js-yaml");
  try {
    // Nothing is said in an empty file. Dates stay text.
    return load(text, { schema: CORE_SCHEMA }) ?? {};
  } catch (cause) {
    const [first] = messageOf(cause).split("\n");
    throw new ConfigError(`${path}: Cannot read it as YAML: ${first}`, { cause });
  }
}

type Json = Record<string, unknown>;

/** Reads a value at a place such as `server.port`. */
type Take = (value: unknown, place: string) => void;

/** See the top of this file. */
class Reader {
  readonly #flags = new Map<string, string>();
  readonly #series: SeriesFileOptions = {};
  readonly #remarks: string[] = [];
  #jwtSecret: string | undefined;

  read(value: unknown): ConfigFile {
    if (!isObject(value)) return this.#done(value);
    const { server, storage, auth, logging, postgres, retention_policies, ...options } = value;
    if (server !== undefined) this.#server(server);
    // A text is what it was before there were blocks: an error that names the flag.
    if (typeof storage === "string") return this.#done({ ...options, storage });
    if (storage !== undefined) this.#storage(storage);
    if (auth !== undefined) this.#auth(auth);
    if (logging !== undefined) this.#logging(logging);
    if (postgres !== undefined) this.#postgres(postgres);
    if (retention_policies !== undefined) this.#retention(retention_policies);
    return this.#done(options);
  }

  #done(options: unknown): ConfigFile {
    return {
      ...{ options, flags: this.#flags, series: this.#series, remarks: this.#remarks },
      jwtSecret: this.#jwtSecret,
    };
  }

  #server(block: unknown): void {
    const at = { host: "127.0.0.1", port: 8080 };
    this.#block("server", block, {
      host: (value, place) => at.host = text(value, place),
      port: (value, place) => at.port = whole(value, place, 0, 65_535),
      max_body_size: (value, place) => this.#flag("max-body-bytes", whole(value, place, 1)),
      request_timeout_secs: (value, place) =>
        this.#flag("body-timeout", `${whole(value, place, 1)}s`),
    });
    this.#flag("http", address(at));
  }

  #storage(block: unknown): void {
    let directory: string | undefined;
    let durability = "periodic";
    this.#block("storage", block, {
      data_dir: (value, place) => directory = text(value, place),
      wal_dir: (value, place) => {
        if (value === null) return;
        throw new ConfigError(
          `Cannot use ${place}: the log lies in the folder of storage.data_dir; leave it out, or null`,
        );
      },
      wal_durability: (value, place) => durability = word(value, place, DURABILITIES),
      wal_sync_interval_ms: (value, place) =>
        this.#series.syncIntervalMs = whole(value, place, 1, 2 ** 31 - 1),
      wal_retention_secs: (value, place) =>
        this.#series.retainLogMs = value === null ? null : whole(value, place, 0) * 1000,
      memtable: (value, place) =>
        this.#block(place, value, {
          max_size_mb: (value, place) =>
            this.#series.maxWaitingBytes = whole(value, place, 1, 1 << 20) * 2 ** 20,
          max_points: (_, place) =>
            this.#idle(place, "points go to the database by bytes and time"),
          max_age_secs: (_, place) => this.#idle(place, "points go to the database within 0.1 s"),
        }),
      partition_duration_hours: (value, place) => {
        if (value !== 24) this.#idle(place, "points are kept by days");
      },
      compression: (value, place) => {
        if (value !== "default") this.#idle(place, "DuckDB chooses by what is in a column");
      },
    });
    if (durability === "none") this.#idle("storage.data_dir", "with none all is in memory");
    else if (directory !== undefined) this.#flag("series", directory);
    if (directory !== undefined || durability === "none") {
      this.#flag("series-durability", durability);
    }
  }

  #auth(block: unknown): void {
    let isEnabled = false;
    let secret: string | undefined;
    this.#block("auth", block, {
      enabled: (value, place) => isEnabled = flag(value, place),
      jwt_secret: (value, place) => secret = text(value, place),
      token_expiration_secs: (_, place) =>
        this.#idle(place, "who signs a JWT says in it when it expires"),
    });
    if (!isEnabled) return;
    if (secret === undefined || secret === PUBLIC_SECRET) {
      throw new ConfigError(
        "Cannot use auth.jwt_secret: wanted a secret that only you know, received " +
          `${show(secret)}; 32 random characters will do`,
      );
    }
    this.#jwtSecret = secret;
  }

  #logging(block: unknown): void {
    const shown: Take = (value, place) => void flag(value, place);
    this.#block("logging", block, {
      level: (value, place) => {
        this.#flag("log-level", LEVELS[word(value, place, Object.keys(LEVELS))]);
      },
      // Threads and places in Rust's code.
      ...{ show_target: shown, show_thread_ids: shown, show_location: shown },
    });
  }

  #postgres(block: unknown): void {
    let isEnabled = false;
    let most: number | undefined;
    const at = { host: "127.0.0.1", port: 5432 };
    this.#block("postgres", block, {
      enabled: (value, place) => isEnabled = flag(value, place),
      host: (value, place) => at.host = text(value, place),
      port: (value, place) => at.port = whole(value, place, 0, 65_535),
      max_connections: (value, place) => most = whole(value, place, 1),
    });
    if (!isEnabled) return;
    this.#flag("pg", address(at));
    if (most !== undefined) this.#flag("pg-max-connections", most);
  }

  #retention(list: unknown): void {
    if (!Array.isArray(list)) {
      throw new ConfigError(
        `Cannot use retention_policies: wanted a list, received ${show(list)}`,
      );
    }
    this.#series.retention = list.map((policy, i) => {
      const where = `retention_policies[${i}]`;
      let measurement = "*";
      let keepMs: number | undefined;
      this.#block(where, policy, {
        // For people.
        name: (value, place) => void text(value, place),
        measurement: (value, place) => measurement = text(value, place),
        duration_secs: (value, place) => keepMs = whole(value, place, 1) * 1000,
      });
      if (keepMs !== undefined) return { measurement, keepMs };
      throw new ConfigError(`Cannot use ${where}: wanted duration_secs, how long points are kept`);
    });
  }

  #block(where: string, block: unknown, keys: Readonly<Record<string, Take>>): void {
    if (!isObject(block)) {
      throw new ConfigError(
        `Cannot use ${where}: wanted ${Object.keys(keys).join(", ")}, received ${show(block)}`,
      );
    }
    for (const [key, value] of Object.entries(block)) {
      if (!Object.hasOwn(keys, key)) {
        const known = Object.keys(keys);
        throw new ConfigError(
          `Cannot use ${show(`${where}.${key}`)}${
            suggestion(key, known) || `: wanted ${known.join(", ")}`
          }`,
        );
      }
      keys[key](value, `${where}.${key}`);
    }
  }

  #flag(name: string, value: string | number): void {
    this.#flags.set(name, String(value));
  }

  #idle(place: string, why: string): void {
    this.#remarks.push(`${place} means nothing here: ${why}`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(place: string, wanted: string, value: unknown): never {
  throw new ConfigError(`Cannot use ${place}: wanted ${wanted}, received ${show(value)}`);
}

function text(value: unknown, place: string): string {
  return typeof value === "string" && value !== "" ? value : refuse(place, "a text", value);
}

function flag(value: unknown, place: string): boolean {
  return typeof value === "boolean" ? value : refuse(place, "true or false", value);
}

function whole(
  value: unknown,
  place: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER / 1000,
): number {
  const isGood = typeof value === "number" && Number.isInteger(value) && value >= least &&
    value <= most;
  return isGood ? value : refuse(place, `a whole number from ${least}`, value);
}

function word<const T extends string>(value: unknown, place: string, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const near = typeof value === "string" ? suggestion(value, words) : "";
  throw new ConfigError(
    `Cannot use ${place}: wanted ${words.join(", ")}, received ${show(value)}${near}`,
  );
}

function address({ host, port }: { host: string; port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
