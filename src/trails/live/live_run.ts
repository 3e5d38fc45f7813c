/**
 * Runs a program over events as they come: one machine for each user and round, and deadlines that
 * fire when event time has passed them, whether the user comes again or not.
 *
 * The answers are those of a run over the same events afterwards. For that, what an `after` with a
 * time yields must not depend on the event that comes next, as there may be none: such programs are
 * refused. An event that is older than what its user's machines have seen cannot be taken any more.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import type { Program } from "../language/program.ts";
import type { Functions } from "../run/functions.ts";
import {
  initialState,
  Interpreter,
  isPristine,
  type MachineState,
  nextDeadline,
  type Owner,
  type ResultSink,
} from "../run/interpreter.ts";
import type { Round } from "../run/parameters.ts";
import { Deadlines } from "./deadlines.ts";
import { type LiveLimits, type LiveUser, LiveUsers } from "./users.ts";

/** What a program is run with. */
export interface LiveSettings extends LiveLimits {
  readonly program: Program;
  readonly rounds: readonly Round[];
  readonly functions: Functions;
  /** Where a round's results go that are yielded at a time. */
  readonly sinkOf: (round: number, seconds: number) => ResultSink;
  /** Told what went wrong with one user, who is forgotten. */
  readonly onError: (error: Error) => void;
}

/** Deadlines that one user's machines may pass at once; a clock of seconds over years would never end. */
const MAX_FIRED = 100_000;
/** Deadlines that no longer count, beyond one for each user, before they are cleared away. */
const MAX_STALE = 1024;

/** See the top of this file. */
export class LiveRun {
  readonly #settings: LiveSettings;
  readonly #interpreters: readonly Interpreter[];
  readonly #users: LiveUsers;
  readonly #deadlines = new Deadlines<LiveUser>();
  #late = 0;
  #failed = 0;

  constructor(settings: LiveSettings) {
    const { program, rounds, functions } = settings;
    this.#settings = settings;
    this.#users = new LiveUsers(settings);
    this.#interpreters = rounds.map(({ bindings }) =>
      new Interpreter(program, bindings, functions)
    );
  }

  /** What is held, and what could not be taken. */
  stats(): { users: number; bytes: number; forgotten: number; late: number; failed: number } {
    const { count: users, bytes, forgotten } = this.#users;
    return { users, bytes, forgotten, late: this.#late, failed: this.#failed };
  }

  /** Takes an event of a user. */
  event(name: string, time: number, values: ReadonlyMap<string, string>): void {
    const user = this.#users.seen(name);
    if (time < user.clock) {
      this.#late++;
      return;
    }
    const owner = ownerOf(name);
    this.#guarded(user, () => {
      this.#pass(user, time, owner);
      for (const [round, interpreter] of this.#interpreters.entries()) {
        const machine = user.machines.get(round) ?? initialState(this.#settings.program);
        const sink = this.#settings.sinkOf(round, time);
        interpreter.event(machine, { time, values }, owner, sink);
        keep(user, round, machine);
      }
      user.clock = time;
    });
  }

  /** Time has come to here: what is due fires. */
  passTime(time: number): void {
    while (this.#deadlines.next <= time) {
      const { at, owner: user } = this.#deadlines.take();
      if (!user.isHeld || user.scheduledAt !== at) continue;
      user.scheduledAt = Infinity;
      this.#guarded(user, () => this.#pass(user, time, ownerOf(user.name)));
    }
  }

  /** All trails end here, and are forgotten. */
  end(): void {
    for (const user of this.#users.all()) {
      this.#guarded(user, () => {
        for (const [round, machine] of user.machines) {
          const sink = this.#settings.sinkOf(round, user.clock);
          this.#interpreters[round].end(machine, ownerOf(user.name), sink);
        }
      });
    }
    this.clear();
  }

  /** Forgets all. */
  clear(): void {
    this.#users.clear();
    this.#deadlines.clear();
  }

  /** What a user's machines have left behind at a time. */
  #pass(user: LiveUser, time: number, owner: Owner): void {
    let fired = 0;
    for (const [round, machine] of user.machines) {
      for (let at = dueOf(machine); at <= time; at = dueOf(machine)) {
        if (++fired > MAX_FIRED) {
          throw new TrailsError(
            `Cannot run ${this.#settings.program.file}: more than ${MAX_FIRED} deadlines are due ` +
              "at once; use longer times, or send events in order of time",
          );
        }
        this.#interpreters[round].fire(machine, owner, this.#settings.sinkOf(round, at));
        user.clock = Math.max(user.clock, at);
      }
      keep(user, round, machine);
    }
  }

  /** A user whose machines stopped half-way is forgotten: what they would say cannot be known. */
  #guarded(user: LiveUser, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed++;
      this.#users.forget(user);
      this.#settings.onError(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#users.measure(user);
    if (user.isHeld) this.#schedule(user);
  }

  #schedule(user: LiveUser): void {
    let at = Infinity;
    for (const machine of user.machines.values()) at = Math.min(at, dueOf(machine));
    // What stands there for an earlier time is looked at then, and finds the later one.
    if (at >= user.scheduledAt) return;
    user.scheduledAt = at;
    this.#deadlines.add(at, user);
    if (this.#deadlines.size > 2 * this.#users.count + MAX_STALE) this.#tidy();
  }

  #tidy(): void {
    this.#deadlines.clear();
    for (const user of this.#users.all()) {
      if (user.scheduledAt < Infinity) this.#deadlines.add(user.scheduledAt, user);
    }
  }
}

function ownerOf(name: string): Owner {
  return { cookie: name, windowStart: 0, windowEnd: 0 };
}

/** When a machine's next deadline is due; Infinity: never. */
function dueOf(machine: MachineState): number {
  return machine.stopped ? Infinity : nextDeadline(machine);
}

/** Only machines that differ from a new one are kept. */
function keep(user: LiveUser, round: number, machine: MachineState): void {
  if (isPristine(machine) && !machine.stopped) user.machines.delete(round);
  else user.machines.set(round, machine);
}
