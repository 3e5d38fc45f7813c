/**
 * `POST /sql` and `POST /query` of series: from the body of a request to an answer that streams.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import type { SeriesSession } from "../ask.ts";
import { SqlError } from "../sql/errors.ts";
import { isExact, parseExactly } from "../sql/gate/exact_json.ts";
import { readInteger } from "../sql/question/reading.ts";
import { nameOf, writeAnswer } from "../sql/results/write.ts";
import type { SqlParameter } from "../sql/session.ts";
import { QUESTION, SQL } from "./ask_openapi.ts";
import { FORMATS, readFormat } from "./formats.ts";
import type { SeriesRequest, SeriesRoute } from "./routes.ts";

/** What is asked through. */
export type AskedSession = Pick<SeriesSession, "run" | "toSql">;

/** What came: the parameters of the answer, and its SQL. */
type Reader = (text: string, request: Request) => Statement & { readonly measurement?: string };

interface Statement {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

const HEADERS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

/** The routes of `POST /sql`, and of `POST /query` where it is no question of InfluxDB's. */
export function askRoutes(session: AskedSession): SeriesRoute[] {
  const route = (path: string, read: Reader, openApi: object): SeriesRoute => ({
    path,
    method: "POST",
    right: "read",
    run: (asked) => answer(session, asked, read),
    openApi,
  });
  return [
    route("/sql", readStatement, SQL),
    route("/query", (text) => session.toSql(readJson(text)), QUESTION),
  ];
}

async function answer(
  session: AskedSession,
  { request, url, body }: SeriesRequest,
  read: Reader,
): Promise<Response> {
  const startedMs = performance.now();
  try {
    const format = readFormat(url, request.headers.get("accept"));
    using given = await body();
    const { sql, parameters, measurement } = read(decode(given.bytes), request);
    // Without the request's signal: Deno would warn of it on standard error. A client that leaves is
    // noticed when rows are sent to it; before that, the time limit holds.
    const result = await session.run(sql, { parameters });
    const pieces = await writeAnswer(format, result, measurement ?? nameOf(sql, result), startedMs);
    const headers = { ...HEADERS, "Content-Type": FORMATS[format] };
    return new Response(ReadableStream.from(cut(pieces)), { headers });
  } catch (error) {
    if (error instanceof SqlError) return refusal(statusOf(error), error);
    if (error instanceof RangeError) return refusal(400, error);
    throw error;
  }
}

/** An error among the rows breaks the connection off: a part must not pass for the whole. */
async function* cut(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (error) {
    // Deno prints it, and where it was thrown is of no use to anybody.
    if (error instanceof Error) error.stack = `${error.name}: ${error.message}`;
    throw error;
  }
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new RangeError("Cannot read the body: it is no UTF-8; send it so");
  }
}

/** SQL begins with no brace, so JSON is known without a header, which `curl -d` does not send. */
function readStatement(text: string, request: Request): Statement {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\b/i.test(type) && !/^\s*\{/.test(text)) {
    return { sql: text, parameters: [] };
  }
  const body = readJson(text) as { sql?: unknown; parameters?: unknown };
  const known = ["sql", "parameters"];
  const unknown = Object.keys(body ?? {}).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot read the body: wanted ${known.join(", ")}, received ${show(unknown)}`,
    );
  }
  const { sql, parameters = [] } = body ?? {};
  if (typeof sql !== "string") {
    throw new RangeError(`Cannot read the body: sql is a text, received ${show(sql)}`);
  }
  if (!Array.isArray(parameters)) {
    throw new RangeError(
      `Cannot read the body: parameters is a list, received ${show(parameters)}`,
    );
  }
  return { sql, parameters: parameters.map(readParameter) };
}

function readParameter(value: unknown, index: number): SqlParameter {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return value;
  if (isExact(value)) return readInteger(value) ?? Number(value.rawJSON);
  throw new RangeError(
    `Cannot read the body: parameters[${index}] is a text, number, boolean or null, received ${
      show(value)
    }`,
  );
}

function readJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    throw new RangeError(`Cannot read the body: it is no JSON (${messageOf(error)})`);
  }
}

function statusOf({ code }: SqlError): number {
  switch (code) {
    case "53300":
    case "57P01":
      return 503;
    case "57014":
      return 504;
    case "58000":
      return 500;
    default:
      return 400;
  }
}

function refusal(status: number, error: SqlError | RangeError): Response {
  const { code, position } = error as Partial<SqlError>;
  const headers: Record<string, string> = { ...HEADERS, "Content-Type": FORMATS.json };
  if (status === 503) headers["Retry-After"] = "1";
  const body = { success: false, error: error.message, code, position };
  return new Response(`${JSON.stringify(body)}\n`, { status, headers });
}
