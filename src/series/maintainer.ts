/**
 * What a `Series` does by itself, every so often and on demand: continuous aggregates of its options are
 * made, all of them refreshed, what is past its retention dropped, and old days moved to the cold tier.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { handled } from "../base/promises.ts";
import type { Engine } from "./engine/engine.ts";
import { EngineError } from "./engine/errors.ts";
import type { MaintenanceEvent, MaintenancePlan } from "./engine/maintenance.ts";

/** The first run comes soon: a program that is started often would have none else. */
const FIRST_MS = 10_000;

/** What a {@linkcode Maintainer} works with. */
export interface MaintainerOptions {
  /** The engine that is there now. */
  readonly engine: () => Engine;
  readonly plan: MaintenancePlan;
  /** Continuous aggregates that there must be. */
  readonly aggregates: readonly { readonly name: string; readonly query: string }[];
  readonly intervalMs: number;
  /** Told of all that is done. */
  readonly onMaintenance: (event: MaintenanceEvent) => void;
  readonly onError: (error: Error) => void;
}

/** See the top of this file. */
export class Maintainer {
  readonly #options: MaintainerOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  /** The end of the last run: the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MaintainerOptions) {
    this.#options = options;
    this.#start(Math.min(FIRST_MS, options.intervalMs));
  }

  #start(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(async () => {
      await this.run().catch((error) => {
        if (!this.#isClosed) this.#options.onError(error);
      });
      this.#start(this.#options.intervalMs);
    }, ms);
  }

  /**
   * Runs now, after a run that is under way.
   *
   * @param nowMs the moment to which ages count back, unix milliseconds
   * @throws {StorageError} if the engine cannot, or is gone
   */
  run(nowMs: number = Date.now()): Promise<MaintenanceEvent[]> {
    const run = this.#last.then(() => this.#run(nowMs));
    this.#last = handled(run).catch(() => {});
    return run;
  }

  async #run(nowMs: number): Promise<MaintenanceEvent[]> {
    const { plan, engine, onMaintenance } = this.#options;
    const events = await this.#makeAggregates();
    try {
      events.push(...await engine().maintain?.(plan, nowMs) ?? []);
    } catch (error) {
      throw unavailable("keep the series in order", error);
    }
    events.forEach(onMaintenance);
    return events;
  }

  /** Makes those of the options that are not there; one whose measurement is not there yet comes later. */
  async #makeAggregates(): Promise<MaintenanceEvent[]> {
    const failed: MaintenanceEvent[] = [];
    for (const { name, query } of this.#options.aggregates) {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      try {
        await this.command(`CREATE CONTINUOUS AGGREGATE ${quoted} AS ${query}`);
      } catch (error) {
        if (!(error instanceof EngineError && error.code === "refused")) throw error;
        failed.push({ kind: "failed", measurement: name, message: error.message });
      }
    }
    return failed;
  }

  /**
   * Runs a statement about continuous aggregates.
   *
   * @throws {EngineError} `refused` if it cannot be
   * @throws {StorageError} if the engine cannot, or is gone
   */
  async command(sql: string): Promise<void> {
    const engine = this.#options.engine();
    if (engine.command === undefined) {
      throw new StorageError("refused", "Cannot run the statement: this engine has no aggregates");
    }
    try {
      await engine.command(sql);
    } catch (error) {
      if (error instanceof EngineError && error.code === "refused") throw error;
      throw unavailable("run the statement", error);
    }
  }

  /** No run begins any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }
}

function unavailable(doing: string, cause: unknown): StorageError {
  return new StorageError("unavailable", `Cannot ${doing}: ${messageOf(cause)}; try again`, {
    cause,
  });
}
