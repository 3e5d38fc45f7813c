/**
 * The data of `traqq trails`: what the flags say is read, run over with progress, and what was left out
 * is told.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import {
  type EventShape,
  readExcluded,
  readFilter,
  readWindows,
  type RunOptions,
  TrailData,
} from "../trails/mod.ts";
import { Progress } from "./draw/progress.ts";
import { harmless } from "./draw/text.ts";
import { EXIT, UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { type Values, wholeNumber } from "./flags.ts";
import { need } from "./permissions.ts";
import type { Terminal } from "./terminal.ts";
import { readJson, readParameters } from "./trail_parameters.ts";

/**
 * Runs `ask` over the data of the flags and prints its answer.
 *
 * @param title what the progress line begins with
 * @returns the exit code
 */
export async function overData<T>(
  values: Values,
  paths: readonly string[],
  terminal: Terminal,
  title: string,
  ask: (data: TrailData, options: RunOptions) => Promise<T>,
  print: (answer: T) => void | Promise<void>,
): Promise<number> {
  const options = await readOptions(values);
  for (const path of paths) need(`read ${path}`, { name: "read", path });
  const data = await TrailData.open(paths, readShape(values));
  for (const { number, error } of data.report.rejected) {
    terminal.err(`traqq: line ${number}: ${harmless(messageOf(error))}\n`);
  }
  const { rejectedCount } = data.report;
  const progress = new Progress(terminal, title);
  let answer: T;
  try {
    answer = await ask(data, {
      ...options,
      onProgress: (done, total) =>
        progress.update({
          share: total === 0 ? undefined : done / total,
          events: done,
          rejected: rejectedCount,
        }),
    });
  } finally {
    progress.stop();
  }
  await print(answer);
  if (rejectedCount === 0) return EXIT.ok;
  const are = rejectedCount === 1 ? "event is" : "events are";
  terminal.err(`traqq: ${rejectedCount} ${are} not in these results\n`);
  return EXIT.failure;
}

function readShape(values: Values): EventShape | undefined {
  const by = values.get("by");
  const time = values.get("time");
  if (by !== undefined) return time === undefined ? { by } : { by, time };
  if (time !== undefined) throw new UsageError("--time needs --by, the property with the user");
  return undefined;
}

async function readOptions(values: Values): Promise<RunOptions> {
  const params = values.get("params");
  const filter = values.get("filter");
  const windows = values.get("window-file");
  const exclude = values.get("exclude-file");
  const workers = wholeNumber(values, "workers", 1);
  return {
    ...(params === undefined ? {} : { parameters: await readParameters(params) }),
    ...(filter === undefined ? {} : { filter: readFilter(readJson("--filter", filter)) }),
    ...(windows === undefined
      ? {}
      : { windows: readWindows(await readFile("the window file", windows)) }),
    ...(exclude === undefined
      ? {}
      : { exclude: readExcluded(await readFile("the exclude file", exclude)) }),
    ...(workers === undefined ? {} : { workers }),
  };
}
