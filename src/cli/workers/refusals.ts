/**
 * What cannot be done by several workers, said before anything is opened.
 *
 * @module
 */
import { CliError, UsageError } from "../errors.ts";
import type { Values } from "../flags.ts";
import { readOptions } from "../options.ts";
import { need, workerPermissions } from "../permissions.ts";
import { kvPathOf } from "../shared_flags.ts";
import { kindOf } from "../storage.ts";

/** @throws {UsageError} for flags that only one worker can have */
export async function checkWorkers(values: Values, count: number): Promise<void> {
  const kind = kindOf(values);
  if (kind === "memory" || (kind === "kv" && kvPathOf(values) === ":memory:")) {
    throw new UsageError(
      `--workers ${count} needs a storage that they share, and memory is none: give --storage kv ` +
        "with a file, or --storage redis",
    );
  }
  const { writer } = await readOptions(values);
  if (writer !== undefined) {
    throw new UsageError(
      `--workers ${count} cannot all be the writer ${
        JSON.stringify(writer)
      }: leave "writer" out of ` +
        "the config file",
    );
  }
  // Deno would end the process without a word of ours.
  if (typeof Deno.listenDatagram !== "function") {
    throw new CliError(
      `Cannot serve with ${count} workers: Deno lets them share a port only with --unstable-net; ` +
        "run again with it",
    );
  }
  need(`start ${count} workers`, ...workerPermissions());
}
