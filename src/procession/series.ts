/**
 * What is recorded under one kind, name and set of labels.
 *
 * @module
 */
import { show } from "../base/show.ts";

/** What a series is a series of. */
export type Kind = "counter" | "gauge" | "histogram";

/** What an event does to the level of a counter or gauge. */
export type Op = "add" | "sub" | "set";

/** Names and values of labels; their order means nothing. */
export type Labels = Readonly<Record<string, string>>;

/** The kinds in the order of their numbers in bytes. */
export const KINDS: readonly Kind[] = ["counter", "gauge", "histogram"];
/** The ops in the order of their numbers in bytes. */
export const OPS: readonly Op[] = ["add", "sub", "set"];
/** The number of an op. */
export const OP = { add: 0, sub: 1, set: 2 } as const;

/** About what the object, its strings' heads and its place in a map take, in bytes. */
const SERIES_BYTES = 320;
/** The same of one label. */
const LABEL_BYTES = 80;

/** A series. It holds no events; these are in chunks. */
export class Series {
  readonly kind: Kind;
  readonly name: string;
  /** Sorted by name, and frozen: events share it. */
  readonly labels: Labels;
  /** What tells it from other series. */
  readonly key: string;
  /** What it takes in memory, about. */
  readonly bytes: number;
  /** The level at the start of the open chunk; of a histogram, the sum of its values. */
  level = 0;
  /** Events before the open chunk, those that were dropped too. */
  recorded = 0;
  /** How many chunks have events of it, the open one too. */
  chunks = 0;
  /** The open chunk that it has a slot in, and that slot. */
  epoch = 0;
  slot = 0;

  constructor(kind: Kind, name: string, labels: Labels, key: string) {
    this.kind = kind;
    this.name = name;
    this.labels = labels;
    this.key = key;
    // The key holds every character once more.
    this.bytes = SERIES_BYTES + 2 * key.length + LABEL_BYTES * Object.keys(labels).length;
  }
}

/**
 * Labels as they are kept, and the key of their series.
 *
 * @throws {TypeError} if the name or a label's value is no string
 */
export function readKey(
  kind: Kind,
  name: string,
  labels: Labels = {},
): { name: string; labels: Labels; key: string } {
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot make a ${kind}: wanted its name to be a string, received ${show(name)}`,
    );
  }
  if (labels === null || typeof labels !== "object") {
    throw new TypeError(
      `Cannot make the ${kind} ${show(name)}: wanted its labels as an object, received ${
        show(labels)
      }`,
    );
  }
  const pairs: [string, string][] = [];
  for (const label of Object.keys(labels)) {
    const value = labels[label];
    if (typeof value !== "string") {
      throw new TypeError(
        `Cannot make the ${kind} ${show(name)}: wanted the label ${show(label)} to be a string, ` +
          `received ${show(value)}; write String(value)`,
      );
    }
    // Lone surrogates have no bytes.
    pairs.push([label.toWellFormed(), value.toWellFormed()]);
  }
  pairs.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const wellFormed = name.toWellFormed();
  return {
    name: wellFormed,
    // Unlike an assignment this makes a property even of "__proto__".
    labels: Object.freeze(Object.fromEntries(pairs)),
    key: JSON.stringify([kind, wellFormed, ...pairs]),
  };
}

/** A series for people: `counter hits{route="/"}`. */
export function describe({ kind, name, labels }: Series): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${kind} ${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`}`;
}
