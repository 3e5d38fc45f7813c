/**
 * Text on its way to a peer. What is sent while a write is going on is written together afterwards, so
 * many lines cost one write; {@linkcode Outbox.ready} holds back a sender whose peer reads slowly.
 *
 * @module
 */

/** The part of a connection that is needed. */
export interface ByteWriter {
  /** Writes some of the bytes and gives how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Sends in order and never throws: after a failed write everything is dropped and `error` is set. */
export class Outbox {
  /** Bytes that were written. */
  written = 0;
  /** Why writing has failed. */
  error: unknown;
  readonly #writer: ByteWriter;
  readonly #limit: number;
  readonly #encoder = new TextEncoder();
  #queue = "";
  /** Characters that are being written. */
  #inFlight = 0;
  #idle: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #room: Promise<void> | undefined;
  #failed = false;

  /** `limit`: characters that may be unsent before {@linkcode ready} makes its caller wait. */
  constructor(writer: ByteWriter, limit: number = 1 << 20) {
    this.#writer = writer;
    this.#limit = limit;
  }

  /** Whether a write has failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Characters that are not written yet. */
  get unsent(): number {
    return this.#queue.length + this.#inFlight;
  }

  /** Queues text; it is written as soon as what came before it is. */
  send(text: string): void {
    if (this.#failed || text.length === 0) return;
    this.#queue += text;
    if (this.#inFlight === 0) this.#idle = this.#pump();
  }

  /** Resolves when less than the limit is unsent, at once if that is so; also after a failure. */
  ready(): Promise<void> | undefined {
    if (this.#failed || this.unsent < this.#limit) return undefined;
    return this.#room ??= new Promise((resolve) => this.#wake = resolve);
  }

  /** Resolves when everything is written, or nothing can be any more. */
  async flush(): Promise<void> {
    await this.#idle;
  }

  async #pump(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const bytes = this.#take();
        for (let at = 0; at < bytes.length;) {
          const count = await this.#writer.write(at === 0 ? bytes : bytes.subarray(at));
          at += count;
          this.written += count;
        }
        this.#inFlight = 0;
        if (this.unsent < this.#limit) this.#letGo();
      }
    } catch (error) {
      this.#failed = true;
      this.error = error;
      this.#queue = "";
      this.#inFlight = 0;
      this.#letGo();
    }
  }

  #take(): Uint8Array {
    const text = this.#queue;
    this.#queue = "";
    this.#inFlight = text.length;
    return this.#encoder.encode(text);
  }

  #letGo(): void {
    const wake = this.#wake;
    this.#wake = this.#room = undefined;
    wake?.();
  }
}
