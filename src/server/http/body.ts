/**
 * Reads the body of a request, within bounds: its size as it comes and unzipped, the time it may take,
 * and what the bodies of all requests may hold together.
 *
 * @module
 */
import { createGunzip } from "node:zlib";
import { handled } from "../../base/promises.ts";
import { Problem } from "./problem.ts";

/** The bounds. */
export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** Milliseconds from the first look at a body to its end. */
  readonly bodyTimeoutMs: number;
}

/** A body in memory; to be let go of when its events are recorded. */
export interface Body extends Disposable {
  readonly bytes: Uint8Array;
}

/** Bodies that may be held at a time, as multiples of the largest. */
const MAX_HELD_BODIES = 16;

/** See the top of this file. One serves all requests of a handler. */
export class BodyReader {
  readonly #limits: BodyLimits;
  #heldBytes = 0;
  /** Rejects when no body is waited for any more. */
  readonly #stopped = Promise.withResolvers<never>();

  constructor(limits: BodyLimits) {
    this.#limits = limits;
    handled(this.#stopped.promise);
  }

  /** Waits no longer for bodies that have not come. */
  stop(): void {
    this.#stopped.reject(
      new Problem(503, "Cannot take the body any more: the server is stopping", {
        Connection: "close",
      }),
    );
  }

  /** Bytes of all bodies in memory. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** @throws {Problem} 400, 408, 413, 415 or 503 */
  async read(request: Request): Promise<Body> {
    const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
    const isZipped = encoding === "gzip" || encoding === "x-gzip";
    if (!isZipped && encoding !== "identity" && encoding !== "") {
      throw new Problem(
        415,
        "Cannot read the body: wanted Content-Encoding gzip or none; send it so",
        { "Accept-Encoding": "gzip" },
      );
    }
    if (Number(request.headers.get("content-length")) > this.#limits.maxBodyBytes) {
      throw this.#tooLarge();
    }
    const hold = new Hold((bytes) => this.#count(bytes));
    try {
      const sent = await this.#readAll(request, hold);
      const bytes = isZipped ? await this.#unzipped(sent, hold) : sent;
      return { bytes, [Symbol.dispose]: () => hold.letGo() };
    } catch (error) {
      hold.letGo();
      throw error;
    }
  }

  async #readAll(request: Request, hold: Hold): Promise<Uint8Array> {
    if (request.body === null) return new Uint8Array(0);
    const reader = request.body.getReader();
    const late = Promise.withResolvers<never>();
    const { bodyTimeoutMs, maxBodyBytes } = this.#limits;
    const timer = setTimeout(() => late.reject(tooSlow(bodyTimeoutMs)), bodyTimeoutMs);
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for (;;) {
        const { value, done } = await Promise.race([
          reader.read(),
          late.promise,
          this.#stopped.promise,
        ]);
        if (done) break;
        length += value.length;
        if (length > maxBodyBytes) throw this.#tooLarge();
        hold.take(value.length);
        chunks.push(value);
      }
    } catch (error) {
      // Not awaited: who is slow to send is slow to stop.
      reader.cancel().catch(() => {});
      if (error instanceof Problem) throw error;
      throw new Problem(400, "Cannot read the body: it ended too early; send all of it");
    } finally {
      clearTimeout(timer);
    }
    return joined(chunks, length);
  }

  async #unzipped(sent: Uint8Array, hold: Hold): Promise<Uint8Array> {
    const { maxBodyBytes } = this.#limits;
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      const unzipped = createGunzip();
      unzipped.end(sent);
      // Counted as it grows: a few kilobytes may be many megabytes, and many may come at a time.
      for await (const chunk of unzipped as AsyncIterable<Uint8Array>) {
        length += chunk.length;
        if (length > maxBodyBytes) throw this.#tooLarge();
        hold.take(chunk.length);
        chunks.push(chunk);
      }
      return joined(chunks, length);
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem(400, "Cannot read the body: it is no whole gzip; zip it again and send it");
    }
  }

  #count(bytes: number): void {
    this.#heldBytes += bytes;
    if (bytes > 0 && this.#heldBytes > MAX_HELD_BODIES * this.#limits.maxBodyBytes) {
      throw new Problem(
        503,
        "Cannot take the body now: other requests fill the memory for bodies; send it again in a second",
        { "Retry-After": "1" },
      );
    }
  }

  #tooLarge(): Problem {
    return new Problem(
      413,
      `Cannot take the body: it is larger than ${this.#limits.maxBodyBytes} bytes, unzipped; send it in parts`,
    );
  }
}

/** What one request holds. */
class Hold {
  readonly #count: (bytes: number) => void;
  #bytes = 0;

  constructor(count: (bytes: number) => void) {
    this.#count = count;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    this.#count(bytes);
  }

  letGo(): void {
    this.#count(-this.#bytes);
    this.#bytes = 0;
  }
}

function tooSlow(bodyTimeoutMs: number): Problem {
  return new Problem(
    408,
    `Cannot read the body: it did not come within ${bodyTimeoutMs / 1000} s; send it in parts`,
    { Connection: "close" },
  );
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
