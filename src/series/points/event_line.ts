/**
 * A recorded event as a line. What line protocol cannot say is written in another way, for an event that
 * was counted must not be refused here: a line break as the two letters `\n`, and behind a backslash at
 * the end stands a space.
 *
 * @module
 */
import type { Mapping } from "../../engine/config.ts";
import { cutCodePoints } from "../../engine/event.ts";

/** Code points that are kept of a name and of a value, as where they are counted. */
const MAX_NAME = 128;
const MAX_VALUE = 512;

/** Which properties become what. */
export interface EventShape {
  readonly tags: readonly string[];
  readonly texts: readonly string[];
}

/** What a mapping makes of properties; the event's name and its time have places of their own. */
export function shapeOf({ add = [], top = [], addValue = [], bitmap = [] }: Mapping): EventShape {
  const namesIn = (patterns: readonly string[]) => {
    const names = new Set(patterns.flatMap((pattern) => pattern.split("~")));
    names.delete("event");
    names.delete("time");
    return names;
  };
  const tags = namesIn([...add, ...top, ...addValue.map(({ key }) => key)]);
  return { tags: [...tags], texts: [...namesIn(bitmap).difference(tags)] };
}

/**
 * The event as a line with a line feed.
 *
 * @param event one that was counted
 * @param seconds when it happened
 */
export function eventLine(event: unknown, seconds: number, { tags, texts }: EventShape): string {
  const properties = event as Readonly<Record<string, unknown>>;
  const get = (name: string) => Object.hasOwn(properties, name) ? properties[name] : undefined;
  let line = bareName(event);
  for (const name of tags) {
    const value = textOf(get(name), MAX_VALUE);
    if (value !== "") line += `,${escaped(name)}=${escaped(value)}`;
  }
  line += " event=1i";
  for (const name of texts) {
    const value = textOf(get(name), MAX_VALUE);
    if (value !== "") line += `,${escaped(name)}="${value.replaceAll(/["\\]/g, "\\$&")}"`;
  }
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    const key = textOf(name, MAX_NAME);
    const hasPlace = tags.includes(name) || texts.includes(name) || key === "event";
    if (key === "" || key === "time" || hasPlace) continue;
    line += `,${escaped(key)}=${value}`;
  }
  return `${line} ${seconds}\n`;
}

/** The same with nothing but its name and time, where the line is refused: it still counts. */
export function bareEventLine(event: unknown, seconds: number): string {
  return `${bareName(event)} event=1i ${seconds}\n`;
}

function bareName(event: unknown): string {
  return escaped(textOf((event as { event: unknown }).event, MAX_NAME), true);
}

/** A value as text, or nothing where it is none. */
function textOf(value: unknown, max: number): string {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "string") return "";
  const cut = cutCodePoints(value.toWellFormed().trim(), max).trim()
    .replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return cut.endsWith("\\") ? `${cut} ` : cut;
}

function escaped(text: string, isMeasurement = false): string {
  return text.replaceAll(isMeasurement ? /[, ]/g : /[, =]/g, "\\$&");
}
