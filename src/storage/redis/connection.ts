/**
 * Talking to Redis with bounded patience: commands and scripts that may be repeated, because each
 * comes to the same when it is done twice.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { messageOf, StorageError, type StorageErrorCode } from "../../base/errors.ts";
import {
  asCause,
  type Failure,
  failureOf,
  hintOf,
  NotConnectedError,
  underneath,
} from "./failures.ts";
import type { RedisClient } from "./options.ts";
import type { Arg } from "./plan.ts";
import type { Script } from "./scripts/script.ts";

/** Wait before the first repetition, milliseconds; doubled each time, with full jitter. */
const BACKOFF_BASE_MS = 4;
/** The longest wait between two attempts, milliseconds. */
const BACKOFF_CAP_MS = 250;
/** How often an attempt is repeated at most, unless told otherwise: about 4 seconds of waiting. */
export const DEFAULT_RETRIES = 40;
/** No attempt is repeated after this time, milliseconds: each may wait for its own timeout. */
const PATIENCE_MS = 15_000;

/** How long replicas may take to have what was written, milliseconds. */
const REPLICAS_MS = 2_000;

/** What several attempts came to, for reports. */
export class Attempts {
  /** How often an attempt had to be repeated. */
  retries = 0;
  /** Whether one may have been applied although it failed. */
  inDoubt = false;
  /** Whether a part is known to have been applied. */
  applied = false;
}

