/**
 * `traqq procession`: what a file of raw time series holds, as a table and as charts.
 *
 * @module
 */
import { gunzipSync } from "node:zlib";
import { messageOf } from "../base/errors.ts";
import { isProcession } from "../procession/bytes.ts";
import type { EventFilter } from "../procession/events.ts";
import { Procession } from "../procession/procession.ts";
import type { Command } from "./command.ts";
import { readInstantMs } from "./dates.ts";
import { durationMs } from "./duration.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { reasonOf } from "./files.ts";
import { quoted, type Values, wholeNumber } from "./flags.ts";
import { need } from "./permissions.ts";
import { seriesCharts, seriesTable } from "./procession_report.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_LIMIT = 50;

/** The command. */
export const procession: Command = {
  name: "procession",
  summary: "Show what a file of counters, gauges and histograms holds",
  usage: "FILE [--step TIME]",
  takesFiles: true,
  about: [
    "Reads what Procession.toBytes() wrote, or the JSON of the Rust crate metrics-procession (whole, an " +
    "array, or lines of events), gzipped or not; - is standard input. Prints a line for each series: " +
    "how many events, how many a second (of a counter, by how much it rose a second), extremes, mean, " +
    "quantiles within 1 %, and what it stood at last.",
    "With --step also a chart for each series: of a counter by how much it rose a second, of a gauge " +
    "what it stood at on average, of a histogram the mean. Under a step without an event there is no " +
    "line.",
  ],
  groups: [
    {
      title: "What",
      flags: [
        {
          name: "name",
          value: "RE",
          help: "Only series in whose name this expression finds something",
        },
        {
          name: "label",
          value: "NAME=VALUE",
          many: true,
          help: "Only series with this label; repeatable, then with all of them",
        },
        {
          name: "from",
          value: "TIME",
          help: "Not before this: 2026-11-01T12:00:00.250Z or unix seconds",
        },
        { name: "to", value: "TIME", help: "Not after this" },
      ],
    },
    {
      title: "Output",
      flags: [
        {
          name: "step",
          value: "TIME",
          help: "Draw charts with a bar for each step: 100ms, 1s, 5m",
        },
        { name: "limit", value: "N", help: `Series, 0 for all; default ${DEFAULT_LIMIT}` },
      ],
    },
  ],
  permissions: [{ when: "always", flags: "--allow-read=FILE" }],
  examples: [
    { line: "traqq procession app.procession", does: "what is in it?" },
    {
      line: "traqq procession app.procession --name latency --label route=/ --step 1s",
      does: "the latencies of a route, second by second",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  if (values.rest.length !== 1) {
    throw new UsageError(`procession reads one FILE, received ${values.rest.length}`);
  }
  const filter = readWhat(values);
  const limit = wholeNumber(values, "limit", 0) ?? DEFAULT_LIMIT;
  const stepMs = durationMs(values, "step");
  if (stepMs === 0) throw new UsageError("--step wants a duration from 1ms");
  const [path] = values.rest;
  const read = readProcession(path, await readBytes(path));
  const report = seriesTable(read, filter, limit, terminal);
  if (stepMs !== undefined) {
    report.push(...seriesCharts(read, { ...filter, stepMs }, limit, terminal));
  }
  terminal.out(`${report.join("\n")}\n`);
  return EXIT.ok;
}

function readWhat(values: Values): EventFilter {
  const labels = values.all("label").map((pair) => {
    const at = pair.indexOf("=");
    if (at < 0) throw new UsageError(`--label wants NAME=VALUE, received ${quoted(pair)}`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const from = readInstantMs(values, "from");
  const to = readInstantMs(values, "to");
  if (from !== undefined && to !== undefined && to < from) {
    throw new UsageError("--to lies before --from");
  }
  const name = readExpression(values);
  return {
    ...(name === undefined ? {} : { name }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    labels: Object.fromEntries(labels),
  };
}

function readExpression(values: Values): RegExp | undefined {
  const text = values.get("name");
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, "u");
  } catch (error) {
    throw new UsageError(`--name wants a regular expression: ${messageOf(error)}`);
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  if (path === "-") return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  need(`read ${path}`, { name: "read", path });
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw new CliError(`Cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function readProcession(path: string, bytes: Uint8Array): Procession {
  try {
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b
      ? new Uint8Array(gunzipSync(bytes))
      : bytes;
    if (isProcession(plain)) return Procession.fromBytes(plain);
    return Procession.fromJSON(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  } catch (error) {
    const why = messageOf(error).replace("Cannot read a procession: ", "");
    throw new CliError(`Cannot read ${path === "-" ? "standard input" : path}: ${why}`, {
      cause: error,
    });
  }
}
