/**
 * The HTTP side of `serve`: its flags, and the server they ask for.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import type { Access } from "../protocol/access.ts";
import { type Address, formatAddress, parseAddress } from "../protocol/address.ts";
import { type HttpHandler, type HttpOptions, HttpServer, type HttpTarget } from "../server/http.ts";
import type { SeriesRoutes } from "../series/http/routes.ts";
import { readOrigins } from "../server/http/options.ts";
import type { TcpServer } from "../server/tcp.ts";
import type { Traqq } from "../traqq.ts";
import { durationMs } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { type FlagGroup, quoted, type Values, wholeNumber } from "./flags.ts";
import type { Log } from "./log.ts";

/** Where a server listens for HTTP unless told otherwise, in the texts. */
export const HTTP_ADDR = "127.0.0.1:8080";

/** Of what is asked over HTTP. */
export const HTTP_FLAGS: FlagGroup = {
  title: "HTTP (beside TCP, on the same data)",
  flags: [
    {
      name: "http",
      value: "HOST:PORT",
      help: `Answer HTTP here: ${HTTP_ADDR}; port 0 for any free one; default not at all`,
    },
    {
      name: "cors",
      value: "ORIGIN",
      many: true,
      help: "Let pages of this origin use it: https://example.org, or * for all. Repeatable",
    },
    {
      name: "allow-host",
      value: "NAME",
      many: true,
      help: "Answer under this name too, where there is no token. Repeatable",
    },
    { name: "max-body-bytes", value: "N", help: "Largest body, unzipped; default 10485760" },
    { name: "body-timeout", value: "TIME", help: "How long a body may take to come; default 30s" },
    { name: "max-requests", value: "N", help: "Answered at a time; default 1000" },
    { name: "rate-limit", value: "N", help: "Requests a second from one address; default 0, any" },
  ],
};

/** What the flags say of HTTP; undefined where there shall be none. */
export interface HttpSettings {
  readonly at: Address;
  readonly cors: readonly string[];
  readonly hosts: readonly string[];
  readonly maxBodyBytes: number | undefined;
  readonly bodyTimeoutMs: number | undefined;
  readonly maxRequests: number | undefined;
  readonly rateLimit: number | undefined;
  /** Whether requests are logged at the level info. */
  readonly logsRequests: boolean;
}

/** @throws {UsageError} */
export function readHttp(values: Values): HttpSettings | undefined {
  const text = values.get("http");
  if (text === undefined) {
    const names = [...HTTP_FLAGS.flags.map(({ name }) => name), "access-log"];
    const wrong = values.firstOf(names);
    if (wrong === undefined) return undefined;
    throw new UsageError(`--${wrong} is for HTTP: add --http ${HTTP_ADDR}, or leave it out`);
  }
  let at: Address;
  try {
    at = parseAddress(text);
  } catch {
    throw new UsageError(
      `--http wants HOST:PORT such as ${HTTP_ADDR} or [::1]:8080, received ${quoted(text)}`,
    );
  }
  return {
    at,
    cors: readCors(values),
    hosts: values.all("allow-host"),
    maxBodyBytes: wholeNumber(values, "max-body-bytes", 1),
    bodyTimeoutMs: durationMs(values, "body-timeout"),
    maxRequests: wholeNumber(values, "max-requests", 1),
    rateLimit: wholeNumber(values, "rate-limit", 0),
    logsRequests: values.has("access-log"),
  };
}

/** The origins of `--cors`, in words of flags. @throws {UsageError} */
function readCors(values: Values): string[] {
  try {
    return readOrigins(values.all("cors"));
  } catch (error) {
    throw new UsageError(messageOf(error).replace("Cannot use cors: wanted", "--cors wants"));
  }
}

/** What an HTTP server is opened with. */
export interface HttpParts {
  readonly traqq: Traqq;
  readonly tcp: TcpServer;
  readonly access: Access | undefined;
  readonly insecure: boolean;
  readonly tls: { cert: string; key: string } | undefined;
  readonly log: Log;
  readonly reusePort: boolean;
  readonly series: SeriesRoutes | undefined;
  readonly makeHandler: (traqq: HttpTarget, options: HttpOptions) => HttpHandler;
}

/** Listens. @throws {ConfigError} */
export function openHttp(settings: HttpSettings, parts: HttpParts): HttpServer {
  const { at, hosts, logsRequests, ...limits } = settings;
  const { tcp, log, traqq, makeHandler, ...rest } = parts;
  return new HttpServer(traqq, {
    ...at,
    ...limits,
    ...rest,
    // None: the server decides what is safe.
    ...hosts.length === 0 ? {} : { hosts },
    tcp: () => tcp.stats(),
    onError: ({ message }) => log.error(message),
    onRequest: ({ method, path, status, durationMs, address }) => {
      const line = `${method} ${path} ${status}`;
      const details = { method, path, status, durationMs: Math.round(durationMs), address };
      if (logsRequests) log.info(line, details);
      else log.debug(line, details);
    },
  }, makeHandler);
}

/** The permission that listening needs. */
export function httpPermission({ at }: HttpSettings): Deno.PermissionDescriptor {
  // Deno takes the permission for a port of 0 only as one for the whole host.
  return { name: "net", host: at.port === 0 ? at.hostname : formatAddress(at) };
}
