/**
 * `deno task compile` makes one binary of cli.ts, dist/traqq. Deno downloads the runtime part for it, which not every machine
 * can. `deno task compile:check` (this script with `--check`) does all that can be done without: the graph of cli.ts is whole,
 * dynamic imports too; the files that go into the binary exist; Deno takes these very flags and, with them, the program
 * answers `--version` and `--help` from what is cached.
 */
import { readGraph } from "./_graph.ts";
import { deno, fromFileUrl, root } from "./_root.ts";

const ENTRY = "cli.ts";
const OUTPUT = Deno.build.os === "windows" ? "dist/traqq.exe" : "dist/traqq";

/** What the program loads beside its modules: data, and a worker, which no import names. */
const INCLUDE = ["examples/data/flights.ndjson.gz", "src/trails/run/worker.ts"];

/** Programs of workers: nothing imports them, so they are entries beside {@linkcode ENTRY}. */
const WORKERS = [
  "src/cli/workers/worker.ts",
  "src/series/engine/duckdb/worker.ts",
  "src/series/sql/run/attach.ts",
];

/** What the binary may do; no more than the README asks for `traqq serve`, `record`, `query` and `demo` together. */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];

/** Given to `deno compile`, and to `deno run` by the check. */
const RUN_FLAGS = ["--unstable-kv", "--unstable-net", "--no-prompt", ...PERMISSIONS];

if (Deno.args.includes("--check")) {
  const problems: string[] = [];
  if (!await deno(["cache", ENTRY, ...WORKERS])) problems.push(`deno cache ${ENTRY} failed`);
  const graph = await readGraph([ENTRY, ...WORKERS]);
  problems.push(...graph.errors);
  for (const path of INCLUDE) {
    try {
      await Deno.stat(new URL(path, root));
    } catch {
      problems.push(`${path} is to be included and does not exist`);
    }
  }
  for (const args of [["--version"], ["--help"]]) {
    const command = ["run", "--cached-only", ...RUN_FLAGS, ENTRY, ...args];
    if (!await runsQuietly(command)) problems.push(`deno ${command.join(" ")} failed`);
  }
  for (const problem of problems) console.error(`compile:check: ${problem}`);
  if (problems.length > 0) Deno.exit(1);
  console.log(
    `compile:check: ${graph.modules.size} modules and ${INCLUDE.length} files for ${OUTPUT}, ${
      RUN_FLAGS.join(" ")
    }`,
  );
} else {
  const flags = [...RUN_FLAGS, ...[...INCLUDE, ...WORKERS].map((path) => `--include=${path}`)];
  if (!await deno(["compile", ...flags, `--output=${OUTPUT}`, ENTRY])) Deno.exit(1);
}

/** Runs deno; shows what it said only if it failed. */
async function runsQuietly(args: string[]): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    cwd: fromFileUrl(root),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) console.error(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  return success;
}
