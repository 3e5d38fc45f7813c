/**
 * SCRAM-SHA-256, the server's half (RFC 5802, RFC 7677): a client proves that it knows a token without
 * sending it, and the server proves that it knows it too.
 *
 * There may be several tokens, and a client does not say which it has. All have one salt, so that the
 * client's proof can be held against each.
 *
 * @module
 */
import { ConfigError } from "../../base/errors.ts";

/** What is kept of a token; the token cannot be read from it. */
interface Keys {
  readonly stored: Uint8Array<ArrayBuffer>;
  readonly server: Uint8Array<ArrayBuffer>;
}

const ENCODER = new TextEncoder();
const ITERATIONS = 4096;
const SALT_BYTES = 16;
const NONCE_BYTES = 18;

/** The tokens of a server, ready to be asked for. */
export class ScramSecrets {
  readonly #salt: string;
  readonly #keys: readonly Keys[];

  private constructor(salt: string, keys: readonly Keys[]) {
    this.#salt = salt;
    this.#keys = keys;
  }

  /** Makes the keys. @throws {ConfigError} where there is no token */
  static async of(tokens: readonly string[]): Promise<ScramSecrets> {
    if (tokens.length === 0) {
      throw new ConfigError("Cannot ask clients for a token: there is none that may read");
    }
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const keys = await Promise.all(tokens.map((token) => keysOf(token, salt)));
    return new ScramSecrets(salt.toBase64(), keys);
  }

  /** Begins with a client. */
  exchange(): ScramExchange {
    return new ScramExchange(this.#salt, this.#keys);
  }
}

/** One client that proves what it knows. */
export class ScramExchange {
  readonly #salt: string;
  readonly #keys: readonly Keys[];
  #nonce = "";
  #clientHead = "";
  #clientFirst = "";
  #serverFirst = "";

  constructor(salt: string, keys: readonly Keys[]) {
    this.#salt = salt;
    this.#keys = keys;
  }

  /** Takes the client's first message and gives the server's; undefined if it is none. */
  first(message: string): string | undefined {
    // `p=` would bind the channel, which was not offered.
    const match = /^([ny],(?:a=[^,]*)?,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/.exec(message);
    if (match === null) return undefined;
    const own = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toBase64();
    [, this.#clientHead, this.#clientFirst] = match;
    this.#nonce = match[3] + own;
    this.#serverFirst = `r=${this.#nonce},s=${this.#salt},i=${ITERATIONS}`;
    return this.#serverFirst;
  }

  /** Takes the client's proof and gives the server's, and which token it was; undefined if it is wrong. */
  async final(message: string): Promise<{ text: string; token: number } | undefined> {
    const match = /^(c=([^,]*),r=([^,]*)(?:,.*)?),p=([^,]*)$/.exec(message);
    if (match === null || this.#nonce === "") return undefined;
    const [, withoutProof, binding, nonce, proofText] = match;
    if (nonce !== this.#nonce || binding !== btoa(this.#clientHead)) return undefined;
    const proof = fromBase64(proofText);
    if (proof?.length !== 32) return undefined;
    const said = ENCODER.encode(`${this.#clientFirst},${this.#serverFirst},${withoutProof}`);
    let token = -1;
    // All of them, so that the time does not tell which it was.
    for (const [i, keys] of this.#keys.entries()) {
      const signature = await hmac(keys.stored, said);
      const client = proof.map((byte, i) => byte ^ signature[i]);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", client));
      if (isSame(digest, keys.stored)) token = i;
    }
    if (token < 0) return undefined;
    return { text: `v=${(await hmac(this.#keys[token].server, said)).toBase64()}`, token };
  }
}

async function keysOf(token: string, salt: Uint8Array<ArrayBuffer>): Promise<Keys> {
  // What RFC 4013 asks for is done by clients, where they can: for ASCII it is nothing.
  const password = await crypto.subtle.importKey(
    "raw",
    ENCODER.encode(token.normalize("NFKC")),
    "PBKDF2",
    false,
    ["deriveBits"],
  );
  const salted = new Uint8Array(
    await crypto.subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS },
      password,
      256,
    ),
  );
  const client = await hmac(salted, ENCODER.encode("Client Key"));
  return {
    stored: new Uint8Array(await crypto.subtle.digest("SHA-256", client)),
    server: await hmac(salted, ENCODER.encode("Server Key")),
  };
}

async function hmac(
  key: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey(
    "raw",
    key,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

/** Takes equally long wherever they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let differs = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) differs |= a[i] ^ b[i];
  return differs === 0;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}
