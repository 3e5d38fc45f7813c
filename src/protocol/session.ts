/**
 * One client's conversation: lines in, reply lines out, in order. It knows who may do what, but no
 * socket: whoever has one drives it.
 *
 * ```text
 * push(line) ── record ────────▶ waits in the queue, to be recorded together with its neighbours
 *            ── ping, an error ▶ its reply waits in the queue
 *            ── anything else ─▶ false: await settle(), which works off the queue and then it
 * ```
 * A query therefore sees every event that was sent before it, and none that was sent after it. Records
 * go through `recordMany`, which waits when storage is slower than the events: until `settle` resolves,
 * the caller must not read on, and so the client is held back.
 *
 * @module
 */
import { ProtocolError } from "../base/errors.ts";
import type { Instant } from "../engine/query.ts";
import { type Access, allows, EVERYTHING, type Grant } from "./access.ts";
import { type Command, parseLine } from "./commands.ts";
import { dispatch, type Target, toTheEnd } from "./dispatch.ts";
import { errorLine, okLine } from "./replies.ts";

/** Wrong tokens after which a session ends. */
export const MAX_WRONG_TOKENS = 3;

/** Replies that are queued at most: a line of two bytes may cost an error of hundreds. */
const MAX_QUEUED = 1024;

/** What sessions count; one object may serve many. */
export interface SessionCounters {
  /** Lines that were answered, those with errors too. */
  commands: number;
  /** Replies that were errors. */
  errors: number;
}

/** What a {@linkcode Session} may be given. */
export interface SessionOptions {
  /** Without it everyone may do everything. */
  readonly access?: Access;
  /** Where the client is, for wrong tokens are counted by address. */
  readonly address?: string;
  /** Shared with other sessions; default: one of its own. */
  readonly counters?: SessionCounters;
  /** Added to the reply to `stats`. */
  readonly serverStats?: () => object | Promise<object>;
}

const NOT_AUTHORIZED =
  'Cannot do this without the token: send {"cmd":"auth","token":"…"} first on this connection';

/**
 * The first lines of a request of HTTP. A page in a browser can post any text to any address, this
 * machine's own included, and lines of that text would be commands.
 */
const HTTP = /^(?:[A-Z]+ \S+ HTTP\/\d|Host:)/i;
const NOT_HTTP =
  "Cannot speak HTTP here: wanted lines of JSON; the connection is closed; for HTTP start traqq serve with --http";

/** A place in the queue for the reply to a record. */
interface Slot {
  readonly id: string | undefined;
}

const SLOT_WITHOUT_ID: Slot = { id: undefined };

/** See the top of this file. For one caller, who does not call anything while `settle` runs. */
export class Session {
  readonly #target: Target;
  readonly #access: Access | undefined;
  readonly #address: string;
  readonly #counters: SessionCounters;
  readonly #serverStats: (() => object | Promise<object>) | undefined;
  /** Replies in order, and places for those to records. */
  #queue: (string | Slot)[] = [];
  /** The events of the places, and their times; `#timed` if there is any time. */
  #events: unknown[] = [];
  #times: (Instant | undefined)[] = [];
  /** Where the commands stand in the bytes that they came in. */
  #starts: number[] = [];
  #ends: number[] = [];
  #timed = false;
  /** The command that `settle` carries out after the queue. */
  #waiting: { command: Command; id: string | undefined } | undefined;
  /** What the token gave; undefined before it. */
  #grant: Grant | undefined;
  #wrongTokens = 0;
  #isHttp = false;

  /** A session on `target`. */
  constructor(target: Target, options: SessionOptions = {}) {
    this.#target = target;
    this.#access = options.access;
    this.#address = options.address ?? "";
    this.#grant = options.access === undefined ? EVERYTHING : undefined;
    this.#counters = options.counters ?? { commands: 0, errors: 0 };
    this.#serverStats = options.serverStats;
  }

  /** Whether the client needs no token, or has sent a right one. */
  get authorized(): boolean {
    return this.#grant !== undefined;
  }

  /** Whether the client must be disconnected: too many wrong tokens, or HTTP. Lines are ignored. */
  get ended(): boolean {
    return this.#isHttp || this.#wrongTokens >= MAX_WRONG_TOKENS;
  }

