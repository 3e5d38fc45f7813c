/**
 * Sessions of browsers: who has sent a token once gets a cookie in its place, which a script cannot
 * read and which names the grant that lies here.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import type { Grant } from "../../protocol/access.ts";

/** How long a session lasts. */
export const SESSION_MS = 12 * 3_600_000;

/** Sessions at a time; beyond, the oldest ends. */
const MAX_SESSIONS = 10_000;

/** A session that was opened or ended, for other servers on the same port. */
export interface SessionChange {
  /** The digest of its id. */
  readonly key: string;
  /** What it gives; undefined: nothing any more. */
  readonly grant: Grant | undefined;
}

/** Bounded, in memory: a restart ends all of them. */
export class Sessions {
  /** By the digest of the id, so that the time of a look-up tells nothing about it. */
  readonly #grants = new Map<string, Grant>();

  /** Opens a session and gives its id, and how long it lasts. */
  open(grant: Grant): { id: string; seconds: number } {
    const nowMs = Date.now();
    const expiresAtMs = Math.min(grant.expiresAtMs, nowMs + SESSION_MS);
    const id = randomBytes(32).toString("base64url");
    this.apply({ key: digest(id), grant: { right: grant.right, expiresAtMs } });
    return { id, seconds: Math.max(1, Math.floor((expiresAtMs - nowMs) / 1000)) };
  }

  /** What a session may do; undefined if there is none. */
  grant(id: string): Grant | undefined {
    const key = digest(id);
    const grant = this.#grants.get(key);
    if (grant === undefined || Date.now() < grant.expiresAtMs) return grant;
    this.#grants.delete(key);
    return undefined;
  }

  /** Ends a session. */
  close(id: string): void {
    this.apply({ key: digest(id), grant: undefined });
  }

  /** What the others must know of a session. */
  changeOf(id: string): SessionChange {
    const key = digest(id);
    return { key, grant: this.#grants.get(key) };
  }

  /** Takes over what was opened or ended, here or elsewhere. */
  apply({ key, grant }: SessionChange): void {
    this.#grants.delete(key);
    if (grant === undefined) return;
    this.#grants.set(key, grant);
    if (this.#grants.size > MAX_SESSIONS) this.#grants.delete(this.#grants.keys().next().value!);
  }
}

function digest(id: string): string {
  return createHash("sha256").update(id, "utf8").digest("base64");
}
