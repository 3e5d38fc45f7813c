/**
 * Runs the machines of a plan over a part of the trails. What the main thread and every worker do.
 *
 * @module
 */
import { compileClosures } from "../compile/closures.ts";
import { compileCode } from "../compile/code.ts";
import type { Machine, MachineContext, MachineParts } from "../compile/machine.ts";
import { Output } from "../compile/output.ts";
import type { Plan } from "../compile/plan.ts";
import { wantedValues } from "../compile/wanted.ts";
import { WakeIndex } from "../compile/wake.ts";
import type { Jobs } from "../data/selection.ts";
import { type CompiledFilter, Sieve } from "../data/sieve.ts";
import type { TrailSource } from "../data/source.ts";
import type { Program } from "../language/program.ts";
import { type Functions, functionsOf } from "./functions.ts";

/** What is run. All but the source and the functions is plain data. */
export interface RunSettings {
  readonly program: Program;
  readonly plan: Plan;
  readonly jobs: Jobs;
  readonly filter: CompiledFilter;
  /** Whether neighbours that are equal count as one. */
  readonly mergesEqual: boolean;
  /** Whether sketches are also kept as the original has them. */
  readonly wantsHex: boolean;
  /** Whether code may be generated; where it cannot be, closures do the same. */
  readonly generatesCode: boolean;
  /** Whether trails that cannot match are passed over; false only to see that this changes nothing. */
  readonly skips: boolean;
}

/** Runs jobs one after the other. */
export class Runner {
  readonly #settings: RunSettings;
  readonly #source: TrailSource;
  readonly #machine: Machine;
  readonly #sieve: Sieve;
  readonly #wake: WakeIndex | undefined;
  readonly #context: MachineContext;
  /** By round; made when something is yielded in it. */
  readonly outputs: (Output | undefined)[];
  #trail = 0;
  #id: string | undefined;

  constructor(settings: RunSettings, source: TrailSource, functions: Functions) {
    const { plan, program, filter, wantsHex } = settings;
    this.#settings = settings;
    this.#source = source;
    this.#machine = machineOf(
      { plan, dictionaries: source.dictionaries, functions: functionsOf(functions) },
      settings.generatesCode,
    );
    const columns = new Set(program.fields.map((field) => source.fields.indexOf(field)));
    const sizes = source.dictionaries.map(({ size }) => size);
    const wanted = settings.skips ? wantedValues(plan, sizes, program.fromEveryEvent) : undefined;
    this.#sieve = new Sieve(source, filter, settings.mergesEqual, { columns, wanted });
    this.#wake = program.loop === undefined
      ? undefined
      : WakeIndex.of(plan, program.fromEveryEvent);
    this.outputs = new Array(plan.roundCount).fill(undefined);
    this.#context = {
      out: new Output(program, plan, wantsHex),
      round: 0,
      cookie: () => this.#id ?? this.#source.nameOf(this.#trail),
      windowStart: 0,
      windowEnd: 0,
    };
  }

  /** Runs the jobs `from` up to but not `to`. @returns how many events they had */
  run(from: number, to: number): number {
    const { trails, windows } = this.#settings.jobs;
    let events = 0;
    for (let job = from; job < to; job++) {
      const window = windows?.[job];
      this.#trail = trails?.[job] ?? job;
      this.#id = window?.id;
      this.#context.windowStart = window?.start ?? 0;
      this.#context.windowEnd = window?.end ?? 0;
      this.#sieve.read(this.#trail, window?.start || -Infinity, window?.end || Infinity);
      events += this.#sieve.end - this.#sieve.start;
      this.#runTrail();
    }
    return events;
  }

  #runTrail(): void {
    const { columns, start, end } = this.#sieve;
    if (start === end) return;
    if (this.#wake !== undefined) {
      this.#wake.forEach(columns, start, end, (round, from) => this.#runRound(round, from));
      return;
    }
    for (let round = 0; round < this.#settings.plan.roundCount; round++) {
      this.#runRound(round, start);
    }
  }

  #runRound(round: number, from: number): void {
    const { times, columns, start, end } = this.#sieve;
    this.#context.round = round;
    this.#context.out = this.#output(round);
    if (!this.#settings.program.fromEveryEvent) {
      this.#machine(times, columns, from, end, this.#context);
      return;
    }
    // Also those before it: they may wait in the first state until they come there.
    for (let at = start; at < end; at++) this.#machine(times, columns, at, end, this.#context);
  }

  #output(round: number): Output {
    const { program, plan, wantsHex } = this.#settings;
    // A merged loop has one row.
    const row = program.loop?.merged ? 0 : round;
    return this.outputs[row] ??= new Output(program, plan, wantsHex);
  }
}

function machineOf(parts: MachineParts, generatesCode: boolean): Machine {
  if (!generatesCode) return compileClosures(parts);
  try {
    return compileCode(parts);
  } catch (error) {
    if (error instanceof EvalError) return compileClosures(parts);
    throw error;
  }
}
