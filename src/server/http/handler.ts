/**
 * The HTTP side of traqq as a function from request to response: the routes, and what each request goes
 * through on its way to them.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { show } from "../../base/show.ts";
import type { Traqq } from "../../traqq.ts";
import { readAccess, whole } from "../_listen.ts";
import { dashboardRoutes } from "../dashboard/dashboard.ts";
import { answer } from "./ask.ts";
import { BodyReader } from "./body.ts";
import { HttpCounters, type HttpStats } from "./counters.ts";
import { kindOf, recordBody } from "./events.ts";
import { Gate } from "./gate.ts";
import { RateLimit } from "./limits.ts";
import { LiveFeed } from "./live.ts";
import type { Seen } from "./live_sample.ts";
import { Login } from "./login.ts";
import { LoopLag } from "./loop_lag.ts";
import { PROMETHEUS_TYPE, type Rooms, toPrometheus, toStats } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { type HttpOptions, readBasePath, readOrigins, type RequestEntry } from "./options.ts";
import { checkParameters, readAt } from "./parameters.ts";
import { json, Problem, problemOf, refusal, stopping, text } from "./problem.ts";
import type { SessionChange } from "./sessions.ts";
import type { Siblings } from "../siblings.ts";

/** What a {@linkcode handler} works on: a `Traqq`, or what a test puts in its place. */
export type HttpTarget = Pick<
  Traqq,
  "recordMany" | "query" | "queryDays" | "overview" | "stats" | "timezone" | "isOpen" | "observe"
>;

/** A function for `Deno.serve`, Hono, Fresh, Oak and others. */
export interface HttpHandler {
  /**
   * Answers a request.
   *
   * @param info what `Deno.serve` gives as the second argument: it knows the client's address
   */
  (request: Request, info?: unknown): Promise<Response>;
  /** Counters since it was made. */
  stats(): HttpStats;
  /**
   * Ends what goes on without end (`/live`) and answers all that comes from now on with 503. Resolves
   * when the requests that came before are answered.
   */
  close(): Promise<void>;
  /** Waits no longer for bodies that have not come: their requests are answered with 503. */
  abort(): void;
}

type RightWanted = "record" | "read" | "none";
type Env = { Bindings: { visit: Visit } };

/** A request on its way. */
interface Visit {
  readonly request: Request;
  readonly url: URL;
  readonly address: string;
  /** One of ours, or `other`: what is counted by path must stay few. */
  path: string;
}

/** What a method of a path does. */
interface Route {
  readonly right: RightWanted;
  readonly run: (visit: Visit, untilMs: number) => Response | Promise<Response>;
}

/** Paths that are asked by who watches over the server: they are never turned away. */
const WATCHED = ["/health", "/ready"];

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Answers HTTP requests with what a traqq counts, and records what they bring.
 *
 * @throws {ConfigError} if an option cannot be used
 */
export function handler(traqq: HttpTarget, options: HttpOptions = {}): HttpHandler {
  return openHandler(traqq, options);
}

/** A handler beside others on the same port. */
export interface SharedHandler extends HttpHandler {
  /** The counters of this one alone. */
  rooms(): Rooms;
  /** Takes over a session that another one has opened or ended. */
  applySession(change: SessionChange): void;
  /** Another one watches what is recorded here, or no more. */
  setWatched(isWatched: boolean): void;
  /** What another one has recorded. */
  hear(seen: Seen): void;
}

/** As {@linkcode handler}. @param siblings the others on the same port */
export function openHandler(
  traqq: HttpTarget,
  options: HttpOptions,
  siblings?: Siblings,
): SharedHandler {
  const app = new App(traqq, options, siblings);
  return Object.assign((request: Request, info?: unknown) => app.answer(request, info), {
    stats: () => app.stats(),
    close: () => app.close(),
    abort: () => app.abort(),
    rooms: () => app.rooms(),
    applySession: (change: SessionChange) => app.applySession(change),
    setWatched: (isWatched: boolean) => app.setWatched(isWatched),
    hear: (seen: Seen) => app.hear(seen),
  });
}

class App {
  readonly #traqq: HttpTarget;
  readonly #options: HttpOptions;
  readonly #hono: Hono<Env>;
  readonly #gate: Gate;
  readonly #bodies: BodyReader;
  readonly #login: Login;
  readonly #rateLimit: RateLimit;
  readonly #maxRequests: number;
  readonly #live: LiveFeed;
  readonly #loopLag = new LoopLag();
  readonly #counters = new HttpCounters();
  readonly #basePath: string;
  readonly #siblings: Siblings | undefined;
  #isClosed = false;
  /** Resolves when it is closed and answers nothing any more. */
  readonly #idle = Promise.withResolvers<void>();

