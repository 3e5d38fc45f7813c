/**
 * A run: from a program, data and parameters to results.
 *
 * @module
 */
import { makePlan } from "../compile/planner.ts";
import type { Output } from "../compile/output.ts";
import { combine } from "../data/combine.ts";
import { withLags } from "../data/lags.ts";
import type { SharedSource } from "../data/share.ts";
import { compileFilter, type EventFilter, jobsOf, type TrailWindow } from "../data/selection.ts";
import type { TrailSource } from "../data/source.ts";
import { TrailsError } from "../errors.ts";
import type { Program } from "../language/program.ts";
import { resultOf, type TrailsResult } from "../results.ts";
import { type Functions, missingFunction } from "./functions.ts";
import { type Parameters, readRounds, type Round } from "./parameters.ts";
import { runOnWorkers } from "./pool.ts";
import { Runner, type RunSettings } from "./runner.ts";
import { sameRuns } from "./same_runs.ts";
import { Totals } from "./totals.ts";
import { work, type WorkerOrder } from "./worker.ts";

/** Events below which workers cost more than they bring. */
const EVENTS_FOR_WORKERS = 200_000;
/** Parts that a run is cut into for each worker, so that none waits long for another. */
const PARTS_PER_WORKER = 64;
/** Milliseconds between two reports of progress. */
const PROGRESS_MS = 100;

/** How a program is run. */
export interface RunOptions {
  /** The program's parameters by name with sigil: `{ "%a": "x", "#b": ["y"], "@list": [["z"]] }`. */
  parameters?: Parameters;
  /** The functions that the program calls; with them, all is run on this thread. */
  functions?: Functions;
  /** Which events are seen. */
  filter?: EventFilter;
  /** Which users, and which part of their events; a user may have several windows. */
  windows?: readonly TrailWindow[];
  /** Users that are left out. */
  exclude?: ReadonlySet<string>;
  /** How many workers; default as many as there are cores, for large data. */
  workers?: number;
  /** `"trck"`: sketches also as the original's text. Default only with `compat: "trck"`. */
  sketches?: "trck";
  /** False: no code is generated; slower, same results. Default true. */
  generateCode?: boolean;
  /** False: trails that cannot match are decoded, too; slower, same results. Default true. */
  skipTrails?: boolean;
  /** Told now and then how many events are done, of how many there are. */
  onProgress?: (done: number, total: number) => void;
}

/** @throws {TrailsError} if parameters, functions or data do not fit the program */
export async function runProgram(
  program: Program,
  sources: readonly TrailSource[],
  options: RunOptions,
): Promise<TrailsResult> {
  const { compat } = program;
  const { functions = {} } = options;
  const missing = missingFunction(program, functions);
  if (missing !== undefined) {
    throw new TrailsError(
      `Cannot run ${program.file}: it calls ${missing}(); give that function in functions`,
    );
  }
  // Several are read whole and become one, past the filter; one is read as it lies there, unless the
  // program looks back.
  const isOne = sources.length === 1 && program.lags.length === 0;
  const source = isOne ? sources[0] : readWhole(program, sources, options);
  const rounds = roundsOf(program, source, options);
  const wantsHex = options.sketches === "trck" || program.compat === "trck";
  const empty = () => new Totals(program, wantsHex);
  if (rounds.length === 0) return resultOf(program, [], [], empty);
  const { distinct, runOf } = sameRuns(program, rounds);
  const settings: RunSettings = {
    program,
    plan: makePlan(program, source, distinct),
    jobs: jobsOf(source, {
      filter: options.filter,
      windows: options.windows,
      exclude: options.exclude,
    }),
    filter: isOne ? compileFilter(options.filter, source) : undefined,
    mergesEqual: isOne && (source.mergesEqual || compat === "trck"),
    wantsHex,
    generatesCode: options.generateCode ?? true,
    skips: options.skipTrails ?? true,
  };
  const outputs = await outputsOf(settings, source, options);
  const ofRun = distinct.map((_, i) => {
    const totals = empty();
    outputs[i]?.addTo(totals, source.dictionaries);
    return totals;
  });
  return resultOf(program, rounds, runOf.map((run) => ofRun[run]), empty);
}

/** Past the filter, and without equal neighbours where they count as one. */
function readWhole(
  { lags, compat }: Program,
  sources: readonly TrailSource[],
  { filter }: RunOptions,
): TrailSource {
  if (sources.length !== 1) {
    return withLags(combine(sources, filter, compat), lags, undefined, false);
  }
  const [source] = sources;
  const mergesEqual = source.mergesEqual || compat === "trck";
  return withLags(source, lags, compileFilter(filter, source), mergesEqual);
}

function roundsOf(program: Program, source: TrailSource, options: RunOptions): Round[] {
  const lacking = new Set(program.fields.filter((field) => !source.fields.includes(field)));
  const values = (field: string): readonly string[] => {
    const column = source.fields.indexOf(field);
    if (column >= 0) return [...source.dictionaries[column].texts()];
    if (program.compat !== "trck") return [""];
    throw new TrailsError(
      `Cannot run ${program.file}: the data have no field ${field}; leave compat out to go on`,
    );
  };
  return readRounds(program, options.parameters ?? {}, values, lacking);
}

async function outputsOf(
  settings: RunSettings,
  source: TrailSource,
  { functions = {}, workers, onProgress }: RunOptions,
): Promise<(Output | undefined)[]> {
  const { jobs, program } = settings;
  const cores = source.eventCount < EVENTS_FOR_WORKERS ? 1 : navigator.hardwareConcurrency;
  // Functions cannot be sent to a worker.
  const isAlone = program.functions.some((name) => Object.hasOwn(functions, name));
  const count = isAlone ? 1 : workers ?? cores;
  const order: WorkerOrder = {
    settings,
    source: source.shared as SharedSource,
    progress: new BigInt64Array(new SharedArrayBuffer(16)),
    jobsAtOnce: Math.max(1, Math.ceil(jobs.count / (count * PARTS_PER_WORKER))),
  };
  const total = source.eventCount;
  let isDone = false;
  // Events of trails that were passed over were not counted.
  const report = () =>
    onProgress?.(isDone ? total : Number(Atomics.load(order.progress, 1)), total);
  const timer = onProgress && setInterval(report, PROGRESS_MS);
  try {
    if (count > 1) {
      const outputs = await runOnWorkers(count, order);
      if (outputs !== undefined) {
        isDone = true;
        return outputs;
      }
    }
    const runner = new Runner(settings, source, functions);
    work(runner, order);
    isDone = true;
    return runner.outputs;
  } finally {
    clearInterval(timer);
    report();
  }
}
