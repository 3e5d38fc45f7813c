/**
 * Who may do what: tokens and their rights, for TCP and HTTP alike.
 *
 * A token is a secret of the server's, or a JWT (HS256) that was signed with the server's secret. A JWT
 * must have `exp`, and its claim `rights` says what it allows: `"record"`, `"read"`, `"all"`, or a list
 * of them.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { utf8Length } from "../base/utf8.ts";
import { Attempts } from "./attempts.ts";
import { Token } from "./token.ts";

/** What a token allows: recording events, reading what was counted, or both. */
export type Right = "record" | "read" | "all";

/** A token with less than all rights. */
export interface TokenEntry {
  /** The secret. */
  token: string;
  /** What it allows. */
  right: Right;
}

/** Which tokens there are. */
export interface AccessOptions {
  /** A bare string allows everything. */
  tokens?: readonly (string | TokenEntry)[];
  /** What JWTs are signed with; at least 32 bytes. Absent: there are none. */
  jwtSecret?: string;
}

/** What a token gave. */
export interface Grant {
  /** What it allows. */
  readonly right: Right;
  /** Until when, by `Date.now()`; Infinity for a token of the server's own. */
  readonly expiresAtMs: number;
}

/** What a client has that needs no token. */
export const EVERYTHING: Grant = { right: "all", expiresAtMs: Infinity };

/** HS256 is only as strong as its key, which RFC 7518 wants this long. */
const MIN_SECRET_BYTES = 32;
const RIGHTS: readonly unknown[] = ["record", "read", "all"];
/** In the place of a token's number: all JWTs, as none can be guessed. */
const ANY_JWT = -1;

/** Whether a grant allows it, now. */
export function allows({ right, expiresAtMs }: Grant, wanted: "record" | "read"): boolean {
  return (right === "all" || right === wanted) &&
    (expiresAtMs === Infinity || Date.now() < expiresAtMs);
}

/** See the top of this file. One object may serve several servers. */
export class Access {
  readonly #tokens: readonly { readonly token: Token; readonly right: Right }[];
  readonly #jwtSecret: Uint8Array | undefined;
  readonly #attempts = new Attempts();

  /**
   * Takes the tokens over.
   *
   * @throws {ConfigError} if a token or the secret cannot be used
   */
  constructor({ tokens = [], jwtSecret }: AccessOptions) {
    this.#tokens = tokens.map((entry) => {
      const { token, right } = typeof entry === "string"
        ? { token: entry, right: "all" as const }
        : entry;
      if (!RIGHTS.includes(right)) {
        throw new ConfigError(
          `Cannot use the right of a token: wanted record, read or all, received ${show(right)}`,
        );
      }
      return { token: readToken(token), right };
    });
    this.#jwtSecret = readSecret(jwtSecret);
  }

  /** An access of these, or undefined where there is no token at all. */
  static of(options: Access | AccessOptions | undefined): Access | undefined {
    if (options === undefined || options instanceof Access) return options;
    const { tokens = [], jwtSecret } = options;
    return tokens.length === 0 && jwtSecret === undefined ? undefined : new Access(options);
  }

  /**
   * What a token gives; `wrong` if it is none, `blocked` if too many wrong ones came from the address.
   */
  async enter(given: string, address: string): Promise<Grant | "wrong" | "blocked"> {
    const own = this.#numberOf(given);
    const grant = own === undefined
      ? await this.#jwtGrant(given)
      : { right: this.#tokens[own].right, expiresAtMs: Infinity };
    const nowMs = performance.now();
    if (grant === undefined) {
      return this.#attempts.wrong(address, nowMs) ? "blocked" : "wrong";
    }
    return this.#attempts.right(address, own ?? ANY_JWT, nowMs) ? grant : "blocked";
  }

  #numberOf(given: string): number | undefined {
    let found: number | undefined;
    // All of them, so that the time does not tell which it was.
    for (const [i, { token }] of this.#tokens.entries()) if (token.matches(given)) found ??= i;
    return found;
  }

  async #jwtGrant(given: string): Promise<Grant | undefined> {
    if (this.#jwtSecret === undefined || given.split(".").length !== 3) return undefined;
    // Only who uses JWTs loads what reads them.
    const { jwtVerify } = await import("jose");
    try {
      const { payload } = await jwtVerify(given, this.#jwtSecret, {
        algorithms: ["HS256"],
        requiredClaims: ["exp"],
      });
      const right = rightOf(payload.rights);
      return right === undefined ? undefined : { right, expiresAtMs: payload.exp! * 1000 };
    } catch {
      return undefined;
    }
  }
}

function rightOf(claim: unknown): Right | undefined {
  const list = Array.isArray(claim) ? claim : [claim];
  if (list.length === 0 || !list.every((right) => RIGHTS.includes(right))) return undefined;
  return list.every((right) => right === list[0]) ? list[0] : "all";
}

function readToken(token: unknown): Token {
  // Nothing of it is shown: it may be most of a secret.
  if (
    typeof token !== "string" || token === "" || token !== token.trim() || /[\r\n]/.test(token)
  ) {
    throw new ConfigError(
      "Cannot use token: wanted a string that is not empty, without line breaks, and without space around it",
    );
  }
  return new Token(token);
}

function readSecret(secret: unknown): Uint8Array | undefined {
  if (secret === undefined) return undefined;
  if (typeof secret !== "string" || utf8Length(secret) < MIN_SECRET_BYTES) {
    throw new ConfigError(
      `Cannot use the secret of JWTs: wanted at least ${MIN_SECRET_BYTES} bytes; make one by: openssl rand -base64 48`,
    );
  }
  return new TextEncoder().encode(secret);
}
