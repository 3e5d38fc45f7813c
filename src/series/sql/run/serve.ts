/**
 * The end of a port where statements run: in the engine's worker, beside DuckDB.
 *
 * A large answer goes batch by batch, and only as fast as the other end takes it, so neither end holds
 * more than a few of them.
 *
 * @module
 */
import { SqlError } from "../errors.ts";
import type { Extras } from "../gate/tree.ts";
import { BATCHES_AHEAD, type SqlReply, type SqlRequest, toFailure } from "../messages.ts";
import { type ConnectionLimits, Connections, type Database } from "./connections.ts";
import { toSqlError } from "./failure.ts";
import { Statement } from "./statement.ts";
import { buffersOf } from "./vectors.ts";

/** How statements are answered. */
export interface ServeSqlOptions extends ConnectionLimits {
  /** What else than measurements may be read and called. */
  readonly extras?: Extras;
}

/** What runs behind a port. */
export interface SqlServer {
  /** Ends all statements; resolves when DuckDB does nothing for them any more. */
  close(): Promise<void>;
}

const DEFAULT_IDLE_MS = 60_000;

/** Answers statements that come through the port, on connections of its own. */
export function serveSql(
  database: Database,
  port: MessagePort,
  options: ServeSqlOptions = {},
): SqlServer {
  const connections = new Connections(database, options.extras ?? {}, options);
  const answers = new Map<number, Answer>();
  const running = new Set<Promise<void>>();
  port.onmessage = ({ data }: MessageEvent<SqlRequest>) => {
    if (data.kind === "more") return answers.get(data.id)?.more();
    if (data.kind === "stop") return answers.get(data.id)?.stop();
    const answer = new Answer(port, connections, data);
    answers.set(data.id, answer);
    const done = answer.run().finally(() => {
      answers.delete(data.id);
      running.delete(done);
    });
    running.add(done);
  };
  return {
    close: async () => {
      port.onmessage = null;
      connections.close();
      for (const answer of answers.values()) answer.stop();
      await Promise.all(running);
      port.close();
    },
  };
}

class Answer {
  readonly #port: MessagePort;
  readonly #request: Extract<SqlRequest, { kind: "describe" | "run" }>;
  readonly #statement: Statement;
  #allowed = BATCHES_AHEAD;
  #wake = () => {};
  #stopped: SqlError | undefined;

  constructor(
    port: MessagePort,
    connections: Connections,
    request: Extract<SqlRequest, { kind: "describe" | "run" }>,
  ) {
    this.#port = port;
    this.#request = request;
    this.#statement = new Statement(connections, request.kind === "run" ? request.settings : {});
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      if (this.#request.kind === "describe") await this.#describe(this.#request);
      else await this.#runRows(this.#request);
    } catch (error) {
      this.#send({ kind: "failed", id: this.#request.id, failure: toFailure(toSqlError(error)) });
    }
    await this.#statement.end();
  }

  more(): void {
    this.#allowed++;
    this.#wake();
  }

  stop(): void {
    this.#stopped = new SqlError("57014", "Cannot finish the statement: it was cancelled");
    this.#statement.cancel(this.#stopped);
    this.#wake();
  }

  async #describe({ id, sql, types }: Extract<SqlRequest, { kind: "describe" }>): Promise<void> {
    this.#send({ kind: "described", id, description: await this.#statement.describe(sql, types) });
  }

  async #runRows({ id, sql, settings }: Extract<SqlRequest, { kind: "run" }>): Promise<void> {
    const head = await this.#statement.start(sql);
    // The first rows before `started`: what fails at once fails before anybody has told of success.
    let batch = await this.#statement.next();
    this.#send({ kind: "started", id, ...head });
    while (batch !== undefined) {
      await this.#wait(settings.idleMs ?? DEFAULT_IDLE_MS);
      this.#allowed--;
      this.#send({ kind: "batch", id, batch }, buffersOf(batch));
      batch = await this.#statement.next();
    }
    this.#send({ kind: "done", id });
  }

  /** Until another batch may be sent. @throws {SqlError} */
  async #wait(idleMs: number): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (this.#allowed > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => {
      const why = `nobody took its rows for ${idleMs} ms`;
      this.#stopped = new SqlError("57014", `Cannot finish the statement: ${why}`);
      resolve();
    }, idleMs);
    await promise;
    clearTimeout(timer);
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  #send(reply: SqlReply, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(reply, transfer);
  }
}
