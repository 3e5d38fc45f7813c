/**
 * `traqq prune`: removes what is older than a point in time.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { readMoment, startOf } from "./dates.ts";
import { formatNumber } from "./draw/number.ts";
import { EXIT, UsageError } from "./errors.ts";
import type { Values } from "./flags.ts";
import { refuseMemory } from "./query.ts";
import { storageFlags } from "./shared_flags.ts";
import { openTraqq } from "./storage.ts";
import { localSource } from "./source.ts";
import type { Terminal } from "./terminal.ts";

/** The command. */
export const prune: Command = {
  name: "prune",
  summary: "Remove days and hours that ended before a point in time",
  usage: "--before TIME [--dry-run]",
  about: [
    "Removes days and hours that ended at or before TIME, for good: a day of the time zone of the " +
    "data (2026-11-01, which is kept itself), an instant (2026-11-01T12:00:00Z) or unix seconds. " +
    "A server may have the file open. To have it done always, set retention in the config file.",
  ],
  groups: [
    {
      title: "What",
      flags: [
        { name: "before", value: "TIME", help: "Needed" },
        { name: "dry-run", help: "Only say what would be removed" },
      ],
    },
    storageFlags("Only kv, which is the default"),
  ],
  permissions: [
    { when: "always", flags: "--unstable-kv --allow-read=traqq.db --allow-write=traqq.db" },
  ],
  examples: [
    { line: "traqq prune --before 2026-01-01 --dry-run", does: "how much is that?" },
    { line: "traqq prune --before 2026-01-01", does: "remove it" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const before = readMoment(values, "before");
  if (before === undefined) {
    throw new UsageError("prune needs --before, such as --before 2026-01-01");
  }
  refuseMemory(values);
  const dryRun = values.has("dry-run");
  await using opened = await openTraqq(values, terminal, { records: false });
  const seconds = await startOf(localSource(opened.traqq), before);
  const { buckets, cells } = await opened.traqq.prune(new Date(seconds * 1000), { dryRun });
  const some = (value: number, one: string, many: string) =>
    `${formatNumber(value, { grouped: terminal.columns !== undefined })} ${
      value === 1 ? one : many
    }`;
  terminal.out(
    `${dryRun ? "Would remove" : "Removed"} ${
      some(buckets, "day or hour", "days and hours")
    } with ${some(cells, "value", "values")}\n`,
  );
  return EXIT.ok;
}
