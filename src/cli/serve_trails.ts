/**
 * `traqq serve --trails`: a program that sees what is recorded, and whose yields are recorded too.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { withDeadline } from "../base/promises.ts";
import type { Traqq } from "../traqq.ts";
import type { LiveTrails } from "../trails/mod.ts";
import { formatNumber } from "./draw/number.ts";
import { CliError, UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import type { FlagGroup, Values } from "./flags.ts";
import type { Log } from "./log.ts";
import { readParameters } from "./trail_parameters.ts";

/** What to run. */
export const TRAILS_FLAGS: FlagGroup = {
  title: "Trails",
  flags: [
    {
      name: "trails",
      value: "PROGRAM.tr",
      help: "Run it over each user's events as they come, and record what it yields",
    },
    { name: "trails-user", value: "NAME", help: "The property with the user" },
    { name: "trails-params", value: "FILE", help: "The program's parameters as JSON" },
  ],
};

/** Attaches the program of the flags; undefined where there is none. */
export type AttachTrails = (traqq: Traqq, log: Log) => LiveTrails;

/** Reads the flags and the files they name. @throws {UsageError} */
export async function readTrails(
  values: Values,
  workers: number,
): Promise<AttachTrails | undefined> {
  const file = values.get("trails");
  const user = values.get("trails-user");
  const params = values.get("trails-params");
  if (file === undefined) {
    const lone = values.firstOf(["trails-user", "trails-params"]);
    if (lone !== undefined) throw new UsageError(`--${lone} needs --trails, the program`);
    return undefined;
  }
  if (user === undefined) {
    throw new UsageError("--trails needs --trails-user, the property with the user");
  }
  if (workers > 1) {
    throw new UsageError(
      "--trails cannot be used with --workers: a worker sees only some of a user's events",
    );
  }
  // Loaded only where it is used.
  const { attach, TrailProgram } = await import("../trails/mod.ts");
  const program = TrailProgram.parse(await readFile("the program", file), { file });
  const parameters = params === undefined ? {} : await readParameters(params);
  return (traqq, log) =>
    attach(traqq, program, {
      user,
      parameters,
      onError: (error) => log.error(`${file}: ${messageOf(error)}`),
    });
}

/** Ends it, and says what its numbers lack. Never rejects: the events themselves must get to storage. */
export async function closeTrails(
  live: LiveTrails,
  log: Log,
  milliseconds: number,
): Promise<void> {
  try {
    const closed = live.close();
    const isLate = () =>
      new CliError(`Not recorded: ${live.stats().waiting} yields of --trails, as storage is slow`);
    await withDeadline(closed, milliseconds, isLate);
  } catch (error) {
    log.error(messageOf(error));
  }
  const { late, forgotten, failed, refused } = live.stats();
  const lacks = Object.entries({
    "late events": late,
    "forgotten users": forgotten + failed,
    "refused yields": refused,
  }).flatMap(([what, count]) =>
    count === 0 ? [] : [`${what} ${formatNumber(count, { grouped: true })}`]
  );
  if (lacks.length > 0) log.warning(`What --trails has counted is not all: ${lacks.join(", ")}`);
}
