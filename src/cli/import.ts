/**
 * `traqq import`: what `traqq export` wrote, or what other programs left in Redis, into a storage.
 *
 * @module
 */
import { openBareStorage } from "./bare_storage.ts";
import type { Command } from "./command.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import type { Values } from "./flags.ts";
import { importLines } from "./import_lines.ts";
import { importFromRedis, readsRedis, REDIS_SOURCE_FLAGS } from "./import_redis.ts";
import { fileInput, type Input, readLines, standardInput } from "./input.ts";
import { readOptions } from "./options.ts";
import { storageFlags } from "./shared_flags.ts";
import { catchSignals, type Signals, untilStopped } from "./signals.ts";
import { lettersFor } from "./storage.ts";
import type { Terminal } from "./terminal.ts";

/** The command. `import` is a word of the language. */
export const importCommand: Command = {
  name: "import",
  summary: "Read what traqq export wrote, or a Redis, into a storage",
  usage: "FILE...|-|--from-redis URL",
  takesFiles: true,
  about: [
    "Reads exports (gzipped or not) from the files or from standard input, into the prefix that they " +
    "were made of, or into --prefix. A prefix that holds something already is refused unless there " +
    "is --merge, and one with another time zone always.",
    "With --from-redis it reads what the Rust traqq or trk left in Redis, whose program should not " +
    "write any more: what cannot be brought over is named, and everything else is imported.",
    "An import that was stopped goes on where it was when the same command is given again: each " +
    "cell counts once, however often that happens.",
  ],
  groups: [
    {
      title: "How",
      flags: [{ name: "merge", help: "Add to what the prefix holds" }],
    },
    REDIS_SOURCE_FLAGS,
    storageFlags("Where to: kv, which is the default, or redis"),
  ],
  permissions: [
    {
      when: "files",
      flags: "--unstable-kv --allow-read=traqq.db,FILE " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    {
      when: "--from-redis (a cluster: all its nodes)",
      flags: "--unstable-kv --allow-net=HOST:PORT --allow-env --allow-read=traqq.db " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    {
      when: "--storage redis",
      flags: "--allow-net=127.0.0.1:6379 --allow-env --allow-write=traqq.refused.ndjson",
    },
  ],
  examples: [
    { line: "traqq import backup.ndjson.gz", does: "a file" },
    { line: "traqq import --prefix copy backup.ndjson.gz", does: "beside what there is" },
    {
      line:
        "traqq import --from-redis redis://127.0.0.1:6379 --layout trk --timezone America/New_York",
      does: "what trk counted on a machine in New York",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  if (readsRedis(values)) return await importFromRedis(values, terminal);
  const names = values.rest;
  if (names.length === 0) {
    throw new UsageError("import needs a file, - for standard input, or --from-redis URL");
  }
  if (names.filter((name) => name === "-").length > 1) {
    throw new UsageError("Standard input (-) can be read only once");
  }
  const { prefix } = await readOptions(values);
  const inputs: Input[] = [];
  for (const name of names) inputs.push(name === "-" ? standardInput() : await fileInput(name));
  await using opened = await openBareStorage(values, terminal, false);
  const letters = lettersFor(values, terminal);
  using signals = catchSignals();
  const target = {
    storage: opened.storage,
    prefix,
    merge: values.has("merge"),
    letters,
    signals,
    terminal,
  };
  let refused = 0;
  for (const input of inputs) {
    let bytes = 0;
    const report = await importLines({
      name: input.name,
      lines: linesOf(input, signals, (read) => bytes = read),
      share: () => input.bytes ? bytes / input.bytes : undefined,
    }, target);
    refused += report.refused;
    if (!report.complete) return signals.exitCode ?? EXIT.failure;
  }
  return refused > 0 ? EXIT.failure : EXIT.ok;
}

async function* linesOf(
  input: Input,
  signals: Signals,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  for await (const lines of untilStopped(readLines(input, onBytes), signals)) {
    for (const { number, text, error } of lines) {
      if (text === undefined) throw new CliError(`Cannot read line ${number}: ${error}`);
      yield text;
    }
  }
}
