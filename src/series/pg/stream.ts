/**
 * A socket as a stream of bytes in both directions, with back-pressure, which can turn to TLS.
 *
 * It reads a little ahead, so that it notices a client that goes away while the server works for it.
 *
 * @module
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Buffer } from "node:buffer";

/** Certificate chain and private key, each as PEM text. */
export interface TlsKeys {
  /** The chain, the server's own first. */
  readonly cert: string;
  /** Of the first of them. */
  readonly key: string;
}

/** Bytes that may lie read and not taken before the client has to wait. */
const MAX_AHEAD_BYTES = 64 << 10;

/** See the top of this file. */
export class ByteStream {
  #socket: Socket;
  #chunks: Uint8Array[] = [];
  #ahead = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #tookMs = performance.now();
  #isBlocked = false;
  readonly #gone = new AbortController();
  readonly #closed = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  /** Aborts when nobody is at the other end any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Resolves when the socket is closed; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** When the client last took or gave something, by `performance.now()`. */
  get activeMs(): number {
    return this.#tookMs;
  }

  /** Whether bytes wait for the client to take those before. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Bytes that came and were not taken. */
  get ahead(): number {
    return this.#ahead;
  }

  /** The next bytes; undefined where there are no more. */
  async read(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunk = this.#chunks.shift()!;
    this.#ahead -= chunk.length;
    if (this.#ahead < MAX_AHEAD_BYTES) this.#socket.resume();
    return chunk;
  }

  /** Sends; resolves when there is room for more, or the client is gone. */
  async write(bytes: Uint8Array): Promise<void> {
    // Deno answers an empty write to a TLS socket with an error.
    if (bytes.length === 0 || this.#gone.signal.aborted) return;
    const socket = this.#socket;
    this.#tookMs = performance.now();
    if (socket.write(bytes)) return;
    this.#isBlocked = true;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off("drain", done);
        this.#gone.signal.removeEventListener("abort", done);
        this.#tookMs = performance.now();
        this.#isBlocked = false;
        resolve();
      };
      socket.once("drain", done);
      this.#gone.signal.addEventListener("abort", done);
    });
  }

  /** From here on the bytes are TLS. The client's next byte is the first of its handshake. */
  startTls({ cert, key }: TlsKeys): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners("data");
    plain.removeAllListeners("end");
    const secure = new TLSSocket(plain, { isServer: true, cert, key });
    this.#socket = secure;
    return new Promise((resolve, reject) => {
      // Listened for first: a handshake that fails is an error, and then the end.
      secure.once("error", reject);
      secure.once("secure", () => {
        secure.off("error", reject);
        resolve();
      });
      this.#listen(secure);
      this.#gone.signal.addEventListener("abort", () => reject(new Error("the client has gone")));
    });
  }

  /** Sends what is left and says that no more will come. */
  end(): void {
    this.#socket.end();
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#finish();
    this.#closed.resolve();
  }

  #listen(socket: Socket): void {
    socket.on("data", (chunk: Buffer) => {
      this.#tookMs = performance.now();
      this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      this.#ahead += chunk.length;
      if (this.#ahead >= MAX_AHEAD_BYTES) socket.pause();
      this.#wake?.();
    });
    socket.on("end", () => this.#finish());
    // An error is followed by the close.
    socket.on("error", () => this.#finish());
    socket.on("close", () => {
      this.#finish();
      this.#closed.resolve();
    });
  }

  #finish(): void {
    this.#ended = true;
    this.#wake?.();
    this.#gone.abort();
  }
}
