/**
 * The PostgreSQL server: questions in SQL from whoever speaks PostgreSQL's protocol. It reads points and
 * writes nothing.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import { ConfigError, messageOf } from "../../base/errors.ts";
import { formatAddress } from "../../protocol/address.ts";
import { Attempts } from "../../protocol/attempts.ts";
import type { SqlSession } from "../sql/session.ts";
import type { Authentication } from "./authentication.ts";
import { Connection, type Host } from "./connection.ts";
import { CODE, fatal } from "./errors.ts";
import { ScramSecrets } from "./scram.ts";
import type { Limits } from "./session/executor.ts";
import { ByteStream, type TlsKeys } from "./stream.ts";

/** Where and how {@linkcode servePg} listens. */
export interface PgOptions extends Limits {
  /** Default `127.0.0.1`. */
  hostname?: string;
  /** Default 5432; 0 for any free one, which `addr` names. */
  port?: number;
  /**
   * What clients must know, as a password: one of these tokens. The user's name and the database's may be
   * any. `trust`: nothing, which is for this machine alone.
   */
  tokens: readonly string[] | "trust";
  /** Certificate chain and private key, each as PEM text; with them, only TLS is spoken. */
  tls?: TlsKeys;
  /** Default 100; one more gets an error and is closed. */
  maxConnections?: number;
  /** Milliseconds without a byte after which a client is closed. Default 600,000; 0: never. */
  idleTimeoutMs?: number;
  /** Called with errors that concern no client. */
  onError?: (error: Error) => void;
}

/** What a server counts. All but `connections` only grow. */
export interface PgCounters {
  /** Open now. */
  connections: number;
  /** Let in since the start. */
  accepted: number;
  /** Turned away because there were too many. */
  refused: number;
  /** Closed because nothing came for too long. */
  idled: number;
}

/** The port unless told otherwise. */
export const DEFAULT_PG_PORT = 5432;
/** See {@linkcode PgOptions.maxConnections}. */
export const DEFAULT_MAX_CONNECTIONS = 100;
/** See {@linkcode PgOptions.idleTimeoutMs}. */
export const DEFAULT_IDLE_MS = 600_000;
/** Milliseconds that a client has to show who it is. */
const AUTH_DEADLINE_MS = 30_000;
const SWEEP_MS = 1000;
/** Milliseconds that a last message may take. */
const FAREWELL_MS = 1000;

/**
 * Listens, and answers by `session`.
 *
 * @throws {ConfigError} if an option cannot be used, the port is taken, or other machines could reach the
 *   server without a token
 */
export async function servePg(session: SqlSession, options: PgOptions): Promise<PgServer> {
  const { hostname = "127.0.0.1", port = DEFAULT_PG_PORT, tokens } = options;
  if (tokens === "trust" && !isLoopback(hostname)) {
    throw new ConfigError(
      `Cannot listen for PostgreSQL on ${
        formatAddress({ hostname, port })
      } without a token: other machines could read everything; set a token (--token-file)`,
    );
  }
  const authentication: Authentication = tokens === "trust"
    ? { kind: "trust" }
    : { kind: "scram", secrets: await ScramSecrets.of(tokens) };
  const listener = createServer();
  const server = new PgServer(session, options, authentication, listener);
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (cause) => reject(cannotListen(cause, hostname, port)));
    listener.listen({ host: hostname, port }, resolve);
  });
  return server;
}

/** A server that listens. Made by {@linkcode servePg}. */
export class PgServer implements AsyncDisposable {
  readonly #session: SqlSession;
  readonly #options: PgOptions;
  readonly #authentication: Authentication;
  readonly #listener: Server;
  readonly #connections = new Map<Connection, Socket>();
  readonly #keys = new Map<number, { secret: number; connection: Connection }>();
  readonly #attempts = new Attempts();
  readonly #maxConnections: number;
  readonly #idleTimeoutMs: number;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #counters: PgCounters = { connections: 0, accepted: 0, refused: 0, idled: 0 };
  #nextProcess = 1;
  #shutdown: Promise<void> | undefined;

