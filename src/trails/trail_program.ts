/**
 * A program as callers have it.
 *
 * @module
 */
import { sourcesOf, type TrailData } from "./data/data.ts";
import { drawMermaid } from "./draw/mermaid.ts";
import { drawSvg } from "./draw/svg.ts";
import { type Compat, readCompat } from "./errors.ts";
import { type ParseOptions, parseProgram } from "./language/check.ts";
import { type Program, resultText } from "./language/program.ts";
import type { TrailsResult } from "./results.ts";
import { type RunOptions, runProgram } from "./run/run.ts";
import { runUnitTests, type UnitTestReport } from "./run/unit_tests.ts";

/** What a program was parsed to, for those who run it. */
export let programOf: (program: TrailProgram) => Program;

/**
 * A state machine over each user's events.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TrailData, TrailProgram } from "@traqq/traqq/trails";
 *
 * const program = TrailProgram.parse(`
 *   start ->
 *     receive
 *       * -> session
 *   session ->
 *     receive
 *       * -> session
 *     after 30m -> yield $sessions, start
 * `);
 * const data = TrailData.fromEvents([
 *   { user: "ada", time: 0 },
 *   { user: "ada", time: 60 },
 *   { user: "ada", time: 7200 },
 *   { user: "grace", time: 10 },
 * ], { by: "user" });
 * const result = await program.run(data);
 * assertEquals(result.number("$sessions"), 3);
 * ```
 */
export class TrailProgram {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /**
   * Reads the text of a program.
   *
   * @throws {ProgramError} with file, line and column, what was found and what would be right
   * @throws {TrailsError} for another `compat`
   */
  static parse(text: string, options: ParseOptions = {}): TrailProgram {
    return new TrailProgram(parseProgram(text, { ...options, compat: readCompat(options.compat) }));
  }

  /** `"trck"` where the original's answers are wanted. */
  get compat(): Compat {
    return this.#program.compat;
  }

  /** The parameters that a run must give, with their sigil. */
  get parameters(): readonly string[] {
    return this.#program.parameters;
  }

  /** The fields that are compared or yielded. */
  get fields(): readonly string[] {
    const lags = new Set(this.#program.lags.map(({ name }) => name));
    const named = this.#program.fields.filter((field) => !lags.has(field));
    return [...new Set([...named, ...this.#program.lags.map(({ field }) => field)])];
  }

  /** The functions that are called. */
  get functions(): readonly string[] {
    return this.#program.functions;
  }

  /** The results, with their sigil, in the order in which they first appear. */
  get results(): readonly string[] {
    return this.#program.results.map(resultText);
  }

  /**
   * Runs it over all trails.
   *
   * @throws {TrailsError} if parameters, functions or data do not fit
   */
  run(data: TrailData, options: RunOptions = {}): Promise<TrailsResult> {
    return runProgram(this.#program, sourcesOf(data), options);
  }

  /** The machine as a picture: SVG that needs nothing else, or a Mermaid flow chart. */
  draw(format: "svg" | "mermaid"): string {
    return format === "svg" ? drawSvg(this.#program) : drawMermaid(this.#program);
  }

  /** Runs the tests in its comments. @throws {TrailsError} if they cannot be read */
  test(options: Pick<RunOptions, "functions"> = {}): Promise<UnitTestReport> {
    return runUnitTests(this.#program, options);
  }

  static {
    programOf = (program) => program.#program;
  }
}
