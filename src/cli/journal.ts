/**
 * `traqq journal`: what a journal holds. It is read from outside, so a server may have it open.
 *
 * @module
 */
import { JournalError } from "../base/errors.ts";
import { readEventText } from "../journal/event_text.ts";
import { JournalTail, type TailedEvent } from "../journal/tail.ts";
import type { Command } from "./command.ts";
import { readInstantMs } from "./dates.ts";
import { harmless } from "./draw/text.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import type { Values } from "./flags.ts";
import { need } from "./permissions.ts";
import { journalIn } from "./shared_flags.ts";
import { catchSignals, type Signals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { journalsIn } from "./workers/journals.ts";

/** The property that says when an event happened. */
const TIMESTAMP = "@timestamp";
/** Characters that are written together. */
const MAX_CHARS = 1 << 16;
/** Milliseconds between two looks. */
const POLL_MS = 200;
/** The first second that RFC 3339 has words for. */
const MIN_RFC_3339 = Date.parse("0000-01-01T00:00:00Z") / 1000;

/** The command. */
export const journal: Command = {
  name: "journal",
  summary: "Print the events that a journal keeps",
  usage: "dump --data-dir DIR [--until TIME | --follow]",
  words: ["dump"],
  about: [
    "dump prints every event that is kept, one JSON object a line, as it was received, with the time " +
    `it was counted at as the property "${TIMESTAMP}". A server may have the journal open. How far ` +
    "back it reaches is the server's --retain. Of a server with workers, those of each worker come " +
    "together.",
    "What is damaged or missing is said on standard error, with file and byte; the rest is printed, " +
    "and the exit code is 1 if events are missing.",
  ],
  groups: [
    {
      title: "Journal",
      flags: [
        { name: "data-dir", value: "DIR", help: "That of traqq serve" },
        { name: "journal", value: "DIR", help: "Or the directory of the journal itself" },
      ],
    },
    {
      title: "What",
      flags: [
        {
          name: "until",
          value: "TIME",
          help: "End before the first event received after this: 2026-11-01T12:00:00Z or unix " +
            "seconds",
        },
        { name: "follow", help: "Go on with the events that come, until Ctrl-C" },
      ],
    },
  ],
  permissions: [{ when: "always", flags: "--allow-read=DIR" }],
  examples: [
    { line: "traqq journal dump --data-dir data | head -3", does: "what is in it?" },
    {
      line: "traqq journal dump --data-dir data --until 2026-11-01T12:00:00Z | \\\n" +
        `    traqq record --storage kv --kv-path new.db --time-property ${TIMESTAMP}`,
      does: "what was counted by noon, as a new storage",
    },
    { line: "traqq journal dump --data-dir data --follow", does: "each event, as it comes" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const untilMs = readInstantMs(values, "until");
  const follows = values.has("follow");
  if (follows && untilMs !== undefined) {
    throw new UsageError("--follow and --until do not go together; give one or the other");
  }
  const directory = directoryOf(values);
  need(`read the journal in ${directory}`, {
    name: "read",
    path: values.get("data-dir") ?? directory,
  });
  const tails = new Tails(directory, terminal);
  try {
    if (follows) return await follow(tails, terminal);
    for (const tail of await tails.all()) {
      if (await dump(tail, terminal, untilMs ?? Infinity)) {
        // The end may have been half written just then.
        if (tail.isLoose && await pause(POLL_MS)) await dump(tail, terminal, untilMs ?? Infinity);
      }
    }
  } catch (error) {
    throw error instanceof JournalError ? await notRead(error, values) : error;
  }
  if ((await tails.all()).some(({ isIncomplete }) => isIncomplete)) {
    throw new CliError(
      `Events of the journal in ${directory} are missing, or may be: what was said above is damaged ` +
        "or gone; all others were printed",
    );
  }
  return EXIT.ok;
}

/** The journal in a directory, and those of workers in it; a server with more of them adds to them. */
class Tails {
  readonly #directory: string;
  readonly #terminal: Terminal;
  readonly #tails = new Map<string, JournalTail>();

  constructor(directory: string, terminal: Terminal) {
    this.#directory = directory;
    this.#terminal = terminal;
  }

  async all(): Promise<JournalTail[]> {
    const found = await journalsIn(this.#directory);
    // Where there is none, reading says so.
    for (const directory of found.length === 0 ? [this.#directory] : found) {
      if (this.#tails.has(directory)) continue;
      const onDamage = (error: Error) => this.#terminal.err(`${harmless(error.message)}\n`);
      this.#tails.set(directory, new JournalTail({ directory, onDamage }));
    }
    return [...this.#tails.values()];
  }
}

/** Prints what is there; false once an event comes that is to be the end. */
async function dump(tail: JournalTail, terminal: Terminal, untilMs: number): Promise<boolean> {
  let text = "";
  for await (const events of tail.read()) {
    if (events[0].receivedMs > untilMs) {
      terminal.out(text);
      return false;
    }
    for (const event of events) text += line(event);
    if (text.length < MAX_CHARS) continue;
    terminal.out(text);
    text = "";
  }
  terminal.out(text);
  return true;
}

/** Prints what is there and what comes, until a signal. */
async function follow(tails: Tails, terminal: Terminal): Promise<number> {
  using signals: Signals = catchSignals();
  while (signals.exitCode === undefined) {
    let text = "";
    for (const tail of await tails.all()) {
      for await (const events of tail.read()) {
        for (const event of events) text += line(event);
        if (text.length < MAX_CHARS) continue;
        terminal.out(text);
        text = "";
        // A signal is seen only between two tasks.
        await pause(0);
        if (signals.exitCode !== undefined) return signals.exitCode;
      }
    }
    if (text !== "") terminal.out(text);
    await Promise.race([signals.stopped, pause(POLL_MS)]);
  }
  return signals.exitCode;
}

/** An event as a line: what was received, and its second. */
function line({ text, seconds }: TailedEvent): string {
  const event = { ...readEventText(text) as Record<string, unknown>, [TIMESTAMP]: time(seconds) };
  return `${JSON.stringify(event, keepInfinity)}\n`;
}

/** Without it 1e999, which refuses an event or a value, would come back as null, which is absent. */
function keepInfinity(_key: string, value: unknown): unknown {
  if (value === Infinity) return RAW_JSON.rawJSON("1e999");
  if (value === -Infinity) return RAW_JSON.rawJSON("-1e999");
  return value;
}

/** TypeScript does not know it yet. */
const RAW_JSON = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** RFC 3339; unix seconds, which `record` takes too, for years that it cannot say. */
function time(seconds: number): string | number {
  if (seconds < MIN_RFC_3339) return seconds;
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`;
}

function directoryOf(values: Values): string {
  const folder = values.get("data-dir");
  const directory = values.get("journal");
  if (folder !== undefined && directory !== undefined) {
    throw new UsageError("--data-dir and --journal do not go together; give one or the other");
  }
  if (folder !== undefined) return journalIn(folder);
  if (directory !== undefined) return directory;
  throw new UsageError("journal dump needs --data-dir DIR, that of traqq serve, or --journal DIR");
}

/** Whoever names the one directory for the other is told. */
function notRead(error: JournalError, values: Values): CliError {
  if (!/: there is none$/.test(error.message)) return new CliError(error.message, { cause: error });
  const hint = values.has("data-dir")
    ? "is it the --data-dir of traqq serve? The directory of a journal itself is given by --journal"
    : "name the directory that holds the .segment files, or give the --data-dir of traqq serve";
  return new CliError(`${error.message}; ${hint}`, { cause: error });
}

async function pause(milliseconds: number): Promise<true> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return true;
}
