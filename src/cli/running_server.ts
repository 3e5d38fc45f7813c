/**
 * A server of `traqq serve`, however many threads it has.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { CliError } from "./errors.ts";

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** `127.0.0.1:9876` */
  readonly address: string;
  /** One line: where it listens and what it keeps. */
  readonly banner: string;
  /** What becomes of events that are not in storage, should the process end now. */
  readonly leftBehind: string;
  /** Resolves with why it cannot go on; what is left of it should be stopped. */
  readonly died?: Promise<Error>;
  /**
   * Takes no more connections, answers what came, and brings it to storage.
   *
   * @throws {CliError} if that took longer
   */
  stop(timeoutMs: number): Promise<void>;
}

/** How long stopping may take unless told otherwise. */
export const DEFAULT_STOP_MS = 10_000;

/** The two ways to stop a server, of which only the first that is used does: it alone may fail. */
export function stoppable(
  run: (timeoutMs: number) => Promise<void>,
): Pick<RunningServer, "stop" | typeof Symbol.asyncDispose> {
  let isStopped = false;
  const stop = async (timeoutMs: number) => {
    if (isStopped) return;
    isStopped = true;
    await run(timeoutMs);
  };
  return { stop, [Symbol.asyncDispose]: () => stop(DEFAULT_STOP_MS) };
}

/** Waits for all, and then says what went wrong. @throws {CliError} */
export async function allStopped(stops: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(stops);
  const problems = ended.filter((one) => one.status === "rejected")
    .map(({ reason }) => reason as Error);
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new CliError([...new Set(problems.map(messageOf))].join("; "));
}
