/**
 * An event as the journal keeps it: the JSON it was read from, or JSON that comes to the same.
 *
 * @module
 */
import { EventError, messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";

/** An event, and a line of JSON that is read back as the same. */
export interface KeptEvent {
  /** What is to be counted. */
  readonly event: unknown;
  readonly text: string;
}

/** The JSON that events were read from: event `i` stands in `bytes` from `starts[i]` to `ends[i]`. */
export interface EventLines {
  /** UTF-8. It must not change before the events are recorded. */
  readonly bytes: Uint8Array;
  /** Where each event's JSON, or the `record` command it came in, begins. */
  readonly starts: ArrayLike<number>;
  /** Where each ends. */
  readonly ends: ArrayLike<number>;
}

type JsonObject = Record<string, unknown>;

const isEnumerable = Object.prototype.propertyIsEnumerable;

/**
 * What is to be counted and kept of an event. Only strings, numbers and booleans are ever counted, so
 * where JSON would make one of something else (a Date, an object with `toJSON`) or leave a property out
 * that can be read (one of a prototype, one that is not enumerable), a copy takes the event's place: its
 * text holds just those values, and what is counted is what was read for it, once. A property that is
 * neither enumerable nor one of `names` is not kept.
 *
 * @param names properties that are read even where they are inherited
 * @throws {EventError} if one of these cannot be read
 */
export function keepEvent(event: unknown, names: readonly string[]): KeptEvent {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return { event, text: "" }; // it will be refused
  }
  if (isPlain(event as JsonObject, names)) return { event, text: JSON.stringify(event) };
  return copyOf(event as JsonObject, names);
}

/**
 * The event in a line: the line is its JSON, or the `record` command it came in. An event's `event` is
 * a string, that of a command an object.
 */
export function readEventText(text: string): unknown {
  const parsed = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  return typeof parsed === "object" && parsed !== null && typeof parsed.event === "object"
    ? parsed.event
    : parsed;
}

/** Whether JSON says of the event just what would be counted of it. */
function isPlain(event: JsonObject, names: readonly string[]): boolean {
  try {
    const prototype = Object.getPrototypeOf(event);
    if (prototype !== Object.prototype && prototype !== null) return false;
    if (typeof event.toJSON === "function") return false; // it may hide from the loop
    for (const key in event) {
      const value = event[key];
      if (!isCounted(value) && value != null) return false;
    }
    for (const name of names) {
      if (!isEnumerable.call(event, name) && isCounted(event[name])) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** What can be read of the event; of what is not counted only what is asked for, as a Date as its time. */
function copyOf(event: JsonObject, names: readonly string[]): KeptEvent {
  const copy: JsonObject = Object.create(null);
  const kept: JsonObject = Object.create(null);
  for (const name of Object.keys(event)) {
    if (names.includes(name)) continue;
    try {
      const value = event[name];
      if (isCounted(value)) kept[name] = value;
    } catch {
      // Nobody asks for it.
    }
  }
  for (const name of names) {
    const value = read(event, name);
    if (isCounted(value)) kept[name] = value;
    // Every object has a `constructor`.
    const isEverywhere = name in Object.prototype && !Object.hasOwn(event, name);
    if (isCounted(value) || !isEverywhere) copy[name] = value;
  }
  return { event: copy, text: JSON.stringify(kept) };
}

function isCounted(value: unknown): boolean {
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean";
}

function read(event: JsonObject, name: string): unknown {
  try {
    return event[name];
  } catch (cause) {
    throw new EventError(
      `Cannot record an event: property ${show(name)} cannot be read: ${messageOf(cause)}`,
      { cause },
    );
  }
}
