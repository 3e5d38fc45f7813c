/**
 * A secret that a client must know, compared in constant time.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";

/** Keeps a token's digest, never the token. */
export class Token {
  readonly #digest: Uint8Array;

  /** Remembers a token. */
  constructor(token: string) {
    this.#digest = digest(token);
  }

  /** Whether it is the token; takes equally long wherever the two differ. */
  matches(given: string): boolean {
    // Digests have one length, which timingSafeEqual needs, and tell nothing about the token's.
    return timingSafeEqual(this.#digest, digest(given));
  }
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}
