/**
 * `traqq demo`: the main job on real input. It starts a server as a user would, sends it 20,000 flights
 * over TCP, asks it what they say, and checks the answers against the file.
 *
 * @module
 */
import { CliError, EXIT } from "./errors.ts";
import { Client } from "../client/client.ts";
import type { AdvResult, MetricResult } from "../engine/result.ts";
import { DAY } from "../engine/time.ts";
import type { Command } from "./command.ts";
import { flights, Truth } from "./demo_data.ts";
import {
  type Day,
  dayCharts,
  type Look,
  monthName,
  type Origin,
  originTable,
  type Period,
  periodTable,
} from "./demo_report.ts";
import { DemoServer, PROGRAM } from "./demo_server.ts";
import { formatNumber } from "./draw/number.ts";
import { Progress } from "./draw/progress.ts";
import type { Values } from "./flags.ts";
import { wrap } from "./draw/text.ts";
import { readLines } from "./input.ts";
import { need } from "./permissions.ts";
import { query } from "./query.ts";
import { record } from "./record.ts";
import { serve } from "./serve.ts";
import { shellWord } from "./shell.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** Origins that are shown by name. */
const RANKED = 12;
/** What may be wrong with an estimate: more than three standard errors of 0.81%. */
const MAX_ERROR = 0.03;

/** The command. */
export const demo: Command = {
  name: "demo",
  summary: "Try it: 20,000 real flights through a real server, and a report",
  usage: "",
  about: [
    "Starts a server on a free port and a Deno KV file in a temporary folder, sends it 20,000 US " +
    "flights of January to March 2001, asks it about them, and removes everything again. Delays are " +
    "in minutes; the source is the US Bureau of Transportation Statistics, by way of vega-datasets.",
    "With --allow-run the server is a process of its own, as it would be for you; without, it is in " +
    "this one.",
  ],
  groups: [],
  permissions: [
    {
      when: "always",
      flags: "--unstable-kv --allow-net=127.0.0.1 --allow-read --allow-write",
    },
    { when: "the server as a process of its own", flags: "--allow-run" },
    { when: "from JSR, where the flights are fetched", flags: "--allow-net" },
  ],
  examples: [{ line: "traqq demo", does: "in a terminal" }],
  run,
};

async function run(_values: Values, terminal: Terminal): Promise<number> {
  need(
    "make a temporary folder and talk to a server on this machine",
    { name: "net", host: "127.0.0.1" },
    { name: "read" },
    { name: "write" },
  );
  const made: string[] = [];
  const cleanUp = () => {
    try {
      for (const folder of made) Deno.removeSync(folder, { recursive: true });
    } catch {
      // A second Ctrl-C, or the system, was faster.
    }
  };
  using signals = catchSignals(cleanUp);
  const folder = Deno.makeTempDirSync({ prefix: "traqq-demo-" });
  made.push(folder);
  const server = new DemoServer(folder, terminal);
  try {
    const interrupted = signals.stopped.then(() => "interrupted" as const);
    const outcome = await Promise.race([play(server, terminal, signals.stopped), interrupted]);
    if (outcome !== "interrupted") return outcome;
    terminal.err("\n");
    return signals.exitCode ?? EXIT.interrupted;
  } finally {
    await server.stop();
    cleanUp();
  }
}

