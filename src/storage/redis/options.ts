/**
 * What a RedisStorage can be opened with, and reading its URLs.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";

/** What is asked of a client: a `Redis` or a `Cluster` of ioredis 5 has it. */
export interface RedisClient {
  /** Whether it speaks to a cluster. */
  readonly isCluster: boolean;
  /** `ready` when commands can be sent. */
  readonly status: string;
  /** Its options; a `keyPrefix`, and a `scaleReads` other than `master`, are refused. */
  readonly options: {
    readonly keyPrefix?: string;
    readonly scaleReads?: unknown;
    readonly host?: string;
    readonly port?: number;
  };
  /** Sends a command; the answer's bytes as text. */
  call(command: string, ...args: (string | Uint8Array | number)[]): Promise<unknown>;
  /** Sends a command; the answer's bytes as they are. */
  callBuffer(command: string, ...args: (string | Uint8Array | number)[]): Promise<unknown>;
  /** Connects. */
  connect(): Promise<void>;
  /** Cuts the connection. */
  disconnect(): void;
  /** Listens to an event. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Listens no more. */
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Of a cluster: the clients of its nodes. */
  nodes?(role: "all" | "master"): RedisClient[];
}

/**
 * Where Redis is: a URL `redis://user:password@host:port/db` or `rediss://…` for TLS; several of them,
 * in an array or with commas between, for a cluster; or a client of ioredis, which stays open when the
 * storage is closed.
 */
export type RedisTarget = string | readonly string[] | RedisClient;

/** Whom a TLS connection trusts, and who we are; texts in PEM. */
export interface RedisTlsOptions {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | readonly string[];
  /** Our certificate, for a server that asks for one. */
  readonly cert?: string;
  /** Its private key. */
  readonly key?: string;
  /** The name that the server's certificate must have, where it is not the host's. */
  readonly servername?: string;
}

/** How a {@linkcode RedisStorage} behaves. */
export interface RedisStorageOptions {
  /**
   * Whether the server is one of a cluster. Several URLs always mean a cluster.
   *
   * @default {false}
   */
  readonly cluster?: boolean;
  /** TLS; `{}` for the system's authorities. A `rediss://` URL needs no more. */
  readonly tls?: RedisTlsOptions;
  /** Addresses of Sentinels, `host:port`, instead of a target; `name` goes with them. */
  readonly sentinels?: readonly string[];
  /** What the Sentinels call the master. */
  readonly name?: string;
  /** The password of the Sentinels themselves. */
  readonly sentinelPassword?: string;
  /** The user's name, where no URL has one. */
  readonly username?: string;
  /** The password, where no URL has one. */
  readonly password?: string;
  /**
   * How long one command may take, milliseconds.
   *
   * @default {5000}
   */
  readonly commandTimeoutMs?: number;
  /**
   * How long opening may take, milliseconds.
   *
   * @default {5000}
   */
  readonly openTimeoutMs?: number;
  /**
   * How often an attempt is repeated when the connection is lost or the server cannot answer now.
   *
   * @default {40}
   */
  readonly retries?: number;
  /**
   * Confirm a commit only when so many replicas of each master have it.
   *
   * @default {0}
   */
  readonly waitForReplicas?: number;
  /** For a cluster behind a NAT: from the address that it gives to the one to connect to. */
  readonly natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  /** Told what is wrong with the server's settings, and what could not be repaired. */
  readonly onWarning?: (message: string) => void;
}

/** One address as a URL gives it. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: boolean;
}

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;

/** Reads the URLs of a target. Never shows one: it may have a password. */
export function addressesOf(target: string | readonly string[]): Address[] {
  const urls = (typeof target === "string" ? [target] : target)
    .flatMap((text) => text.split(",")).map((text) => text.trim()).filter((text) => text !== "");
  if (urls.length === 0) throw badUrl("received nothing");
  // "redis://a:1,b:2": what stands before the first host holds for all.
  const scheme = /^rediss?:\/\//.exec(urls[0])?.[0] ?? "";
  return urls.map((url) => addressOf(url.includes("://") ? url : scheme + url));
}

/** Reads `host:port`. */
export function sentinelOf(text: string): { host: string; port: number } {
  const { host, port } = addressOf(`redis://${text}`, DEFAULT_SENTINEL_PORT);
  return { host, port };
}

function addressOf(text: string, defaultPort = DEFAULT_PORT): Address {
  let url: URL;
  try {
    // URLs of unknown schemes do not have their host and port checked.
    url = new URL(text.replace(/^rediss?:/, "http:"));
  } catch {
    throw badUrl("received something that is no URL");
  }
  const scheme = /^(\w+):\/\//.exec(text)?.[1];
  if (scheme !== "redis" && scheme !== "rediss") throw badUrl("received another scheme");
  const path = url.pathname.replace(/^\//, "");
  if (!/^\d*$/.test(path)) throw badUrl("received a path that is no database number");
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    // http's own port is not shown.
    port: /:80(?:\/|$)/.test(text) ? 80 : Number(url.port || defaultPort),
    username: decoded(url.username),
    password: decoded(url.password),
    db: Number(path),
    tls: scheme === "rediss",
  };
}

function decoded(text: string): string | undefined {
  if (text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function badUrl(received: string): StorageError {
  return new StorageError(
    "refused",
    `Cannot open Redis: wanted a URL such as redis://127.0.0.1:6379 or rediss://host:6379/0, ` +
      received,
  );
}
