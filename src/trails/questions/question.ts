/**
 * A question that is ready to be asked: the program it stands for, and what is made of its results.
 *
 * @module
 */
import type { TrailData } from "../data/data.ts";
import type { TrailsResult } from "../results.ts";
import type { RunOptions } from "../run/run.ts";
import { TrailProgram } from "../trail_program.ts";

/** A question. What its program says is what is counted. */
export class TrailQuestion<Answer> {
  /** The text of the program that is run. */
  readonly program: string;
  readonly #compiled: TrailProgram;
  readonly #answer: (result: TrailsResult) => Answer;

  /** Made by `funnel`, `sessions`, `retention` and `paths`. */
  constructor(name: string, program: string, answer: (result: TrailsResult) => Answer) {
    this.program = program;
    this.#compiled = TrailProgram.parse(program, { file: name });
    this.#answer = answer;
  }

  /** Asks it of all trails. @throws {TrailsError} if parameters or data do not fit */
  async run(data: TrailData, options: RunOptions = {}): Promise<Answer> {
    return this.#answer(await this.#compiled.run(data, options));
  }
}
