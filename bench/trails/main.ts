/**
 * Four questions of 450,000 trails, from the file and the program's text to the answer, with one thread
 * and two, beside loops written by hand over the same columns.
 *
 * deno run -A bench/trails/main.ts [--runs 3] [--only NAME]
 *
 * @module
 */
import process from "node:process";
import { TdbSource } from "../../src/trails/data/tdb.ts";
import { readPackage } from "../../src/trails/data/tdb_package.ts";
import { type Parameters, TrailData, TrailProgram } from "../../src/trails/mod.ts";
import { benchData } from "./data.ts";
import { byHand } from "./by_hand.ts";

const QUESTIONS: readonly { name: string; text: string; parameters?: Parameters }[] = [
  {
    name: "sessions",
    text: `start ->
  receive
    * -> session
session ->
  receive
    * -> session
  after 30m -> yield $sessions, start
`,
  },
  {
    name: "titles",
    text: "start ->\n  receive\n    * -> yield title to &titles, repeat\n",
  },
  {
    name: "foreach",
    text: `foreach %title in @list
  start ->
    receive
      title = %title -> yield $edits, repeat
      * -> repeat
`,
    // Every rank of the head, then ever fewer.
    parameters: {
      "@list": Array.from({ length: 1000 }, (_, i) => [
        `Title_${Math.floor(1 + i ** 1.9).toString(36)}`,
      ]),
    },
  },
  {
    name: "sketches",
    text:
      "start ->\n  receive\n    * -> yield title to ^titles, yield title,space to ^pairs, repeat\n",
  },
];

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

/** What work takes: the best of some runs, as others use the machine, too. */
interface Taken<T> {
  readonly seconds: number;
  /** Of all cores together, which others disturb less. */
  readonly cpuSeconds: number;
  readonly answer: T;
}

async function best<T>(runs: number, work: () => Promise<T> | T): Promise<Taken<T>> {
  let seconds = Infinity, cpuSeconds = Infinity;
  let answer: T;
  for (let i = 0; i < runs; i++) {
    const began = performance.now(), cpu = process.cpuUsage();
    answer = await work();
    const { user, system } = process.cpuUsage(cpu);
    seconds = Math.min(seconds, (performance.now() - began) / 1000);
    cpuSeconds = Math.min(cpuSeconds, (user + system) / 1e6);
  }
  return { seconds, cpuSeconds, answer: answer! };
}

function shown({ seconds, cpuSeconds }: Taken<unknown>): string {
  return `${seconds.toFixed(2)} s (CPU ${cpuSeconds.toFixed(2)} s)`;
}

const path = await benchData();
const runs = Number(option("runs") ?? 3);
const only = option("only");
for (const { name, text, parameters = {} } of QUESTIONS) {
  if (only !== undefined && only !== name) continue;
  const texts: string[] = [];
  for (const workers of [1, 2]) {
    const taken = await best(runs, async () => {
      const data = await TrailData.open([path]);
      return await TrailProgram.parse(text).run(data, { parameters, workers });
    });
    texts.push(JSON.stringify(taken.answer));
    console.log(`${name}, ${workers} ${workers === 1 ? "thread" : "threads"}: ${shown(taken)}`);
  }
  const hand = byHand[name];
  const taken = await best(runs, async () => {
    return hand(new TdbSource(await readPackage(path)), parameters);
  });
  console.log(`${name}, by hand, 1 thread: ${shown(taken)}`);
  if (texts[0] !== texts[1] || texts[0] !== JSON.stringify(taken.answer)) {
    throw new Error(`BUG: answers of ${name} differ: ${texts[0].slice(0, 200)}`);
  }
}
