/**
 * The journals of workers that a server has no more, or of the server before it had any: what they hold
 * is brought to storage before anybody listens. They stay open as long as the server runs, so that
 * nobody else takes them, their files go in time, and `traqq prune --writers` leaves them alone.
 *
 * @module
 */
import type { Totals } from "../../server/totals.ts";
import { CliError } from "../errors.ts";
import type { Values } from "../flags.ts";
import type { Log } from "../log.ts";
import { allStopped } from "../running_server.ts";
import { closeWithin, flushed, openRecovered } from "../serve_one.ts";
import { kindOf, type Opened } from "../storage.ts";
import type { Terminal } from "../terminal.ts";
import { leftJournals } from "./journals.ts";

/** See the top of this file. */
export class LeftJournals {
  readonly #all: Opened[] = [];

  private constructor() {}

  /**
   * @param directory of the server's journal; undefined: there is none
   * @param workers how many the server has now
   */
  static async open(
    values: Values,
    terminal: Terminal,
    log: Log,
    directory: string | undefined,
    workers: number,
  ): Promise<LeftJournals> {
    const left = new LeftJournals();
    const paths = directory === undefined ? [] : await leftJournals(directory, workers);
    if (paths.length > 0 && kindOf(values) === "memory") {
      throw new CliError(
        `Cannot keep in memory what the journal in ${
          paths[0]
        } holds: it is that of another storage; ` +
          "start once with that one, or give another --data-dir",
      );
    }
    try {
      for (const path of paths) {
        const opened = await openRecovered(values, terminal, log, path);
        left.#all.push(opened);
        await flushed(opened, log);
      }
      return left;
    } catch (error) {
      await left.stop(0).catch(() => {});
      throw error;
    }
  }

  /** How many there are. */
  get size(): number {
    return this.#all.length;
  }

  /** The counters of each. */
  totals(): Totals[] {
    return this.#all.map(({ traqq }) => ({ traqq: traqq.stats() }));
  }

  /** Brings what they still hold to storage. @throws {CliError} if that took longer */
  async stop(timeoutMs: number): Promise<void> {
    await allStopped(this.#all.map((opened) => closeWithin(opened, timeoutMs)));
  }
}
