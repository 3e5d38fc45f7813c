/**
 * The OpenAPI document of the routes. A test holds it to them.
 *
 * @module
 */
import type { SeriesRoute } from "../../series/http/routes.ts";

const time = { oneOf: [{ type: "string" }, { type: "number" }] };

/** The parameters that `/query` and `/find` share. */
const RANGE = [
  parameter(
    "from",
    time,
    "A day of the data's zone (2026-11-01), a time (2026-11-01T12:00:00Z) or unix seconds.",
  ),
  parameter("to", time, "As from, inclusive; a day to its last second. Default now."),
  parameter(
    "days",
    { type: "integer", minimum: 1, default: 7 },
    "In place of from and to: the last days, today the last of them.",
  ),
  parameter("unit", { type: "string", enum: ["d", "h"], default: "d" }, "Days or hours."),
  globs("accept", "Only metrics like this: add:*"),
  globs("allow", "The same as accept."),
  globs("ignore", "No metrics like this; wins over accept."),
  parameter(
    "format",
    { type: "string", enum: ["json", "csv", "rows"], default: "json" },
    "json: the shapes of the wire protocol; rows: flat objects. CSV also by Accept: text/csv.",
  ),
  parameter(
    "precision",
    { type: "string", enum: ["s", "ms"], default: "s" },
    "Whether bare numbers are unix seconds or milliseconds, in the answer too.",
  ),
  parameter(
    "escape_formulas",
    { type: "boolean", default: false },
    "Of CSV: an apostrophe before what a spreadsheet would take for a formula.",
  ),
];

const FIND = [
  {
    ...parameter("q", { type: "string" }, "The metric: add/event, adv/event~geo/amount."),
    required: true,
  },
  parameter("merge", { type: "boolean", default: false }, "The whole range as one."),
];

const EVENT = { $ref: "#/components/schemas/Event" };
const RESULTS = { type: "array", items: { $ref: "#/components/schemas/Result" } };
const BUCKETS = {
  type: "array",
  items: {
    type: "object",
    required: ["date", "timestamp", "results"],
    properties: { date: { type: "string" }, timestamp: { type: "integer" }, results: RESULTS },
  },
};
const OVERVIEW = {
  type: "object",
  required: ["timezone", "days", "hourly", "metrics"],
  properties: {
    timezone: { type: "string" },
    days: {
      type: ["object", "null"],
      required: ["first", "last"],
      properties: { first: { type: "string" }, last: { type: "string" } },
    },
    hourly: { type: "boolean", description: "Whether the last day has hours, too." },
    metrics: {
      type: "array",
      items: {
        type: "object",
        required: ["type", "key"],
        properties: {
          type: { type: "string", enum: ["bmp", "add", "adv", "top"] },
          key: { type: "array", items: { type: "string" } },
          addKey: { type: "string" },
        },
      },
    },
  },
};
const ROWS = { type: "array", items: { type: "object" } };

/**
 * The document.
 *
 * @param basePath what comes before the paths
 * @param guests what the series answer besides
 */
export function openApi(basePath: string, guests: readonly SeriesRoute[] = []): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "traqq",
      version: "0.1.0",
      description: "Records JSON events; answers with counts, unique counts, sums, leaderboards.",
    },
    servers: [{ url: basePath === "" ? "/" : basePath }],
    security: [{}, { token: [] }, { apiKey: [] }, { session: [] }],
    paths: withGuests(guests, {
      "/record": { post: record() },
      "/query": {
        get: operation("query", "Every bucket of a range", RANGE, {
          "application/json": { schema: { oneOf: [BUCKETS, ROWS] } },
          "text/csv": { schema: { type: "string" } },
        }),
      },
      "/find": {
        get: operation("find", "One metric", [...FIND, ...RANGE], {
          "application/json": { schema: { oneOf: [RESULTS, ROWS] } },
          "text/csv": { schema: { type: "string" } },
        }),
      },
      "/overview": {
        get: operation(
          "overview",
          "What there is to ask for: metrics, first and last day, time zone",
          [],
          { "application/json": { schema: OVERVIEW } },
        ),
      },
      "/live": {
        get: operation("live", "What is being recorded, as server-sent events", [], {
          "text/event-stream": { schema: { type: "string" } },
        }, ["401", "403", "429", "500", "503"]),
      },
      "/stats": {
        get: operation("stats", "Counters by room", [], object()),
      },
      "/metrics": {
        get: operation("metrics", "Counters as Prometheus text", [], {
          "text/plain": { schema: { type: "string" } },
        }),
      },
      "/openapi.json": {
        get: operation("openapi", "This document", [], object()),
      },
      "/health": {
        get: {
          ...operation("health", "Whether the process answers", [], object("status"), ["403"]),
          security: [],
        },
      },
      "/ready": {
        get: {
          ...operation("ready", "Whether it takes events", [], object("ready"), ["403", "503"]),
          security: [],
        },
      },
      "/login": { post: login() },
      "/logout": {
        post: {
          ...operation("logout", "Ends the session", [], object("success"), ["403", "429", "503"]),
          security: [],
        },
      },
    }),
    components: { securitySchemes: SCHEMES, schemas: SCHEMAS, responses: { Error: ERROR } },
  };
}

