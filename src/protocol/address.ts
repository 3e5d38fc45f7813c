/**
 * `host:port`, as users write it.
 *
 * @module
 */
import { show } from "../base/show.ts";

/** The port of the wire protocol. */
export const DEFAULT_PORT = 9876;

/** Where a server listens. */
export interface Address {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly hostname: string;
  /** 0 to 65,535; 0, for a server, is any free port. */
  readonly port: number;
}

/**
 * Reads `localhost:9876`, `127.0.0.1:9876` or `[::1]:9876`.
 *
 * @throws {TypeError} naming the text and what is wanted
 */
export function parseAddress(text: unknown): Address {
  const match = typeof text === "string"
    ? /^(?:\[([\da-fA-F:.%\w]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text)
    : null;
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new TypeError(
      `Cannot read the address: wanted "host:port" such as "127.0.0.1:${DEFAULT_PORT}" or "[::1]:${DEFAULT_PORT}", received ${
        show(text)
      }`,
    );
  }
  return { hostname: match[1] ?? match[2], port };
}

/** The address as {@linkcode parseAddress} reads it. */
export function formatAddress({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
