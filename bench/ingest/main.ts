/**
 * What recording costs, as a ratio to `JSON.parse` of the same lines in the same process: see README.
 *
 *     deno task bench:ingest
 *
 * @module
 */
import type { Measurement } from "./measure.ts";

const PROCESSES = 3;

interface Case {
  mode: string;
  what: string;
  /** How the figure follows from own time divided by that of JSON.parse. */
  figure: (ratio: number) => number;
  goal: string;
}

const CASES: readonly Case[] = [
  { mode: "record", what: "record(object)", figure: (r) => r, goal: "cost at most 0.33 of parse" },
  { mode: "line", what: "JSON line → delta", figure: (r) => 1 / r, goal: "speed 0.7 of parse" },
  { mode: "kv", what: "JSON line → Deno KV", figure: (r) => 1 / r, goal: "speed 0.5 of parse" },
];

console.log("events        measured              parse ns  own ns   events/s  ratio  goal");
for (const events of ["shop", "flights", "flights-demo"]) {
  for (const { mode, what, figure, goal } of CASES) {
    const runs: Measurement[] = [];
    for (let i = 0; i < PROCESSES; i++) runs.push(await measure(events, mode));
    const { parseNs, ownNs, ratio } = runs.toSorted((a, b) => a.ratio - b.ratio)[PROCESSES >> 1];
    console.log(
      events.padEnd(14) + what.padEnd(20) + parseNs.toFixed(0).padStart(10) +
        ownNs.toFixed(0).padStart(8) + (1e9 / ownNs).toFixed(0).padStart(11) +
        figure(ratio).toFixed(2).padStart(7) + `  ${events === "flights-demo" ? "" : goal}`,
    );
  }
}

async function measure(events: string, mode: string): Promise<Measurement> {
  const program = new URL("./measure.ts", import.meta.url);
  const config = new URL("../../deno.json", import.meta.url);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `--config=${config.pathname}`, program.pathname, events, mode],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure ${events} ${mode}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
