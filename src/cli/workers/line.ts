/**
 * A line between the process and a worker: calls, and their answers.
 *
 * @module
 */
import { ConfigError } from "../../base/errors.ts";
import { handled } from "../../base/promises.ts";
import { CliError, EXIT, explain, UsageError } from "../errors.ts";
import type { Failure, Message } from "./messages.ts";

/** Functions that one end has, each with one argument. */
type Calls<C> = { [K in keyof C]: (given: never) => unknown };

/** The functions of one end, as it has them: they may take their time. */
export type Answers<C extends Calls<C>> = {
  [K in keyof C]: (given: Parameters<C[K]>[0]) => ReturnType<C[K]> | Promise<ReturnType<C[K]>>;
};

/** A worker, or a worker's own end. */
export interface Port {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** One end. `Theirs` is what the other end can do, `Ours` what this one can. */
export class Line<Theirs extends Calls<Theirs>, Ours extends Calls<Ours>> {
  readonly #port: Port;
  readonly #answers: Answers<Ours>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #broken: Error | undefined;

  constructor(port: Port, answers: Answers<Ours>) {
    this.#port = port;
    this.#answers = answers;
    port.onmessage = ({ data }) => this.#receive(data as Message);
  }

  /** Has the other end do something; rejects with what it throws there. Need not be awaited. */
  call<K extends keyof Theirs & string>(
    name: K,
    ...[given]: Parameters<Theirs[K]>
  ): Promise<ReturnType<Theirs[K]>> {
    if (this.#broken !== undefined) return handled(Promise.reject(this.#broken));
    const waiting = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#waiting.set(id, waiting);
    this.#port.postMessage({ kind: "call", id, name, given } satisfies Message);
    return handled(waiting.promise) as Promise<ReturnType<Theirs[K]>>;
  }

  /** The other end is gone: what waits for it fails, and all that is called from now on. */
  break(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #receive(message: Message): void {
    if (message.kind === "call") {
      this.#answer(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === "answer") waiting?.resolve(message.answer);
    else waiting?.reject(errorOf(message.failure));
  }

  async #answer({ id, name, given }: Message & { kind: "call" }): Promise<void> {
    try {
      const answer = await this.#answers[name as keyof Ours](given as never);
      this.#port.postMessage({ kind: "answer", id, answer } satisfies Message);
    } catch (error) {
      const failure = { ...explain(error), isUsage: error instanceof UsageError };
      this.#port.postMessage({ kind: "failure", id, failure } satisfies Message);
    }
  }
}

function errorOf({ code, text, isUsage }: Failure): Error {
  if (isUsage) return new UsageError(text);
  return code === EXIT.usage ? new ConfigError(text) : new CliError(text);
}
