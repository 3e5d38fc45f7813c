/**
 * Reads the JSON of the Rust crate metrics-procession: a whole procession, an array of events, or lines
 * with an event each. Unknown members are ignored, as the crate does.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { CRATE_KINDS, readCrateOp } from "./crate_json.ts";
import { type Kind, type Labels, OP } from "./series.ts";
import type { Store } from "./store.ts";
import { readTimeText } from "./time_text.ts";

/** TypeScript does not know it yet. */
const RAW_JSON = JSON as typeof JSON & {
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Puts everything into a store.
 *
 * @param value a whole procession, an array or another iterable of events or of lines; or text of
 *   either. Text that is not one JSON value is taken for lines.
 * @throws {SyntaxError} if a text is not JSON
 * @throws {TypeError} if a value is not of the crate's shape
 */
export function readCrate(value: unknown, store: Store): void {
  if (typeof value === "string") return readText(value, store);
  if (isObject(value) && "chunks" in value) return readWhole(value, store);
  if (isObject(value) && "when" in value) return readEvent(value, store, "the event");
  if (isObject(value) && Symbol.iterator in value) {
    let index = 0;
    for (const one of value as unknown as Iterable<unknown>) {
      const where = `event ${index++}`;
      if (typeof one !== "string") readEvent(one, store, where);
      else if (one.trim() !== "") readEvent(parse(one, where), store, where);
    }
    return;
  }
  throw unreadable("the value", "a whole procession or events", value);
}

function readText(text: string, store: Store): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    text.split("\n").forEach((line, index) => {
      const where = `line ${index + 1}`;
      if (line.trim() !== "") readEvent(parse(line, where), store, where);
    });
    return;
  }
  if (!isObject(value)) throw unreadable("the text", "a whole procession or events", value);
  readCrate(value, store);
}

function parse(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read a procession: ${where} is not JSON (${messageOf(error)}), received ${
        show(line)
      }`,
      { cause: error },
    );
  }
}

function readWhole(value: Fields, store: Store): void {
  const labelSets = new Map<number, { name: string; labels: Labels }>();
  listOf(value.labels, "labels").forEach((one, index) => {
    const where = `labels[${index}]`;
    if (!isObject(one)) throw unreadable(where, "an object", one);
    const number = wholeOf(one.value, `${where}.value`, Number.MAX_SAFE_INTEGER);
    if (labelSets.has(number)) {
      throw new TypeError(
        `Cannot read a procession: two label sets have the number ${number}, so nobody knows which ` +
          "of them its events belong to",
      );
    }
    const name = textOf(one.key_name, `${where}.key_name`);
    labelSets.set(number, { name, labels: labelsOf(one.labels, `${where}.labels`) });
  });
  listOf(value.chunks, "chunks").forEach((chunk, at) => {
    const where = `chunks[${at}]`;
    if (!isObject(chunk)) throw unreadable(where, "an object", chunk);
    const referenceMs = timeOf(chunk.reference_time, `${where}.reference_time`);
    listOf(chunk.events, `${where}.events`).forEach((event, index) => {
      const place = `${where}.events[${index}]`;
      if (!isObject(event)) throw unreadable(place, "an object", event);
      const number = wholeOf(event.label, `${place}.label`, Number.MAX_SAFE_INTEGER);
      const set = labelSets.get(number);
      if (set === undefined) throw unreadable(`${place}.label`, "a number of the labels", number);
      const ms = wholeOf(event.ms, `${place}.ms`, 0xffff);
      readEntry(event.entry, store, set.name, set.labels, referenceMs + ms, `${place}.entry`);
    });
  });
}

function readEvent(value: unknown, store: Store, where: string): void {
  if (!isObject(value)) throw unreadable(where, "an object", value);
  const timestampMs = timeOf(value.when, `when of ${where}`);
  const name = textOf(value.key, `key of ${where}`);
  const labels = labelsOf(value.labels, `labels of ${where}`);
  readEntry(value.event, store, name, labels, timestampMs, `event of ${where}`);
}

function readEntry(
  entry: unknown,
  store: Store,
  name: string,
  labels: Labels,
  timestampMs: number,
  where: string,
): void {
  const wanted = '{"Counter":…}, {"Gauge":…} or {"Histogram":…}';
  if (!isObject(entry)) throw unreadable(where, wanted, entry);
  const kind = (Object.keys(CRATE_KINDS) as Kind[])
    .find((kind) => Object.hasOwn(entry, CRATE_KINDS[kind]));
  if (kind === undefined) throw unreadable(where, wanted, entry);
  const fields = entry[CRATE_KINDS[kind]];
  if (!isObject(fields)) throw unreadable(where, "an object with a value", fields);
  const value = numberOf(fields.value, `value in ${where}`);
  let op: number = OP.add;
  if (kind !== "histogram") {
    op = readCrateOp(fields.op);
    const ops = kind === "counter" ? '"Add" or "Set"' : '"Add", "Sub" or "Set"';
    if (op < 0 || (kind === "counter" && op === OP.sub)) {
      throw unreadable(`op in ${where}`, ops, fields.op);
    }
  }
  if (kind === "counter" && !(value >= 0 && value < Infinity)) {
    throw unreadable(`value in ${where}`, "a number from 0", fields.value);
  }
  store.recordAt(store.seriesOf(kind, name, labels), op, value, timestampMs);
}

/** A number; also what the wide form writes for those that JSON has not. */
function numberOf(value: unknown, where: string): number {
  if (typeof value === "number") return value;
  if (RAW_JSON.isRawJSON(value)) return Number(value.rawJSON);
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  if (value === null) {
    throw unreadable(where, "a number", "null, as the crate writes NaN and infinities");
  }
  throw unreadable(where, "a number", value);
}

function labelsOf(value: unknown, where: string): Labels {
  const pairs = listOf(value, where).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw unreadable(where, "pairs", pair);
    return [textOf(pair[0], where), textOf(pair[1], where)] as const;
  });
  const labels = Object.fromEntries(pairs);
  if (Object.keys(labels).length < pairs.length) {
    throw unreadable(where, "each label once", value);
  }
  return labels;
}

function timeOf(value: unknown, where: string): number {
  const ms = typeof value === "string" ? readTimeText(value) : undefined;
  if (ms !== undefined) return ms;
  throw unreadable(where, 'a time such as "2025-01-01 00:00:00.0 +00:00:00" or RFC 3339', value);
}

function textOf(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw unreadable(where, "a string", value);
}

function wholeOf(value: unknown, where: string, max: number): number {
  if (Number.isInteger(value) && value as number >= 0 && value as number <= max) {
    return value as number;
  }
  throw unreadable(where, `a whole number from 0 to ${max}`, value);
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(where, "an array", value);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function unreadable(where: string, wanted: string, received: unknown): TypeError {
  return new TypeError(
    `Cannot read a procession: wanted ${where} to be ${wanted}, received ${show(received)}`,
  );
}
