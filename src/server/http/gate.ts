/**
 * Who is let in: a token in a header, or the cookie of a browser that has sent one.
 *
 * A browser sends cookies by itself, so a cookie alone never allows a request that another site has
 * made. It also sends requests that change something to any address, this machine's own included,
 * whoever wrote the page: those that come from another site are refused unless CORS names it.
 *
 * @module
 */
import { parse, serialize } from "hono/utils/cookie";
import { show } from "../../base/show.ts";
import { type Access, allows, EVERYTHING, type Grant } from "../../protocol/access.ts";
import { isLoopback } from "../_listen.ts";
import { Problem } from "./problem.ts";
import { type SessionChange, Sessions } from "./sessions.ts";

const COOKIE = "traqq_session";

/** What a {@linkcode Gate} works with. */
export interface GateOptions {
  /** Without it everyone may do everything. */
  readonly access: Access | undefined;
  /** Origins whose pages may send requests; `*`: all. */
  readonly cors: readonly string[];
  /** Names by which the server may be called, besides those of loopback; undefined: any. */
  readonly hosts: readonly string[] | undefined;
  /** Where the cookie is sent to. */
  readonly cookiePath: string;
  /** Has other servers on the same port know of a session, before the client does. */
  readonly share?: (change: SessionChange) => Promise<void>;
}

/** See the top of this file. */
export class Gate {
  readonly #options: GateOptions;
  readonly #sessions = new Sessions();
  /** Requests with a token that is none. */
  wrongTokens = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /**
   * Keeps out pages of other sites that made their name mean this machine (DNS rebinding).
   *
   * @throws {Problem} 403
   */
  checkHost(request: Request, url: URL): void {
    const { hosts } = this.#options;
    if (hosts === undefined) return;
    for (
      const name of new Set([hostnameOf(request.headers.get("host")) ?? url.hostname, url.hostname])
    ) {
      const bare = name.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "").toLowerCase();
      if (isLoopback(bare) || bare.endsWith(".localhost") || hosts.includes(bare)) continue;
      throw new Problem(
        403,
        `Cannot answer as ${
          show(bare)
        }: without a token this server is for this machine alone; call it localhost, allow the name (--allow-host), or set a token`,
      );
    }
  }

  /** Whether a page of this origin may read answers; for `Access-Control-Allow-Origin`. */
  allowsOrigin(origin: string): boolean {
    return this.#options.cors.includes("*") || this.#options.cors.includes(origin);
  }

  /** @throws {Problem} 403 if a page of a site that CORS does not name made the request */
  checkOrigin(request: Request, url: URL): void {
    if (!isFromElsewhere(request, url)) return;
    const origin = request.headers.get("origin");
    if (origin !== null && this.allowsOrigin(origin)) return;
    throw new Problem(
      403,
      `Cannot take this from a page of ${
        show(origin ?? "another site")
      }: allow it by the option cors (--cors)`,
    );
  }

  /**
   * What the client may do, if that is enough.
   *
   * @param wanted `any`: some right, whichever
   * @param given a token that stands where only the route knows it
   * @throws {Problem} 401, 403 or 429
   */
  async check(
    request: Request,
    url: URL,
    wanted: "record" | "read" | "any",
    address: string,
    given?: string,
  ): Promise<Grant> {
    const grant = await this.#grantOf(request, url, address, given);
    if (wanted === "any" ? Date.now() < grant.expiresAtMs : allows(grant, wanted)) return grant;
    if (Date.now() >= grant.expiresAtMs) throw unauthorized("the token has expired; send another");
    throw new Problem(
      403,
      `Cannot ${wanted} with this token: it has only the right ${grant.right}; use one with the right ${wanted}`,
    );
  }

  /**
   * Opens a session for a token; gives the cookie, or undefined where none is needed.
   *
   * @throws {Problem} 401, 403 or 429
   */
  async login(
    token: string,
    url: URL,
    request: Request,
    address: string,
  ): Promise<string | undefined> {
    refuseElsewhere(request, url);
    if (this.#options.access === undefined) return undefined;
    const { id, seconds } = this.#sessions.open(await this.#enter(token, address));
    await this.#options.share?.(this.#sessions.changeOf(id));
    return this.#cookie(id, seconds, url, request);
  }

  /** Ends the session of a request; gives the cookie that takes the place of its own. @throws {Problem} 403 */
  async logout(url: URL, request: Request): Promise<string> {
    refuseElsewhere(request, url);
    const id = cookieOf(request);
    if (id !== undefined) {
      this.#sessions.close(id);
      await this.#options.share?.(this.#sessions.changeOf(id));
    }
    return this.#cookie("", 0, url, request);
  }

  /** Takes over a session that another server has opened or ended. */
  apply(change: SessionChange): void {
    this.#sessions.apply(change);
  }

  async #grantOf(request: Request, url: URL, address: string, given?: string): Promise<Grant> {
    if (this.#options.access === undefined) return EVERYTHING;
    const token = given ?? tokenOf(request);
    if (token !== undefined) return await this.#enter(token, address);
    const id = cookieOf(request);
    if (id === undefined) {
      throw unauthorized("send it as Authorization: Bearer TOKEN, or log in");
    }
    refuseElsewhere(request, url);
    const grant = this.#sessions.grant(id);
    if (grant === undefined) throw unauthorized("the session is over; log in again");
    return grant;
  }

  async #enter(token: string, address: string): Promise<Grant> {
    const entered = await this.#options.access!.enter(token, address);
    if (typeof entered === "object") return entered;
    this.wrongTokens++;
    if (entered === "wrong") {
      throw unauthorized("this is not one of the server's, or it has expired; send another");
    }
    throw new Problem(
      429,
      "Cannot take a token now: too many wrong ones came from this address; try again in a minute",
      { "Retry-After": "60" },
    );
  }

  #cookie(id: string, seconds: number, url: URL, request: Request): string {
    const isSecure = url.protocol === "https:" ||
      request.headers.get("x-forwarded-proto")?.toLowerCase() === "https";
    return serialize(COOKIE, id, {
      path: this.#options.cookiePath,
      maxAge: seconds,
      httpOnly: true,
      sameSite: "Strict",
      secure: isSecure,
    });
  }
}

