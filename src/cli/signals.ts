/**
 * Ctrl-C and SIGTERM: the first asks to stop, the second ends the process at once.
 *
 * @module
 */
import { handled } from "../base/promises.ts";
import { EXIT } from "./errors.ts";

/** Signals that are caught until it is disposed of. */
export interface Signals extends Disposable {
  /** Resolves with the first signal. */
  readonly stopped: Promise<void>;
  /** What the process should exit with because of it; undefined before it. */
  readonly exitCode: number | undefined;
}

/** @param onForce called before the process ends because of a second signal */
export function catchSignals(onForce: () => void = () => {}): Signals {
  const { promise, resolve } = Promise.withResolvers<void>();
  let exitCode: number | undefined;
  const on = (code: number) => () => {
    if (exitCode === undefined) {
      exitCode = code;
      resolve();
      return;
    }
    try {
      onForce();
    } finally {
      Deno.exit(code);
    }
  };
  const handlers: [Deno.Signal, () => void][] = [["SIGINT", on(EXIT.interrupted)]];
  // Windows has no SIGTERM; closing the window and Ctrl-Break are its nearest.
  handlers.push([
    Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM",
    on(EXIT.terminated),
  ]);
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  return {
    stopped: promise,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
    },
  };
}

/** What comes until a signal does; ends early also while nothing comes. */
export async function* untilStopped<T>(
  pieces: AsyncIterator<T>,
  signals: Signals,
): AsyncGenerator<T> {
  const stop = signals.stopped.then(() => "stop" as const);
  while (signals.exitCode === undefined) {
    const next = await Promise.race([stop, handled(pieces.next())]);
    if (next === "stop" || next.done) return;
    yield next.value;
  }
}
