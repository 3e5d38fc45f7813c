/**
 * The options of `Traqq.open`: what they mean, their defaults, and their validation. Everything that
 * reads a config from outside (a file, a caller without types) goes through {@linkcode readConfig}.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { utf8Length } from "../base/utf8.ts";
import type { Storage } from "../storage/storage.ts";
import { Calendar } from "./bucket.ts";
import { boolean, list, numbers, record, timerMs } from "./checks.ts";
import type { EventKeeper } from "./event_keeper.ts";
import { type JournalOptions, type JournalSettings, readJournal } from "./journal_options.ts";
import { DAY, HOUR } from "./time.ts";

/** One sum: `addKey` is the property that is summed, `key` the pattern it is summed by. */
export interface AddValue {
  /** Property names joined by `~`. */
  key: string;
  /** The property whose number is summed. */
  addKey: string;
}

/** Which properties feed which metric. A pattern is property names joined by `~`, in any order. */
export interface Mapping {
  /** `bmp`: how many different values (a HyperLogLog). */
  bitmap?: readonly string[];
  /** `add`: how often each value. */
  add?: readonly string[];
  /** `adv`: the sum of a number by each value, exact to six decimals. */
  addValue?: readonly AddValue[];
  /** `top`: the most frequent values, in order. */
  top?: readonly string[];
}

/** Where an event's time comes from, and how time is divided. */
export interface TimeOptions {
  /** An IANA zone such as `Europe/Berlin`; default the zone stored with the prefix, else `UTC`. */
  timezone?: string;
  /** Keep hours beside days; default false. */
  hourly?: boolean;
  /** The property that holds the event's own time; default: none, the time is now or `at`. */
  property?: string;
}

/** Bounds on what is accepted. A bound that is passed is always an error or counted in `stats`. */
export interface Limits {
  /** Code points of an event's name; longer ones are cut. Default 128. */
  maxFieldLength: number;
  /** Code points of any other string; longer ones are cut. Default 512. */
  maxValueLength: number;
  /** Patterns in a mapping. Default 1,000. */
  maxCombinations: number;
  /** Cells that one event may touch; more is an EventError. Default 1,000. */
  maxMetricsPerEvent: number;
  /** Distinct fields per metric and bucket; further ones are counted as `~other`. Default 100,000. */
  maxFields: number;
  /** How far an event's time may lie in the future, in milliseconds. Default one day. */
  maxFutureMs: number;
  /** Buckets that one query may span. Default 50,000. */
  maxBuckets: number;
  /** Cells that one query may read. Default 1,000,000. */
  maxResultCells: number;
}

/** When what was recorded goes to storage. */
export interface FlushOptions {
  /** Milliseconds after which a recorded event is committed at the latest. Default 1,000. */
  intervalMs?: number;
  /**
   * Cells, with the values and combinations that are remembered to find them, that are held before a
   * flush starts by itself. Default 50,000.
   */
  maxCells?: number;
  /** Bytes that are held before a flush starts by itself, sketches at their size. Default 32 MiB. */
  maxBytes?: number;
  /** Milliseconds that `flush()`, `query()` and `close()` wait for storage. Default 30,000. */
  deadlineMs?: number;
}

/** How long buckets are kept, as `"400d"`, `"36h"` or `"12w"`. Absent: for ever. */
export interface Retention {
  /** Days. */
  d?: string;
  /** Hours. */
  h?: string;
}

/** What `Traqq.open` takes. */
export interface TraqqOptions {
  /** Where cells are kept; the caller opens and closes it. */
  storage: Storage;
  /** Names this application's data within the storage. Default `traqq`. */
  prefix?: string;
  /**
   * Default `{ add: ["event"] }`. Only recording needs it, querying does not: whoever gives one fixes
   * the time zone of a new prefix.
   */
  mapping?: Mapping;
  /** Time zone, hours, and where an event's time is found. */
  time?: TimeOptions;
  /** Bounds on what is accepted. */
  limits?: Partial<Limits>;
  /** When what was recorded goes to storage. */
  flush?: FlushOptions;
  /**
   * `"storage"`: the promise of `record` resolves when its commit is confirmed. Default: when the
   * event is in memory.
   */
  durability?: "storage";
  /** Keeps what was recorded on disk until storage has it, so that a crash loses nothing. */
  journal?: JournalOptions;
  /** How long buckets are kept. Default: for ever. */
  retention?: Retention;
  /**
   * Gets each event that is counted, too, such as `series.keeper(mapping)`. `record` then resolves when
   * the event is as durable in both as they promise.
   */
  keeper?: EventKeeper;
  /** A fixed writer id, which only one live instance may hold. Default: a random one. */
  writer?: string;
  /** Called with every error that nobody awaits: a refused event, a failed flush, a refused cell. */
  onError?: (error: Error) => void;
}

