/**
 * What a worker does: it runs one server, and listens to the process that started it.
 *
 * @module
 */
import type { Siblings } from "../../server/siblings.ts";
import { CliError } from "../errors.ts";
import { Values } from "../flags.ts";
import { openLog } from "../log.ts";
import { OneServer, readSettings } from "../serve_one.ts";
import { systemTerminal } from "../terminal.ts";
import { Line, type Port } from "./line.ts";
import type { OpenOrder, ProcessCalls, WorkerCalls } from "./messages.ts";

/** Serves as the process says. @param port the worker's own end */
export function serveAsWorker(port: Port): void {
  let server: OneServer | undefined;
  const opened = () => {
    if (server === undefined) throw new CliError("BUG: a worker was asked before it was opened");
    return server;
  };
  const line = new Line<ProcessCalls, WorkerCalls>(port, {
    async open(order: OpenOrder) {
      const { worker, flags, directory } = order;
      const values = new Values(flags, []);
      const terminal = systemTerminal();
      const log = openLog(values, terminal, { worker });
      server = await OneServer.open(await readSettings(values), values, terminal, log, directory);
      // What was counted anew must be seen by whoever asks another worker.
      await server.flush();
      return server.facts;
    },
    listen: (ports) => opened().listen({ ports, siblings, reusePort: true }),
    stop: async (timeoutMs) => await server?.stop(timeoutMs),
    totals: () => opened().totals(),
    applySession: (change) => opened().handler?.applySession(change),
    setWatched: (isWatched) => opened().handler?.setWatched(isWatched),
    hear: (seen) => opened().handler?.hear(seen),
  });
  const siblings: Siblings = {
    totals: () => line.call("totals"),
    share: (change) => line.call("share", change),
    watch: (isWatching) => line.call("watch", isWatching),
    show: (seen) => void line.call("show", seen),
  };
}
