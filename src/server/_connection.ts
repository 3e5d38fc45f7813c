/**
 * One TCP connection of the server: bytes → lines → session → replies → bytes.
 *
 * What holds memory down: nothing is read while a command waits for storage or while more than
 * `MAX_UNSENT` of replies is unsent, and a line has a cap. So a connection holds one chunk, one half
 * line and that much of replies, and TCP tells the client to wait.
 *
 * How it ends: a connection is never closed while the client might still be sending, for then the
 * system would send a reset, and that may destroy replies on their way. {@linkcode Connection.drain}
 * says "no more from me" after the last reply and throws away what still comes, until the client has
 * closed too or `LINGER_MS` are over.
 *
 * @module
 */
import type { ProtocolError } from "../base/errors.ts";
import { LineSplitter } from "../protocol/lines.ts";
import { Outbox } from "../protocol/outbox.ts";
import { errorLine } from "../protocol/replies.ts";
import type { Session, SessionCounters } from "../protocol/session.ts";

/** What a server counts. All but `connections` only grow. */
export interface TcpCounters extends SessionCounters {
  /** Open now. */
  connections: number;
  /** Taken since the start. */
  accepted: number;
  /** Turned away because there were too many. */
  refused: number;
  /** Closed because nothing came, or nothing was taken, for too long. */
  idled: number;
  /** Connections that broke. */
  socketErrors: number;
  /** Lines whose end never came: they were dropped. */
  halfLines: number;
  /** Bytes that came. */
  bytesIn: number;
  /** Bytes that went. */
  bytesOut: number;
}

/** Longest line before the token has come: strangers get little memory. */
export const MAX_STRANGER_LINE_BYTES = 4096;

/** Characters of replies that may be unsent before reading stops. */
const MAX_UNSENT = 1 << 20;
const LINGER_MS = 1000;

/** See the top of this file. */
export class Connection {
  /** Resolves when the socket is closed; never rejects. */
  readonly done: Promise<void>;
  /** When the client last did something, by `performance.now()`. */
  activeMs = performance.now();
  readonly openedMs = performance.now();
  readonly session: Session;
  readonly #conn: Deno.Conn;
  readonly #counters: TcpCounters;
  readonly #maxLineBytes: number;
  /** The token has not come. */
  #stranger: boolean;
  readonly #splitter: LineSplitter;
  readonly #outbox: Outbox;
  /** Lines are being worked on: the client waits for us, not we for it. */
  #working = false;
  /** To be finished when the work is done. */
  #draining = false;
  /** Nothing is taken any more: what comes is thrown away. */
  #finishing = false;
  #closed = false;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(
    conn: Deno.Conn,
    session: Session,
    counters: TcpCounters,
    maxLineBytes: number,
  ) {
    this.#conn = conn;
    this.session = session;
    this.#counters = counters;
    this.#maxLineBytes = maxLineBytes;
    this.#stranger = !session.authorized;
    this.#splitter = new LineSplitter(
      this.#stranger ? Math.min(MAX_STRANGER_LINE_BYTES, maxLineBytes) : maxLineBytes,
    );
    this.#outbox = new Outbox({
      write: async (bytes) => {
        const count = await conn.write(bytes);
        this.activeMs = performance.now();
        counters.bytesOut += count;
        return count;
      },
    }, MAX_UNSENT);
    this.done = this.#run();
  }

  /** Whether the client, not the server, is the one that is waited for. */
  get waitsForClient(): boolean {
    return !this.#working || this.#outbox.unsent >= MAX_UNSENT;
  }

  /** Whether it is about to be closed. */
  get leaving(): boolean {
    return this.#draining || this.#finishing;
  }

  /** Ends what was taken, sends the replies, takes nothing more and closes. */
  drain(): void {
    this.#draining = true;
    if (!this.#working) this.#finish();
  }

  /** Sends an error that answers no command, and closes, soon even if the client does not read it. */
  dismiss(error: ProtocolError): void {
    if (this.leaving) return;
    this.#outbox.send(errorLine(error));
    this.#lingerFromNow();
    this.drain();
  }

  /** Closes at once. */
  abort(): void {
    if (this.#closed) return;
    this.#finishing = this.#closed = true;
    clearTimeout(this.#linger);
    try {
      this.#conn.close();
    } catch {
      // It was closed already.
    }
  }

  async #run(): Promise<void> {
    try {
      await this.#readAll();
      await this.#outbox.flush();
      if (this.#outbox.failed && !this.#finishing) throw this.#outbox.error;
    } catch {
      // Whoever is at fault, the client is gone. While finishing it was told so, or was closed by us.
      if (!this.#finishing) this.#counters.socketErrors++;
    } finally {
      if (this.#splitter.midLine) this.#counters.halfLines++;
      this.abort();
    }
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const count = await this.#conn.read(this.#splitter.room());
      if (count === null) break;
      this.#counters.bytesIn += count;
      this.activeMs = performance.now();
      // Not even counted as a command: whoever sent it sees the end of the stream instead of a reply.
      if (this.#finishing) continue;
      this.#splitter.fill(count);
      await this.#work(() => this.#splitter.next());
    }
    if (this.#finishing) return;
    let last = this.#splitter.end();
    // A client that is killed leaves half a line and an orderly end of the stream. It is answered all
    // the same: somebody may just have forgotten the line's end.
    if (typeof last === "string" && !isJson(last)) this.#counters.halfLines++;
    await this.#work(() => {
      const line = last;
      last = undefined;
      return line;
    });
  }

  async #work(next: () => string | ProtocolError | undefined): Promise<void> {
    const session = this.session, splitter = this.#splitter;
    this.#working = true;
    for (let line = next(); line !== undefined; line = next()) {
      if (!session.push(line, splitter.lineStart, splitter.lineEnd)) await this.#reply();
      if (this.#stranger && session.authorized) {
        this.#stranger = false;
        splitter.maxLineBytes = this.#maxLineBytes;
      }
    }
    await this.#reply();
    this.#working = false;
    this.activeMs = performance.now();
    if (session.ended) this.#lingerFromNow();
    if (this.#draining || session.ended) this.#finish();
  }

  async #reply(): Promise<void> {
    this.#outbox.send(await this.session.settle(this.#splitter.bytes));
    await this.#outbox.ready();
    if (this.#outbox.failed) throw this.#outbox.error;
  }

  #finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#outbox.flush()
      .then(() => this.#conn.closeWrite())
      .then(() => this.#lingerFromNow())
      .catch(() => this.abort());
  }

  #lingerFromNow(): void {
    clearTimeout(this.#linger);
    if (!this.#closed) this.#linger = setTimeout(() => this.abort(), LINGER_MS);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