function unauthorized(what: string): Problem {
  return new Problem(401, `Cannot do this without a token: ${what}`, {
    "WWW-Authenticate": 'Bearer realm="traqq"',
  });
}

/** The token in the headers; also one that is empty, which is wrong. */
function tokenOf({ headers }: Request): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization === null) return headers.get("x-api-key")?.trim();
  return /^Bearer +(.*)$/is.exec(authorization)?.[1].trim() ?? "";
}

function cookieOf({ headers }: Request): string | undefined {
  const cookies = headers.get("cookie");
  return cookies === null ? undefined : parse(cookies, COOKIE)[COOKIE] || undefined;
}

/** Sessions are for the server's own pages, whatever CORS allows. @throws {Problem} 403 */
function refuseElsewhere(request: Request, url: URL): void {
  if (!isFromElsewhere(request, url)) return;
  throw new Problem(403, "Cannot use a session from a page of another site; send a token");
}

/** Whether a page of another site made a request. Programs that are no browsers say neither. */
function isFromElsewhere({ headers }: Request, url: URL): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  if (origin === null) return false;
  // The host alone: behind a proxy that speaks TLS the scheme is another here than in the browser.
  return URL.parse(origin)?.host !== (headers.get("host")?.toLowerCase() ?? url.host);
}

/** `[::1]:8080` is `[::1]`. */
function hostnameOf(host: string | null): string | undefined {
  return host === null ? undefined : URL.parse(`http://${host}`)?.hostname ?? host;
}
