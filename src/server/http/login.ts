/**
 * `POST /login` and `POST /logout`: a session for a token, and its end.
 *
 * @module
 */
import { BodyReader } from "./body.ts";
import type { Gate } from "./gate.ts";
import { json, Problem } from "./problem.ts";

/** Strangers get little memory, and little time. */
const MAX_LOGIN_BYTES = 4096;
const LOGIN_TIMEOUT_MS = 10_000;

/** What is known of a request. */
interface Visit {
  readonly request: Request;
  readonly url: URL;
  readonly address: string;
}

/** See the top of this file. */
export class Login {
  readonly #gate: Gate;
  readonly #bodies = new BodyReader({
    maxBodyBytes: MAX_LOGIN_BYTES,
    bodyTimeoutMs: LOGIN_TIMEOUT_MS,
  });

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  /** Waits no longer for bodies that have not come. */
  stop(): void {
    this.#bodies.stop();
  }

  /** @throws {Problem} for a token that is none, and for a body without one */
  async login({ request, url, address }: Visit): Promise<Response> {
    using body = await this.#bodies.read(request);
    const token = tokenIn(body.bytes);
    const cookie = await this.#gate.login(token, url, request, address);
    return json({ success: true }, 200, cookie === undefined ? {} : { "Set-Cookie": cookie });
  }

  /** Ends the session of a request, if it has one. */
  async logout({ request, url }: Visit): Promise<Response> {
    return json({ success: true }, 200, { "Set-Cookie": await this.#gate.logout(url, request) });
  }
}

/** The token in the body of a login: JSON, or what a form without a script sends. */
function tokenIn(bytes: Uint8Array): string {
  const body = new TextDecoder().decode(bytes);
  let token: unknown;
  try {
    token = JSON.parse(body)?.token;
  } catch {
    token = new URLSearchParams(body).get("token");
  }
  // Not shown: it may be most of a secret.
  if (typeof token === "string") return token.trim();
  throw new Problem(400, 'Cannot log in: wanted a body {"token":"…"}');
}
