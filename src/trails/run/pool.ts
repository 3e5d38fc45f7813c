/**
 * Several workers on one run. Results never depend on how many there are.
 *
 * @module
 */
import { Output } from "../compile/output.ts";
import { TrailsError } from "../errors.ts";
import type { RunSettings } from "./runner.ts";
import type { WorkerAnswer, WorkerOrder } from "./worker.ts";

const ENTRY = new URL("./worker.ts", import.meta.url);

/** Workers could not be started; the run is done here instead. */
class NoWorkers extends Error {}

/**
 * The outputs of a run on `count` workers, or undefined where workers cannot be started: Deno needs
 * `--allow-read` for that.
 *
 * @throws {TrailsError} what a worker met
 */
export async function runOnWorkers(
  count: number,
  order: WorkerOrder,
): Promise<(Output | undefined)[] | undefined> {
  if (!mayStart()) return undefined;
  const workers: Worker[] = [];
  try {
    const answers: Promise<Extract<WorkerAnswer, { kind: "done" }>>[] = [];
    for (let i = 0; i < count; i++) {
      const worker = new Worker(ENTRY, { type: "module" });
      workers.push(worker);
      answers.push(answerOf(worker, order));
    }
    const outputs: (Output | undefined)[] = new Array(order.settings.plan.roundCount);
    for (const { outputs: parts } of await Promise.all(answers)) {
      for (const [row, part] of parts.entries()) {
        if (part === undefined) continue;
        outputs[row] ??= emptyOutput(order.settings);
        outputs[row].merge(part);
      }
    }
    return outputs;
  } catch (error) {
    if (error instanceof NoWorkers) return undefined;
    throw error;
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

/** Whether Deno lets a worker read its own file; if not, it would say so on standard error. */
function mayStart(): boolean {
  if (ENTRY.protocol !== "file:") return true;
  return Deno.permissions.querySync({ name: "read", path: ENTRY }).state === "granted";
}

function emptyOutput({ program, plan, wantsHex }: RunSettings): Output {
  return new Output(program, plan, wantsHex);
}

function answerOf(
  worker: Worker,
  order: WorkerOrder,
): Promise<Extract<WorkerAnswer, { kind: "done" }>> {
  const { promise, resolve, reject } = Promise.withResolvers<
    Extract<WorkerAnswer, { kind: "done" }>
  >();
  let isReady = false;
  worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
    if (data.kind === "ready") {
      isReady = true;
      worker.postMessage(order);
    } else if (data.kind === "done") {
      resolve(data);
    } else {
      reject(data.isExpected ? new TrailsError(data.message) : new Error(`BUG: ${data.message}`));
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(isReady ? new Error(`BUG: a worker failed: ${event.message}`) : new NoWorkers());
  };
  // Other workers may fail first: nobody waits for this one then.
  promise.catch(() => {});
  return promise;
}
