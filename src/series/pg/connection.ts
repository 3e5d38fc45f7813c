/**
 * One client: from its first byte to its last.
 *
 * @module
 */
import type { SqlSession } from "../sql/session.ts";
import { authenticate, type Authentication, welcome } from "./authentication.ts";
import { CODE, fatal, type PgError, pgError } from "./errors.ts";
import { FieldReader } from "./messages/fields.ts";
import { MAX_MESSAGE_BYTES, type Message, MessageReader } from "./messages/reader.ts";
import { Executor, type Limits } from "./session/executor.ts";
import { Extended } from "./session/extended.ts";
import { Output } from "./session/output.ts";
import { answerQuery } from "./session/simple.ts";
import { start } from "./startup.ts";
import type { ByteStream, TlsKeys } from "./stream.ts";

/** What a connection needs of its server. */
export interface Host {
  readonly session: SqlSession;
  readonly limits: Limits;
  readonly tls: TlsKeys | undefined;
  readonly authentication: Authentication;
  /** A number and a secret by which this connection's work can be cancelled. */
  register(connection: Connection): { process: number; secret: number };
  /** Cancels another's work, if the secret is right. */
  cancel(process: number, secret: number): void;
  /** Counts a token that was shown, undefined for a wrong one; whether the address is still heard. */
  attempt(token: number | undefined): boolean;
}

/** See the top of this file. */
export class Connection {
  /** Resolves when the socket is closed and nothing runs for it; never rejects. */
  readonly done: Promise<void>;
  readonly openedMs = performance.now();
  readonly #host: Host;
  readonly #stream: ByteStream;
  readonly #reader: MessageReader;
  readonly #output: Output;
  readonly #executor: Executor;
  readonly #extended: Extended;
  #isLetIn = false;
  /** A message is being worked on: the client waits for the server, not the server for it. */
  #isWorking = false;
  #leaving: PgError | undefined;

