/**
 * What a program yields, recorded as events into the traqq that it listens to.
 *
 * @module
 */
import { type Decimal, readDecimal } from "../../base/decimal.ts";
import { EventError, messageOf } from "../../base/errors.ts";
import type { Traqq } from "../../traqq.ts";
import type { Program } from "../language/program.ts";
import type { ResultSink } from "../run/interpreter.ts";
import type { Round } from "../run/parameters.ts";
import { tupleText } from "../run/tuple.ts";

/** Yields that wait because storage is slower; beyond them they are refused. */
const MAX_WAITING = 100_000;

/** Events that programs have recorded: no program sees them, so that none feeds itself or another. */
const yielded = new WeakSet<object>();

/** Whether an event is what a program has yielded. */
export function isYielded(event: unknown): boolean {
  return typeof event === "object" && event !== null && yielded.has(event);
}

/** A yield on its way. */
interface Yield {
  readonly event: Readonly<Record<string, string>>;
  /** Unix seconds. */
  readonly at: number;
}

const decimal: Decimal = { whole: 0, micros: 0 };

/** Records yields. */
export class Feedback {
  readonly #traqq: Traqq;
  readonly #program: Program;
  readonly #names: readonly string[];
  /** By round: the loop's variables that are text. */
  readonly #vars: readonly Readonly<Record<string, string>>[];
  readonly #onError: (error: Error) => void;
  #round = 0;
  #at = 0;
  #waiting: Yield[] = [];
  /** How many are being recorded again. */
  #repeated = 0;
  #retrying: Promise<void> | undefined;
  #yields = 0;
  #refused = 0;
  readonly #sink: ResultSink = {
    count: (result) => this.#record(result),
    number: (result, text) => {
      // As in a run, what is no number is passed over.
      if (readDecimal(text, decimal)) this.#record(result, text);
    },
    tuple: (result, terms) => {
      const { isCompound } = this.#program.results[result];
      this.#record(result, tupleText(terms, isCompound, undefined));
    },
  };

  /** @param prefix what stands before the names of results */
  constructor(
    traqq: Traqq,
    program: Program,
    rounds: readonly Round[],
    prefix: string,
    onError: (error: Error) => void,
  ) {
    this.#traqq = traqq;
    this.#program = program;
    this.#names = program.results.map(({ name }) => `${prefix}.${name}`);
    this.#vars = rounds.map(({ vars }) => {
      // Without a prototype, so that no name is special.
      const texts: Record<string, string> = Object.create(null);
      if (program.loop?.merged === true) return texts;
      for (const [name, value] of vars) if (typeof value === "string") texts[name.slice(1)] = value;
      return texts;
    });
    this.#onError = onError;
  }

  /** What was yielded, and what was not recorded. */
  stats(): { yields: number; refused: number; waiting: number } {
    const waiting = this.#waiting.length + this.#repeated;
    return { yields: this.#yields, refused: this.#refused, waiting };
  }

  /** Where the results of a round go that are yielded at a time. Valid until it is called again. */
  sinkOf(round: number, seconds: number): ResultSink {
    this.#round = round;
    this.#at = seconds;
    return this.#sink;
  }

  /** Resolves when nothing waits for room any more. */
  async settled(): Promise<void> {
    await this.#retrying;
  }

  #record(result: number, value?: string): void {
    const event = {
      ...this.#vars[this.#round],
      event: this.#names[result],
      ...(value === undefined ? {} : { value }),
    };
    const at = this.#at;
    yielded.add(event);
    this.#yields++;
    this.#traqq.record(event, { at }).catch((error) => this.#failed({ event, at }, error));
  }

  #failed(one: Yield, error: Error): void {
    const isOverloaded = error instanceof EventError && error.reason === "overloaded";
    if (!isOverloaded || this.#waiting.length + this.#repeated >= MAX_WAITING) {
      return this.#refuse(error);
    }
    this.#waiting.push(one);
    this.#retrying ??= this.#retry();
  }

  #refuse(error: unknown, count = 1): void {
    this.#refused += count;
    this.#onError(
      new Error(`Cannot record what a program yields: ${messageOf(error)}`, { cause: error }),
    );
  }

  /** Waits for room, and records what waited. */
  async #retry(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#repeated = batch.length;
      try {
        const { rejected } = await this.#traqq.recordMany(batch.map(({ event }) => event), {
          at: (_, index) => batch[index].at,
        });
        for (const { index, error } of rejected) {
          if (error instanceof EventError && error.reason === "overloaded") {
            this.#waiting.push(batch[index]);
          } else this.#refuse(error);
        }
      } catch (error) {
        this.#refuse(error, batch.length);
      }
      this.#repeated = 0;
    }
    this.#retrying = undefined;
  }
}
