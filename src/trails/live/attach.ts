/**
 * A program attached to a running traqq: it sees events as they are recorded, and what it yields is
 * recorded too.
 *
 * @module
 */
import { handled } from "../../base/promises.ts";
import { show } from "../../base/show.ts";
import type { Traqq } from "../../traqq.ts";
import { own, textOf } from "../data/event_reader.ts";
import { TrailsError } from "../errors.ts";
import type { Program } from "../language/program.ts";
import { type Functions, missingFunction } from "../run/functions.ts";
import { type Parameters, readRounds } from "../run/parameters.ts";
import { programOf, type TrailProgram } from "../trail_program.ts";
import { Feedback, isYielded } from "./feedback.ts";
import { LiveRun } from "./live_run.ts";
import { refuseForLive } from "./refuse.ts";

/** What {@linkcode attach} takes. */
export interface AttachOptions {
  /** The property with the user. */
  user: string;
  /**
   * What stands before the names of results in those of the events that are recorded: `$sessions` is
   * `trails.sessions`. Default `trails`.
   */
  name?: string;
  /** The program's parameters by name with sigil, as for a run. */
  parameters?: Parameters;
  /** The functions that the program calls. */
  functions?: Functions;
  /** How many users are remembered; default 100,000. The longest idle are forgotten, and counted. */
  maxUsers?: number;
  /** About how many bytes that may take; default 64 MiB. */
  maxBytes?: number;
  /**
   * How far event time must be past a deadline before it fires for a user who has not come again, so
   * that events may come so much too late; default 0.
   */
  graceSeconds?: number;
  /** Told what was yielded and not recorded, and of users whose functions threw. */
  onError?: (error: Error) => void;
}

/** Counters since {@linkcode attach}, and what is held right now. */
export interface LiveStats {
  /** Events that were taken, late ones too. */
  events: number;
  /** Events that name no user, which are passed over. */
  withoutUser: number;
  /** Events that were passed over: older than what their user's machine has seen. */
  late: number;
  /** Users that are remembered. */
  users: number;
  /** About how many bytes they take. */
  bytes: number;
  /** Users that were forgotten while their trail was under way. */
  forgotten: number;
  /** Users that were forgotten because a function threw, or too many deadlines were due at once. */
  failed: number;
  /** Events that were recorded of what was yielded, and those that are not yet or were refused. */
  yields: number;
  /** Of those, what the traqq refused for good. */
  refused: number;
  /** Of those, what waits because storage is slower. */
  waiting: number;
}

const MAX_USERS = 100_000;
const MAX_BYTES = 64 << 20;

/**
 * Attaches a program to a traqq: it sees each event that is recorded from now on, at the time at which
 * that is counted. `docs/trails.md` says what its answers are.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MemoryStorage, Traqq } from "@traqq/traqq";
 * import { attach, TrailProgram } from "@traqq/traqq/trails";
 *
 * await using traqq = await Traqq.open({ storage: new MemoryStorage() });
 * const program = TrailProgram.parse(`
 *   start ->
 *     receive
 *       event = "cart" -> carted
 *   carted ->
 *     receive
 *       event = "buy" -> yield $bought, start
 *     after 1h -> yield $abandoned, start
 * `);
 * await using live = attach(traqq, program, { user: "user" });
 * const at = (minute: number) => ({ at: 1_700_000_000 + 60 * minute });
 * await traqq.record({ event: "cart", user: "ada" }, at(0));
 * await traqq.record({ event: "cart", user: "grace" }, at(1));
 * await traqq.record({ event: "buy", user: "ada" }, at(5));
 * await traqq.record({ event: "visit", user: "linus" }, at(70));
 *
 * const result = await traqq.query({ from: 1_700_000_000, to: 1_700_010_000 });
 * const { counts } = result.merged("add/event");
 * assertEquals([counts["trails.bought"], counts["trails.abandoned"]], [1, 1]);
 * assertEquals(live.stats().users, 3);
 * ```
 * @throws {TrailsError} if the program cannot be run so, or an option cannot be used
 */
export function attach(traqq: Traqq, program: TrailProgram, options: AttachOptions): LiveTrails {
  return new LiveTrails(traqq, programOf(program), options);
}

/** A program that is attached. */
export class LiveTrails implements AsyncDisposable {
  readonly #user: string;
  readonly #graceSeconds: number;
  readonly #run: LiveRun;
  readonly #feedback: Feedback;
  readonly #stopObserving: () => void;
  #closed: Promise<void> | undefined;
  #events = 0;
  #withoutUser = 0;
  /** Unix second of the newest event. */
  #newest = -Infinity;

  /** Made by {@linkcode attach}. */
  constructor(traqq: Traqq, program: Program, options: AttachOptions) {
    refuseForLive(program);
    const { name = "trails", parameters = {}, functions = {}, onError } = options;
    this.#user = text("user", options.user);
    this.#graceSeconds = whole("graceSeconds", options.graceSeconds, 0, 0);
    const missing = missingFunction(program, functions);
    if (missing !== undefined) {
      throw new TrailsError(
        `Cannot attach ${program.file}: it calls ${missing}(); give that function in functions`,
      );
    }
    // Every field may come, and a loop without an array was refused.
    const rounds = readRounds(program, parameters, () => [], new Set());
    const report = (error: Error) => onError?.(error);
    this.#feedback = new Feedback(traqq, program, rounds, text("name", name), report);
    this.#run = new LiveRun({
      program,
      rounds,
      functions,
      maxUsers: whole("maxUsers", options.maxUsers, MAX_USERS, 1),
      maxBytes: whole("maxBytes", options.maxBytes, MAX_BYTES, 1),
      sinkOf: (round, seconds) => this.#feedback.sinkOf(round, seconds),
      onError: report,
    });
    this.#stopObserving = traqq.observe((event, seconds) => this.#see(event, seconds));
  }

  /** Counters since it was attached, and what is held right now. */
  stats(): LiveStats {
    return {
      events: this.#events,
      withoutUser: this.#withoutUser,
      ...this.#run.stats(),
      ...this.#feedback.stats(),
    };
  }

  /**
   * Sees no more events, and forgets all users. To be called before the traqq is closed.
   *
   * @param options `end`: all trails end here, as those of a run do; default false: what is under way
   *   yields nothing
   */
  close(options: { end?: boolean } = {}): Promise<void> {
    return this.#closed ??= handled(this.#close(options.end ?? false));
  }

  /** As {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(end: boolean): Promise<void> {
    this.#stopObserving();
    if (end) this.#run.end();
    else this.#run.clear();
    await this.#feedback.settled();
  }

  #see(event: unknown, seconds: number): void {
    if (isYielded(event)) return;
    const properties = event as Record<string, unknown>;
    const user = textOf(own(properties, this.#user)) ?? "";
    if (user === "") {
      this.#withoutUser++;
      return;
    }
    this.#events++;
    const values = new Map<string, string>();
    for (const name of Object.keys(properties)) {
      const value = textOf(properties[name]);
      if (value !== undefined) values.set(name, value);
    }
    this.#run.event(user, seconds, values);
    if (seconds > this.#newest) this.#newest = seconds;
    // One event from a clock that is ahead must not end what others have under way.
    const now = Math.floor(Date.now() / 1000);
    this.#run.passTime(Math.min(this.#newest, now) - this.#graceSeconds);
  }
}

function text(option: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TrailsError(`Cannot use ${option}: wanted a text, received ${show(value)}`);
}

function whole(option: string, value: unknown, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw new TrailsError(
    `Cannot use ${option}: wanted a whole number from ${least}, received ${show(value)}`,
  );
}
