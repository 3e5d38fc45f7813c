/**
 * `traqq query`: what was recorded, from a server or from a storage opened here.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import type { QueryDaysOptions } from "../engine/query.ts";
import { type MetricPath, type ReadSelector, readSelector } from "../engine/selector.ts";
import type { ResultBucket } from "../engine/result.ts";
import type { Command } from "./command.ts";
import { connect } from "./connect.ts";
import { toCsv } from "../protocol/csv.ts";
import { type Answer, answerOf, mergedAnswer } from "../protocol/rows.ts";
import { endOf, readMoment, startOf } from "./dates.ts";
import { harmless } from "./draw/text.ts";
import { EXIT, UsageError } from "./errors.ts";
import { oneOf, type Values, wholeNumber } from "./flags.ts";
import { toJson, toNdjson, toTable } from "./formats.ts";
import { CONNECT_FLAGS, opensStorage, storageFlags } from "./shared_flags.ts";
import { openTraqq } from "./storage.ts";
import { localSource, type Range, remoteSource, selector, type Source } from "./source.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_DAYS = 7;
const DEFAULT_LIMIT = 20;

/** The command. */
export const query: Command = {
  name: "query",
  summary: "Show what was recorded, as a table, JSON, NDJSON or CSV",
  usage: "[--days N | --from TIME [--to TIME]] [--find METRIC [--merge]]",
  about: [
    "Asks a server, or, with --storage, reads a storage that is opened here.",
    "A metric is a type and the properties it counts by: add/event (counts), bmp/ip (unique values), " +
    "adv/event~geo/amount (sums of amount), top/geo (leaderboard). A TIME is a day of the time zone " +
    "of the data (2026-11-01), an instant (2026-11-01T12:00:00Z) or unix seconds.",
  ],
  groups: [
    {
      title: "Range",
      flags: [
        {
          name: "days",
          value: "N",
          help: `The last N days, today the last of them; default ${DEFAULT_DAYS}`,
        },
        { name: "from", value: "TIME", help: "From here; a day from its first second" },
        {
          name: "to",
          value: "TIME",
          help: "To here, inclusive: a day to its last second; default now",
        },
        { name: "unit", value: "d|h", help: "By day or by hour (kept with --hourly); default d" },
      ],
    },
    {
      title: "What",
      flags: [
        { name: "find", value: "METRIC", help: "Only this metric: add/event~geo" },
        {
          name: "merge",
          help: "The whole range as one, not by day; unique values are counted over all of it",
        },
        {
          name: "accept",
          value: "GLOB",
          many: true,
          help: "Only metrics like this: add:*, adv:amount:event~*; repeatable",
        },
        { name: "allow", value: "GLOB", many: true, help: "The same as --accept" },
        { name: "ignore", value: "GLOB", many: true, help: "No metrics like this; repeatable" },
      ],
    },
    {
      title: "Output",
      flags: [
        {
          name: "format",
          value: "table|json|ndjson|csv",
          help:
            "For people, as the library has it, or a row per value for other programs; default table",
        },
        {
          name: "limit",
          value: "N",
          help: `Rows of a metric and bucket in a table, 0 for all; default ${DEFAULT_LIMIT}`,
        },
        {
          name: "escape-formulas",
          help: "In CSV, put ' before text that a spreadsheet would run as a formula",
        },
      ],
    },
    CONNECT_FLAGS,
    storageFlags("Open it here instead of asking a server (memory holds nothing)"),
  ],
  permissions: [
    { when: "from a server", flags: "--allow-net=127.0.0.1:9876" },
    {
      when: "--storage kv",
      flags: "--unstable-kv --allow-read=traqq.db --allow-write=traqq.db",
    },
    { when: "--storage redis", flags: "--allow-net=127.0.0.1:6379 --allow-env" },
    { when: "the token from the environment", flags: "--allow-env=TRAQQ_TOKEN" },
  ],
  examples: [
    { line: "traqq query --days 30 --find top/geo --merge", does: "the leaderboard of 30 days" },
    { line: "traqq query --from 2026-11-01 --to 2026-11-07", does: "everything in a week" },
    {
      line: "traqq query --days 90 --find adv/event/amount --format csv > sums.csv",
      does: "for a spreadsheet",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const asked = readQuestion(values);
  if (!opensStorage(values)) {
    await using client = await connect(values);
    print(await ask(remoteSource(client), asked), asked, terminal);
    return EXIT.ok;
  }
  refuseMemory(values);
  await using opened = await openTraqq(values, terminal, { records: false });
  print(await ask(localSource(opened.traqq), asked), asked, terminal);
  return EXIT.ok;
}

/** @throws {UsageError} for a storage that holds nothing yet */
export function refuseMemory(values: Values): void {
  if (values.get("storage") !== "memory") return;
  throw new UsageError(
    "--storage memory holds nothing but what this process records; ask the server by --addr, " +
      "or use --storage kv or redis",
  );
}

type Format = "table" | "json" | "ndjson" | "csv";

interface Question {
  readonly days: number | undefined;
  readonly from: ReturnType<typeof readMoment>;
  readonly to: ReturnType<typeof readMoment>;
  readonly find: ReadSelector | undefined;
  readonly merge: boolean;
  readonly filter: QueryDaysOptions;
  readonly format: Format;
  readonly limit: number;
  readonly escapeFormulas: boolean;
}

function readQuestion(values: Values): Question {
  const days = wholeNumber(values, "days", 1);
  const from = readMoment(values, "from");
  const to = readMoment(values, "to");
  if (days !== undefined && (from !== undefined || to !== undefined)) {
    throw new UsageError("--days and --from or --to do not go together; give one or the other");
  }
  if (to !== undefined && from === undefined) {
    throw new UsageError("--to needs a --from, the start of the range");
  }
  const format = oneOf(values, "format", ["table", "json", "ndjson", "csv"]) ?? "table";
  const find = readFind(values);
  const merge = values.has("merge");
  if (merge && find === undefined) {
    throw new UsageError("--merge needs a metric: --find add/event --merge");
  }
  if (values.has("escape-formulas") && format !== "csv") {
    throw new UsageError("--escape-formulas is for --format csv");
  }
  if (values.has("limit") && format !== "table") {
    throw new UsageError("--limit is for --format table; the others give all rows");
  }
  const unit = oneOf(values, "unit", ["d", "h"]);
  const accept = [...values.all("accept"), ...values.all("allow")];
  const ignore = [...values.all("ignore")];
  return {
    days,
    from,
    to,
    find,
    merge,
    filter: {
      ...(unit === undefined ? {} : { unit }),
      ...(accept.length === 0 ? {} : { accept }),
      ...(ignore.length === 0 ? {} : { ignore }),
    },
    format,
    limit: wholeNumber(values, "limit", 0) ?? DEFAULT_LIMIT,
    escapeFormulas: values.has("escape-formulas"),
  };
}

function readFind(values: Values): ReadSelector | undefined {
  const text = values.get("find");
  if (text === undefined) return undefined;
  try {
    return readSelector(text as MetricPath);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`--find: ${messageOf(error)}`);
  }
}

async function ask(source: Source, asked: Question): Promise<Answer> {
  const { find, filter } = asked;
  if (find === undefined) {
    const buckets = asked.from === undefined
      ? await source.queryDays(asked.days ?? DEFAULT_DAYS, filter)
      : await source.query(await rangeOf(source, asked), filter);
    return answerOf(buckets, find);
  }
  const range = await rangeOf(source, asked);
  if (asked.merge) {
    const results = await source.merged(find, range, filter);
    return mergedAnswer(results, find);
  }
  const buckets = await source.query(range, { ...filter, select: selector(find) });
  return answerOf(buckets, find);
}

async function rangeOf(source: Source, { days, from, to }: Question): Promise<Range> {
  if (from === undefined) {
    const buckets = await source.lastDays(days ?? DEFAULT_DAYS);
    // The last bucket is named by its first second: that is within it, as the range needs.
    const last = buckets[buckets.length - 1];
    return { from: buckets[0].start, to: await dayEnd(source, last) };
  }
  const range = {
    from: await startOf(source, from),
    to: to === undefined ? Math.floor(Date.now() / 1000) : await endOf(source, to),
  };
  if (range.to < range.from) {
    throw new UsageError(
      to === undefined ? "--from lies in the future; give a --to" : "--to lies before --from",
    );
  }
  return range;
}

function dayEnd(source: Source, { label }: ResultBucket): Promise<number> {
  return endOf(source, { kind: "day", date: label });
}

function print(answer: Answer, asked: Question, terminal: Terminal): void {
  switch (asked.format) {
    case "table":
      return terminal.out(toTable(answer, asked.limit, terminal));
    case "json":
      return terminal.out(toJson(answer));
    case "ndjson":
      return printAll(toNdjson(answer), terminal);
    case "csv":
      return printAll(
        toCsv(answer, { ...asked, shown: terminal.columns === undefined ? undefined : harmless }),
        terminal,
      );
  }
}

/** Lines are put together, for each write is a system call. */
function printAll(lines: Iterable<string>, terminal: Terminal): void {
  let text = "";
  for (const line of lines) {
    text += line;
    if (text.length > 1 << 16) {
      terminal.out(text);
      text = "";
    }
  }
  if (text !== "") terminal.out(text);
}