/** A client and what is known of it. Owned by one RedisStorage. */
export class Connection {
  readonly client: RedisClient;
  /** How people know it: host and port, never the password. */
  readonly where: string;
  readonly retries: number;
  /** Whether commands wait in the client while there is no connection; ours fail at once. */
  readonly #queues: boolean;
  readonly #shas = new Map<string, string>();
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;
  #lastError: unknown = null;
  #failures = 0;
  /** A node that was away may have come back without its last writes, or with none. */
  readonly #noteBreak = () => {
    this.#failures++;
  };
  readonly #watch = (node: unknown) => {
    (node as RedisClient).on("close", this.#noteBreak);
  };

  constructor(client: RedisClient, where: string, retries: number, owned: boolean) {
    this.client = client;
    this.where = where;
    this.retries = retries;
    this.#queues = !owned;
    if (!client.isCluster) return;
    for (const node of client.nodes?.("all") ?? []) this.#watch(node);
    client.on("+node", this.#watch);
  }

  /** @throws {StorageError} `closed` */
  assertOpen(): void {
    if (!this.#closed) return;
    throw new StorageError("closed", `Cannot use Redis at ${this.where}: it was closed`);
  }

  /** From now on everything fails; what is under way stops at its next attempt. */
  markClosed(): void {
    this.#closed = true;
    this.client.off("+node", this.#watch);
    for (const node of this.client.nodes?.("all") ?? []) node.off("close", this.#noteBreak);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#running]);
  }

  /** A word that changes when a cluster gets other masters, a connection broke or something failed. */
  get state(): string {
    const masters = (this.client.nodes?.("master") ?? [])
      .map(({ options: { host, port } }) => `${host}:${port}`).sort();
    return `${this.#failures} ${masters.join(" ")}`;
  }

  /** Why there is no connection, as far as the client says so; null when there is one again. */
  note(error: unknown): void {
    this.#lastError = error;
  }

  /** Runs a command whose answer is text. */
  command(doing: string, name: string, ...args: (Arg | number)[]): Promise<unknown> {
    return this.patiently(doing, () => this.client.call(name, ...args));
  }

  /** Runs a script; what it gives is text. */
  script(
    doing: string,
    script: Script,
    keys: readonly string[],
    args: readonly Arg[],
    attempts: Attempts = new Attempts(),
  ): Promise<unknown> {
    return this.patiently(doing, () => this.#evaluate(script, keys, args), attempts);
  }

  /**
   * Waits until so many replicas of each master have what was written. Each command on a connection
   * moves the point that WAIT waits for, so what another connection wrote is waited for too.
   *
   * @throws {StorageError} `unknown` if they do not come that far in time
   */
  async awaitReplicas(replicas: number): Promise<void> {
    const servers = this.client.nodes?.("master") ?? [this.client];
    const doing = "wait for replicas";
    const counts = await Promise.all(
      servers.map((server) =>
        this.patiently(doing, () => server.call("WAIT", replicas, REPLICAS_MS))
      ),
    );
    const least = Math.min(...counts.map(Number));
    if (least >= replicas) return;
    throw new StorageError(
      "unknown",
      `Cannot confirm a commit to Redis at ${this.where}: wanted it on ${replicas} replicas of each ` +
        `master within ${REPLICAS_MS} ms, received ${least}; it will be asked for again`,
    );
  }

  /** Runs what may be repeated, until it succeeds or patience ends. */
  async patiently<T>(
    doing: string,
    run: () => Promise<T>,
    attempts: Attempts = new Attempts(),
  ): Promise<T> {
    const work = this.#patiently(doing, run, attempts);
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async #patiently<T>(doing: string, run: () => Promise<T>, attempts: Attempts): Promise<T> {
    const endMs = performance.now() + PATIENCE_MS;
    for (let attempt = 0;; attempt++) {
      this.assertOpen();
      try {
        this.#assertConnected();
        return await run();
      } catch (error) {
        const failure = failureOf(error);
        if (failure !== "refused") this.#failures++;
        if (failure === "unsent" && attempt === 0) this.#reconnect();
        if (failure === "lost") attempts.inDoubt = true;
        const over = attempt >= this.retries || performance.now() > endMs;
        if (failure === "refused" || over) throw this.errorOf(doing, error, failure, attempts);
      }
      attempts.retries++;
      await this.#pause(attempt);
    }
  }

  /** A StorageError for anything that was thrown, saying what could not be done and what to do. */
  errorOf(
    doing: string,
    error: unknown,
    failure: Failure = failureOf(error),
    { inDoubt }: Attempts = new Attempts(),
  ): StorageError {
    if (error instanceof StorageError) return error;
    const code: StorageErrorCode = this.#closed
      ? "closed"
      : failure === "refused"
      ? "refused"
      : inDoubt
      ? "unknown"
      : "unavailable";
    const cause = underneath(failure === "unsent" ? this.#lastError ?? error : error);
    const why = hintOf(cause) ?? messageOf(cause);
    return new StorageError(code, `Cannot ${doing} in Redis at ${this.where}: ${why}`, {
      cause: asCause(cause),
    });
  }

  /** By its hash; whole where the server does not have it (any more). */
  async #evaluate(
    script: Script,
    keys: readonly string[],
    args: readonly Arg[],
  ): Promise<unknown> {
    const rest = [`${keys.length}`, ...keys, ...args];
    try {
      return await this.client.call("EVALSHA", this.#shaOf(script), ...rest);
    } catch (error) {
      if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
      return await this.client.call("EVAL", script.lua, ...rest);
    }
  }

  #shaOf({ lua }: Script): string {
    let sha = this.#shas.get(lua);
    if (sha === undefined) {
      sha = createHash("sha1").update(lua).digest("hex");
      this.#shas.set(lua, sha);
    }
    return sha;
  }

  #assertConnected(): void {
    if (this.#queues || this.client.status === "ready") return;
    throw new NotConnectedError(
      this.#lastError === null ? "there is no connection" : messageOf(underneath(this.#lastError)),
    );
  }

  /** The client waits longer and longer before it tries again; whoever comes now does not. */
  #reconnect(): void {
    if (!this.#queues && this.client.status === "reconnecting") {
      this.client.connect().catch(() => {});
    }
  }

  /** Waits before repetition number `attempt` (from 0), less the more often it was lucky. */
  async #pause(attempt: number): Promise<void> {
    const most = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * most));
  }
}
