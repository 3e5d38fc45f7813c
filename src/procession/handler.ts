/**
 * `GET /procession.json` and `GET /metrics`, as a handler that needs no server of ours.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import type { EventFilter } from "./events.ts";
import type { Procession } from "./procession.ts";
import { PROMETHEUS_TYPE } from "./prometheus.ts";
import { readTimeText } from "./time_text.ts";

const HEADERS = { "cache-control": "no-store" };

/**
 * A handler for `Deno.serve`. It answers `GET /procession.json` with the whole procession in the JSON of
 * the Rust crate, in its wide form, and `GET /metrics` with Prometheus' text; anything else is not
 * found. `?from=` and `?to=` (milliseconds since 1970 or RFC 3339), `?name=` and any number of
 * `?label=NAME=VALUE` narrow `/procession.json` down. What is sent is made chunk by chunk, while the
 * reader takes it.
 */
export function processionHandler(procession: Procession): (request: Request) => Response {
  return (request) => {
    const url = new URL(request.url);
    const isJson = url.pathname === "/procession.json";
    if (!isJson && url.pathname !== "/metrics") return refuse(404, `There is no ${url.pathname}`);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Only GET and HEAD are possible", { allow: "GET, HEAD" });
    }
    if (!isJson) {
      return new Response(request.method === "HEAD" ? null : procession.toPrometheus(), {
        headers: { ...HEADERS, "content-type": PROMETHEUS_TYPE },
      });
    }
    let pieces: Iterator<string>;
    try {
      pieces = procession.jsonPieces({ ...readQuery(url.searchParams), wide: true });
    } catch (error) {
      return refuse(400, messageOf(error));
    }
    return new Response(request.method === "HEAD" ? null : streamOf(pieces), {
      headers: { ...HEADERS, "content-type": "application/json" },
    });
  };
}

function readQuery(query: URLSearchParams): EventFilter {
  const labels: [string, string][] = query.getAll("label").map((pair) => {
    const at = pair.indexOf("=");
    if (at < 0) throw new TypeError(`Cannot read label=${pair}: wanted label=NAME=VALUE`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const name = query.get("name");
  const from = readTime(query, "from");
  const to = readTime(query, "to");
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(name === null ? {} : { name }),
    labels: Object.fromEntries(labels),
  };
}

function readTime(query: URLSearchParams, what: string): number | undefined {
  const text = query.get(what);
  if (text === null) return undefined;
  // A + in a query is a space.
  const ms = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : readTimeText(text.replace(" ", "+")) ??
    readTimeText(text);
  if (ms !== undefined) return ms;
  throw new TypeError(
    `Cannot read ${what}=${text}: wanted milliseconds since 1970, or a time such as ` +
      "2026-01-01T12:00:00Z",
  );
}

function streamOf(pieces: Iterator<string>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel() {
      pieces.return?.();
    },
  });
}

function refuse(status: number, why: string, headers: Record<string, string> = {}): Response {
  return new Response(`${why}\n`, {
    status,
    headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8", ...headers },
  });
}
