/**
 * Requests and events a second over HTTP, and how long a request takes under load: see README.
 *
 *     deno task bench:http [ROUNDS] [CONNECTIONS]
 *
 * @module
 */
import { KvStorage } from "../../src/storage/kv.ts";
import { Traqq } from "../../src/traqq.ts";
import { QUICK_START } from "../_events.ts";
import type { Loaded } from "./load.ts";

const ROUNDS = Number(Deno.args[0] ?? 3);
const CONNECTIONS = Number(Deno.args[1] ?? 32);
/** Requests of a round, by events of a body: some seconds each. */
const LOADS: readonly (readonly [events: number, requests: number])[] = [[1, 60_000], [100, 6_000]];
/** What comes before, as V8 gets faster meanwhile: a share of a round. */
const WARM_UP = 0.25;

/** A server in a process of its own. */
interface Subject {
  readonly name: string;
  readonly args: readonly string[];
  /** Its KV file; undefined: it keeps nothing. */
  readonly kvPath?: string;
}

const folder = await Deno.makeTempDir({ prefix: "traqq-bench-" });
try {
  await Deno.writeTextFile(`${folder}/traqq.json`, JSON.stringify({ mapping: QUICK_START }));
  console.log(`${CONNECTIONS} connections, the median of ${ROUNDS} rounds`);
  console.log(
    "server                    events/body  requests/s   events/s   p50 ms   p90 ms   p99 ms",
  );
  const bare = new URL("bare.ts", import.meta.url).pathname;
  await measure({ name: "Deno.serve, parses only", args: [bare] });
  for (const workers of [1, 2]) {
    const kvPath = `${folder}/${workers}.db`;
    const flags = ["--addr=127.0.0.1:0", "--http=127.0.0.1:0", `--config=${folder}/traqq.json`];
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    await measure({
      name: `traqq serve --workers ${workers}`,
      args: [cli, "serve", ...flags, `--kv-path=${kvPath}`, `--workers=${workers}`],
      kvPath,
    });
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** All loads on one server, and whether it has counted what it has answered. */
async function measure(subject: Subject): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", ...subject.args],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const url = await urlOf(child);
    let answered = 0;
    for (const [events, requests] of LOADS) {
      const load = async (amount: number) => {
        const loaded = await run(url, events, amount);
        answered += events * loaded.answered;
        await check(url, answered);
        return loaded;
      };
      await load(Math.ceil(WARM_UP * requests));
      const rounds: Loaded[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await load(requests));
      print(subject.name, events, median(rounds));
    }
    child.kill("SIGTERM");
    await child.status;
    if (subject.kvPath !== undefined) await checkStored(subject.kvPath, answered);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** @throws {Error} if the server has counted anything else than it has answered */
async function check(url: string, answered: number): Promise<void> {
  const { engine } = await (await fetch(`${url}/stats`)).json();
  if (engine.recorded === answered) return;
  throw new Error(`Cannot measure: ${engine.recorded} were counted, ${answered} were answered`);
}

/** The same of what stands in storage. */
async function checkStored(path: string, answered: number): Promise<void> {
  await using storage = await KvStorage.open(path);
  await using traqq = await Traqq.open({ storage });
  // Two days, as midnight may have passed.
  const { counts } = (await traqq.queryDays(2)).merged("add/event");
  const stored = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (stored === answered) return;
  throw new Error(`Cannot measure: ${stored} are in storage, ${answered} were answered`);
}

async function run(url: string, events: number, requests: number): Promise<Loaded> {
  const program = new URL("load.ts", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", program, url, ...[events, requests, CONNECTIONS].map(String)],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot measure: the load failed");
  const loaded: Loaded = JSON.parse(new TextDecoder().decode(stdout));
  if (loaded.failed === 0 && loaded.answered === requests) return loaded;
  throw new Error(`Cannot measure: ${loaded.answered} of ${requests} requests were answered`);
}

/** The middle one by its time. */
function median(rounds: readonly Loaded[]): Loaded {
  return rounds.toSorted((a, b) => a.seconds - b.seconds)[rounds.length >> 1];
}

function print(name: string, events: number, { answered, seconds, latency }: Loaded): void {
  const perSecond = answered / seconds;
  const cells = [
    name.padEnd(26) + String(events).padStart(11),
    Math.round(perSecond).toLocaleString("en").padStart(12),
    Math.round(perSecond * events).toLocaleString("en").padStart(11),
    ...[latency.p50, latency.p90, latency.p99].map((ms) => ms.toFixed(1).padStart(9)),
  ];
  console.log(cells.join(""));
}

async function urlOf(child: Deno.ChildProcess): Promise<string> {
  let text = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot measure: the server did not start: ${text}`);
    text += value;
    const url = /(http:\/\/[\d.:]+),/.exec(text)?.[1];
    if (url === undefined) continue;
    // Its output is read on, so that it never waits for us.
    (async () => {
      while (!(await reader.read()).done);
    })().catch(() => {});
    return url;
  }
}