async function play(
  server: DemoServer,
  terminal: Terminal,
  stopped: Promise<void>,
): Promise<number> {
  const startedMs = performance.now();
  const look: Look = {
    width: terminal.columns ?? 80,
    grouped: terminal.columns !== undefined,
    style: terminal.style,
  };
  const say = (text: string) => terminal.out(`${wrap(text, look.width).join("\n")}\n`);

  const address = await server.start();
  await using client = await Client.connect(address);
  const truth = new Truth();
  const sentMs = performance.now();
  await send(client, truth, terminal, stopped);
  const seconds = (performance.now() - sentMs) / 1000;
  const number = (value: number, decimals?: number) => formatNumber(value, look, decimals);
  say(
    `${number(truth.events)} flights sent over TCP to ${address} and counted in ${
      number(seconds, 1)
    } s, ${number(Math.round(truth.events / seconds))} a second.`,
  );

  const answers = await ask(client, truth);
  const { style } = look;
  const section = (title: string, lines: readonly string[]) =>
    terminal.out(`\n${style.bold(title)}\n${lines.join("\n")}\n`);
  section("Flights per day", dayCharts(answers.days, look));
  section("Unique origins and routes", periodTable(answers.periods, look));
  section("Top origins, and delay in minutes", originTable(answers.origins, look, RANKED));

  const problems = compare(truth, answers);
  terminal.out("\n");
  if (problems.length > 0) {
    throw new CliError(`The answers are not what the file says: ${problems.join("; ")}`);
  }
  const routes = answers.periods[answers.periods.length - 1].routes;
  const error = Math.abs(routes / truth.routes.size - 1) * 100;
  say(
    `Checked against the file: ${number(truth.events)} flights on ${
      number(truth.byDay.size)
    } days and a delay sum of ${number(truth.delaySum)} are exact; the ${
      number(truth.routes.size)
    } unique routes are estimated as ${number(routes)}, ${number(error, 2)}% off. All in ${
      number((performance.now() - startedMs) / 1000, 1)
    } s.`,
  );
  terminal.out(`\n${style.bold("Next")}\n`);
  for (const { does, permissions, args } of NEXT) {
    const line = [programName(permissions), args].join(" ");
    // As a shell takes it, broken or not.
    const lines = wrap(line, look.width - 2, "    ");
    lines[0] = lines[0].trimStart();
    terminal.out(`  ${style.dim(`# ${does}`)}\n  ${lines.join(" \\\n")}\n`);
  }
  return EXIT.ok;
}

const NEXT = [
  {
    does: "your own server; --help tells all its flags",
    permissions: serve.permissions[0].flags,
    args: "serve --add event --add event~geo --top geo",
  },
  {
    does: "in another terminal: an event",
    permissions: record.permissions[0].flags,
    args: `record --event '{"event":"purchase","geo":"US"}'`,
  },
  {
    does: "and back",
    permissions: query.permissions[0].flags,
    args: "query --find add/event~geo",
  },
];

/** How to start the program, from where this one was started. */
function programName(permissions: string): string {
  if (Deno.build.standalone) return "traqq";
  return `${denoName()} run ${permissions} ${
    PROGRAM.protocol !== "file:"
      ? "jsr:@traqq/traqq/cli"
      : shellWord(relative(Deno.cwd(), fromFileUrl(PROGRAM)))
  }`;
}

/** How Deno was started: someone who came by npx may have no `deno`. */
function denoName(): string {
  return Deno.execPath().includes("_npx") ? `npx -y deno@${Deno.version.deno}` : "deno";
}

function relative(folder: string, path: string): string {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.pathname).replace(/^\/([A-Za-z]:)/, "$1");
}

async function send(
  client: Client,
  truth: Truth,
  terminal: Terminal,
  stopped: Promise<void>,
): Promise<void> {
  const input = await flights();
  const progress = new Progress(terminal, input.name);
  let bytes = 0;
  let isStopped = false;
  stopped.then(() => isStopped = true);
  async function* events(): AsyncGenerator<unknown> {
    for await (const lines of readLines(input, (read) => bytes = read)) {
      for (const { text } of lines) {
        if (isStopped) return;
        const event = JSON.parse(text!);
        truth.add(event);
        yield event;
      }
    }
  }
  try {
    const report = await client.recordMany(events(), {
      onProgress: ({ recorded, rejected }) => {
        if (isStopped) return progress.stop();
        progress.update({
          share: input.bytes && bytes / input.bytes,
          events: recorded,
          rejected,
        });
      },
    });
    if (report.rejected.length > 0) {
      throw new CliError(`The server refused a flight: ${report.rejected[0].error.message}`);
    }
  } finally {
    progress.stop();
  }
}

interface Answers {
  readonly days: readonly Day[];
  /** Months, and all of them as the last. */
  readonly periods: readonly Period[];
  /** The first ones by name, then the others together, then all. */
  readonly origins: readonly Origin[];
  /** All delays. */
  readonly all: AdvResult;
}

