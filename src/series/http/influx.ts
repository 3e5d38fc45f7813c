/**
 * What InfluxDB's clients send and expect: where a token may stand, and the two shapes of an error.
 *
 * @module
 */
import type { Refusal } from "./routes.ts";

/** What clients of version 1 are told that they talk to. */
export const VERSION = "1.8.10-traqq";

/** Headers of each reply. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Influxdb-Version": VERSION,
};

/** The codes of version 2, by status. */
const CODES: Readonly<Record<number, string>> = {
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "not found",
  405: "method not allowed",
  408: "invalid",
  413: "request too large",
  415: "invalid",
  429: "too many requests",
  503: "unavailable",
};

/**
 * The token of a request: `Authorization: Token T`, `Token USER:T`, the password of `Basic`, or the
 * parameter `p`. Undefined: it is where the server looks itself, or there is none.
 */
export function tokenOf(request: Request, url: URL): string | undefined {
  const header = request.headers.get("authorization");
  const [, scheme, value] = /^(Token|Basic) +(.*)$/is.exec(header ?? "") ?? [];
  if (scheme === undefined) {
    return header === null ? url.searchParams.get("p") ?? undefined : undefined;
  }
  if (scheme.toLowerCase() === "token") return behindColon(value.trim());
  try {
    const bytes = Uint8Array.fromBase64(value.trim());
    return behindColon(new TextDecoder().decode(bytes));
  } catch {
    return "";
  }
}

/** An error as clients of version 1 read it. */
export function refuseV1({ status, message, headers }: Refusal, more: object = {}): Response {
  return new Response(`${JSON.stringify({ error: message, ...more })}\n`, {
    status,
    headers: {
      ...HEADERS,
      "Content-Type": "application/json",
      "X-Influxdb-Error": headerText(message),
      ...headers,
    },
  });
}

/** An error as clients of version 2 read it. */
export function refuseV2({ status, message, headers }: Refusal, more: object = {}): Response {
  const code = CODES[status] ?? "internal error";
  return new Response(`${JSON.stringify({ code, message, ...more })}\n`, {
    status,
    headers: { ...HEADERS, "Content-Type": "application/json", ...headers },
  });
}

/** A user's name means nothing here: a token says all. */
function behindColon(text: string): string {
  return text.slice(text.indexOf(":") + 1);
}

/** A header is one line of visible ASCII. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 500);
}
