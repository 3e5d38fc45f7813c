/**
 * What `SET` sets and `SHOW` shows. Two of them change what the server does: `statement_timeout`, and
 * `client_encoding`, which can only be UTF-8. The others are kept because clients set them, and read
 * them again.
 *
 * @module
 */
import { DATABASE_NAME, SERVER_VERSION, SERVER_VERSION_NUMBER } from "../catalog/names.ts";
import { CODE, PgError } from "../errors.ts";
import { parseInterval } from "../types/intervals.ts";

/** Settings that a client is told of when it connects and when they change, by their name. */
const REPORTED: Readonly<Record<string, string>> = {
  server_version: `${SERVER_VERSION} (traqq)`,
  server_encoding: "UTF8",
  client_encoding: "UTF8",
  application_name: "",
  default_transaction_read_only: "on",
  in_hot_standby: "off",
  is_superuser: "off",
  session_authorization: DATABASE_NAME,
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  integer_datetimes: "on",
  standard_conforming_strings: "on",
};

const OTHERS: Readonly<Record<string, string>> = {
  server_version_num: String(SERVER_VERSION_NUMBER),
  transaction_isolation: "read committed",
  default_transaction_isolation: "read committed",
  transaction_read_only: "on",
  search_path: '"$user", public',
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  extra_float_digits: "1",
  bytea_output: "hex",
  client_min_messages: "notice",
  max_index_keys: "32",
  max_identifier_length: "63",
  lc_collate: "C",
  lc_ctype: "C",
  lc_messages: "C",
  backslash_quote: "safe_encoding",
  row_security: "on",
};

/** Names of what was set once; more are refused, so that a connection holds no more. */
const MAX_SETTINGS = 200;
const MAX_VALUE_CHARS = 1000;

/** Settings whose value says what the server does: they cannot be anything else. */
const FIXED: ReadonlySet<string> = new Set([
  "server_version",
  "server_version_num",
  "server_encoding",
  "timezone",
  "datestyle",
  "intervalstyle",
  "standard_conforming_strings",
  "integer_datetimes",
  "default_transaction_read_only",
  "transaction_read_only",
  "is_superuser",
  "session_authorization",
  "in_hot_standby",
]);

/** The settings of one connection. Names may be written in any case. */
export class Settings {
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, string>();

  constructor() {
    for (const [name, value] of Object.entries({ ...OTHERS, ...REPORTED })) {
      this.#names.set(name.toLowerCase(), name);
      this.#values.set(name.toLowerCase(), value);
    }
  }

  /** What a client is told when it connects. */
  get reported(): [name: string, value: string][] {
    return Object.keys(REPORTED).map((name) => [name, this.#values.get(name.toLowerCase())!]);
  }

  /** All, by name. */
  get all(): [name: string, value: string][] {
    return [...this.#values].map(([key, value]) =>
      [this.#names.get(key)!, value] as [string, string]
    ).sort(([a], [b]) => a < b ? -1 : 1);
  }

  /** The value of a setting. @throws {PgError} if there is none */
  get(name: string): string {
    const value = this.#values.get(name.toLowerCase());
    if (value !== undefined) return value;
    throw new PgError(
      CODE.unknownSetting,
      `Cannot show ${name}: there is no such setting; SHOW ALL lists them`,
    );
  }

  /** Milliseconds of `statement_timeout`; undefined where it is 0. */
  get timeoutMs(): number | undefined {
    return timeoutMs(this.#values.get("statement_timeout")!) || undefined;
  }

  /**
   * Sets; gives what the client must be told: the setting's new value, or a notice.
   *
   * @throws {PgError} for a value that cannot be
   */
  set(name: string, value: string): { reported?: [name: string, value: string]; notice?: string } {
    const key = name.toLowerCase();
    const canonical = this.#names.get(key) ?? name;
    if (key === "client_encoding") {
      if (!/^(utf-?8|unicode|sql_ascii)$/i.test(value)) {
        throw new PgError(
          CODE.wrongParameter,
          `Cannot speak ${value}: only UTF8 is spoken; set client_encoding to UTF8`,
        );
      }
      return {};
    }
    if (key === "statement_timeout" && timeoutMs(value) === undefined) {
      throw new PgError(
        CODE.wrongParameter,
        `Cannot set statement_timeout to ${value}: wanted milliseconds, or a time such as 5s`,
      );
    }
    if (FIXED.has(key)) return this.#keep(canonical, key, value);
    if (value.length > MAX_VALUE_CHARS) {
      throw new PgError(CODE.wrongParameter, `Cannot set ${name}: its value is too long`);
    }
    if (!this.#values.has(key) && this.#values.size >= MAX_SETTINGS) {
      throw new PgError(CODE.tooMany, `Cannot set ${name}: there are too many settings`);
    }
    this.#names.set(key, canonical);
    this.#values.set(key, value);
    return Object.hasOwn(REPORTED, canonical) ? { reported: [canonical, value] } : {};
  }

  /** Brings back what was at the start: of one setting, or of all. */
  reset(name?: string): void {
    const start = { ...OTHERS, ...REPORTED };
    for (const key of name === undefined ? [...this.#values.keys()] : [name.toLowerCase()]) {
      const value = start[this.#names.get(key) ?? ""];
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
    }
  }

  /** Some clients cannot be told to leave these: what they ask for is passed over, and said so. */
  #keep(name: string, key: string, value: string): { notice?: string } {
    const kept = this.#values.get(key)!;
    const isSame = kept.toLowerCase().startsWith(value.toLowerCase().split(",")[0]);
    return isSame ? {} : { notice: `${name} stays ${kept}` };
  }
}

/** Milliseconds of `5000`, `5s`, `1 min`; undefined if it is none. */
function timeoutMs(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const span = parseInterval(text);
  if (span === undefined || span.months !== 0 || span.micros < 0n) return undefined;
  return span.days * 86_400_000 + Number(span.micros / 1000n);
}
