/**
 * Reads what stands before the fields of a line: a measurement, and its tags.
 *
 * A backslash before `,`, a space or, in tags, `=` takes their meaning away and goes; before anything
 * else, another backslash too, it is a letter like any other.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import type { Tag } from "./batch.ts";
import { LineError } from "./line_error.ts";

const SPACE = 32, COMMA = 44, EQUALS = 61, BACKSLASH = 92;

/** What stands before the fields. */
export interface SeriesKey {
  readonly measurement: string;
  /** Ascending by key. */
  readonly tags: Tag[];
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a key. @throws {LineError} with the place in `bytes` */
export function readSeriesKey(bytes: Uint8Array): SeriesKey {
  const end = endOf(bytes, 0, false);
  if (end === 0) throw new LineError(0, "there is no measurement; begin the line with its name");
  const measurement = textOf(bytes, 0, end, "the measurement", false);
  const tags: Tag[] = [];
  for (let at = end; at < bytes.length;) {
    const start = at + 1; // behind the comma
    const keyEnd = endOf(bytes, start, true);
    if (keyEnd === bytes.length || bytes[keyEnd] !== EQUALS) {
      if (keyEnd === start) throw new LineError(start, "a tag is missing behind the comma");
      const name = textOf(bytes, start, keyEnd, "the tag", true);
      throw new LineError(keyEnd, `the tag ${show(name)} has no =; write ${name}=VALUE`);
    }
    if (keyEnd === start) throw new LineError(start, "a tag has no key before its =");
    const key = textOf(bytes, start, keyEnd, "the tag's key", true);
    if (key === "time") {
      throw new LineError(start, 'no tag can be called "time": the time is; call it otherwise');
    }
    const valueEnd = endOf(bytes, keyEnd + 1, true);
    if (bytes[valueEnd] === EQUALS) {
      throw new LineError(
        valueEnd,
        `the value of the tag ${show(key)} has a = in it; write it as \\=`,
      );
    }
    if (valueEnd === keyEnd + 1) {
      throw new LineError(valueEnd, `the tag ${show(key)} has no value; leave the tag out`);
    }
    tags.push([key, textOf(bytes, keyEnd + 1, valueEnd, `the tag ${show(key)}`, true)]);
    at = valueEnd;
  }
  tags.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const twice = tags.findIndex(([key], i) => i > 0 && tags[i - 1][0] === key);
  if (twice >= 0) {
    throw new LineError(0, `the tag ${show(tags[twice][0])} stands there twice; leave one out`);
  }
  return { measurement, tags };
}

/** Where a name or value ends: at a comma or, in tags, a `=`. */
function endOf(bytes: Uint8Array, start: number, isTag: boolean): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const c = bytes[at];
    if (c === BACKSLASH && isEscaped(bytes[at + 1], isTag)) at++;
    else if (c === COMMA || (isTag && c === EQUALS)) break;
  }
  return Math.min(at, bytes.length);
}

/** Whether a backslash before this byte is one that goes. */
function isEscaped(byte: number | undefined, isTag: boolean): boolean {
  return byte === COMMA || byte === SPACE || (isTag && byte === EQUALS);
}

/**
 * The text of a name or value, without the backslashes that go.
 *
 * @param what it is, for the message
 * @param isTag whether it is of a tag or field, where `=` has a meaning
 * @throws {LineError}
 */
export function textOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  what: string,
  isTag: boolean,
): string {
  let text: string;
  try {
    text = DECODER.decode(bytes.subarray(start, end));
  } catch {
    throw new LineError(start, `${what} is not UTF-8; encode it as UTF-8`);
  }
  if (!text.includes("\\")) return text;
  return text.replaceAll(isTag ? /\\([, =])/g : /\\([, ])/g, "$1");
}
