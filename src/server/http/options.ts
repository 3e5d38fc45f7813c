/**
 * The options of a handler.
 *
 * @module
 */
import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import type { Access, AccessOptions } from "../../protocol/access.ts";
import type { SeriesRoutes } from "../../series/http/routes.ts";
import type { TcpCounters } from "../_connection.ts";

/** How a {@linkcode handler} behaves. */
export interface HttpOptions {
  /** What comes before the paths, such as `/analytics`; default nothing. */
  basePath?: string;
  /** What clients must send; it allows everything. */
  token?: string;
  /** Tokens with less than all rights, and JWTs; in place of `token`. */
  access?: Access | AccessOptions;
  /** Origins whose pages may use it, such as `https://example.org`; `*`: all. Default none. */
  cors?: string | readonly string[];
  /** Names by which it may be called, besides those of this machine. Default any. */
  hosts?: readonly string[];
  /** Largest body in bytes, as it comes and unzipped. Default 10 MiB. */
  maxBodyBytes?: number;
  /** Milliseconds that a body may take to come. Default 30,000. */
  bodyTimeoutMs?: number;
  /** Requests that are answered at a time; more get 503. Default 1,000. */
  maxRequests?: number;
  /** Requests a second from one address; more get 429. Default 0: no limit. */
  rateLimit?: number;
  /** Listeners of `/live` at a time. Default 100. */
  maxListeners?: number;
  /** Events a second that a listener of `/live` is shown; the others are only counted. Default 40. */
  liveEventsPerSecond?: number;
  /** Where a request comes from, behind a proxy; default the address of the connection. */
  clientAddress?: (request: Request, info: unknown) => string;
  /** What it takes and answers besides: line protocol at `/write`, of a `Series`. */
  series?: SeriesRoutes;
  /** Counters of a TCP server beside, for `/stats` and `/metrics`. */
  tcp?: () => TcpCounters;
  /** Called with each request that was answered. */
  onRequest?: (entry: RequestEntry) => void;
  /** Called with errors that are the server's own; clients are told only that there was one. */
  onError?: (error: Error) => void;
}

/** A request that was answered, for an access log: nothing in it is secret. */
export interface RequestEntry {
  /** The request's method. */
  method: string;
  /** Its path, without the query. */
  path: string;
  /** The status of the reply. */
  status: number;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** Where it came from, where that is known. */
  address: string;
}

/** What comes before the paths, without a slash at its end. @throws {ConfigError} */
export function readBasePath(path: unknown): string {
  if (path === undefined || path === "" || path === "/") return "";
  if (typeof path !== "string" || !/^(\/[\w.~-]+)+\/?$/.test(path)) {
    throw new ConfigError(
      `Cannot use basePath: wanted a path such as /analytics, received ${show(path)}`,
    );
  }
  return path.replace(/\/$/, "");
}

/** The origins of `cors`. @throws {ConfigError} */
export function readOrigins(given: HttpOptions["cors"]): string[] {
  const origins = typeof given === "string" ? [given] : [...given ?? []];
  for (const origin of origins) {
    if (origin === "*" || URL.parse(origin)?.origin === origin) continue;
    throw new ConfigError(
      `Cannot use cors: wanted an origin such as https://example.org, or *, received ${
        show(origin)
      }`,
    );
  }
  return origins;
}
