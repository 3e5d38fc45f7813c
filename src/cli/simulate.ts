/**
 * `traqq simulate`: how fast series are under the load of a company's computers and its dashboards.
 *
 * @module
 */
import type { SimulationReport } from "../series/simulate/simulation.ts";
import type { Command } from "./command.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import { drawTable } from "./draw/table.ts";
import { harmless } from "./draw/text.ts";
import { durationMs } from "./duration.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { oneOf, quoted, readFlags, type Values, wholeNumber } from "./flags.ts";
import { openLog } from "./log.ts";
import { need } from "./permissions.ts";
import { serve } from "./serve.ts";
import { startServer } from "./serve_start.ts";
import { tokenFlag } from "./shared_flags.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { readTokens } from "./tokens.ts";

const STOP_MS = 30_000;

/** The command. */
export const simulate: Command = {
  name: "simulate",
  summary: "Measure series under simulated devices and dashboards",
  usage: "[--devices N] [--server URL]",
  about: [
    "Each device reports its health, its network, its apps and a score every so often, in a request of its " +
    "own: 7.5 series a device. Meanwhile questions in SQL come at a fixed rate: of ten, six are those " +
    "of dashboards, three look for what is beyond a threshold, one is about a single device.",
    "Nothing waits for a slow server: what takes long counts from when it was due. Without --server it " +
    "starts one for itself, in this process and in a temporary folder, and at the end looks whether it " +
    "has every point that it acknowledged, once.",
  ],
  groups: [
    {
      title: "Load",
      flags: [
        { name: "devices", value: "N", help: "Default 1000" },
        { name: "write-interval", value: "TIME", help: "Between two reports of one; default 15s" },
        { name: "query-rate", value: "N", help: "Questions a second; default 5; 0 for none" },
        { name: "duration", value: "TIME", help: "Default 60s" },
        { name: "seed", value: "N", help: "Another one gives other devices and values; default 1" },
      ],
    },
    {
      title: "Server",
      flags: [
        {
          name: "server",
          value: "URL",
          help: "A traqq serve --http --series; default one of its own",
        },
        tokenFlag("Its token"),
        {
          name: "series-durability",
          value: "MODE",
          help: "Of a server of its own; default periodic",
        },
      ],
    },
    {
      title: "Output",
      flags: [{ name: "format", value: "table|json", help: "Default table" }],
    },
  ],
  permissions: [
    {
      when: "with a server of its own",
      flags: "--allow-ffi --allow-net=127.0.0.1 --allow-read --allow-write",
    },
    { when: "--server", flags: "--allow-net=HOST:PORT --allow-env=TRAQQ_TOKEN" },
  ],
  examples: [
    {
      line: "traqq simulate --devices 1000 --write-interval 15 --query-rate 5 --duration 60",
      does: "the load of RusTs' benchmark, for a minute",
    },
    { line: "traqq simulate --server http://127.0.0.1:8080", does: "on a server that runs" },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const load = {
    devices: wholeNumber(values, "devices", 1) ?? 1000,
    writeIntervalMs: durationMs(values, "write-interval") ?? 15_000,
    queryRate: wholeNumber(values, "query-rate", 0) ?? 5,
    durationMs: durationMs(values, "duration") ?? 60_000,
    seed: wholeNumber(values, "seed", 0) ?? 1,
  };
  const format = oneOf(values, "format", ["table", "json"]) ?? "table";
  if (load.writeIntervalMs === 0) throw new UsageError("--write-interval wants more than 0");
  const url = values.get("server");
  if (url !== undefined) {
    const host = URL.parse(url)?.host;
    if (host === undefined) {
      throw new UsageError(
        `--server wants an address such as http://127.0.0.1:8080, received ${quoted(url)}`,
      );
    }
    if (values.has("series-durability")) {
      throw new UsageError("--series-durability is for a server of its own; leave --server out");
    }
    need(`connect to ${host}`, { name: "net", host });
    const token = (await readTokens(values))[0]?.token;
    return await simulated({ ...load, url, token }, format, false, terminal);
  }
  return await withOwnServer(
    values,
    terminal,
    (url) => simulated({ ...load, url }, format, true, terminal),
  );
}

async function simulated(
  options: Parameters<typeof import("../series/simulate/simulation.ts").simulate>[0],
  format: "table" | "json",
  isOwn: boolean,
  terminal: Terminal,
): Promise<number> {
  const { countAll, simulate } = await import("../series/simulate/simulation.ts");
  using signals = catchSignals();
  const stop = new AbortController();
  void signals.stopped.then(() => stop.abort());
  const progress = new Progress(terminal, `${options.devices} devices`);
  let report: SimulationReport;
  try {
    report = await simulate({
      ...options,
      signal: stop.signal,
      onProgress: (events, share, rejected) =>
        progress.update({ share, events, rejected, noun: "point" }),
    });
  } finally {
    progress.stop();
  }
  terminal.out(format === "json" ? `${JSON.stringify(report)}\n` : drawn(report, terminal));
  const { errors, firstError, allPoints } = report;
  if (errors > 0) {
    terminal.err(`traqq: ${errors} requests failed; the first: ${harmless(firstError!)}\n`);
  }
  if (isOwn && errors === 0) {
    const found = await countAll(options);
    if (found !== allPoints) {
      throw new CliError(`BUG: the server acknowledged ${allPoints} points, and has ${found}`);
    }
    terminal.err("traqq: the server has every point that it acknowledged, once\n");
  }
  return signals.exitCode ?? (errors > 0 ? EXIT.failure : EXIT.ok);
}

/** A server in this process, with its points in a folder that goes with it. */
async function withOwnServer(
  values: Values,
  terminal: Terminal,
  work: (url: string) => Promise<number>,
): Promise<number> {
  need("start a server", { name: "ffi" }, { name: "read" }, { name: "write" }, {
    name: "net",
    host: "127.0.0.1",
  });
  const durability = values.get("series-durability") ?? "periodic";
  const folder = await Deno.makeTempDir({ prefix: "traqq-simulate-" });
  try {
    const flags = readFlags(serve.groups, [
      ...["--addr", "127.0.0.1:0", "--http", "127.0.0.1:0", "--storage", "memory"],
      ...["--log-level", "warning", "--max-requests", "10000"],
      ...["--series-durability", durability],
      ...durability === "none" ? [] : ["--series", `${folder}/points`],
    ]);
    using log = openLog(flags, terminal);
    const server = await startServer(flags, terminal, log);
    try {
      const url = /https?:\/\/[^\s,]+/.exec(server.banner)?.[0];
      if (url === undefined) throw new Error(`BUG: no address in ${server.banner}`);
      return await work(url);
    } finally {
      await server.stop(STOP_MS);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function drawn(report: SimulationReport, terminal: Terminal): string {
  const { points, seconds, bytes, series, writes, queries } = report;
  const number = (value: number, decimals?: number) =>
    Number.isNaN(value) ? "-" : formatNumber(value, { grouped: true }, decimals);
  const rows = [["writes", writes] as const, ...Object.entries(queries)].map((
    [name, { count, p50Ms, p95Ms, p99Ms }],
  ) => [name, number(count), ...[p50Ms, p95Ms, p99Ms].map((ms) => number(ms, 1))]);
  const columns = [
    { title: "" },
    ...["count", "p50 ms", "p95 ms", "p99 ms"].map((title) => ({ title, align: "right" as const })),
  ];
  return [
    `${number(points)} points of ${number(series)} series in ${seconds.toFixed(1)} s: ` +
    `${number(Math.round(points / Math.max(seconds, 0.001)))} points/s, ` +
    `${(bytes / 1e6).toFixed(1)} MB as line protocol`,
    "",
    ...drawTable(columns, rows, { width: terminal.columns, style: terminal.style }),
    "",
  ].join("\n");
}
