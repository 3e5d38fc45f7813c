/**
 * The events in a body, recorded. A body that cannot be read as a whole records nothing; one whose
 * events are good and bad records the good ones and names the others by their place.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import type { Instant } from "../../engine/query.ts";
import { MAX_EVENTS_PER_LINE } from "../../protocol/commands.ts";
import {
  type RecordManyData,
  type Target,
  toRecordManyData,
  toTheEnd,
} from "../../protocol/dispatch.ts";
import { LineSplitter } from "../../protocol/lines.ts";
import type { RecordReport } from "../../traqq.ts";
import { Problem } from "./problem.ts";

/** How a body is to be read; `any` is for those who can send only text, such as beacons. */
export type BodyKind = "json" | "lines" | "any";

const KINDS: Readonly<Record<string, BodyKind>> = {
  "application/json": "json",
  "application/x-ndjson": "lines",
  "application/ndjson": "lines",
  "application/jsonl": "lines",
  "application/x-jsonlines": "lines",
  "text/plain": "any",
};

/** What became of a body. */
export interface Recorded {
  /** The reply. */
  readonly report: RecordManyData;
  /** Lines that are no JSON: the engine has not seen them, and does not count them as rejected. */
  readonly unreadable: number;
}

const NEWLINE = 10;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * How the body of a request is to be read.
 *
 * @throws {Problem} 415
 */
export function kindOf(contentType: string | null): BodyKind {
  // Who sends no type at all, as some do with a blob, means JSON of some kind.
  if (contentType === null || contentType.trim() === "") return "any";
  const [type, ...parameters] = contentType.toLowerCase().split(";").map((part) => part.trim());
  const charset = parameters.find((part) => part.startsWith("charset="))?.slice(8);
  const isUtf8 = charset === undefined || /^"?(utf-?8|us-ascii)"?$/.test(charset);
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind === undefined || !isUtf8) {
    throw new Problem(
      415,
      `Cannot read the body: wanted Content-Type ${
        Object.keys(KINDS).join(", ")
      }, in UTF-8, received ${show(contentType)}`,
    );
  }
  return kind;
}

/**
 * Records what is in a body.
 *
 * @param at the time of all events, where they have none of their own
 * @throws {Problem} 400 or 413; then nothing was recorded
 */
export function recordBody(
  target: Pick<Target, "recordMany">,
  bytes: Uint8Array,
  kind: BodyKind,
  at: Instant | undefined,
): Promise<Recorded> {
  if (kind === "lines") return recordLines(target, bytes, at);
  const text = decoded(bytes);
  if (text.trim() === "") throw nothingThere();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (kind === "any" && !text.trimStart().startsWith("[")) return recordLines(target, bytes, at);
    throw new Problem(
      400,
      `Cannot read the body: it is not JSON (${
        messageOf(cause)
      }); send one object, an array, or lines of JSON as application/x-ndjson`,
    );
  }
  return recordValue(target, value, bytes, at);
}

async function recordValue(
  target: Pick<Target, "recordMany">,
  value: unknown,
  bytes: Uint8Array,
  at: Instant | undefined,
): Promise<Recorded> {
  if (typeof value !== "object" || value === null) {
    throw new Problem(
      400,
      `Cannot read the body: wanted an event such as {"event":"purchase"}, or an array of them, received ${
        show(value)
      }`,
    );
  }
  if (!Array.isArray(value)) {
    // A journal keeps an event as a line, so only one that is a line can be kept as it came.
    const isLine = !bytes.includes(NEWLINE);
    const lines = isLine ? { bytes, starts: [0], ends: [bytes.length] } : undefined;
    return whole(await target.recordMany([value], { at, lines }), 1);
  }
  if (value.length === 0) throw nothingThere();
  if (value.length > MAX_EVENTS_PER_LINE) throw tooMany(value.length);
  return whole(await target.recordMany(value, { at }), value.length);
}

/** An index is that of the line, blank ones counted, so that it can be found in a file. */
async function recordLines(
  target: Pick<Target, "recordMany">,
  bytes: Uint8Array,
  at: Instant | undefined,
): Promise<Recorded> {
  const count = linesIn(bytes);
  if (count > MAX_EVENTS_PER_LINE) throw tooMany(count);
  const splitter = new LineSplitter(bytes.length);
  splitter.feed(bytes);
  const starts: number[] = [], ends: number[] = [];
  /** The line of each event, and the lines that are none. */
  const lineOf: number[] = [];
  const unreadable: { index: number; error: string }[] = [];
  let isSomething = false;
  let index = 0;
  // Read as they are recorded, so that others get their turn between them.
  function* events(): Generator<unknown> {
    for (; index < count; index++) {
      const line = splitter.next() ?? splitter.end();
      if (line === undefined) return;
      if (typeof line === "string" && line.trim() === "") continue;
      isSomething = true;
      let event: unknown;
      try {
        if (typeof line !== "string") throw line;
        event = JSON.parse(line.charCodeAt(0) === BYTE_ORDER_MARK ? line.slice(1) : line);
      } catch (error) {
        const reason = messageOf(error);
        unreadable.push({
          index,
          error: typeof line === "string" ? `Cannot read the line: ${reason}` : reason,
        });
        continue;
      }
      lineOf.push(index);
      starts.push(splitter.lineStart);
      ends.push(splitter.lineEnd);
      yield event;
    }
  }
  const lines = { bytes: splitter.bytes, starts, ends };
  const taken = await target.recordMany(events(), { at, lines });
  if (!isSomething) throw nothingThere();
  // What was not taken any more needs its place in the report.
  for (index++; !events().next().done; index++);
  const report = toRecordManyData(toTheEnd(taken, lineOf.length));
  const refused = report.rejected.map(({ index, error }) => ({ index: lineOf[index], error }));
  const rejected = [...refused, ...unreadable].sort((a, b) => a.index - b.index);
  return { report: { recorded: report.recorded, rejected }, unreadable: unreadable.length };
}

function whole(report: RecordReport, count: number): Recorded {
  return { report: toRecordManyData(toTheEnd(report, count)), unreadable: 0 };
}

function linesIn(bytes: Uint8Array): number {
  let count = 0;
  let at = -1;
  while ((at = bytes.indexOf(NEWLINE, at + 1)) >= 0) count++;
  return bytes.length > 0 && bytes[bytes.length - 1] !== NEWLINE ? count + 1 : count;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem(400, "Cannot read the body: it is not UTF-8; encode it as UTF-8");
  }
}

function nothingThere(): Problem {
  return new Problem(400, 'Cannot record: the body has no event; send one such as {"event":"a"}');
}

function tooMany(count: number): Problem {
  return new Problem(
    413,
    `Cannot record: ${count} events in one request; send at most ${MAX_EVENTS_PER_LINE} at once`,
  );
}
