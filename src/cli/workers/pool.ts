/**
 * Several servers in workers of this process that are one to clients. This thread serves nothing: it
 * starts and stops them, and carries what they ask of each other.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";
import { handled, withDeadline } from "../../base/promises.ts";
import { messageOf } from "../../base/errors.ts";
import { cannotListen } from "../../server/_listen.ts";
import type { Address } from "../../protocol/address.ts";
import { addUp, type Totals } from "../../server/totals.ts";
import { CliError } from "../errors.ts";
import type { Values } from "../flags.ts";
import type { Log } from "../log.ts";
import {
  bannerOf,
  leftBehind,
  type Listening,
  type Ports,
  readSettings,
  type ServerFacts,
  type ServeSettings,
} from "../serve_one.ts";
import { allStopped, type RunningServer, stoppable } from "../running_server.ts";
import type { Terminal } from "../terminal.ts";
import { journalOf, workerJournal } from "./journals.ts";
import { LeftJournals } from "./left.ts";
import { Line } from "./line.ts";
import type { ProcessCalls, WorkerCalls } from "./messages.ts";
import { checkWorkers } from "./refusals.ts";

/** What a worker gets beyond the time it was given, to say that it took too long. */
const ANSWER_MS = 2000;

/** The program of a worker; a literal here, so that JSR and `deno compile` find it. */
const startWorker = (): Worker =>
  new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });

interface Member {
  readonly worker: Worker;
  readonly line: Line<WorkerCalls, ProcessCalls>;
  /** Whether it listens to what others record. */
  isWatching: boolean;
  isDead: boolean;
}

/**
 * Starts so many workers, has them open everything, and then listen.
 *
 * @param start makes a worker
 */
export async function startWorkers(
  values: Values,
  terminal: Terminal,
  log: Log,
  count: number,
  start: () => Worker = startWorker,
): Promise<RunningServer> {
  await checkWorkers(values, count);
  const settings = await readSettings(values);
  const journal = await journalOf(values);
  const left = await LeftJournals.open(values, terminal, log, journal?.directory, count);
  const pool = new Pool(left);
  try {
    const facts = { ...await pool.open(values, count, journal?.directory, start), journal };
    const listening = await pool.listen(settings);
    return {
      address: listening.address,
      banner: bannerOf(listening, facts, settings, count),
      leftBehind: leftBehind(facts),
      died: pool.died.then((error) =>
        new CliError(`${messageOf(error)}; ${leftBehind(facts)}`, { cause: error })
      ),
      ...stoppable((timeoutMs) => pool.stop(timeoutMs)),
    };
  } catch (error) {
    await pool.stop(ANSWER_MS).catch((more) => log.error(messageOf(more)));
    throw error;
  }
}

class Pool {
  readonly #left: LeftJournals;
  readonly #members: Member[] = [];
  readonly #died = Promise.withResolvers<Error>();
  #stopped: Promise<void> | undefined;

  constructor(left: LeftJournals) {
    this.#left = left;
  }

  /** Resolves when a worker has ended that nobody stopped. */
  get died(): Promise<Error> {
    return this.#died.promise;
  }

  /** Has each open its storage and its journal, at the same time. */
  async open(
    values: Values,
    count: number,
    journal: string | undefined,
    start: () => Worker,
  ): Promise<ServerFacts> {
    for (let number = 1; number <= count; number++) this.#add(start(), number);
    const opened = this.#members.map(({ line }, i) =>
      line.call("open", {
        worker: i + 1,
        flags: values.given,
        directory: journal === undefined ? undefined : workerJournal(journal, i + 1),
      })
    );
    const [facts] = await this.#orDeath(Promise.all(opened));
    return facts;
  }

  /** Has them listen, now that all have opened everything: on the ports that the first one gets. */
  async listen({ at, http }: ServeSettings): Promise<Listening> {
    for (const address of [at, ...http === undefined ? [] : [http.at]]) refuseTaken(address);
    const wanted: Ports = { tcp: at.port, http: http?.at.port };
    const [first, ...others] = this.#members;
    const listening = await this.#orDeath(first.line.call("listen", wanted));
    await this.#orDeath(
      Promise.all(others.map(({ line }) => line.call("listen", listening.ports))),
    );
    return listening;
  }

  /** Stops all of them, and what was left by others. @throws {CliError} what they could not do */
  stop(timeoutMs: number): Promise<void> {
    return this.#stopped ??= this.#stop(timeoutMs);
  }

  async #stop(timeoutMs: number): Promise<void> {
    // What a dead one held is in its journal, or lost; that is said where it died.
    const stops = this.#members.filter(({ isDead }) => !isDead).map(({ line }) =>
      withDeadline(
        line.call("stop", timeoutMs),
        timeoutMs + ANSWER_MS,
        () => new CliError("a worker did not stop in time; raise --stop-timeout"),
      )
    );
    try {
      await allStopped([...stops, this.#left.stop(timeoutMs)]);
    } finally {
      for (const { worker } of this.#members) worker.terminate();
    }
  }

  #add(worker: Worker, number: number): void {
    const member: Member = {
      worker,
      isWatching: false,
      isDead: false,
      line: new Line<WorkerCalls, ProcessCalls>(worker, {
        totals: () => this.#totals(),
        share: async (change) => {
          await Promise.all(
            this.#others(member).map(({ line }) => line.call("applySession", change)),
          );
        },
        watch: async (isWatching) => {
          member.isWatching = isWatching;
          await this.#sayWhoWatches();
        },
        show: (seen) => {
          for (const { line, isWatching } of this.#others(member)) {
            if (isWatching) line.call("hear", seen);
          }
        },
      }),
    };
    worker.onerror = (event) => {
      // Otherwise the whole process would end here and now.
      event.preventDefault();
      const [reason] = stripVTControlCharacters(event.message).split("\n");
      const error = new CliError(`Worker ${number} has died: ${reason}`);
      member.isDead = true;
      member.line.break(error);
      this.#died.resolve(error);
    };
    this.#members.push(member);
  }

  #others(member: Member): Member[] {
    return this.#members.filter((other) => other !== member);
  }

  async #sayWhoWatches(): Promise<void> {
    await Promise.all(this.#members.map((member) => {
      const isWatched = this.#others(member).some(({ isWatching }) => isWatching);
      return member.line.call("setWatched", isWatched);
    }));
  }

  async #totals(): Promise<Totals> {
    const all = await Promise.all(this.#members.map(({ line }) => line.call("totals")));
    return addUp([...all, ...this.#left.totals()]);
  }

  /** What `work` gives, unless a worker dies meanwhile. */
  async #orDeath<T>(work: Promise<T>): Promise<T> {
    const death = this.died.then((error) => Promise.reject(error));
    return await Promise.race([handled(work), handled(death)]);
  }
}

/**
 * A port that is shared can be shared with anybody: another server must be noticed before.
 *
 * @throws {ConfigError} if somebody listens there
 */
function refuseTaken(at: Address): void {
  try {
    Deno.listen({ hostname: at.hostname, port: at.port }).close();
  } catch (cause) {
    throw cannotListen(cause, at);
  }
}
