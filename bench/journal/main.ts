/**
 * What a journal costs, and how fast it is read back: see README.
 *
 *     deno task bench:journal
 *
 * @module
 */
import { DURABILITIES } from "../../src/engine/journal_options.ts";
import type { Measurement } from "./measure.ts";
import type { Recovery } from "./recover.ts";

const PROCESSES = 3;
/** Clients whose lines come side by side. */
const CONNECTIONS = 8;
const RECOVERY_BYTES = 2 ** 30;

console.log("path            mode         plain ns  own ns    MB/s  speed with / without  goal");
for (const path of ["line", "object"]) {
  for (const mode of DURABILITIES.toReversed()) {
    const runs: Measurement[] = [];
    for (let i = 0; i < PROCESSES; i++) {
      runs.push(await run<Measurement>("measure.ts", mode, path, String(CONNECTIONS)));
    }
    const { plainNs, ownNs, megabytes, ratio } = runs.toSorted((a, b) =>
      a.ratio - b.ratio
    )[PROCESSES >> 1];
    console.log(
      (path === "line" ? "JSON line" : "record(object)").padEnd(16) + mode.padEnd(11) +
        plainNs.toFixed(0).padStart(10) + ownNs.toFixed(0).padStart(8) +
        megabytes.toFixed(0).padStart(8) + ratio.toFixed(2).padStart(22) +
        (path === "line" && mode === "periodic" ? "  0.85" : ""),
    );
  }
}
for (const kind of ["events", "cuts"]) {
  const { bytes, events, seconds, megabytes } = await run<Recovery>(
    "recover.ts",
    kind,
    String(RECOVERY_BYTES),
  );
  console.log(
    `recovery from ${(bytes / 2 ** 20).toFixed(0)} MiB of ${kind}: ${seconds.toFixed(1)} s, ` +
      `${(events / seconds).toFixed(0)} events/s, at most ${megabytes.toFixed(0)} MiB of memory`,
  );
}

async function run<T>(program: string, ...args: string[]): Promise<T> {
  const config = new URL("../../deno.json", import.meta.url);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      `--config=${config.pathname}`,
      new URL(program, import.meta.url).pathname,
      ...args,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure ${program} ${args.join(" ")}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
