/**
 * Writing line protocol over HTTP, as InfluxDB's clients do: `/write` of version 1 and `/api/v2/write` of
 * version 2.
 *
 * Good lines are kept, whatever stands beside them: 204 if all are good, else 400 with the first reasons.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import { show } from "../../base/show.ts";
import type { Precision } from "../points/numbers.ts";
import type { WriteOptions, WriteReport } from "../write_report.ts";
import { HEADERS, refuseV1, refuseV2, tokenOf } from "./influx.ts";
import type { Refusal, SeriesRequest, SeriesRoute } from "./routes.ts";

/** Lines whose reasons stand in the message, and beside it. */
const MAX_IN_MESSAGE = 3;
const MAX_REPORTED = 100;

const PRECISIONS: ReadonlyMap<string, Precision> = new Map([
  ["ns", "ns"],
  ["n", "ns"],
  ["us", "us"],
  ["u", "us"],
  ["µ", "us"],
  ["ms", "ms"],
  ["s", "s"],
  ["m", "m"],
  ["h", "h"],
]);

/** What writes. */
export interface Writer {
  /** See `Series.write`. */
  write(lines: Uint8Array, options: WriteOptions): Promise<WriteReport>;
}

type Refuse = (refusal: Refusal, more?: object) => Response;

/** The routes that take line protocol. */
export function writeRoutes(series: Writer): SeriesRoute[] {
  const route = (path: string, refuse: Refuse, openApi: object): SeriesRoute => ({
    path,
    method: "POST",
    right: "record",
    token: tokenOf,
    run: (asked) => write(series, asked, refuse),
    refuse,
    openApi,
  });
  return [
    route("/write", refuseV1, operation("write", "as InfluxDB 1", ["db", "rp", "u", "p"])),
    route("/api/v2/write", refuseV2, operation("writeV2", "as InfluxDB 2", ["org", "bucket"])),
  ];
}

async function write(series: Writer, asked: SeriesRequest, refuse: Refuse): Promise<Response> {
  const name = asked.url.searchParams.get("precision") || "ns";
  const precision = PRECISIONS.get(name);
  if (precision === undefined) {
    const message = `Cannot write with the precision ${show(name)}: wanted ${
      [...PRECISIONS.keys()].join(", ")
    }`;
    return refuse({ status: 400, message, headers: {} });
  }
  using body = await asked.body();
  let report: WriteReport;
  try {
    report = await series.write(body.bytes, { precision });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    // What it says may hold paths.
    const message = "Cannot write now: the database does not take it; send it again in a moment";
    return refuse({ status: 503, message, headers: { "Retry-After": "5" } });
  }
  if (report.rejectedLines === 0) return new Response(null, { status: 204, headers: HEADERS });
  const rejected = report.rejected.slice(0, MAX_REPORTED);
  const { written, rejectedLines } = report;
  return refuse(
    { status: 400, message: reasonOf(report), headers: {} },
    { written, rejected_lines: rejectedLines, lines: rejected },
  );
}

/** Clients look for the words "partial write" and "unable to parse": they send it again otherwise. */
function reasonOf({ written, rejectedLines, rejected }: WriteReport): string {
  const begin = written > 0
    ? `partial write: ${written} points are kept`
    : "unable to parse: no line is a point";
  const reasons = rejected.slice(0, MAX_IN_MESSAGE).map(({ line, error }) =>
    `line ${line}: ${error}`
  );
  const more = rejectedLines - reasons.length;
  return `${begin}; ${reasons.join("; ")}${
    more > 0 ? `; and ${more} more` : ""
  } dropped=${rejectedLines}`;
}

function operation(operationId: string, summary: string, ignored: readonly string[]): object {
  const text = { type: "string" };
  return {
    operationId,
    summary: `Writes points as line protocol, ${summary}; gzip by Content-Encoding`,
    parameters: [
      {
        name: "precision",
        in: "query",
        schema: { type: "string", enum: [...PRECISIONS.keys()], default: "ns" },
        description: "What times count in.",
      },
      ...ignored.map((name) => ({
        name,
        in: "query",
        schema: text,
        description: name === "p" ? "The token." : "Taken, and means nothing here.",
      })),
    ],
    requestBody: { required: true, content: { "text/plain": { schema: text } } },
    responses: {
      "204": { description: "All points are kept" },
      ...Object.fromEntries(
        ["400", "401", "403", "408", "413", "415", "429", "503"].map((status) => [
          status,
          {
            description: status === "400"
              ? "Some lines are no points; the others are kept"
              : "Refused",
            content: { "application/json": { schema: { type: "object" } } },
          },
        ]),
      ),
    },
  };
}
