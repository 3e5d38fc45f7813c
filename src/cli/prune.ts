/**
 * `traqq prune`: removes what is older than a point in time, or what writers left that are gone.
 *
 * @module
 */
import { checkpointText } from "../storage/checkpoint.ts";
import { openBareStorage } from "./bare_storage.ts";
import type { Command } from "./command.ts";
import { readMoment, startOf } from "./dates.ts";
import { formatNumber } from "./draw/number.ts";
import { harmless } from "./draw/text.ts";
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
  usage: "--before TIME|--writers [--dry-run]",
  about: [
    "Removes days and hours that ended at or before TIME, for good: a day of the time zone of the " +
    "data (2026-11-01, which is kept itself), an instant (2026-11-01T12:00:00Z) or unix seconds. " +
    "A server may have the file open. To have it done always, set retention in the config file.",
    "With --writers it removes instead the checkpoints of writers with a journal that no live " +
    "process holds; all others go by themselves after 7 days. Only for journals that are gone: one " +
    "whose checkpoint was removed refuses to open, for nobody knows what of it is in storage. " +
    "Those of imports (import-ID) go too; then an import that was stopped cannot go on.",
  ],
  groups: [
    {
      title: "What",
      flags: [
        { name: "before", value: "TIME", help: "Needed, unless there is --writers" },
        { name: "writers", help: "Remove the checkpoints of journals that are gone" },
        { name: "dry-run", help: "Only say what would be removed" },
      ],
    },
    storageFlags("kv, which is the default, or redis"),
  ],
  permissions: [
    { when: "--storage kv", flags: "--unstable-kv --allow-read=traqq.db --allow-write=traqq.db" },
    { when: "--storage redis", flags: "--allow-net=127.0.0.1:6379 --allow-env" },
  ],
  examples: [
    { line: "traqq prune --before 2026-01-01 --dry-run", does: "how much is that?" },
    { line: "traqq prune --before 2026-01-01", does: "remove it" },
    { line: "traqq prune --writers --dry-run", does: "which writers have a journal?" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const before = readMoment(values, "before");
  if (values.has("writers")) {
    if (before !== undefined) {
      throw new UsageError("--before and --writers do not go together; give one or the other");
    }
    return await pruneWriters(values, terminal);
  }
  if (before === undefined) {
    throw new UsageError("prune needs --before TIME, such as --before 2026-01-01, or --writers");
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

async function pruneWriters(values: Values, terminal: Terminal): Promise<number> {
  const dryRun = values.has("dry-run");
  await using opened = await openBareStorage(values, terminal, true);
  const { storage, prefix } = opened;
  const writers = (await storage.writers(prefix))
    .sort((a, b) => a.writer < b.writer ? -1 : 1);
  for (const { writer, checkpoint, held } of writers) {
    const line = `${harmless(writer)}: ${harmless(checkpointText(checkpoint))}`;
    // Someone may have taken it since it was listed.
    const removed = !held && (dryRun || await storage.removeWriter(prefix, writer));
    const what = removed
      ? dryRun ? "Would remove" : "Removed"
      : "Kept, for a live process holds it,";
    terminal.out(`${what} ${line}\n`);
  }
  if (writers.length === 0) terminal.out(`No writer of prefix ${harmless(prefix)} has a journal\n`);
  return EXIT.ok;
}
