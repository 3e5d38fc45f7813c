/**
 * `traqq import --from-redis`: what other programs left in Redis, into a storage.
 *
 * @module
 */
import { handled } from "../base/promises.ts";
import { prefixesIn, surveyRedis, timezoneIn } from "../transfer/redis_survey.ts";
import type { Survey } from "../transfer/redis_survey.ts";
import type { Finding, Layout } from "../transfer/redis_layout.ts";
import { readRedisUrl, RedisSource } from "../transfer/redis_source.ts";
import { TRAQQ_LAYOUT } from "../transfer/redis_traqq.ts";
import { TRK_LAYOUT } from "../transfer/redis_trk.ts";
import { openBareStorage } from "./bare_storage.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { harmless } from "./draw/text.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { type FlagGroup, oneOf, type Values } from "./flags.ts";
import { importLines } from "./import_lines.ts";
import { readOptions } from "./options.ts";
import { isGranted, need } from "./permissions.ts";
import { catchSignals, type Signals, untilStopped } from "./signals.ts";
import { lettersFor } from "./storage.ts";
import type { Terminal } from "./terminal.ts";

/** The environment variable that may hold the URL, which processes could see as a flag. */
export const FROM_REDIS_URL_VARIABLE = "TRAQQ_FROM_REDIS_URL";

/** What `--from-redis` takes beside the flags of every import. */
export const REDIS_SOURCE_FLAGS: FlagGroup = {
  title: "From Redis (nothing is written to it)",
  flags: [
    {
      name: "from-redis",
      value: "URL",
      help:
        "Read redis://:PASSWORD@HOST:PORT/DATABASE (rediss:// for TLS) or the cluster that it is " +
        `a node of; default the environment variable ${FROM_REDIS_URL_VARIABLE}`,
    },
    {
      name: "layout",
      value: "traqq|trk",
      help: "Who wrote it: traqq, the Rust one or this one, or trk (and trk2)",
    },
    {
      name: "from-prefix",
      value: "NAME",
      help: "Its prefix there; default the only one there is",
    },
    {
      name: "timezone",
      value: "ZONE",
      help:
        "The IANA zone in which it was counted (trk: that of its machine); default the one that " +
        "is stored there, else the target's, else UTC",
    },
  ],
};

const LAYOUTS: Readonly<Record<"traqq" | "trk", Layout>> = {
  traqq: TRAQQ_LAYOUT,
  trk: TRK_LAYOUT,
};

/** Findings of a kind that are printed; the others are counted. */
const MAX_TOLD = 20;

/** Characters of a key or field that are printed. */
const MAX_NAMED_CHARS = 300;

/** How each kind of finding is told, and counted. */
export const KINDS: Readonly<Record<Finding["kind"], { told: string; one: string; many: string }>> =
  {
    refused: { told: "Not imported", one: "not imported", many: "not imported" },
    unknown: { told: "Not traqq's or trk's", one: "unknown key", many: "unknown keys" },
    missing: { told: "Missing", one: "missing key", many: "missing keys" },
    shared: {
      told: "Without its count",
      one: "shared count left out",
      many: "shared counts left out",
    },
    differs: { told: "Does not add up", one: "sum does not add up", many: "sums do not add up" },
  };

/** Whether the flags mean Redis rather than files. @throws {UsageError} for flags of both */
export function readsRedis(values: Values): boolean {
  const given = values.firstOf(REDIS_SOURCE_FLAGS.flags.map(({ name }) => name));
  if (given === undefined) return false;
  if (values.rest.length > 0) {
    throw new UsageError(`--${given} is for importing from Redis; leave it or the files out`);
  }
  if (!values.has("from-redis") && !values.has("layout")) {
    throw new UsageError(`--${given} is for importing from Redis: add --from-redis URL`);
  }
  return true;
}

