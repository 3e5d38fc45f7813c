/**
 * Devices that write and dashboards that ask, at their own pace: none of them waits for another. What takes
 * long counts from the moment at which it was due, so a server that stands still is seen.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { Device, MEASUREMENTS, randomOf } from "./workload.ts";
import { type Kind, KINDS, questionAt } from "./questions.ts";

/** How it is simulated. */
export interface SimulationOptions {
  readonly url: string;
  readonly token?: string;
  readonly devices: number;
  /** Milliseconds between two reports of a device. */
  readonly writeIntervalMs: number;
  /** Questions a second. */
  readonly queryRate: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (points: number, share: number, errors: number) => void;
}

/** How long things took. */
export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** What came of it. */
export interface SimulationReport {
  readonly series: number;
  readonly seconds: number;
  /** Points that the server has acknowledged while it was measured. */
  readonly points: number;
  /** The same with those of before. */
  readonly allPoints: number;
  readonly bytes: number;
  readonly writes: Latencies;
  readonly queries: Readonly<Record<Kind, Latencies>>;
  readonly errors: number;
  /** The first of them. */
  readonly firstError: string | undefined;
}

/** A request takes no longer. */
const PATIENCE_MS = 30_000;
/** Devices that report together before the time runs. */
const FIRST_TOGETHER = 100;

/** Runs until the time is over, or the signal comes. @throws if the server does not take the first reports */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const run = new Simulation(options);
  await run.begin();
  await run.play();
  return run.report();
}

/** How many points of the workload a server has. @throws if it does not say */
export async function countAll(options: Pick<SimulationOptions, "url" | "token">): Promise<number> {
  let count = 0;
  for (const measurement of MEASUREMENTS) {
    const text = await post(
      options,
      "/sql?format=ndjson",
      `SELECT count(*) AS n FROM ${measurement}`,
    );
    count += Number(JSON.parse(text).n);
  }
  return count;
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #devices: readonly Device[];
  readonly #writesMs: number[] = [];
  readonly #queriesMs: Readonly<Record<Kind, number[]>> = {
    ...{ dashboard: [], alerting: [], historical: [] },
  };
  #points = 0;
  /** Those that are not measured. */
  #firstPoints = 0;
  #bytes = 0;
  #errors = 0;
  #firstError: string | undefined;
  #seconds = 0;
  /** No two reports of a device have the same time. */
  #lastMs = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#devices = Array.from({ length: options.devices }, (_, i) => new Device(i, options.seed));
  }

  /** Each device reports once, so that there is something to ask for. It is counted, but not timed. */
  async begin(): Promise<void> {
    const devices = this.#devices;
    for (let from = 0; from < devices.length; from += FIRST_TOGETHER) {
      await this.#write(devices.slice(from, from + FIRST_TOGETHER));
    }
    this.#firstPoints = this.#points;
    this.#bytes = 0;
  }

  async play(): Promise<void> {
    const { durationMs, writeIntervalMs, queryRate, seed, signal, onProgress } = this.#options;
    const random = randomOf(seed);
    const startMs = performance.now();
    const pauses = pauser(signal);
    const work: Promise<void>[] = [];
    const writeEveryMs = writeIntervalMs / this.#devices.length;
    let writes = 0, questions = 0;
    while (signal?.aborted !== true) {
      const questionDueMs = queryRate > 0 ? questions * 1000 / queryRate : Infinity;
      const dueMs = Math.min(writes * writeEveryMs, questionDueMs);
      if (dueMs >= durationMs) break;
      const nowMs = performance.now() - startMs;
      if (dueMs > nowMs) {
        onProgress?.(this.#points - this.#firstPoints, nowMs / durationMs, this.#errors);
        await pauses.wait(dueMs - nowMs);
        continue;
      }
      const atMs = startMs + dueMs;
      if (writes * writeEveryMs === dueMs) {
        const device = this.#devices[writes++ % this.#devices.length];
        work.push(this.#timed(this.#writesMs, atMs, () => this.#write([device])));
      } else {
        const { id } = this.#devices[Math.floor(random() * this.#devices.length)];
        const { kind, sql, parameters } = questionAt(questions++, id);
        const body = JSON.stringify({ sql, parameters });
        work.push(
          this.#timed(this.#queriesMs[kind], atMs, async () => {
            await post(this.#options, "/sql", body);
          }),
        );
      }
    }
    await Promise.all(work);
    this.#seconds = (performance.now() - startMs) / 1000;
  }

  report(): SimulationReport {
    return {
      series: this.#devices.reduce((sum, { seriesCount }) => sum + seriesCount, 0),
      ...{ seconds: this.#seconds, bytes: this.#bytes },
      ...{ points: this.#points - this.#firstPoints, allPoints: this.#points },
      writes: latenciesOf(this.#writesMs),
      queries: Object.fromEntries(
        KINDS.map((kind) => [kind, latenciesOf(this.#queriesMs[kind])]),
      ) as Record<Kind, Latencies>,
      ...{ errors: this.#errors, firstError: this.#firstError },
    };
  }

  async #write(devices: readonly Device[]): Promise<void> {
    const nowMs = this.#lastMs = Math.max(Date.now(), this.#lastMs + 1);
    const lines = devices.map((device) => device.report(nowMs)).join("");
    await post(this.#options, "/write", lines);
    this.#points += devices.reduce((sum, { seriesCount }) => sum + seriesCount, 0);
    this.#bytes += lines.length;
  }

  async #timed(into: number[], dueMs: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      into.push(performance.now() - dueMs);
    } catch (error) {
      this.#errors++;
      this.#firstError ??= messageOf(error);
    }
  }
}

async function post(
  { url, token }: Pick<SimulationOptions, "url" | "token">,
  path: string,
  body: string,
): Promise<string> {
  const headers: Record<string, string> = { "Content-Type": "text/plain; charset=utf-8" };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(`${url.replace(/\/$/, "")}${path}`, {
    ...{ method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE_MS) },
  });
  const text = await response.text();
  if (response.ok) return text;
  throw new Error(
    `Cannot use ${url}${path}: it answers ${response.status}: ${text.trim().slice(0, 300)}`,
  );
}

/** Waits that a signal ends. */
function pauser(signal: AbortSignal | undefined): { wait(milliseconds: number): Promise<void> } {
  const stopped = new Promise<void>((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
  return {
    async wait(milliseconds) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds);
      });
      await Promise.race([over, stopped]);
      clearTimeout(timer);
    },
  };
}

/** Percentiles by rank: the smallest value that so many are not above. */
export function latenciesOf(milliseconds: readonly number[]): Latencies {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}
