/**
 * What is remembered of users while events come, within bounds: beyond them the user who was idle for
 * longest is forgotten.
 *
 * @module
 */
import type { MachineState } from "../run/interpreter.ts";

/** What is remembered of a user. */
export interface LiveUser {
  readonly name: string;
  /** By round of a `foreach`; where there is none, it is as at the beginning of a trail. */
  readonly machines: Map<number, MachineState>;
  /** Unix seconds of the last event or deadline: what is older cannot be taken any more. */
  clock: number;
  /** The earliest time for which it stands among the deadlines; Infinity: it does not. */
  scheduledAt: number;
  /** About. */
  bytes: number;
  /** False once it was forgotten. */
  isHeld: boolean;
}

/** About what a user costs without machines: two entries of maps, an object and its place in time. */
const USER_BYTES = 400;
/** About what a machine costs, and each deadline of a window in it. */
const MACHINE_BYTES = 150, WINDOW_BYTES = 16;

/** Bounds of {@linkcode LiveUsers}. */
export interface LiveLimits {
  readonly maxUsers: number;
  readonly maxBytes: number;
}

/** Users in the order in which they were last seen. */
export class LiveUsers {
  readonly #limits: LiveLimits;
  /** The longest idle first. */
  readonly #users = new Map<string, LiveUser>();
  #bytes = 0;
  #forgotten = 0;

  constructor(limits: LiveLimits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get count(): number {
    return this.#users.size;
  }

  /** About how many bytes they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many were forgotten while their trail was under way. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** All of them. */
  all(): Iterable<LiveUser> {
    return this.#users.values();
  }

  /** A user who has just been seen, new where it is not known. */
  seen(name: string): LiveUser {
    let user = this.#users.get(name);
    if (user === undefined) {
      user = {
        name,
        machines: new Map(),
        clock: -Infinity,
        scheduledAt: Infinity,
        bytes: 0,
        isHeld: true,
      };
    } else {
      this.#users.delete(name);
    }
    this.#users.set(name, user);
    return user;
  }

  /** To be called when a user's machines have moved: what is too much is forgotten. */
  measure(user: LiveUser): void {
    let bytes = USER_BYTES + 2 * user.name.length;
    for (const { windows } of user.machines.values()) {
      bytes += MACHINE_BYTES + WINDOW_BYTES * windows.length;
    }
    this.#bytes += bytes - user.bytes;
    user.bytes = bytes;
    const { maxUsers, maxBytes } = this.#limits;
    while (this.#users.size > maxUsers || this.#bytes > maxBytes) {
      const [first] = this.#users.values();
      if (first === undefined) return;
      this.forget(first);
    }
  }

  /** Forgets a user. */
  forget(user: LiveUser): void {
    this.#users.delete(user.name);
    this.#bytes -= user.bytes;
    user.isHeld = false;
    // Of those whose trail is not under way, nothing is lost.
    if (user.machines.size > 0) this.#forgotten++;
  }

  /** Forgets all, which is not counted. */
  clear(): void {
    this.#users.clear();
    this.#bytes = 0;
  }
}
