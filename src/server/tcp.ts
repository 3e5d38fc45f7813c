/**
 * The TCP server: the wire protocol on a socket.
 *
 * ```ts ignore
 * await using server = serveTcp(traqq, { port: 9876 });
 * console.log(`listening on ${server.addr.hostname}:${server.addr.port}`);
 * await server.finished;
 * ```
 *
 * @module
 */
import { messageOf, ProtocolError } from "../base/errors.ts";
import type { Access, AccessOptions } from "../protocol/access.ts";
import { DEFAULT_PORT } from "../protocol/address.ts";
import type { Target } from "../protocol/dispatch.ts";
import { MAX_LINE_BYTES } from "../protocol/lines.ts";
import { Session } from "../protocol/session.ts";
import { Connection, type TcpCounters } from "./_connection.ts";
import { cannotListen, readAccess, refuseExposed, whole } from "./_listen.ts";
import type { Totals } from "./totals.ts";

export type { TcpCounters };

/** Where and how {@linkcode serveTcp} listens. */
export interface TcpOptions {
  /** Default `127.0.0.1`. Any other than this machine's own needs `token` or `insecure`. */
  hostname?: string;
  /** Default 9876; 0 for any free one, which `addr` names. */
  port?: number;
  /** What clients must send by `auth` before anything else; it allows everything. */
  token?: string;
  /** Tokens with less than all rights, and JWTs; in place of `token`. */
  access?: Access | AccessOptions;
  /** Listen to other machines without a token: whoever reaches the port may do everything. */
  insecure?: boolean;
  /** Certificate chain and private key, each as PEM text. */
  tls?: { cert: string; key: string };
  /** Default 1,000; one more gets an error and is closed. */
  maxConnections?: number;
  /** Longest line, in bytes. Default 1 MiB. */
  maxLineBytes?: number;
  /** Milliseconds without a byte after which a client is closed. Default 600,000; 0: never. */
  idleTimeoutMs?: number;
  /** Share the port with others that do so too (SO_REUSEPORT); needs Deno's `--unstable-net`. */
  reusePort?: boolean;
  /** What `stats` gives; default the counters of the target, and this server's. */
  totals?: () => Promise<Totals>;
  /** Called with errors that concern no client, such as too many open files. */
  onError?: (error: Error) => void;
}

/** What {@linkcode TcpServer.shutdown} takes. */
export interface ShutdownOptions {
  /** Milliseconds until connections are closed whatever they do. Default 10,000. */
  deadlineMs?: number;
}

/** Milliseconds that a client has to send the token. */
const AUTH_DEADLINE_MS = 30_000;
const ACCEPT_RETRY_MS = 100;

/**
 * Listens, and carries out what clients send on `target`.
 *
 * @throws {ConfigError} if an option cannot be used, the port is taken, or other machines could reach
 *   the server without a token
 */
export function serveTcp(target: Target, options: TcpOptions = {}): TcpServer {
  return new TcpServer(target, options);
}

/** A server that listens. Made by {@linkcode serveTcp}. */
export class TcpServer implements AsyncDisposable {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  /** Resolves when it has stopped and every connection is closed; never rejects. */
  readonly finished: Promise<void>;
  readonly #target: Target;
  readonly #listener: Deno.Listener<Deno.Conn, Deno.NetAddr>;
  readonly #connections = new Set<Connection>();
  /** Those that were too many, while they read why. */
  readonly #refused = new Set<Connection>();
  readonly #access: Access | undefined;
  readonly #maxConnections: number;
  readonly #maxLineBytes: number;
  readonly #idleTimeoutMs: number;
  readonly #onError: (error: Error) => void;
  readonly #serverStats: () => object | Promise<object>;
  readonly #counters: TcpCounters = {
    connections: 0,
    accepted: 0,
    refused: 0,
    commands: 0,
    errors: 0,
    idled: 0,
    socketErrors: 0,
    halfLines: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #shutdown: Promise<void> | undefined;

