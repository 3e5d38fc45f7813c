/**
 * The client's side of a connection: lines out, each with a promise for its reply, in order. A line is
 * sent once. If the connection breaks, whoever waits for a reply is told so: the server may or may not
 * have carried the command out, and sending it again might count an event twice.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../base/errors.ts";
import { withDeadline } from "../base/promises.ts";
import { type Address, formatAddress } from "../protocol/address.ts";
import { LineSplitter } from "../protocol/lines.ts";
import { Outbox } from "../protocol/outbox.ts";
import { parseReply } from "../protocol/replies.ts";
import { ConnectionError } from "./errors.ts";

/** How the server's certificate is checked. */
export interface TlsClientOptions {
  /** Certificates, as PEM text, that are trusted beside the system's; for a self-signed one, itself. */
  caCerts?: string[];
}

/** Longest reply in bytes; a string cannot be much longer. */
const MAX_REPLY_BYTES = 1 << 28;
const READ_BYTES = 1 << 16;

/** A call that waits for its reply. */
interface Call {
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** See the top of this file. */
export class Wire {
  /** The address as text. */
  readonly name: string;
  readonly #conn: Deno.Conn;
  readonly #outbox: Outbox;
  /** Unanswered calls from `#first` on; those before it are answered. */
  #calls: Call[] = [];
  #first = 0;
  /** Why no call can be made any more. */
  #ended: ConnectionError | undefined;
  /** An error that the server sent without being asked: why it is about to close. */
  #farewell = "";
  readonly #emptied: (() => void)[] = [];
  #reason: string | undefined;

  constructor(conn: Deno.Conn, name: string) {
    this.name = name;
    this.#conn = conn;
    this.#outbox = new Outbox(conn);
    this.#readAll();
  }

  /**
   * Connects.
   *
   * @throws {ConnectionError} saying why not, and what to do
   */
  static async open(
    address: Address,
    tls: TlsClientOptions | undefined,
    timeoutMs: number,
  ): Promise<Wire> {
    const name = formatAddress(address);
    const connecting: Promise<Deno.Conn> = tls === undefined
      ? Deno.connect({ ...address })
      : Deno.connectTls({ ...address, ...tls });
    try {
      const conn = await withDeadline(connecting, timeoutMs, () => {
        connecting.then((conn) => conn.close(), () => {});
        return new Error(`no answer within ${timeoutMs} ms`);
      });
      return new Wire(setUp(conn), name);
    } catch (cause) {
      throw new ConnectionError(`Cannot connect to ${name}: ${whyNot(cause, name)}`, 0, { cause });
    }
  }

  /** Why the connection ended, in a few words. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Calls without an answer. */
  get unanswered(): number {
    return this.#calls.length - this.#first;
  }

  /**
   * Sends a line, which ends in `\n`, and gives the data of its reply.
   *
   * @throws {ProtocolError} (by rejecting) with the server's text, if the reply is an error
   * @throws {ConnectionError} (by rejecting) if there is no connection, or it ends before the reply
   */
  call(line: string): Promise<unknown> {
    if (this.#ended !== undefined) {
      return Promise.reject(
        new ConnectionError(`Cannot send to ${this.name}: ${this.#ended.message}`, 0, {
          cause: this.#ended,
        }),
      );
    }
    return new Promise((resolve, reject) => {
      this.#calls.push({ resolve, reject });
      this.#outbox.send(line);
    });
  }

  /**
   * Takes no more calls, waits for the replies to those that were made, at most `deadlineMs`, and
   * closes. Never rejects.
   */
  async close(deadlineMs: number): Promise<void> {
    this.#ended ??= new ConnectionError("the client was closed");
    if (this.unanswered > 0) {
      const timer = setTimeout(() => {
        this.#fail(`no answer within ${deadlineMs} ms of closing`);
      }, deadlineMs);
      await new Promise<void>((resolve) => this.#emptied.push(resolve));
      clearTimeout(timer);
    }
    this.abort();
  }

  /** Closes at once; unanswered calls reject. */
  abort(): void {
    try {
      this.#conn.close();
    } catch {
      // It was closed already.
    }
  }

  async #readAll(): Promise<void> {
    const splitter = new LineSplitter(MAX_REPLY_BYTES);
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        splitter.feed(buffer.subarray(0, count));
        for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
          this.#answer(line);
        }
      }
      this.#fail("the server closed it");
    } catch (cause) {
      this.#fail(messageOf(cause), cause);
    }
    this.abort();
  }

  #answer(line: string | ProtocolError): void {
    if (typeof line !== "string") throw line;
    if (line === "") return;
    const reply = parseReply(line);
    const call = this.#calls[this.#first];
    if (call === undefined) {
      if (reply.success) {
        throw new ProtocolError(`Cannot read the reply: nothing was asked: ${line}`);
      }
      this.#farewell = reply.error;
      return;
    }
    this.#first++;
    // Answered calls go in one piece: shifting each would move all that wait behind it.
    if (this.#first * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#first);
      this.#first = 0;
    }
    if (reply.success) call.resolve(reply.data);
    else call.reject(new ProtocolError(reply.error));
    if (this.unanswered === 0) this.#tellEmptied();
  }

  #fail(reason: string, cause?: unknown): void {
    this.#reason ??= reason;
    const calls = this.#calls.slice(this.#first);
    this.#calls = [];
    this.#first = 0;
    const why = this.#farewell === "" ? reason : `${reason}: ${this.#farewell}`;
    const count = calls.length === 1 ? "1 call is" : `${calls.length} calls are`;
    const lost = calls.length === 0
      ? ""
      : `; ${count} unanswered and not sent again, for they may have been carried out`;
    const error = new ConnectionError(
      `the connection to ${this.name} ended (${why})${lost}; connect again`,
      calls.length,
      cause === undefined ? {} : { cause },
    );
    this.#ended ??= new ConnectionError(error.message, 0, { cause });
    for (const call of calls) call.reject(error);
    this.#tellEmptied();
  }

  #tellEmptied(): void {
    for (const resolve of this.#emptied.splice(0)) resolve();
  }
}

function setUp(conn: Deno.Conn): Deno.Conn {
  if ("setNoDelay" in conn) {
    // Not on TLS connections, which switch Nagle's algorithm off themselves.
    const tcp = conn as Deno.TcpConn;
    tcp.setNoDelay();
    tcp.setKeepAlive();
  }
  return conn;
}

function whyNot(cause: unknown, name: string): string {
  if (cause instanceof Deno.errors.ConnectionRefused) {
    return `nothing listens there; start it with: traqq serve --addr ${name}`;
  }
  if (cause instanceof Deno.errors.NotCapable) {
    return `Deno does not allow it; run with --allow-net=${name}`;
  }
  return messageOf(cause);
}
