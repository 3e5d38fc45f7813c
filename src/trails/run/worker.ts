/**
 * The entry point of a worker: gets what is run, takes parts of it until nothing is left, and sends
 * what came out.
 *
 * @module
 */
import type { OutputParts } from "../compile/output.ts";
import { messageOf } from "../../base/errors.ts";
import { type SharedSource, sourceFrom } from "../data/share.ts";
import { TrailsError } from "../errors.ts";
import { Runner, type RunSettings } from "./runner.ts";

/** What a worker is sent. */
export interface WorkerOrder {
  readonly settings: RunSettings;
  readonly source: SharedSource;
  /** The next job that nobody has taken, then the events that are done. */
  readonly progress: BigInt64Array;
  readonly jobsAtOnce: number;
}

/** What it answers. */
export type WorkerAnswer =
  /** It was loaded. */
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly outputs: readonly (OutputParts | undefined)[] }
  /** `isExpected`: the message is for the user. */
  | { readonly kind: "failed"; readonly message: string; readonly isExpected: boolean };

/** Takes jobs until there are none. */
export function work(runner: Runner, { settings, progress, jobsAtOnce }: WorkerOrder): void {
  const { count } = settings.jobs;
  for (;;) {
    const from = Number(Atomics.add(progress, 0, BigInt(jobsAtOnce)));
    if (from >= count) return;
    const events = runner.run(from, Math.min(from + jobsAtOnce, count));
    Atomics.add(progress, 1, BigInt(events));
  }
}

/** What this file needs of a worker's own scope. */
interface WorkerScope {
  onmessage: ((message: MessageEvent<WorkerOrder>) => void) | null;
  postMessage(answer: WorkerAnswer): void;
}

const isWorker = "WorkerGlobalScope" in globalThis;
if (isWorker) {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = ({ data: order }) => {
    try {
      const runner = new Runner(order.settings, sourceFrom(order.source), {});
      work(runner, order);
      scope.postMessage({ kind: "done", outputs: runner.outputs.map((one) => one?.toParts()) });
    } catch (error) {
      const isExpected = error instanceof TrailsError;
      const stack = error instanceof Error && !isExpected ? error.stack : undefined;
      scope.postMessage({ kind: "failed", message: stack ?? messageOf(error), isExpected });
    }
  };
  scope.postMessage({ kind: "ready" });
}