/** The options that are data, as in a config file: all of {@linkcode TraqqOptions} but objects. */
export type FileOptions = Omit<TraqqOptions, "storage" | "onError" | "keeper">;

/** A pattern as it is stored: its property names in order, and joined. */
export interface Pattern {
  readonly names: readonly string[];
  /** The names joined by `~`. */
  readonly text: string;
}

/** A mapping whose patterns are read, sorted and free of repetitions. */
export interface ReadMapping {
  readonly bitmap: readonly Pattern[];
  readonly add: readonly Pattern[];
  readonly addValue: readonly { readonly pattern: Pattern; readonly addKey: string }[];
  readonly top: readonly Pattern[];
}

/** Options with every default filled in and every value checked. */
export interface Config {
  readonly prefix: string;
  readonly mapping: ReadMapping;
  readonly time: {
    readonly timezone: string | undefined;
    readonly hourly: boolean;
    readonly property: string | undefined;
  };
  readonly limits: Limits;
  readonly flush: Required<FlushOptions>;
  readonly durability: "storage" | undefined;
  readonly journal: JournalSettings | undefined;
  /** Seconds, per unit. */
  readonly retention: { readonly d: number | undefined; readonly h: number | undefined };
  readonly writer: string | undefined;
  readonly keeper: EventKeeper | undefined;
}

/** What is counted where no mapping is given: events by name. */
export const DEFAULT_MAPPING: Mapping = { add: ["event"] };

const DEFAULT_LIMITS: Limits = {
  maxFieldLength: 128,
  maxValueLength: 512,
  maxCombinations: 1000,
  maxMetricsPerEvent: 1000,
  maxFields: 100_000,
  maxFutureMs: 86_400_000,
  maxBuckets: 50_000,
  maxResultCells: 1_000_000,
};

const DEFAULT_FLUSH: Required<FlushOptions> = {
  intervalMs: 1000,
  maxCells: 50_000,
  maxBytes: 32 << 20,
  deadlineMs: 30_000,
};

/** Longest property name, in UTF-8 bytes. */
export const MAX_NAME_BYTES = 128;
/** Longest pattern and prefix, in UTF-8 bytes. */
export const MAX_PATTERN_BYTES = 256;

/** Of the units of a duration. */
const SECONDS = { h: HOUR, d: DAY, w: 7 * DAY };
const OPTION_KEYS = [
  "storage",
  "prefix",
  "mapping",
  "time",
  "limits",
  "flush",
  "durability",
  "journal",
  "retention",
  "writer",
  "keeper",
  "onError",
];

/**
 * Checks options and fills in defaults.
 *
 * @throws {ConfigError} naming the option, its value and what is allowed
 */
export function readConfig(options: unknown): Config {
  const given = record("options", options, OPTION_KEYS);
  const time = record("time", given.time ?? {}, ["timezone", "hourly", "property"]);
  const retention = record("retention", given.retention ?? {}, ["d", "h"]);
  const limits = numbers("limits", given.limits, DEFAULT_LIMITS);
  return {
    prefix: readPrefix(given.prefix ?? "traqq"),
    mapping: readMapping(given.mapping ?? DEFAULT_MAPPING, limits.maxCombinations),
    time: {
      timezone: readTimezone(time.timezone),
      hourly: boolean("time.hourly", time.hourly),
      property: time.property === undefined
        ? undefined
        : propertyName("time.property", time.property),
    },
    limits,
    flush: readFlush(given.flush),
    durability: readDurability(given.durability),
    journal: given.journal === undefined ? undefined : readJournal(given.journal),
    retention: {
      d: readDuration("retention.d", retention.d),
      h: readDuration("retention.h", retention.h),
    },
    writer: given.writer === undefined ? undefined : readWriter(given.writer),
    keeper: given.keeper === undefined ? undefined : readKeeper(given.keeper),
  };
}

function readKeeper(value: unknown): EventKeeper {
  if (typeof (value as EventKeeper | null)?.keep === "function") return value as EventKeeper;
  throw new ConfigError(
    `Cannot use keeper: wanted one such as series.keeper(mapping), received ${show(value)}`,
  );
}

/**
 * Sorts and checks the property names of a pattern.
 *
 * @throws {ConfigError} for an empty, repeated or too long name, or one with `:`, `{` or `}`
 */
