/**
 * `traqq record`: events from the command line, from files or from standard input.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { handled } from "../base/promises.ts";
import { PartialRecordError } from "../client/errors.ts";
import type { Client } from "../client/client.ts";
import type { RecordReport, Traqq } from "../traqq.ts";
import type { Command } from "./command.ts";
import { connect } from "./connect.ts";
import { readInstant } from "./dates.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { CliError, EXIT, explain, UsageError } from "./errors.ts";
import type { Values } from "./flags.ts";
import { fileInput, type Input, type Line, readLines, standardInput } from "./input.ts";
import { EVENT_FLAG, Rejected } from "./rejected.ts";
import {
  CONNECT_FLAGS,
  MAPPING_FLAGS,
  opensStorage,
  storageFlags,
  TIME_FLAGS,
} from "./shared_flags.ts";
import { openTraqq } from "./storage.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** Lines that are recorded together at most. */
const MAX_BATCH_LINES = 10_000;
/** Characters of them, at about which a batch ends. */
const MAX_BATCH_CHARS = 4 << 20;
/** Milliseconds that a batch waits for more lines: `tail -f | traqq record` must not wait for ever. */
const BATCH_WAIT_MS = 50;

/** The command. */
export const record: Command = {
  name: "record",
  summary: "Record events: one, or NDJSON from files or standard input",
  usage: "[FILE...]",
  takesFiles: true,
  about: [
    "Reads one JSON event a line (gzipped or not) from the files, or from standard input where there " +
    "is none or it is called -. A line that is no event is rejected, and the others are recorded. " +
    "The events go to a server, or, with --storage, into a storage that is opened here.",
    "The server decides what is counted and which property holds the time; with --storage the flags " +
    "and the config file do.",
  ],
  groups: [
    {
      title: "Events",
      flags: [
        { name: "event", value: "JSON", many: true, help: "An event; repeatable. No file is read" },
        {
          name: "at",
          value: "TIME",
          help: "When all of them happened: 2026-11-01T12:00:00Z or unix seconds",
        },
        {
          name: "rejected",
          value: "FILE",
          help: "Write rejected lines here, as NDJSON with file, line, reason and text",
        },
      ],
    },
    CONNECT_FLAGS,
    storageFlags("Open it here instead of talking to a server (memory: only check the events)"),
    MAPPING_FLAGS,
    TIME_FLAGS,
  ],
  permissions: [
    { when: "to a server", flags: "--allow-net=127.0.0.1:9876" },
    { when: "a file, or --rejected", flags: "--allow-read=FILE, --allow-write=REJECTED" },
    {
      when: "--storage kv",
      flags: "--unstable-kv --allow-read=traqq.db --allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    {
      when: "--storage redis",
      flags: "--allow-net=127.0.0.1:6379 --allow-env --allow-write=traqq.refused.ndjson",
    },
    { when: "the token from the environment", flags: "--allow-env=TRAQQ_TOKEN" },
  ],
  examples: [
    { line: `traqq record --event '{"event":"purchase","geo":"US"}'`, does: "one event" },
    { line: "traqq record events.ndjson.gz --rejected bad.ndjson", does: "a file" },
    { line: "tail -f app.log | traqq record", does: "as they come" },
  ],
  run,
};

/** What takes events: a server or a storage opened here. */
interface Recorder extends AsyncDisposable {
  recordMany(
    events: unknown[],
    onProgress: (done: { recorded: number; rejected: number }) => void,
  ): Promise<RecordReport>;
}

