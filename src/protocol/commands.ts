/**
 * The commands of the wire protocol: one JSON object a line. {@linkcode parseLine} reads a line on the
 * server's side, the functions at the end write one on the client's.
 *
 * | command | fields beside `cmd` and `id` |
 * |---|---|
 * | `record` | `event`, `at`? |
 * | `record_many` | `events`, `at`? (one time, or an array with one per event) |
 * | `query` | `min`, `max`, `unit`?, `accept`? (or `allow`), `ignore`?, `select`? |
 * | `query_days` | `days`, `unit`?, `accept`?, `ignore`?, `select`? |
 * | `find` | those of `query`, `metric_type`, `key`, `add_key`?, `merge`? |
 * | `auth` | `token` |
 * | `ping`, `stats` | |
 *
 * As with the Rust server's serde, a field that is `null` counts as absent and unknown fields are
 * ignored. A field of the wrong type is an error.
 *
 * @module
 */
import { ProtocolError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import type { Filter, Instant, QueryDaysOptions, QueryOptions } from "../engine/query.ts";
import { METRIC_TYPES, type MetricSelector } from "../engine/selector.ts";
import type { MetricType } from "../storage/storage.ts";

/** The most events of one `record_many`: a line of tiny ones must not become a reply of 100 MB. */
export const MAX_EVENTS_PER_LINE = 65_536;

/** A command, read and checked for its types; what its values mean is the engine's to judge. */
export type Command =
  | { readonly cmd: "record"; readonly event: unknown; readonly at: Instant | undefined }
  | {
    readonly cmd: "record_many";
    readonly events: readonly unknown[];
    /** One per event (null: none), or one for all. */
    readonly at: Instant | readonly (Instant | null)[] | undefined;
  }
  | { readonly cmd: "query"; readonly options: QueryOptions }
  | { readonly cmd: "query_days"; readonly days: number; readonly options: QueryDaysOptions }
  | {
    readonly cmd: "find";
    readonly options: QueryOptions;
    readonly select: MetricSelector;
    readonly merge: boolean;
  }
  | { readonly cmd: "auth"; readonly token: string }
  | { readonly cmd: "ping" }
  | { readonly cmd: "stats" };

/** A line that was read. */
export interface ParsedLine {
  /** What is to be done, or why nothing can be. */
  readonly command: Command | ProtocolError;
  /** The `id` as JSON text, also where the command is an error; absent where the line had none. */
  readonly id: string | undefined;
}

type Fields = Record<string, unknown>;

/** How each command is read; without a prototype, so that `constructor` is not a command. */
const READERS: Record<string, (fields: Fields) => Command> = Object.assign(Object.create(null), {
  record: readRecord,
  record_many: readRecordMany,
  query: (fields: Fields) => ({ cmd: "query", options: readRange("query", fields) }),
  query_days: readQueryDays,
  find: readFind,
  auth: readAuth,
  ping: () => ({ cmd: "ping" }),
  stats: () => ({ cmd: "stats" }),
});

const COMMANDS = Object.keys(READERS).join(", ");
const BYTE_ORDER_MARK = 0xfeff;

/** Reads one line. Never throws: a line that is not a command gives a `ProtocolError`. */
export function parseLine(line: string): ParsedLine {
  let fields: Fields;
  try {
    // Windows tools begin a file, so its first line, with a byte order mark.
    fields = JSON.parse(line.charCodeAt(0) === BYTE_ORDER_MARK ? line.slice(1) : line);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return failed(
      `Cannot read the line: wanted one JSON object such as {"cmd":"ping"}; ${reason}`,
      undefined,
      cause,
    );
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    return failed(
      `Cannot read the line: wanted a JSON object such as {"cmd":"ping"}, received ${show(fields)}`,
    );
  }
  let id: string | undefined;
  try {
    if (fields.id !== undefined) id = idText(line, fields.id);
    const read = typeof fields.cmd === "string" ? READERS[fields.cmd] : undefined;
    if (read !== undefined) return { command: read(fields), id };
  } catch (error) {
    if (error instanceof ProtocolError) return { command: error, id };
    return failed("Cannot read the line: it is nested too deeply", id, error);
  }
  return failed(
    fields.cmd === undefined
      ? `Cannot read the command: "cmd" is missing, wanted one of ${COMMANDS}`
      : `Cannot read the command: wanted "cmd" to be one of ${COMMANDS}, received ${
        show(fields.cmd)
      }`,
    id,
  );
}

function failed(message: string, id?: string, cause?: unknown): ParsedLine {
  return { command: new ProtocolError(message, cause === undefined ? {} : { cause }), id };
}

/** The id as it must be echoed. A number that JavaScript would round is echoed as it was written. */
function idText(line: string, id: unknown): string {
  if (typeof id !== "number" || Number.isSafeInteger(id)) return JSON.stringify(id);
  const sources: [holder: unknown, source: string][] = [];
  const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
  const fields = parse(line.trimStart(), function (key, value, context) {
    if (key === "id" && context.source !== undefined) sources.push([this, context.source]);
    return value;
  });
  return sources.find(([holder]) => holder === fields)?.[1] ?? JSON.stringify(id);
}

/** JSON.parse's reviver with its third argument, which TypeScript's library does not know yet. */
type Reviver = (
  this: unknown,
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;

function readRecord(fields: Fields): Command {
  if (fields.event === undefined) {
    throw new ProtocolError(
      'Cannot record: "event" is missing, wanted an object such as {"event":"purchase"}',
    );
  }
  return { cmd: "record", event: fields.event, at: readInstant("record", "at", fields.at) };
}

function readRecordMany({ events, at }: Fields): Command {
  if (!Array.isArray(events)) wrong("record", "events", "an array of objects", events);
  if (events.length > MAX_EVENTS_PER_LINE) {
    throw new ProtocolError(
      `Cannot record: ${events.length} events in one record_many; send at most ${MAX_EVENTS_PER_LINE} at once`,
    );
  }
  if (!Array.isArray(at)) {
    return { cmd: "record_many", events, at: readInstant("record", "at", at) };
  }
  if (at.length !== events.length) {
    throw new ProtocolError(
      `Cannot record: "at" has ${at.length} times for ${events.length} events; give one for each`,
    );
  }
  // A time that cannot be read is its event's fault, not the batch's: the engine rejects that one.
  return { cmd: "record_many", events, at };
}

function readQueryDays(fields: Fields): Command {
  const days = fields.days;
  if (typeof days !== "number" || !Number.isSafeInteger(days) || days < 1) {
    wrong("query", "days", "a whole number from 1", days);
  }
  return { cmd: "query_days", days, options: readFilter("query", fields) };
}

function readFind(fields: Fields): Command {
  const { metric_type: type, key, add_key: addKey, merge } = fields;
  if (typeof type !== "string" || !METRIC_TYPES.includes(type as MetricType)) {
    wrong("find", "metric_type", `one of ${METRIC_TYPES.join(", ")}`, type);
  }
  if (typeof key !== "string") wrong("find", "key", "property names joined by ~", key);
  if (!isAbsent(addKey) && typeof addKey !== "string") {
    wrong("find", "add_key", "the name of a property or null", addKey);
  }
  if (!isAbsent(merge) && typeof merge !== "boolean") {
    wrong("find", "merge", "true or false", merge);
  }
  const select = { type: type as MetricType, key, ...(isAbsent(addKey) ? {} : { addKey }) };
  return { cmd: "find", options: readRange("find", fields), select, merge: merge === true };
}

function readAuth({ token }: Fields): Command {
  // Not wrong(): that would send the token back, and into somebody's log.
  if (typeof token !== "string") {
    throw new ProtocolError('Cannot authenticate: wanted "token" to be a string');
  }
  return { cmd: "auth", token };
}

function readRange(action: string, fields: Fields): QueryOptions {
  const from = readInstant(action, "min", fields.min);
  if (from === undefined) wrong(action, "min", "unix seconds or an RFC 3339 string", fields.min);
  const to = readInstant(action, "max", fields.max);
  if (to === undefined) wrong(action, "max", "unix seconds or an RFC 3339 string", fields.max);
  return { from, to, ...readFilter(action, fields) };
}

function readFilter(action: string, fields: Fields): QueryDaysOptions {
  const unit = fields.unit;
  if (!isAbsent(unit) && unit !== "d" && unit !== "h") wrong(action, "unit", '"d" or "h"', unit);
  const options: QueryDaysOptions = isAbsent(unit) ? {} : { unit };
  for (const name of ["accept", "allow", "ignore"] as const) {
    const globs = fields[name];
    if (isAbsent(globs)) continue;
    const list = Array.isArray(globs) ? globs : [globs];
    if (list.some((glob) => typeof glob !== "string")) {
      wrong(action, name, "a glob or an array of globs", globs);
    }
    options[name] = globs as Filter["accept"];
  }
  if (!isAbsent(fields.select)) options.select = readSelect(action, fields.select);
  return options;
}

/** Only as far as the types: which selectors there are is the engine's to say. */
function readSelect(action: string, select: unknown): Filter["select"] {
  const key = (select as MetricSelector | null)?.key;
  const list = Array.isArray(key) ? key : [key];
  if (typeof select !== "string" && list.some((name) => typeof name !== "string")) {
    wrong(action, "select", '"add/event" or {"type":"add","key":"event"}', select);
  }
  return select as Filter["select"];
}

function readInstant(action: string, name: string, value: unknown): Instant | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value === "number" || typeof value === "string") return value;
  wrong(action, name, "unix seconds or an RFC 3339 string", value);
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function wrong(action: string, name: string, wanted: string, value: unknown): never {
  throw new ProtocolError(
    value === undefined
      ? `Cannot ${action}: "${name}" is missing, wanted ${wanted}`
      : `Cannot ${action}: wanted "${name}" to be ${wanted}, received ${show(value)}`,
  );
}

/** A `record` line, from an event that is JSON already and a time as JSON (absent: none). */
export function recordLine(eventJson: string, atJson?: string): string {
  return atJson === undefined
    ? `{"cmd":"record","event":${eventJson}}\n`
    : `{"cmd":"record","event":${eventJson},"at":${atJson}}\n`;
}

/** A `record_many` line, from events and times that are JSON already (`null`: no time). */
export function recordManyLine(eventJsons: readonly string[], atJsons?: readonly string[]): string {
  const at = atJsons === undefined ? "" : `,"at":[${atJsons.join(",")}]`;
  return `{"cmd":"record_many","events":[${eventJsons.join(",")}]${at}}\n`;
}

/** The line of any command. `from` and `to` must not be Dates: JSON would hide an invalid one. */
export function commandLine(command: Command): string {
  switch (command.cmd) {
    case "query":
      return line({ cmd: "query", ...rangeFields(command.options) });
    case "query_days":
      return line({ cmd: "query_days", days: command.days, ...command.options });
    case "find":
      return line({
        cmd: "find",
        ...rangeFields(command.options),
        metric_type: command.select.type,
        key: pattern(command.select.key),
        add_key: command.select.addKey ?? null,
        merge: command.merge,
      });
    default:
      return line(command);
  }
}

function pattern(key: MetricSelector["key"]): string {
  return typeof key === "string" ? key : key.join("~");
}

function rangeFields({ from, to, ...filter }: QueryOptions): object {
  return { min: from, max: to, ...filter };
}

function line(fields: object): string {
  return `${JSON.stringify(fields)}\n`;
}
