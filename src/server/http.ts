/**
 * HTTP: a handler to mount in a server of your own, and a server that has nothing else.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MemoryStorage, Traqq } from "@traqq/traqq";
 * import { handler } from "@traqq/traqq/http";
 *
 * await using traqq = await Traqq.open({ storage: new MemoryStorage() });
 * const answer = handler(traqq); // for Deno.serve, Hono, Fresh, Oak
 *
 * const reply = await answer(
 *   new Request("http://localhost/record", {
 *     method: "POST",
 *     headers: { "Content-Type": "application/json" },
 *     body: '[{"event":"view"},{"event":"view"}]',
 *   }),
 * );
 * assertEquals(await reply.json(), { recorded: 2, rejected: [] });
 *
 * const found = await answer(new Request("http://localhost/find?q=add/event&merge=true"));
 * assertEquals((await found.json())[0].result, { Hash: { view: 2 } });
 * answer.close();
 * ```
 *
 * @module
 */
export { handler, type HttpHandler, type HttpTarget } from "./http/handler.ts";
export type { HttpOptions, RequestEntry } from "./http/options.ts";
export { HttpServer, type HttpServerOptions, serveHttp } from "./http/listener.ts";
export type {
  Refusal,
  SeriesCounters,
  SeriesRequest,
  SeriesRoute,
  SeriesRoutes,
} from "../series/http/routes.ts";
export type { HttpStats } from "./http/counters.ts";
export { Access, type AccessOptions, type Right, type TokenEntry } from "../protocol/access.ts";
export type { Grant } from "../protocol/access.ts";
export type { SessionCounters } from "../protocol/session.ts";
export type { TcpCounters } from "./_connection.ts";