  /**
   * Takes a line, or what was wrong with it. If it gives false, {@linkcode settle} must be awaited
   * before the next.
   *
   * @param start where it begins in the bytes that `settle` is given
   * @param end where it ends there
   */
  push(line: string | ProtocolError, start = 0, end = 0): boolean {
    if (this.ended || isBlank(line)) return true;
    this.#counters.commands++;
    if (typeof line !== "string") {
      return this.#fail(this.authorized ? line : new ProtocolError(NOT_AUTHORIZED), undefined);
    }
    const { command, id } = parseLine(line);
    if (command instanceof ProtocolError) {
      this.#isHttp = HTTP.test(line);
      return this.#fail(this.#isHttp ? new ProtocolError(NOT_HTTP) : command, id);
    }
    if (command.cmd === "ping") return this.#enqueue(okLine(undefined, id));
    const wanted = rightFor(command);
    if (wanted !== undefined && (this.#grant === undefined || !allows(this.#grant, wanted))) {
      return this.#fail(new ProtocolError(notAllowed(this.#grant, wanted)), id);
    }
    if (command.cmd !== "record") {
      this.#waiting = { command, id };
      return false;
    }
    this.#events.push(command.event);
    this.#times.push(command.at);
    this.#starts.push(start);
    this.#ends.push(end);
    if (command.at !== undefined) this.#timed = true;
    return this.#enqueue(id === undefined ? SLOT_WITHOUT_ID : { id });
  }

  /**
   * Ends what was started and gives the replies, in order, as one text. Never rejects.
   *
   * @param bytes what the lines were read from, unchanged until this resolves
   */
  async settle(bytes?: Uint8Array): Promise<string> {
    let out = "";
    if (this.#events.length > 0) {
      out = await this.#record(bytes);
    } else if (this.#queue.length > 0) {
      out = this.#queue.join("");
      this.#queue = [];
    }
    if (this.#waiting !== undefined) {
      const { command, id } = this.#waiting;
      this.#waiting = undefined;
      try {
        if (command.cmd === "auth") await this.#authorize(command.token);
        out += okLine(await dispatch(this.#target, command, this.#serverStats), id);
      } catch (error) {
        out += this.#error(error, id);
      }
    }
    return out;
  }

  /** Records what is queued and gives the replies of the whole queue. */
  async #record(bytes: Uint8Array | undefined): Promise<string> {
    const queue = this.#queue, events = this.#events, times = this.#times;
    const lines = bytes && { bytes, starts: this.#starts, ends: this.#ends };
    const at = this.#timed ? (_: unknown, index: number) => times[index] : undefined;
    this.#queue = [];
    this.#events = [];
    this.#times = [];
    this.#starts = [];
    this.#ends = [];
    this.#timed = false;
    const errors = new Map<number, unknown>();
    let failure: { error: unknown } | undefined;
    try {
      const report = await this.#target.recordMany(events, { at, lines });
      const { rejected } = toTheEnd(report, events.length);
      for (const { index, error } of rejected) errors.set(index, error);
    } catch (error) {
      failure = { error };
    }
    let out = "";
    let index = 0;
    for (const entry of queue) {
      if (typeof entry === "string") {
        out += entry;
      } else {
        const error = failure === undefined ? errors.get(index) : failure.error;
        out += error === undefined ? okLine(undefined, entry.id) : this.#error(error, entry.id);
        index++;
      }
    }
    return out;
  }

  async #authorize(token: string): Promise<void> {
    const entered = await this.#access?.enter(token, this.#address) ?? EVERYTHING;
    if (typeof entered === "object") {
      this.#grant = entered;
      return;
    }
    this.#wrongTokens++;
    const consequence = this.ended ? "; the connection is closed" : "";
    throw new ProtocolError(
      entered === "wrong"
        ? `Cannot authenticate: this is not the server's token${consequence}`
        : `Cannot authenticate: too many wrong tokens came from this address; try again in a minute${consequence}`,
    );
  }

  #fail(error: unknown, id: string | undefined): boolean {
    return this.#enqueue(this.#error(error, id));
  }

  #error(error: unknown, id: string | undefined): string {
    this.#counters.errors++;
    return errorLine(error, id);
  }

  #enqueue(reply: string | Slot): boolean {
    this.#queue.push(reply);
    return this.#queue.length < MAX_QUEUED;
  }
}

/** The right that a command needs, if any. */
function rightFor({ cmd }: Command): "record" | "read" | undefined {
  if (cmd === "record" || cmd === "record_many") return "record";
  return cmd === "auth" || cmd === "ping" ? undefined : "read";
}

function notAllowed(grant: Grant | undefined, wanted: "record" | "read"): string {
  if (grant === undefined) return NOT_AUTHORIZED;
  if (grant.right === wanted || grant.right === "all") {
    return "Cannot do this any more: the token has expired; send another one";
  }
  return `Cannot ${wanted} with this token: it has only the right ${grant.right}; use one with the right ${wanted}`;
}

function isBlank(line: string | ProtocolError): boolean {
  return typeof line === "string" &&
    (line.length === 0 || (line.charCodeAt(0) <= 32 && line.trim() === ""));
}