/** What was done so far. */
interface Tally {
  recorded: number;
  rejected: number;
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const at = readAt(values);
  const here = opensStorage(values);
  const inputs = await readInputs(values);
  await using rejected = await Rejected.open(values.get("rejected"), inputs, terminal);
  const recorder = here ? await openRecorder(values, terminal, at) : await dial(values, at);
  const tally: Tally = { recorded: 0, rejected: 0 };
  const startedMs = performance.now();
  using signals = catchSignals();
  let failure: unknown;
  try {
    if (inputs.length === 1 && inputs[0].bytes === undefined && terminal.inIsTerminal) {
      if (!values.has("event")) {
        terminal.err("Type events, one JSON object a line; Ctrl-D ends.\n");
      }
    }
    for (const input of inputs) {
      await recordInput(input, recorder, rejected, tally, signals.stopped, terminal);
      if (signals.exitCode !== undefined) break;
    }
  } catch (error) {
    failure = error;
  }
  try {
    await recorder[Symbol.asyncDispose]();
  } catch (error) {
    failure ??= error;
  }
  rejected.summarize();
  const seconds = values.has("event") ? undefined : (performance.now() - startedMs) / 1000;
  terminal.out(summary(tally, seconds, terminal));
  if (failure !== undefined) throw failure;
  if (signals.exitCode !== undefined) return signals.exitCode;
  return tally.rejected > 0 ? EXIT.failure : EXIT.ok;
}

async function recordInput(
  input: Input,
  recorder: Recorder,
  rejected: Rejected,
  tally: Tally,
  stopped: Promise<void>,
  terminal: Terminal,
): Promise<void> {
  const progress = new Progress(terminal, input.name);
  // Not between the lines that somebody types.
  const isTyped = input.bytes === undefined && terminal.inIsTerminal;
  let bytes = 0;
  const show = (more: { recorded: number; rejected: number }) => {
    if (isTyped || input.name === EVENT_FLAG) return;
    progress.update({
      share: input.bytes ? bytes / input.bytes : undefined,
      events: tally.recorded + more.recorded,
      rejected: tally.rejected + more.rejected,
    });
  };
  const reject = (line: Line, reason: string) => {
    progress.clear();
    rejected.add(input, line, reason);
    tally.rejected++;
  };
  let last = 0;
  try {
    for await (const lines of batches(readLines(input, (read) => bytes = read), stopped)) {
      const events: unknown[] = [];
      const places: Line[] = [];
      for (const line of lines) {
        try {
          if (line.text === undefined) throw new CliError(line.error);
          events.push(JSON.parse(line.text));
          places.push(line);
        } catch (error) {
          reject(line, whyNotJson(error));
        }
      }
      let report: RecordReport;
      try {
        report = await recorder.recordMany(events, show);
      } catch (error) {
        if (!(error instanceof PartialRecordError)) throw error;
        report = error.report;
        throw partial(error, input, last, lines.at(-1)?.number ?? last);
      } finally {
        // Also what a batch did that could not be brought to its end.
        report ??= { recorded: 0, rejected: [] };
        tally.recorded += report.recorded;
        for (const { index, error } of report.rejected) reject(places[index], error.message);
      }
      last = lines.at(-1)?.number ?? last;
      show({ recorded: 0, rejected: 0 });
    }
  } finally {
    progress.stop();
  }
}

/** Puts lines together for as long as they come without a pause. */
async function* batches(
  pieces: AsyncGenerator<Line[]>,
  stopped: Promise<void>,
): AsyncGenerator<Line[]> {
  const orStop = stoppable(stopped);
  // An error is seen when its turn comes; until then it must not end the process.
  let next = handled(pieces.next());
  for (;;) {
    const first = await orStop(next);
    if (first === "stop" || first.done) break;
    const batch = first.value;
    let chars = charsOf(batch);
    next = handled(pieces.next());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pause = new Promise<"pause">((resolve) => {
      timer = setTimeout(() => resolve("pause"), BATCH_WAIT_MS);
    });
    while (batch.length < MAX_BATCH_LINES && chars < MAX_BATCH_CHARS) {
      const more = await orStop(Promise.race([next, pause])).catch(() => "failed" as const);
      if (typeof more === "string" || more.done) break;
      batch.push(...more.value);
      chars += charsOf(more.value);
      next = handled(pieces.next());
    }
    clearTimeout(timer);
    yield batch;
  }
}

