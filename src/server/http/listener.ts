/**
 * A handler on a socket of its own, as `traqq serve --http` has it.
 *
 * @module
 */
import { ConfigError } from "../../base/errors.ts";
import { type Address, formatAddress } from "../../protocol/address.ts";
import { cannotListen, isLoopback, readAccess, refuseExposed, whole } from "../_listen.ts";
import type { HttpStats } from "./counters.ts";
import { handler, type HttpHandler, type HttpTarget } from "./handler.ts";
import type { HttpOptions } from "./options.ts";
import { problemOf, refusal } from "./problem.ts";

/** Where and how {@linkcode serveHttp} listens. */
export interface HttpServerOptions extends HttpOptions {
  /** Default `127.0.0.1`. Any other than this machine's own needs a token or `insecure`. */
  hostname?: string;
  /** Default 8080; 0 for any free one, which `addr` names. */
  port?: number;
  /** Listen to other machines without a token: whoever reaches the port may do everything. */
  insecure?: boolean;
  /** Certificate chain and private key, each as PEM text. */
  tls?: { cert: string; key: string };
  /** Share the port with others that do so too (SO_REUSEPORT); needs Deno's `--unstable-net`. */
  reusePort?: boolean;
}

/** How long the last replies may take when all is decided. */
const FAREWELL_MS = 1000;

/** The port unless told otherwise. */
export const DEFAULT_HTTP_PORT = 8080;

/**
 * Listens, and answers HTTP requests with what a traqq counts.
 *
 * @throws {ConfigError} if an option cannot be used, the port is taken, or other machines could reach
 *   the server without a token
 */
export function serveHttp(traqq: HttpTarget, options: HttpServerOptions = {}): HttpServer {
  return new HttpServer(traqq, options);
}

/** A server that listens. Made by {@linkcode serveHttp}. */
export class HttpServer implements AsyncDisposable {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly #handler: HttpHandler;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #shutdown: Promise<void> | undefined;

  /**
   * See {@linkcode serveHttp}.
   *
   * @param makeHandler another that answers
   */
  constructor(
    traqq: HttpTarget,
    options: HttpServerOptions,
    makeHandler: (traqq: HttpTarget, options: HttpOptions) => HttpHandler = handler,
  ) {
    const {
      hostname = "127.0.0.1",
      port = DEFAULT_HTTP_PORT,
      insecure,
      tls,
      reusePort = false,
      ...rest
    } = options;
    whole("port", port, 0);
    const access = readAccess(options);
    refuseExposed({ hostname, port }, access !== undefined || insecure === true);
    // Pages that make their own name mean this machine are kept out, where no token does it.
    const isOwn = isLoopback(hostname) && access === undefined;
    this.#handler = makeHandler(traqq, {
      ...rest,
      token: undefined,
      access,
      hosts: isOwn ? rest.hosts ?? [] : rest.hosts,
    });
    this.#server = this.#listen({ hostname, port }, reusePort, tls, rest.onError ?? (() => {}));
    this.addr = this.#server.addr;
    this.url = `${tls === undefined ? "http" : "https"}://${formatAddress(this.addr)}`;
  }

  /** Counters since the start. */
  stats(): HttpStats {
    return this.#handler.stats();
  }

  /** Answers the requests that came, all others with 503, and closes every connection. */
  shutdown({ deadlineMs = 10_000 }: { deadlineMs?: number } = {}): Promise<void> {
    return this.#shutdown ??= this.#stop(deadlineMs);
  }

  /** {@linkcode HttpServer.shutdown} with its default deadline. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /**
   * Not Deno's own shutdown at once: it breaks off bodies that are still coming. And not its abort
   * signal at the end: to abort a server that is shutting down throws where nobody can catch it.
   */
  async #stop(deadlineMs: number): Promise<void> {
    const idle = this.#handler.close();
    await within(deadlineMs, idle);
    this.#handler.abort();
    await within(FAREWELL_MS, idle);
    // Replies on their way to who reads slowly; the process does not wait for them.
    await within(FAREWELL_MS, this.#server.shutdown());
  }

  #listen(
    at: Address,
    reusePort: boolean,
    tls: HttpServerOptions["tls"],
    onError: (error: Error) => void,
  ): Deno.HttpServer<Deno.NetAddr> {
    const options = {
      ...at,
      reusePort,
      // The caller says where it listens.
      onListen: () => {},
      onError: (error: unknown) => refusal(problemOf(error, onError)),
    };
    const answer = (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) =>
      this.#handler(request, info);
    try {
      return tls === undefined
        ? Deno.serve(options, answer)
        : Deno.serve({ ...options, cert: tls.cert, key: tls.key }, answer);
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      throw cannotListen(cause, at);
    }
  }
}

/** Waits for work, but no longer than this. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
