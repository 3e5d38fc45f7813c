/**
 * The forms that an answer can have.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import type { Format } from "../sql/results/write.ts";

/** Media types. */
export const FORMATS: Readonly<Record<Format, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv; charset=utf-8; header=present",
  arrow: "application/vnd.apache.arrow.stream",
};

const ACCEPTED: ReadonlyMap<string, Format> = new Map([
  ["application/json", "json"],
  ["application/x-ndjson", "ndjson"],
  ["application/jsonl", "ndjson"],
  ["text/csv", "csv"],
  ["application/vnd.apache.arrow.stream", "arrow"],
]);

/** The form that is asked for: by `format`, or the first of `Accept` that there is; else JSON. */
export function readFormat(url: URL, accept: string | null): Format {
  const unknown = [...url.searchParams.keys()].find((name) => name !== "format");
  if (unknown !== undefined) {
    throw new RangeError(`Cannot read the request: wanted format, received ${show(unknown)}`);
  }
  const name = url.searchParams.get("format");
  if (name !== null) {
    if (Object.hasOwn(FORMATS, name)) return name as Format;
    const names = Object.keys(FORMATS).join(", ");
    throw new RangeError(`Cannot answer: format is ${names}, received ${show(name)}`);
  }
  for (const part of accept?.split(",") ?? []) {
    const format = ACCEPTED.get(part.split(";")[0].trim().toLowerCase());
    if (format !== undefined) return format;
  }
  return "json";
}