  /** See {@linkcode serveTcp}. */
  constructor(target: Target, options: TcpOptions) {
    this.#target = target;
    this.#maxConnections = whole("maxConnections", options.maxConnections ?? 1000, 1);
    this.#maxLineBytes = whole("maxLineBytes", options.maxLineBytes ?? MAX_LINE_BYTES, 1);
    this.#idleTimeoutMs = whole("idleTimeoutMs", options.idleTimeoutMs ?? 600_000, 0);
    this.#onError = options.onError ?? (() => {});
    const { totals } = options;
    this.#serverStats = totals === undefined ? () => ({ server: this.stats() }) : async () => {
      const { traqq, tcp } = await totals();
      return { ...traqq, server: tcp };
    };
    this.#access = readAccess(options);
    this.#listener = listen(options, this.#access !== undefined);
    this.addr = this.#listener.addr;
    this.#startSweeper();
    this.finished = this.#acceptAll().then(() => this.#shutdown);
  }

  /** Counters since the start. */
  stats(): TcpCounters {
    return { ...this.#counters, connections: this.#connections.size };
  }

  /**
   * Accepts no more connections, lets the commands that were received end, sends their replies and
   * closes every connection. A command that got no reply was not begun, unless the deadline passed.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.#shutdown ??= this.#stop(options.deadlineMs ?? 10_000);
  }

  /** {@linkcode shutdown} with its default deadline. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#listener.close();
    clearInterval(this.#sweeper);
    const open = [...this.#connections, ...this.#refused];
    for (const connection of open) connection.drain();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        for (const connection of open) connection.abort();
        // Not when they are done: a command that hangs in storage outlives its socket.
        resolve();
      }, deadlineMs);
    });
    await Promise.race([Promise.all(open.map((connection) => connection.done)), late]);
    clearTimeout(timer);
  }

  async #acceptAll(): Promise<void> {
    let failing = false;
    while (this.#shutdown === undefined) {
      try {
        const conn = await this.#listener.accept();
        failing = false;
        if (this.#shutdown === undefined) this.#take(conn);
        else conn.close();
      } catch (cause) {
        if (this.#shutdown !== undefined) return;
        // Mostly too many open files: it passes when some are closed. Said once, not ten times a second.
        if (!failing) {
          this.#onError(
            new Error(`Cannot accept a connection: ${messageOf(cause)}; trying again`, { cause }),
          );
        }
        failing = true;
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
      }
    }
  }

  #take(conn: Deno.Conn): void {
    if ("setNoDelay" in conn) {
      // Not on TLS connections, which switch Nagle's algorithm off themselves.
      const tcp = conn as Deno.TcpConn;
      tcp.setNoDelay();
      tcp.setKeepAlive();
    }
    if (this.#connections.size < this.#maxConnections) {
      this.#counters.accepted++;
      this.#open(conn, this.#connections);
    } else {
      this.#counters.refused++;
      if (this.#refused.size >= this.#maxConnections) return conn.close();
      this.#open(conn, this.#refused).dismiss(
        new ProtocolError(
          `Cannot take the connection: the server has ${this.#maxConnections} already; close some or raise maxConnections`,
        ),
      );
    }
  }

  #open(conn: Deno.Conn, among: Set<Connection>): Connection {
    const session = new Session(this.#target, {
      access: this.#access,
      address: (conn.remoteAddr as Deno.NetAddr).hostname,
      counters: this.#counters,
      serverStats: this.#serverStats,
    });
    const connection = new Connection(conn, session, this.#counters, this.#maxLineBytes);
    among.add(connection);
    connection.done.then(() => among.delete(connection));
    return connection;
  }

  #startSweeper(): void {
    const deadlines = [this.#idleTimeoutMs, this.#access === undefined ? 0 : AUTH_DEADLINE_MS];
    const shortest = Math.min(...deadlines.filter((ms) => ms > 0));
    if (shortest === Infinity) return;
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(Math.ceil(shortest / 4), 10_000));
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) {
      if (connection.leaving) continue;
      if (!connection.session.authorized && nowMs - connection.openedMs > AUTH_DEADLINE_MS) {
        this.#dismiss(connection, `the token did not come within ${AUTH_DEADLINE_MS / 1000} s`);
      } else if (
        this.#idleTimeoutMs > 0 && connection.waitsForClient &&
        nowMs - connection.activeMs > this.#idleTimeoutMs
      ) {
        this.#dismiss(connection, `nothing came or was read for ${this.#idleTimeoutMs / 1000} s`);
      }
    }
  }

  #dismiss(connection: Connection, reason: string): void {
    this.#counters.idled++;
    connection.dismiss(new ProtocolError(`The connection is closed: ${reason}; connect again`));
  }
}

function listen(
  { hostname = "127.0.0.1", port = DEFAULT_PORT, insecure = false, tls, reusePort }: TcpOptions,
  hasToken: boolean,
): Deno.Listener<Deno.Conn, Deno.NetAddr> {
  whole("port", port, 0);
  refuseExposed({ hostname, port }, hasToken || insecure === true);
  try {
    return tls === undefined
      ? Deno.listen({ hostname, port, reusePort })
      : Deno.listenTls({ hostname, port, reusePort, cert: tls.cert, key: tls.key });
  } catch (cause) {
    throw cannotListen(cause, { hostname, port });
  }
}