export function readPattern(where: string, text: unknown): Pattern {
  if (typeof text !== "string") {
    throw new ConfigError(
      `Cannot use ${where}: wanted property names joined by ~, received ${show(text)}`,
    );
  }
  const names = text.split("~").map((name) => propertyName(where, name)).sort();
  const repeated = names.find((name, i) => name === names[i + 1]);
  if (repeated !== undefined) {
    throw new ConfigError(
      `Cannot use ${where} ${show(text)}: the property ${show(repeated)} stands in it twice`,
    );
  }
  const pattern = { names, text: names.join("~") };
  if (utf8Length(pattern.text) > MAX_PATTERN_BYTES) {
    throw new ConfigError(
      `Cannot use ${where} ${show(text)}: a pattern has at most ${MAX_PATTERN_BYTES} bytes`,
    );
  }
  return pattern;
}

function readMapping(value: unknown, maxCombinations: number): ReadMapping {
  const given = record("mapping", value, ["bitmap", "add", "addValue", "top"]);
  const mapping = {
    bitmap: patterns("mapping.bitmap", given.bitmap),
    add: patterns("mapping.add", given.add),
    addValue: list("mapping.addValue", given.addValue).map((entry, i) => {
      const where = `mapping.addValue[${i}]`;
      const { key, addKey } = record(where, entry, ["key", "addKey"]);
      return {
        pattern: readPattern(`${where}.key`, key),
        addKey: propertyName(`${where}.addKey`, addKey),
      };
    }),
    top: patterns("mapping.top", given.top),
  };
  unique(
    "mapping.addValue",
    mapping.addValue.map(({ pattern, addKey }) => `${addKey}:${pattern.text}`),
  );
  const combinations = mapping.bitmap.length + mapping.add.length + mapping.addValue.length +
    mapping.top.length;
  if (combinations > maxCombinations) {
    throw new ConfigError(
      `Cannot use a mapping with ${combinations} patterns: limits.maxCombinations is ${maxCombinations}`,
    );
  }
  return mapping;
}

function patterns(where: string, value: unknown): Pattern[] {
  const read = list(where, value).map((text, i) => readPattern(`${where}[${i}]`, text));
  unique(where, read.map((pattern) => pattern.text));
  return read;
}

function unique(where: string, texts: readonly string[]): void {
  const seen = new Set<string>();
  for (const text of texts) {
    if (seen.has(text)) {
      throw new ConfigError(
        `Cannot use ${where}: ${
          show(text)
        } stands in it twice (the order of names does not matter)`,
      );
    }
    seen.add(text);
  }
}

/**
 * Checks the name of a property.
 *
 * @throws {ConfigError} for an empty or too long one, or one with `:`, `{`, `}` or `~`
 */
export function propertyName(where: string, value: unknown): string {
  if (typeof value !== "string" || value === "") {
    throw new ConfigError(
      `Cannot use ${where}: wanted the name of a property, received ${show(value)}`,
    );
  }
  if (/[:{}~]/.test(value) || !value.isWellFormed()) {
    throw new ConfigError(
      `Cannot use ${where}: wanted a property name without ":", "{", "}" and "~", received ${
        show(value)
      }`,
    );
  }
  if (utf8Length(value) > MAX_NAME_BYTES) {
    throw new ConfigError(
      `Cannot use ${where}: a property name has at most ${MAX_NAME_BYTES} bytes, received ${
        show(value)
      }`,
    );
  }
  return value;
}

function readPrefix(value: unknown): string {
  if (
    typeof value !== "string" || value === "" || !value.isWellFormed() ||
    utf8Length(value) > MAX_PATTERN_BYTES
  ) {
    throw new ConfigError(
      `Cannot use prefix: wanted 1 to ${MAX_PATTERN_BYTES} bytes of text, received ${show(value)}`,
    );
  }
  return value;
}

function readWriter(value: unknown): string {
  if (typeof value !== "string" || !/^[\w.-]{1,128}$/.test(value)) {
    throw new ConfigError(
      `Cannot use writer: wanted 1 to 128 letters, digits, "_", "-" or ".", received ${
        show(value)
      }`,
    );
  }
  return value;
}

function readTimezone(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    throw new ConfigError(
      `Cannot use time.timezone: wanted a zone such as "Europe/Berlin", received ${show(value)}`,
    );
  }
  return new Calendar(value).timezone;
}

function readDurability(value: unknown): "storage" | undefined {
  if (value === undefined || value === "storage") return value;
  throw new ConfigError(
    `Cannot use durability: wanted "storage" or nothing, received ${show(value)}`,
  );
}

function readFlush(value: unknown): Required<FlushOptions> {
  const flush = numbers("flush", value, DEFAULT_FLUSH);
  for (const key of ["intervalMs", "deadlineMs"] as const) timerMs(`flush.${key}`, flush[key]);
  return flush;
}

function readDuration(where: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const match = typeof value === "string" ? /^([1-9]\d{0,5})([hdw])$/.exec(value) : null;
  if (match === null) {
    throw new ConfigError(
      `Cannot use ${where}: wanted a duration such as "400d", "36h" or "12w", received ${
        show(value)
      }`,
    );
  }
  return Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
}
