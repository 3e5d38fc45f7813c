/**
 * A live run whose results are added up, to compare with a run afterwards.
 *
 * @module
 */
import { parseProgram } from "../../../src/trails/language/check.ts";
import { LiveRun } from "../../../src/trails/live/live_run.ts";
import type { LiveLimits } from "../../../src/trails/live/users.ts";
import { resultOf, type TrailsResult } from "../../../src/trails/results.ts";
import { type Parameters, readRounds } from "../../../src/trails/run/parameters.ts";
import { Totals } from "../../../src/trails/run/totals.ts";
import type { TestEvent } from "../_reference.ts";

/** A run, and what it has yielded so far. */
export interface TestLive {
  readonly run: LiveRun;
  readonly errors: Error[];
  /** The unix seconds of what was yielded, in that order. */
  readonly times: number[];
  /** Takes an event, and lets time pass up to it. */
  feed(event: TestEvent): void;
  result(): TrailsResult;
}

/** A live run of a program. */
export function live(
  text: string,
  parameters: Parameters = {},
  limits: Partial<LiveLimits> = {},
): TestLive {
  const program = parseProgram(text);
  const rounds = readRounds(program, parameters, () => [], new Set());
  const empty = () => new Totals(program, false);
  const totals = rounds.map(empty);
  const errors: Error[] = [];
  const times: number[] = [];
  const run = new LiveRun({
    program,
    rounds,
    functions: {},
    maxUsers: 1000,
    maxBytes: 1 << 20,
    ...limits,
    sinkOf: (round, seconds) => {
      const sink = totals[round];
      return {
        count(result, by) {
          times.push(seconds);
          sink.count(result, by);
        },
        number: (result, text, by) => sink.number(result, text, by),
        tuple: (result, terms, by, isCookie) => sink.tuple(result, terms, by, isCookie),
      };
    },
    onError: (error) => errors.push(error),
  });
  return {
    run,
    errors,
    times,
    feed({ user, time, ...values }) {
      const texts = Object.entries({ user, ...values }).map(([name, one]) =>
        [name, String(one)] as const
      );
      run.event(user, time, new Map(texts));
      run.passTime(time);
    },
    result: () => resultOf(program, rounds, totals, empty),
  };
}