/** The paths, and those of routes that say what they do; a path may have methods of both. */
function withGuests(
  guests: readonly SeriesRoute[],
  own: Readonly<Record<string, object>>,
): Record<string, object> {
  const paths = { ...own };
  for (const { path, method, openApi } of guests) {
    if (openApi !== undefined) paths[path] = { ...paths[path], [method.toLowerCase()]: openApi };
  }
  return paths;
}

const SCHEMES = {
  token: { type: "http", scheme: "bearer", description: "A token of the server's, or a JWT." },
  apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
  session: { type: "apiKey", in: "cookie", name: "traqq_session" },
};

const SCHEMAS = {
  Event: {
    type: "object",
    required: ["event"],
    properties: { event: { type: "string" } },
    additionalProperties: true,
  },
  RecordReport: {
    type: "object",
    required: ["recorded", "rejected"],
    properties: {
      recorded: { type: "integer" },
      rejected: {
        type: "array",
        items: {
          type: "object",
          required: ["index", "error"],
          properties: { index: { type: "integer" }, error: { type: "string" } },
        },
      },
    },
  },
  Result: {
    type: "object",
    required: ["metric_type", "key", "location", "add_key", "result"],
    properties: {
      metric_type: { type: "string", enum: ["bmp", "add", "adv", "top"] },
      key: { type: "array", items: { type: "string" } },
      location: { type: "string" },
      add_key: { type: ["string", "null"] },
      result: { type: "object" },
    },
  },
};

const ERROR = {
  description: "Why it was not done, and what to do",
  content: {
    "application/json": {
      schema: {
        type: "object",
        required: ["success", "error"],
        properties: { success: { const: false }, error: { type: "string" } },
      },
    },
  },
};

function record(): object {
  const report = {
    "application/json": { schema: { $ref: "#/components/schemas/RecordReport" } },
  };
  const lines = { schema: { type: "string", description: "One event a line." } };
  return {
    operationId: "record",
    summary: "Records one event, an array, or lines of JSON; gzip by Content-Encoding",
    parameters: [
      parameter("at", time, "When all of them happened; default now, or the time property."),
      parameter(
        "precision",
        { type: "string", enum: ["s", "ms"], default: "s" },
        "Whether a bare number is unix seconds or milliseconds.",
      ),
    ],
    requestBody: {
      required: true,
      content: {
        "application/json": { schema: { oneOf: [EVENT, { type: "array", items: EVENT }] } },
        "application/x-ndjson": lines,
        "text/plain": lines,
      },
    },
    responses: {
      "200": { description: "At least one was recorded", content: report },
      "400": {
        description: "Nothing was recorded",
        content: {
          "application/json": {
            schema: {
              oneOf: [
                { $ref: "#/components/schemas/RecordReport" },
                ERROR.content["application/json"].schema,
              ],
            },
          },
        },
      },
      ...errors(["401", "403", "408", "413", "415", "429", "500", "503"]),
    },
  };
}

function login(): object {
  return {
    ...operation("login", "Opens a session: sets a cookie", [], object("success"), [
      "400",
      "401",
      "403",
      "408",
      "413",
      "415",
      "429",
      "503",
    ]),
    security: [],
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: {
            type: "object",
            required: ["token"],
            properties: { token: { type: "string" } },
          },
        },
      },
    },
  };
}

function operation(
  operationId: string,
  summary: string,
  parameters: readonly object[],
  content: object,
  failures: readonly string[] = ["400", "401", "403", "429", "500", "503"],
): object {
  return {
    operationId,
    summary,
    ...parameters.length === 0 ? {} : { parameters },
    responses: { "200": { description: "Done", content }, ...errors(failures) },
  };
}

function errors(statuses: readonly string[]): object {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: "#/components/responses/Error" }]),
  );
}

function object(...required: string[]): object {
  return { "application/json": { schema: { type: "object", required } } };
}

function parameter(name: string, schema: object, description: string): object {
  return { name, in: "query", description, schema };
}

function globs(name: string, description: string): object {
  const schema = { type: "array", items: { type: "string" } };
  return { ...parameter(name, schema, `${description} Repeatable.`), explode: true };
}
