/**
 * What is wrong with a request, as the reply that says so.
 *
 * @module
 */
import {
  ConfigError,
  EventError,
  messageOf,
  ProtocolError,
  StorageError,
} from "../../base/errors.ts";

/** A request that is answered with an error. */
export class Problem extends Error {
  override name = "Problem";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * An error as a reply. What a caller can mend keeps its text; what only the server's owner can is told
 * to `onError`, for its text may hold paths and addresses.
 */
export function problemOf(error: unknown, onError: (error: Error) => void): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof EventError || error instanceof ProtocolError) {
    return new Problem(400, error.message);
  }
  // The engine's own say what they wanted; V8's never do.
  const isOwn = (error instanceof TypeError || error instanceof RangeError) &&
    /^Cannot .*: /s.test(error.message) && !/^Cannot (read|set) propert/.test(error.message);
  if (isOwn) return new Problem(400, messageOf(error));
  onError(error instanceof Error ? error : new Error(String(error)));
  if (error instanceof StorageError) {
    if (error.code === "closed") return stopping();
    return error.code === "refused"
      ? new Problem(500, "Cannot do this: storage refuses it; the server's log says why")
      : new Problem(
        503,
        "Cannot do this now: storage does not answer; what was recorded is kept and tried again, so send nothing twice",
        { "Retry-After": "5" },
      );
  }
  if (error instanceof ConfigError) {
    return new Problem(503, "Cannot do this: the server is not set up for it; its log says why");
  }
  return new Problem(500, "Cannot answer: an error of the server's own; its log says which");
}

/** The answer to what comes too late. */
export function stopping(): Problem {
  return new Problem(503, "Cannot answer any more: the server is stopping; try again later", {
    "Connection": "close",
    "Retry-After": "5",
  });
}

const HEADERS = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
};

/** A reply of JSON. */
export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return text(`${JSON.stringify(value)}\n`, "application/json", status, headers);
}

/** A reply of text, UTF-8. */
export function text(
  body: string | null,
  contentType: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...HEADERS, "Content-Type": contentType, ...headers },
  });
}

/** The reply to a request that could not be served. */
export function refusal({ status, message, headers }: Problem): Response {
  return json({ success: false, error: message }, status, headers);
}
