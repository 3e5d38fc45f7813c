/**
 * The end of a port where statements are asked: in the main thread, without DuckDB.
 *
 * @module
 */
import { SqlError } from "./errors.ts";
import {
  BATCHES_AHEAD,
  fromFailure,
  type RunSettings,
  type SqlReply,
  type SqlRequest,
} from "./messages.ts";
import type { SqlDescription, SqlResult, SqlRunOptions, SqlSession } from "./session.ts";
import type { SqlBatch } from "./values.ts";

/** A session over a port to `run/serve.ts`. */
export class SqlClient implements SqlSession {
  readonly #port: MessagePort;
  readonly #questions = new Map<number, Question>();
  #nextId = 1;
  #ended: SqlError | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<SqlReply>) => {
      this.#questions.get(data.id)?.answer(data);
    };
  }

  /** The other end is gone: what runs fails, and whatever comes. */
  end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = new SqlError("57P01", `Cannot finish the statement: ${why}`);
    this.#port.close();
    for (const question of this.#questions.values()) question.fail(this.#ended);
  }

  async describe(
    sql: string,
    parameterTypes: readonly (string | undefined)[] = [],
  ): Promise<SqlDescription> {
    const question = this.#open();
    this.#send({ kind: "describe", id: question.id, sql, types: [...parameterTypes] });
    return await question.described;
  }

  async run(sql: string, options: SqlRunOptions = {}): Promise<SqlResult> {
    const { signal, ...settings } = options;
    throwIfAborted(signal);
    const question = this.#open();
    this.#send({ kind: "run", id: question.id, sql, settings: settings as RunSettings });
    const stop = () => question.stop();
    signal?.addEventListener("abort", stop);
    question.onEnd(() => signal?.removeEventListener("abort", stop));
    const { columns, tables } = await question.started;
    return { columns, tables, rows: question.rows() };
  }

  #open(): Question {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#nextId++;
    const question = new Question(id, (request) => this.#send(request));
    this.#questions.set(id, question);
    question.onEnd(() => this.#questions.delete(id));
    return question;
  }

  #send(request: SqlRequest): void {
    this.#port.postMessage(request);
  }
}

/** What is known before the rows. */
type Head = Omit<SqlResult, "rows">;

/** One statement that was asked, until its last row or its failure. */
class Question {
  readonly id: number;
  readonly #send: (request: SqlRequest) => void;
  readonly #description = Promise.withResolvers<SqlDescription>();
  readonly #head = Promise.withResolvers<Head>();
  readonly #atEnd: (() => void)[] = [];
  readonly #batches: SqlBatch[] = [];
  #isDone = false;
  #failure: SqlError | undefined;
  #wake = () => {};

  constructor(id: number, send: (request: SqlRequest) => void) {
    this.id = id;
    this.#send = send;
    this.#description.promise.catch(() => {});
    this.#head.promise.catch(() => {});
  }

  get described(): Promise<SqlDescription> {
    return this.#description.promise;
  }

  get started(): Promise<Head> {
    return this.#head.promise;
  }

  onEnd(callback: () => void): void {
    this.#atEnd.push(callback);
  }

  answer(reply: SqlReply): void {
    switch (reply.kind) {
      case "described":
        this.#description.resolve(reply.description);
        return this.#end();
      case "started":
        return this.#head.resolve(reply);
      case "batch":
        this.#batches.push(reply.batch);
        if (this.#batches.length > BATCHES_AHEAD) throw new Error("BUG: more batches than allowed");
        return this.#wake();
      case "done":
        return this.#end();
      case "failed":
        return this.fail(fromFailure(reply.failure));
    }
  }

  fail(failure: SqlError): void {
    if (this.#isDone) return;
    this.#failure = failure;
    this.#description.reject(failure);
    this.#head.reject(failure);
    this.#end();
  }

  stop(): void {
    if (!this.#isDone) this.#send({ kind: "stop", id: this.id });
  }

  async *rows(): AsyncGenerator<SqlBatch> {
    try {
      for (;;) {
        const batch = this.#batches.shift();
        if (batch !== undefined) {
          if (!this.#isDone) this.#send({ kind: "more", id: this.id });
          yield batch;
        } else if (this.#failure !== undefined) {
          throw this.#failure;
        } else if (this.#isDone) {
          return;
        } else {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      }
    } finally {
      this.stop(); // a reader that leaves early
    }
  }

  #end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    for (const callback of this.#atEnd) callback();
    this.#wake();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new SqlError("57014", "Cannot run the statement: it was cancelled before it began");
  }
}
