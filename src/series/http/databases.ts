/**
 * What clients of InfluxDB 1 ask before they write: `/ping`, and whether a database is there. There is one
 * place for all points, so a database is a name and nothing more; it is remembered while the server runs.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { HEADERS, refuseV1, tokenOf, VERSION } from "./influx.ts";
import type { SeriesRequest, SeriesRoute } from "./routes.ts";

/** Names that are remembered. */
const MAX_NAMES = 1000;
const CREATE = /^\s*CREATE\s+DATABASE\s+("(?:[^"\\]|\\.)+"|[^\s;"]+)(\s+WITH\s.*)?\s*;?\s*$/is;
const SHOW = /^\s*SHOW\s+DATABASES\s*;?\s*$/i;

/** The routes of `/ping`, and of `/query` with `q`. */
export function databaseRoutes(): SeriesRoute[] {
  const names = new Set(["traqq"]);
  const query = (method: "GET" | "POST"): SeriesRoute => ({
    path: "/query",
    method,
    right: "any",
    accepts: (request, url) => url.searchParams.has("q") || isForm(request),
    token: tokenOf,
    run: (asked) => answer(names, asked),
    refuse: refuseV1,
  });
  return [
    {
      path: "/ping",
      method: "GET",
      right: "none",
      run: ({ url }) => Promise.resolve(ping(url)),
      refuse: refuseV1,
      openApi: {
        operationId: "ping",
        summary: "Says that it is there, as InfluxDB 1",
        security: [],
        responses: { "204": { description: "It is there" } },
      },
    },
    query("GET"),
    query("POST"),
  ];
}

function ping(url: URL): Response {
  const verbose = url.searchParams.get("verbose");
  return verbose === null || verbose === "false" || verbose === "0"
    ? new Response(null, { status: 204, headers: HEADERS })
    : reply({ version: VERSION });
}

async function answer(
  names: Set<string>,
  { request, url, body }: SeriesRequest,
): Promise<Response> {
  const text = url.searchParams.get("q") ?? await formValue(request, body);
  const created = CREATE.exec(text)?.[1];
  if (created !== undefined) {
    const name = created.startsWith('"')
      ? created.slice(1, -1).replaceAll(/\\(.)/g, "$1")
      : created;
    if (names.size < MAX_NAMES) names.add(name);
    return reply({ results: [{ statement_id: 0 }] });
  }
  if (!SHOW.test(text)) return refused(text);
  const values = [...names].map((name) => [name]);
  const series = [{ name: "databases", columns: ["name"], values }];
  return reply({ results: [{ statement_id: 0, series }] });
}

/** Only a form has `q` in its body; JSON is a question of another kind. */
function isForm(request: Request): boolean {
  const type = request.headers.get("content-type") ?? "";
  return request.method === "POST" && /^application\/x-www-form-urlencoded\b/i.test(type);
}

async function formValue(request: Request, body: SeriesRequest["body"]): Promise<string> {
  if (!isForm(request)) return "";
  using read = await body();
  return new URLSearchParams(new TextDecoder().decode(read.bytes)).get("q") ?? "";
}

function refused(text: string): Response {
  return refuseV1({
    status: 400,
    message: `Cannot run ${show(text)}: of InfluxQL only CREATE DATABASE and SHOW DATABASES are ` +
      "known; ask in SQL at /sql",
    headers: {},
  });
}

function reply(value: object): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    headers: { ...HEADERS, "Content-Type": "application/json" },
  });
}
