/**
 * An import over HTTP, into a server that runs: line protocol to `/write`, questions to `/sql`.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import type { RejectedLine } from "../points/line_error.ts";
import { encodeRows } from "./encode_part.ts";
import { ImportError } from "./errors.ts";
import type { TablePart } from "./table_reader.ts";
import { type ImportTarget, isMissing, type Written } from "./target.ts";

/** RusTs' default. */
const BATCH_SIZE = 10_000;
/** Bytes of a request, below what servers take unless told otherwise. */
const MAX_REQUEST_CHARS = 4 << 20;
/** How often a server that is busy is asked again, and how long it is waited for at first and at most. */
const ATTEMPTS = 8;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 10_000;
/** A request takes no longer. */
const PATIENCE_MS = 60_000;

/** How a server is reached. */
export interface ServerOptions {
  readonly url: string;
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** @throws {ImportError} if the address is none */
export function serverTarget({ url, token, signal }: ServerOptions): ImportTarget {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new ImportError(
      `Cannot use the server ${show(url)}: wanted an address such as http://127.0.0.1:8086`,
    );
  }
  const at = (path: string) => `${base.href.replace(/\/$/, "")}${path}`;
  const authorization: Record<string, string> = token === undefined
    ? {}
    : { Authorization: `Bearer ${token}` };

  /** Posts, and again while the server says that it is busy. A line that comes twice is one point. */
  const post = async (path: string, body: string | Uint8Array<ArrayBuffer>) => {
    let waitMs = FIRST_WAIT_MS;
    for (let attempt = 1;; attempt++, waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      signal?.throwIfAborted();
      let why: string;
      try {
        const patience = AbortSignal.timeout(PATIENCE_MS);
        const response = await fetch(at(path), {
          method: "POST",
          headers: { "Content-Type": "text/plain; charset=utf-8", ...authorization },
          body,
          signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
        });
        const text = await response.text();
        if (response.status !== 503 && response.status !== 429) {
          return { status: response.status, text };
        }
        why = errorOf(text);
      } catch (error) {
        signal?.throwIfAborted();
        why = messageOf(error);
      }
      if (attempt === ATTEMPTS) {
        throw new ImportError(
          `Cannot write to ${base.href}: ${why}; start the server, and give the same command again: it ` +
            "goes on where it was",
        );
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  };

  const writeLines = async (
    lines: string | Uint8Array<ArrayBuffer>,
    points: number,
  ): Promise<Written> => {
    const { status, text } = await post("/write", lines);
    if (status === 204) return { points, rejectedLines: 0, rejected: [] };
    const reply = status === 400 ? replyOf(text) : undefined;
    if (reply === undefined) throw refused(base.href, status, text);
    return reply;
  };

  return {
    name: `server ${base.href}`,
    batchSize: BATCH_SIZE,
    writeLines,
    tableWriter(part) {
      const requests = encode(part, 0, part.times.length);
      return async () => {
        const all = { points: 0, rejectedLines: 0, rejected: [] as RejectedLine[] };
        for (const { text, from, to } of requests) {
          const { points, rejectedLines, rejected } = await writeLines(text, to - from);
          all.points += points;
          all.rejectedLines += rejectedLines;
          const rowOf = rejected.length === 0 ? [] : rowsOfLines(part, from, to);
          for (const { line, error } of rejected) {
            all.rejected.push({ line: rowOf[line - 1], error });
          }
        }
        return all;
      };
    },
    async ask(sql) {
      const { status, text } = await post("/sql?format=ndjson", sql);
      if (status === 200) {
        return text.split("\n").filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      }
      if (status === 403) return "forbidden";
      if (status === 400 && isMissing(codeOf(text))) return "missing";
      throw refused(base.href, status, text);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Lines of a request. */
interface Request {
  readonly text: string;
  /** Rows of the part, the last one not in it. */
  readonly from: number;
  readonly to: number;
}

/** The rows of a part as requests that a server takes. */
function encode(part: TablePart, from: number, to: number): Request[] {
  const text = encodeRows(part, from, to);
  if (text.length <= MAX_REQUEST_CHARS || to - from <= 1) {
    return from === to ? [] : [{ text, from, to }];
  }
  const middle = (from + to) >> 1;
  return [...encode(part, from, middle), ...encode(part, middle, to)];
}

/** Which row of the part, from 1, each line is of: a text may break lines. */
function rowsOfLines(part: TablePart, from: number, to: number): number[] {
  const rows: number[] = [];
  for (let row = from; row < to; row++) {
    const lines = encodeRows(part, row, row + 1).split("\n").length - 1;
    for (let i = 0; i < lines; i++) rows.push(row + 1);
  }
  return rows;
}

/** What a server says of lines that it refused; undefined if it refused all for another reason. */
function replyOf(text: string): Written | undefined {
  try {
    const { written, rejected_lines, lines } = JSON.parse(text);
    if (typeof written !== "number" || !Array.isArray(lines)) return undefined;
    return { points: written, rejectedLines: rejected_lines, rejected: lines };
  } catch {
    return undefined;
  }
}

function refused(url: string, status: number, text: string): ImportError {
  const todo: Readonly<Record<number, string>> = {
    401: "give the token by --token-file or TRAQQ_TOKEN",
    403: "give a token that may record",
    404: "start it with --series DIR",
    413: "give a smaller --batch-size",
  };
  return new ImportError(
    `Cannot write to ${url}: it answers ${status}: ${errorOf(text)}; ${
      todo[status] ?? "look at its log"
    }`,
  );
}

function codeOf(text: string): unknown {
  try {
    return JSON.parse(text).code;
  } catch {
    return undefined;
  }
}

/** What an error says, in any of the shapes that servers have. */
function errorOf(text: string): string {
  try {
    const { error, message, detail, title } = JSON.parse(text) as Record<string, unknown>;
    return String(error ?? message ?? detail ?? title ?? text).slice(0, 500);
  } catch {
    return text.trim().slice(0, 500) || "no reason given";
  }
}