/** Runs the command. */
export async function importFromRedis(values: Values, terminal: Terminal): Promise<number> {
  const name = oneOf(values, "layout", ["traqq", "trk"]);
  if (name === undefined) {
    throw new UsageError("--from-redis needs --layout traqq or --layout trk: who wrote there");
  }
  const layout = LAYOUTS[name];
  const url = readUrl(values);
  const { address } = readRedisUrl(url);
  need(`read from Redis at ${address}`, { name: "net", host: address });
  const options = await readOptions(values);
  using signals = catchSignals();
  await using source = await RedisSource.open(url);
  const from = values.get("from-prefix") ?? await onlyPrefix(source, layout);
  const prefix = options.prefix ?? from;
  await using opened = await openBareStorage(values, terminal, false);
  const timezone = options.time?.timezone ?? await timezoneIn(source, layout, from) ??
    await opened.storage.timezone(prefix) ?? "UTC";

  const findings = new Findings(terminal);
  const survey = await readAll(source, layout, { prefix: from, timezone }, findings, {
    signals,
    terminal,
  });
  if (survey === undefined) {
    terminal.err("Stopped; nothing is imported\n");
    return signals.exitCode ?? EXIT.failure;
  }
  const report = await importLines({
    name: `Redis ${address}`,
    lines: untilStopped(survey.lines(), signals),
    share: (cells) => survey.cells === 0 ? undefined : cells / survey.cells,
  }, {
    storage: opened.storage,
    prefix,
    merge: values.has("merge"),
    letters: lettersFor(values, terminal),
    signals,
    terminal,
  });
  findings.sum();
  if (!report.complete) return signals.exitCode ?? EXIT.failure;
  return report.refused > 0 || findings.refused > 0 ? EXIT.failure : EXIT.ok;
}

/** The first reading; undefined if a signal ended it. */
async function readAll(
  source: RedisSource,
  layout: Layout,
  from: { readonly prefix: string; readonly timezone: string },
  findings: Findings,
  { signals, terminal }: { readonly signals: Signals; readonly terminal: Terminal },
): Promise<Survey | undefined> {
  const progress = new Progress(terminal, `checking Redis ${source.address}`);
  try {
    const survey = surveyRedis(source, layout, {
      ...from,
      onProgress: ({ share, cells }) =>
        progress.update({ share, events: cells, rejected: findings.refused, noun: "cell" }),
      onFinding(finding) {
        progress.clear();
        findings.tell(finding);
      },
    });
    // Ends early when a signal comes, also while Redis does not answer; the connection is closed then.
    return await Promise.race([signals.stopped.then(() => undefined), handled(survey)]);
  } finally {
    progress.stop();
  }
}

function readUrl(values: Values): string {
  const given = values.get("from-redis");
  if (given !== undefined) return given;
  const permission = { name: "env", variable: FROM_REDIS_URL_VARIABLE } as const;
  const url = isGranted(permission) ? Deno.env.get(FROM_REDIS_URL_VARIABLE)?.trim() : undefined;
  if (url) return url;
  throw new UsageError(
    `--layout needs --from-redis URL, or the URL in the environment variable ${FROM_REDIS_URL_VARIABLE} ` +
      `(and --allow-env for Deno to read it)`,
  );
}

async function onlyPrefix(source: RedisSource, layout: Layout): Promise<string> {
  const [prefix, ...others] = await prefixesIn(source, layout);
  if (prefix === undefined) {
    throw new CliError(
      `Cannot import from Redis at ${source.address}: no prefix has known keys of layout ` +
        `${layout.name}; look at --layout and at the number of the database in the URL`,
    );
  }
  if (others.length === 0) return prefix;
  const names = [prefix, ...others].slice(0, MAX_TOLD).map(named).join(", ");
  throw new UsageError(
    `There are several prefixes in Redis: ${names}${
      others.length >= MAX_TOLD ? " and more" : ""
    }; choose one with --from-prefix`,
  );
}

/** A key or a field in a message: as JSON, so that its ends are seen, cut. */
function named(text: string): string {
  return JSON.stringify(
    text.length > MAX_NAMED_CHARS ? `${text.slice(0, MAX_NAMED_CHARS).toWellFormed()}…` : text,
  );
}

/** Prints the first findings of each kind, and counts all. */
class Findings {
  readonly #terminal: Terminal;
  readonly #counts = new Map<Finding["kind"], number>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Those that are missing in the target. */
  get refused(): number {
    return this.#counts.get("refused") ?? 0;
  }

  tell({ kind, key, field, why }: Finding): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count > MAX_TOLD) return;
    const where = field === undefined ? named(key) : `${named(key)} field ${named(field)}`;
    this.#terminal.err(`${harmless(`${KINDS[kind].told}: ${where}: ${why}`)}\n`);
  }

  /** One line with all counts, if there is anything to say. */
  sum(): void {
    const number = (value: number) =>
      formatNumber(value, { grouped: this.#terminal.errColumns !== undefined });
    const parts = [...this.#counts].map(([kind, count]) =>
      `${number(count)} ${count === 1 ? KINDS[kind].one : KINDS[kind].many}`
    );
    if (parts.length > 0) this.#terminal.err(`In Redis: ${parts.join(", ")}\n`);
  }
}
