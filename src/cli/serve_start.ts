/**
 * Starting what `traqq serve` runs: a server in this very thread, or several in workers.
 *
 * @module
 */
import { addUp } from "../server/totals.ts";
import { UsageError } from "./errors.ts";
import { type FlagGroup, type Values, wholeNumber } from "./flags.ts";
import type { Log } from "./log.ts";
import { allStopped, DEFAULT_STOP_MS, type RunningServer, stoppable } from "./running_server.ts";
import { bannerOf, leftBehind, OneServer, readSettings } from "./serve_one.ts";
import { readTrails } from "./serve_trails.ts";
import type { Terminal } from "./terminal.ts";
import { LeftJournals } from "./workers/left.ts";
import { startWorkers } from "./workers/pool.ts";

/** Far beyond the cores of any machine. */
const MAX_WORKERS = 256;

/** How many servers there are. */
export const WORKER_FLAGS: FlagGroup = {
  title: "More cores",
  flags: [
    {
      name: "workers",
      value: "N",
      help: "Serve with N threads that share the ports; default 1. Not with --storage memory",
    },
  ],
};

/** Opens the storage and listens; used by `demo` too. */
export async function startServer(
  values: Values,
  terminal: Terminal,
  log: Log,
): Promise<RunningServer> {
  const workers = wholeNumber(values, "workers", 1) ?? 1;
  if (workers > MAX_WORKERS) {
    throw new UsageError(`--workers wants at most ${MAX_WORKERS}, received ${workers}`);
  }
  const trails = await readTrails(values, workers);
  if (workers > 1) return await startWorkers(values, terminal, log, workers);
  const settings = await readSettings(values);
  const one = await OneServer.open(settings, values, terminal, log);
  let left: LeftJournals | undefined;
  try {
    if (trails !== undefined) one.attach(trails);
    left = await LeftJournals.open(values, terminal, log, one.facts.journal?.directory, 1);
    const others = left;
    const listening = one.listen({
      siblings: others.size === 0 ? undefined : {
        totals: () => Promise.resolve(addUp([one.totals(), ...others.totals()])),
        share: () => Promise.resolve(),
        watch: () => Promise.resolve(),
        show: () => {},
      },
    });
    const pg = await one.listenPg();
    return {
      address: listening.address,
      banner: bannerOf({ ...listening, pg }, one.facts, settings, 1),
      leftBehind: leftBehind(one.facts),
      ...stoppable((timeoutMs) => allStopped([one.stop(timeoutMs), others.stop(timeoutMs)])),
    };
  } catch (error) {
    await one.stop(DEFAULT_STOP_MS);
    await left?.stop(DEFAULT_STOP_MS);
    throw error;
  }
}