/**
 * Makes a function that waits for a promise, or for `stopped`, which wins where both are there. Not by
 * `Promise.race`: each would leave 300 bytes at `stopped` until it settles, and `tail -f` never ends.
 */
function stoppable(stopped: Promise<void>): <T>(promise: Promise<T>) => Promise<T | "stop"> {
  let isStopped = false;
  let stop = () => {};
  stopped.then(() => {
    isStopped = true;
    stop();
  });
  return (promise) =>
    new Promise((resolve, reject) => {
      stop = () => resolve("stop");
      if (isStopped) stop();
      else promise.then(resolve, reject);
    });
}

function charsOf(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + (line.text?.length ?? 0), 0);
}

function partial(error: PartialRecordError, input: Input, last: number, end: number): CliError {
  const where = input.name === EVENT_FLAG ? "" : ` from ${input.name}`;
  return new CliError(
    `${explain(error.cause ?? error).text}. Lines up to ${last}${where} are done; of lines ${
      last + 1
    } to ${end}, ${error.report.recorded} are recorded for certain, and for ${error.unanswered} nobody knows`,
    { cause: error },
  );
}

/** V8 quotes the line in its message; it is printed beside it anyway. */
function whyNotJson(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof SyntaxError)) return message;
  return `Cannot read the line as JSON: ${
    message.replace(/,? *(\.\.\.)?"[^]*" is not valid JSON$/s, "")
  }`;
}

function summary(tally: Tally, seconds: number | undefined, terminal: Terminal): string {
  const number = (value: number) =>
    formatNumber(value, { grouped: terminal.columns !== undefined });
  const { style } = terminal;
  const refused = `${number(tally.rejected)} rejected`;
  const parts = `${style.bold(number(tally.recorded))} recorded, ${
    tally.rejected > 0 ? style.red(refused) : refused
  }`;
  return seconds === undefined ? `${parts}\n` : `${parts} in ${seconds.toFixed(1)} s\n`;
}

function readAt(values: Values): Date | undefined {
  const seconds = readInstant(values, "at");
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}

async function readInputs(values: Values): Promise<Input[]> {
  const events = values.all("event");
  if (events.length > 0) {
    if (values.rest.length > 0) {
      throw new UsageError("--event and files do not go together; give one or the other");
    }
    for (const event of events) {
      try {
        JSON.parse(event);
      } catch (error) {
        throw new UsageError(
          `--event: ${whyNotJson(error)}; quote it for the shell: '{"event":"…"}'`,
        );
      }
    }
    const lines = events.map((event) => event.replace(/[\r\n]+/g, " ")).join("\n");
    const bytes = new TextEncoder().encode(lines);
    return [{
      name: EVENT_FLAG,
      bytes: bytes.length,
      open: () => Promise.resolve(new Blob([bytes]).stream()),
    }];
  }
  const names = values.rest.length === 0 ? ["-"] : values.rest;
  if (names.filter((name) => name === "-").length > 1) {
    throw new UsageError("Standard input (-) can be read only once");
  }
  const inputs: Input[] = [];
  for (const name of names) inputs.push(name === "-" ? standardInput() : await fileInput(name));
  return inputs;
}

async function dial(values: Values, at: Date | undefined): Promise<Recorder> {
  const client: Client = await connect(values);
  return {
    recordMany: (events, onProgress) =>
      client.recordMany(events, at === undefined ? { onProgress } : { at, onProgress }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function openRecorder(
  values: Values,
  terminal: Terminal,
  at: Date | undefined,
): Promise<Recorder> {
  const opened = await openTraqq(values, terminal, { records: true });
  const traqq: Traqq = opened.traqq;
  return {
    recordMany: (events) => traqq.recordMany(events, at === undefined ? {} : { at }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
