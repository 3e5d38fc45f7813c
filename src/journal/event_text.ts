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

type JsonObject = Record<string, unknown>;

/**
 * What is to be counted and kept of an event. Only strings, numbers and booleans are ever counted, so
 * where JSON would make one of something else (a Date, an object with `toJSON`) or read a property that
 * only a prototype has, a copy of just those values takes the event's place.
 *
 * @param names properties that are read even where they are inherited
 * @throws {EventError} if a property cannot be read
 */
export function keepEvent(event: unknown, names: readonly string[]): KeptEvent {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return { event, text: "" }; // it will be refused
  }
  const kept = isPlain(event) ? event : copyOf(event as JsonObject, names);
  return { event: kept, text: JSON.stringify(kept) };
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
function isPlain(event: object): boolean {
  try {
    const prototype = Object.getPrototypeOf(event);
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const key in event) {
      const value = (event as JsonObject)[key];
      const type = typeof value;
      if (type !== "string" && type !== "number" && type !== "boolean" && value != null) {
        return false;
      }
    }
    return true;
  } catch {
    return false;
  }
}

function copyOf(event: JsonObject, names: readonly string[]): JsonObject {
  const copy: JsonObject = Object.create(null);
  for (const name of new Set([...Object.keys(event), ...names])) {
    const value = read(event, name);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      copy[name] = value;
    }
  }
  return copy;
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