  /** See {@linkcode servePg}. */
  constructor(
    session: SqlSession,
    options: PgOptions,
    authentication: Authentication,
    listener: Server,
  ) {
    this.#session = session;
    this.#options = options;
    this.#authentication = authentication;
    this.#listener = listener;
    this.#maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
    this.#idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_MS;
    const onError = options.onError ?? (() => {});
    listener.on("connection", (socket: Socket) => this.#take(socket));
    listener.on("error", (error: Error) => onError(error));
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_MS);
    Deno.unrefTimer(this.#sweeper as unknown as number);
  }

  /** Where it listens. */
  get addr(): { hostname: string; port: number } {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("BUG: it does not listen");
    return { hostname: address.address, port: address.port };
  }

  /** Counters since the start. */
  stats(): PgCounters {
    return { ...this.#counters, connections: this.#connections.size };
  }

  /** Takes no more connections, lets what runs end, and closes every connection. */
  shutdown({ deadlineMs = 10_000 }: { deadlineMs?: number } = {}): Promise<void> {
    return this.#shutdown ??= this.#stop(deadlineMs);
  }

  /** {@linkcode shutdown} with its default deadline. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #stop(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    clearInterval(this.#sweeper);
    const stopping = fatal(CODE.stopping, "The connection is closed: the server stops");
    const open = [...this.#connections.keys()];
    for (const connection of open) connection.dismiss(stopping);
    const all = Promise.all(open.map(({ done }) => done));
    await within(deadlineMs, all);
    for (const connection of this.#connections.keys()) connection.abort();
    // Not longer: a statement that does not hear its cancellation outlives its socket.
    await within(FAREWELL_MS, Promise.all([all, closed]));
  }

  #take(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const isOneTooMany = this.#connections.size >= this.#maxConnections;
    // Those that are told so are bounded too.
    if (this.#shutdown !== undefined || this.#connections.size >= 2 * this.#maxConnections) {
      this.#counters.refused++;
      socket.destroy();
      return;
    }
    this.#counters[isOneTooMany ? "refused" : "accepted"]++;
    const connection: Connection = new Connection(
      new ByteStream(socket),
      this.#host(address, () => connection),
      isOneTooMany
        ? fatal(
          CODE.tooManyConnections,
          `Cannot take the connection: the server has ${this.#maxConnections} already; close some or raise --pg-max-connections`,
        )
        : undefined,
    );
    this.#connections.set(connection, socket);
    connection.done.then(() => {
      this.#connections.delete(connection);
      for (const [process, key] of this.#keys) {
        if (key.connection === connection) this.#keys.delete(process);
      }
    });
  }

  #host(address: string, self: () => Connection): Host {
    const { maxRows, maxBytes, timeoutMs, tls } = this.#options;
    return {
      session: this.#session,
      limits: { maxRows, maxBytes, timeoutMs },
      tls,
      authentication: this.#authentication,
      register: () => {
        const process = this.#nextProcess;
        this.#nextProcess = (process % (2 ** 31 - 1)) + 1;
        const secret = crypto.getRandomValues(new Int32Array(1))[0];
        this.#keys.set(process, { secret, connection: self() });
        return { process, secret };
      },
      cancel: (process, secret) => {
        const key = this.#keys.get(process);
        if (key?.secret === secret) key.connection.cancel();
      },
      attempt: (token) =>
        token === undefined
          ? !this.#attempts.wrong(address, performance.now())
          : this.#attempts.right(address, token, performance.now()),
    };
  }

  #sweep(nowMs: number): void {
    for (const connection of this.#connections.keys()) {
      const isLate = !connection.isLetIn && nowMs - connection.openedMs > AUTH_DEADLINE_MS;
      const isIdle = this.#idleTimeoutMs > 0 && connection.idleMs(nowMs) > this.#idleTimeoutMs;
      if (!isLate && !isIdle) continue;
      this.#counters.idled++;
      // Who reads nothing would not read that either.
      if (connection.isBlocked) connection.abort();
      connection.dismiss(fatal(
        CODE.idle,
        isLate
          ? `The connection is closed: no password came within ${AUTH_DEADLINE_MS / 1000} s`
          : `The connection is closed: nothing came for ${
            this.#idleTimeoutMs / 1000
          } s; connect again`,
      ));
    }
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function cannotListen(cause: unknown, hostname: string, port: number): ConfigError {
  const at = formatAddress({ hostname, port });
  const code = (cause as { code?: string }).code;
  const why = code === "EADDRINUSE"
    ? "the port is taken, perhaps by a PostgreSQL; choose another port"
    : code === "EACCES"
    ? "the system does not allow it; choose a port from 1024"
    : messageOf(cause);
  return new ConfigError(`Cannot listen for PostgreSQL on ${at}: ${why}`, { cause });
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