  constructor(traqq: HttpTarget, options: HttpOptions, siblings: Siblings | undefined) {
    this.#traqq = traqq;
    this.#siblings = siblings;
    this.#options = options;
    this.#basePath = readBasePath(options.basePath);
    const origins = readOrigins(options.cors);
    this.#gate = new Gate({
      access: readAccess(options),
      cors: origins,
      hosts: options.hosts?.map((name) => name.toLowerCase()),
      cookiePath: this.#basePath || "/",
      share: siblings && ((change) => siblings.share(change)),
    });
    this.#bodies = new BodyReader({
      maxBodyBytes: whole("maxBodyBytes", options.maxBodyBytes ?? 10 << 20, 1),
      bodyTimeoutMs: whole("bodyTimeoutMs", options.bodyTimeoutMs ?? 30_000, 1),
    });
    this.#login = new Login(this.#gate);
    this.#maxRequests = whole("maxRequests", options.maxRequests ?? 1000, 1);
    this.#rateLimit = new RateLimit(whole("rateLimit", options.rateLimit ?? 0, 0));
    this.#live = new LiveFeed(traqq, {
      eventsPerSecond: whole("liveEventsPerSecond", options.liveEventsPerSecond ?? 40, 1),
      maxListeners: whole("maxListeners", options.maxListeners ?? 100, 1),
    }, siblings);
    this.#hono = this.#routed(origins);
  }

  stats(): HttpStats {
    const { listeners, dropped } = this.#live.stats();
    return {
      ...this.#counters.stats(),
      heldBytes: this.#bodies.heldBytes,
      wrongTokens: this.#gate.wrongTokens,
      listeners,
      droppedListeners: dropped,
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#live.close();
    this.#loopLag.stop();
    if (this.#counters.active === 0) this.#idle.resolve();
    return this.#idle.promise;
  }

  abort(): void {
    this.#bodies.stop();
    this.#login.stop();
  }

  rooms(): Rooms {
    return {
      traqq: this.#traqq.stats(),
      http: this.stats(),
      tcp: this.#options.tcp?.(),
      loopLag: this.#loopLag.stats(),
    };
  }

  applySession(change: SessionChange): void {
    this.#gate.apply(change);
  }

  setWatched(isWatched: boolean): void {
    this.#live.setWatched(isWatched);
  }

  hear(seen: Seen): void {
    this.#live.hear(seen);
  }

  /** Never rejects. */
  async answer(request: Request, info: unknown): Promise<Response> {
    const begunMs = performance.now();
    const method = METHODS.includes(request.method) ? request.method : "other";
    let visit: Visit | undefined;
    let response: Response;
    this.#counters.active++;
    try {
      visit = this.#visit(request, info);
      response = await this.#hono.fetch(request, { visit });
    } catch (error) {
      response = refusal(problemOf(error, this.#onError));
    }
    this.#counters.active--;
    if (this.#isClosed && this.#counters.active === 0) this.#idle.resolve();
    const durationMs = performance.now() - begunMs;
    this.#counters.answered(method, visit?.path ?? "other", response.status, durationMs);
    this.#tell({
      method: request.method,
      path: visit?.url.pathname ?? "",
      status: response.status,
      durationMs,
      address: visit?.address ?? "",
    });
    return response;
  }

  /** Whoever only looks on must not change an answer. */
  #tell(entry: RequestEntry): void {
    try {
      this.#options.onRequest?.(entry);
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #visit(request: Request, info: unknown): Visit {
    const url = URL.parse(request.url);
    if (url === null) throw new Problem(400, "Cannot read the request: its Host is no host");
    const address = this.#options.clientAddress?.(request, info) ?? addressOf(info);
    return { request, url, address, path: "other" };
  }

  /** @throws {Problem} if it cannot be answered now, or is for another host */
  #admit({ request, url, address }: Visit): void {
    if (!WATCHED.some((path) => url.pathname === `${this.#basePath}${path}`)) {
      if (this.#isClosed) throw stopping();
      if (this.#counters.active > this.#maxRequests) {
        throw new Problem(
          503,
          `Cannot answer now: ${this.#maxRequests} requests are being answered; try again in a second`,
          { "Retry-After": "1" },
        );
      }
      if (!this.#rateLimit.take(address, performance.now())) {
        throw new Problem(
          429,
          "Cannot answer now: too many requests from this address; send fewer",
          {
            "Retry-After": "1",
          },
        );
      }
    }
    this.#gate.checkHost(request, url);
  }

  #routed(origins: readonly string[]): Hono<Env> {
    const all = new Hono<Env>();
    const hono = this.#basePath === "" ? all : all.basePath(this.#basePath);
    if (origins.length > 0) {
      const sharing = cors({
        origin: (origin) =>
          origins.includes("*") ? "*" : this.#gate.allowsOrigin(origin) ? origin : null,
        allowMethods: ["GET", "HEAD", "POST"],
        allowHeaders: ["Authorization", "X-Api-Key", "Content-Type", "Content-Encoding"],
        exposeHeaders: ["Retry-After"],
        maxAge: 600,
      });
      hono.use("*", (c, next) => {
        const isPreflight = c.req.header("Access-Control-Request-Method") !== undefined;
        // An OPTIONS that is none asks which methods there are.
        return c.req.method === "OPTIONS" && !isPreflight ? next() : sharing(c, next);
      });
    }
    all.use("*", async (c, next) => {
      try {
        this.#admit(c.env.visit);
      } catch (error) {
        return this.#refused(error);
      }
      await next();
    });
    for (const [path, methods] of Object.entries(this.#routes())) {
      hono.all(path, (c) => this.#run(c, path, methods));
    }
    // Hono has no path below another that is only its slash.
    if (this.#basePath !== "") {
      all.all(`${this.#basePath}/`, (c) => this.#run(c, "/", dashboardRoutes["/"]));
    }
    all.notFound((c) =>
      refusal(
        new Problem(
          404,
          `Cannot find ${
            show(c.env.visit.url.pathname)
          }: there is no such path; ${this.#basePath}/openapi.json lists all`,
        ),
      )
    );
    return all;
  }

  #routes(): Record<string, Record<string, Route>> {
    const get = (right: RightWanted, run: Route["run"]) => ({ GET: { right, run } });
    return {
      "/record": { POST: { right: "record", run: (visit) => this.#record(visit) } },
      "/query": get("read", (visit) => this.#ask(visit, "/query")),
      "/find": get("read", (visit) => this.#ask(visit, "/find")),
      "/overview": get("read", async () => json(await this.#traqq.overview())),
      "/live": get("read", (visit, untilMs) => this.#listen(visit, untilMs)),
      "/stats": get("read", async () => json(toStats(await this.#allRooms()))),
      "/metrics": get(
        "read",
        async () => text(toPrometheus(await this.#allRooms()), PROMETHEUS_TYPE),
      ),
      "/openapi.json": get("read", () => json(openApi(this.#basePath))),
      "/health": get("none", () => json({ status: "healthy" })),
      "/ready": get("none", () => this.#ready()),
      "/login": { POST: { right: "none", run: (visit) => this.#login.login(visit) } },
      "/logout": { POST: { right: "none", run: (visit) => this.#login.logout(visit) } },
      ...dashboardRoutes,
    };
  }

  async #run(
    c: Context<Env>,
    path: string,
    methods: Readonly<Record<string, Route>>,
  ): Promise<Response> {
    const { visit } = c.env;
    const { request, url, address } = visit;
    visit.path = path;
    try {
      // Hono takes the body off an answer to HEAD.
      const method = request.method === "HEAD" ? "GET" : request.method;
      const route = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (route === undefined) return otherMethod(request.method, Object.keys(methods));
      if (method !== "GET") this.#gate.checkOrigin(request, url);
      const grant = route.right === "none"
        ? undefined
        : await this.#gate.check(request, url, route.right, address);
      return await route.run(visit, grant?.expiresAtMs ?? Infinity);
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** Where the headers of CORS are still put to it: the page that asked must see why. */
  #refused(error: unknown): Response {
    return refusal(problemOf(error, this.#onError));
  }

  async #record({ request, url }: Visit): Promise<Response> {
    checkParameters(url.searchParams, ["at", "precision"]);
    const kind = kindOf(request.headers.get("content-type"));
    const at = readAt(url.searchParams);
    using body = await this.#bodies.read(request);
    this.#counters.bodyBytes += body.bytes.length;
    const { report, unreadable } = await recordBody(this.#traqq, body.bytes, kind, at);
    this.#counters.unreadableLines += unreadable;
    return json(report, report.recorded > 0 ? 200 : 400);
  }

  #ask({ request, url }: Visit, path: "/query" | "/find"): Promise<Response> {
    return answer(this.#traqq, path, url, request.headers.get("accept"));
  }

  async #listen({ request }: Visit, untilMs: number): Promise<Response> {
    const headers = {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      // nginx would keep messages back.
      "X-Accel-Buffering": "no",
    };
    if (request.method === "HEAD") return new Response(null, { headers });
    const stream = this.#live.listen(untilMs);
    await this.#live.ready();
    return new Response(stream, { headers });
  }

  #ready(): Response {
    const ready = this.#traqq.isOpen && !this.#isClosed;
    return json({ ready }, ready ? 200 : 503);
  }

  /** All servers on the port are one to who asks. */
  async #allRooms(): Promise<Rooms> {
    const own = this.rooms();
    return this.#siblings === undefined ? own : { ...own, ...await this.#siblings.totals() };
  }

  readonly #onError = (error: Error): void => {
    try {
      this.#options.onError?.(error);
    } catch {
      // A report must not stop what it reports about.
    }
  };
}

/** The answer to a method that a path does not have. */
function otherMethod(method: string, known: readonly string[]): Response {
  const allowed = [...known, ...known.includes("GET") ? ["HEAD"] : [], "OPTIONS"].join(", ");
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { Allow: allowed } });
  return refusal(
    new Problem(405, `Cannot do ${show(method)} here: wanted ${allowed}`, { Allow: allowed }),
  );
}

/** Where the connection comes from, as `Deno.serve` says it. */
function addressOf(info: unknown): string {
  const hostname = (info as Partial<Deno.ServeHandlerInfo<Deno.NetAddr>> | undefined)?.remoteAddr
    ?.hostname;
  return typeof hostname === "string" ? hostname : "";
}