async function ask(client: Client, truth: Truth): Promise<Answers> {
  const dates = [...truth.byDay.keys()].sort();
  const range = { from: `${dates[0]}T00:00:00Z`, to: `${dates[dates.length - 1]}T23:59:59Z` };
  const merged = async (what: Parameters<Client["find"]>[1], own = range) =>
    (await client.find(own, what, { merge: true }))[0] as MetricResult | undefined;

  const { buckets } = await client.query({ ...range, accept: "add:event" });
  const days = buckets.map(({ label, results }) => ({
    date: label,
    count: results[0]?.type === "add" ? results[0].counts.flight ?? 0 : 0,
  }));

  const months = [...new Set(dates.map((date) => date.slice(0, 7)))];
  const ranges = [
    ...months.map((month) => ({ title: monthName(month), range: monthRange(month) })),
    { title: "all", range },
  ];
  const periods = await Promise.all(ranges.map(async ({ title, range }): Promise<Period> => {
    const [events, origins, routes] = await Promise.all([
      merged("add/event", range),
      merged("bmp/origin", range),
      merged("bmp/origin~destination", range),
    ]);
    return {
      title,
      flights: events?.type === "add" ? events.counts.flight : 0,
      origins: origins?.type === "bmp" ? origins.count : 0,
      routes: routes?.type === "bmp" ? routes.count : 0,
    };
  }));

  const [top, counts, all] = await Promise.all([
    merged("top/origin"),
    merged("add/origin"),
    merged("adv/origin/delay"),
  ]);
  if (top?.type !== "top" || counts?.type !== "add" || all?.type !== "adv") {
    throw new CliError("The server has no origins");
  }
  const ranked: Origin[] = top.ranked.slice(0, RANKED).map(([title, flights]) => ({
    title,
    flights,
    delaySum: all.sums[title] ?? 0,
  }));
  const rest = Object.keys(counts.counts).filter((title) =>
    !ranked.some((origin) => origin.title === title)
  );
  const others: Origin = {
    title: `${rest.length} others`,
    flights: rest.reduce((sum, title) => sum + counts.counts[title], 0),
    delaySum: rest.reduce((sum, title) => sum + (all.sums[title] ?? 0), 0),
  };
  const everything = { title: "all flights", flights: all.count, delaySum: all.sum };
  return { days, periods, origins: [...ranked, others, everything], all };
}

/** From the first to the last second of a month in UTC. */
function monthRange(month: string): { from: string; to: string } {
  const next = new Date(`${month}-01T00:00:00Z`);
  next.setUTCMonth(next.getUTCMonth() + 1);
  const last = new Date(next.getTime() - DAY * 1000).toISOString().slice(0, 10);
  return { from: `${month}-01T00:00:00Z`, to: `${last}T23:59:59Z` };
}

/** What is different in the answers. */
function compare(truth: Truth, { days, periods, origins, all }: Answers): string[] {
  const problems: string[] = [];
  const expect = (what: string, got: number, wanted: number, tolerance = 0) => {
    if (Math.abs(got - wanted) > wanted * tolerance) {
      problems.push(`${what}: ${got} instead of ${wanted}`);
    }
  };
  const total = periods[periods.length - 1];
  expect("flights", total.flights, truth.events);
  expect("days", days.filter(({ count }) => count > 0).length, truth.byDay.size);
  for (const { date, count } of days) expect(date, count, truth.byDay.get(date) ?? 0);
  expect("delay sum", all.sum, truth.delaySum);
  expect("delays", all.count, truth.events);
  expect("unique routes", total.routes, truth.routes.size, MAX_ERROR);
  expect("unique origins", total.origins, truth.origins.size, MAX_ERROR);
  for (const { title, flights, delaySum } of origins.slice(0, RANKED)) {
    const wanted = truth.origins.get(title) ?? { flights: 0, delaySum: 0 };
    expect(`flights of ${title}`, flights, wanted.flights);
    expect(`delay of ${title}`, delaySum, wanted.delaySum);
  }
  return problems;
}
