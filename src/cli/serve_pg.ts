/**
 * The PostgreSQL side of `serve`: its flags, and listening. What it is made of is loaded only where it is
 * asked for.
 *
 * @module
 */
import { type Address, formatAddress, parseAddress } from "../protocol/address.ts";
import type { TokenEntry } from "../protocol/access.ts";
import type { PgServer } from "../series/pg/server.ts";
import type { Series } from "../series/series.ts";
import { UsageError } from "./errors.ts";
import { type FlagGroup, oneOf, quoted, type Values, wholeNumber } from "./flags.ts";
import type { Log } from "./log.ts";

/** Where PostgreSQL's clients are answered unless told otherwise. */
export const PG_ADDR = "127.0.0.1:5432";

/** What clients must show. */
const METHODS = ["scram-sha-256", "trust"] as const;

/** Of what PostgreSQL's clients ask. */
export const PG_FLAGS: FlagGroup = {
  title: "PostgreSQL (SQL for its clients, over the points of --series)",
  flags: [
    {
      name: "pg",
      value: "HOST:PORT",
      help: `Answer them here: ${PG_ADDR}; port 0 for any free one; default not at all`,
    },
    {
      name: "pg-auth",
      value: METHODS.join("|"),
      help: "scram-sha-256 (default): the password is a token that may read; trust: none, for " +
        "this machine alone",
    },
    { name: "pg-max-connections", value: "N", help: "At a time; default 100" },
  ],
};

/** What the flags say of it. */
export interface PgSettings {
  readonly at: Address;
  readonly tokens: readonly string[] | "trust";
  readonly maxConnections: number | undefined;
}

/** What the server is opened with. */
export interface PgParts {
  readonly series: Series;
  readonly tls: { cert: string; key: string } | undefined;
  readonly log: Log;
}

/** Where the flags say to listen. @throws {UsageError} */
export function readPgAddress(values: Values): Address | undefined {
  const text = values.get("pg");
  if (text === undefined) {
    const wrong = values.firstOf(["pg-auth", "pg-max-connections"]);
    if (wrong === undefined) return undefined;
    throw new UsageError(`--${wrong} is for PostgreSQL: add --pg ${PG_ADDR}, or leave it out`);
  }
  try {
    return parseAddress(text);
  } catch {
    throw new UsageError(
      `--pg wants HOST:PORT such as ${PG_ADDR} or [::1]:5432, received ${quoted(text)}`,
    );
  }
}

/** The other flags. @param tokens the server's @throws {UsageError} */
export function readPg(
  values: Values,
  at: Address | undefined,
  tokens: readonly TokenEntry[],
): PgSettings | undefined {
  if (at === undefined) return undefined;
  const method = oneOf(values, "pg-auth", METHODS) ?? "scram-sha-256";
  const readers = tokens.filter(({ right }) => right !== "record").map(({ token }) => token);
  if (method !== "trust" && readers.length === 0) {
    throw new UsageError(
      "--pg asks its clients for a token, and there is none that may read; set one (--token-file), " +
        "or --pg-auth trust",
    );
  }
  return {
    at,
    tokens: method === "trust" ? "trust" : readers,
    maxConnections: wholeNumber(values, "pg-max-connections", 1),
  };
}

/** The permission that listening needs. */
export function pgPermission(at: Address): Deno.PermissionDescriptor {
  // Deno takes the permission for a port of 0 only as one for the whole host.
  return { name: "net", host: at.port === 0 ? at.hostname : formatAddress(at) };
}

/** Listens. @throws {ConfigError} */
export async function openPg(settings: PgSettings, parts: PgParts): Promise<PgServer> {
  const { series, tls, log } = parts;
  const { at, tokens, maxConnections } = settings;
  const { servePg } = await import("../series/pg/server.ts");
  return await servePg(series.session, {
    ...at,
    tokens,
    tls,
    maxConnections,
    onError: ({ message }) => log.error(message),
  });
}