  constructor(stream: ByteStream, host: Host, refusal?: PgError) {
    this.#host = host;
    this.#stream = stream;
    this.#reader = new MessageReader(() => stream.read());
    this.#output = new Output(stream);
    const { writer } = this.#output;
    this.#executor = new Executor(host.session, {
      notice: (message) => writer.notice(message),
      parameterStatus: (name, value) => writer.parameterStatus(name, value),
      deallocate: (name) => this.#extended.deallocate(name),
    }, host.limits);
    this.#extended = new Extended(this.#executor, this.#output);
    stream.gone.addEventListener("abort", () => this.cancel());
    this.done = this.#run(refusal);
  }

  /** Whether the client has shown who it is. */
  get isLetIn(): boolean {
    return this.#isLetIn;
  }

  /** Milliseconds in which nothing came, nothing went and nothing was worked on. */
  idleMs(nowMs: number): number {
    const isWaitedFor = this.#isWorking && !this.#stream.isBlocked;
    return isWaitedFor ? 0 : nowMs - this.#stream.activeMs;
  }

  /** Whether it does not take what it asked for. */
  get isBlocked(): boolean {
    return this.#stream.isBlocked;
  }

  /** Ends what runs for the client, with an error. */
  cancel(): void {
    this.#executor.cancel();
  }

  /** Ends the connection: at once if it waits for the client, else after the message it works on. */
  dismiss(error: PgError): void {
    this.#leaving ??= error;
    if (this.#isWorking) return;
    this.#sayFarewell(this.#leaving);
    this.#linger();
  }

  /** Closes at once. */
  abort(): void {
    this.cancel();
    this.#stream.destroy();
  }

  async #run(refusal: PgError | undefined): Promise<void> {
    try {
      if (await this.#begin(refusal)) await this.#serve();
    } catch (error) {
      this.#sayFarewell(toFatal(pgError(error)));
    }
    await this.#extended.closePortals();
    await this.#executor.closeCursors(true);
    this.#stream.end();
    this.#linger();
    await this.#stream.closed;
  }

  /** What was sent may still be on its way to who reads slowly, but not for ever. */
  #linger(): void {
    const timer = setTimeout(() => this.#stream.destroy(), LINGER_MS);
    void this.#stream.closed.then(() => clearTimeout(timer));
  }

  /** Whether the client is let in. */
  async #begin(refusal: PgError | undefined): Promise<boolean> {
    const host = this.#host, output = this.#output;
    const wants = await start(this.#stream, this.#reader, output, host.tls);
    if (wants.kind === "cancel") host.cancel(wants.process, wants.secret);
    if (wants.kind !== "session") return false;
    // Said here and not before: a client reads errors only once it has asked for something.
    if (refusal !== undefined) throw refusal;
    if (!await this.#letIn()) return false;
    this.#isLetIn = true;
    this.#reader.maxBytes = MAX_MESSAGE_BYTES;
    this.#adopt(wants.parameters);
    for (const [name, value] of this.#executor.settings.reported) {
      output.writer.parameterStatus(name, value);
    }
    const { process, secret } = host.register(this);
    output.writer.backendKeyData(process, secret);
    output.writer.readyForQuery("I");
    await output.flush();
    return true;
  }

  async #letIn(): Promise<boolean> {
    const host = this.#host;
    const tooMany = fatal(
      CODE.notAllowed,
      "Cannot let you in: too many wrong passwords came from your address; wait a minute",
    );
    let token: number | undefined;
    try {
      token = await authenticate(host.authentication, this.#reader, this.#output);
    } catch (error) {
      if (pgError(error).code === CODE.wrongPassword && !host.attempt(undefined)) throw tooMany;
      throw error;
    }
    if (token === undefined) return false;
    if (host.authentication.kind !== "trust" && !host.attempt(token)) throw tooMany;
    welcome(this.#output);
    return true;
  }

  /** Settings that come with the start; the user and the database may have any name. */
  #adopt(parameters: ReadonlyMap<string, string>): void {
    for (const [name, value] of parameters) {
      if (/^(user|database|replication|options)$/.test(name) || name.startsWith("_pq_.")) continue;
      this.#executor.settings.set(name, value);
    }
    // `-c name=value`, as PGOPTIONS has it; a backslash stands before a space.
    for (const [, name, value] of (parameters.get("options") ?? "").matchAll(OPTION)) {
      this.#executor.settings.set(name, value.replace(/\\(.)/g, "$1"));
    }
    if (/^(true|on|1|yes|database)$/i.test(parameters.get("replication") ?? "")) {
      throw fatal(CODE.notSupported, "Cannot replicate; connect without replication");
    }
  }

  async #serve(): Promise<void> {
    while (this.#leaving === undefined) {
      const message = await this.#reader.next();
      if (message === undefined || message.type === "X") return;
      this.#isWorking = true;
      try {
        await this.#take(message);
      } finally {
        this.#isWorking = false;
      }
    }
    throw this.#leaving;
  }

  async #take(message: Message): Promise<void> {
    const output = this.#output;
    switch (message.type) {
      case "Q": {
        const fields = new FieldReader(message.body);
        const text = fields.text();
        fields.end();
        await answerQuery(text, this.#executor, output);
        await this.#extended.sync();
        return await this.#ready();
      }
      case "S":
        await this.#extended.sync();
        return await this.#ready();
      case "P":
      case "B":
      case "D":
      case "E":
      case "C":
      case "H":
        return await this.#extended.take(message);
      // What is left of a COPY that was refused.
      case "d":
      case "c":
      case "f":
        return;
      default:
        throw fatal(
          CODE.protocolViolation,
          `Cannot take a message of the type ${message.type}; it has no place here`,
        );
    }
  }

  async #ready(): Promise<void> {
    this.#output.writer.readyForQuery(this.#executor.transaction.status);
    await this.#output.flush();
  }

  /** The last message. Not waited for: who does not read it has lost it. */
  #sayFarewell(error: PgError): void {
    this.#output.error(error);
    void this.#output.flush();
    this.#stream.end();
  }
}

const LINGER_MS = 1000;

const OPTION = /(?:-c\s*|--)([\w.]+)=((?:\\.|[^\s\\])*)/g;

function toFatal(error: PgError): PgError {
  return error.isFatal ? error : fatal(error.code, error.message);
}
