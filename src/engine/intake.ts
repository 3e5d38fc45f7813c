/**
 * What is read of an event: its name, its time, and the values that the plan asks for, as numbers.
 *
 * @module
 */
import { type Decimal, readDecimal } from "../base/decimal.ts";
import { EventError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { HyperLogLog } from "../sketch/hyperloglog.ts";
import { Clock } from "./clock.ts";
import type { Limits } from "./config.ts";
import { sanitize } from "./event.ts";
import type { Plan, Slot, Step } from "./plan.ts";
import type { Instant } from "./query.ts";
import { PropertyReader } from "./reader.ts";
import { ABSENT, Terms } from "./terms.ts";
import { toUnixSeconds } from "./time.ts";

/** What events are read for. */
export interface IntakeFrame {
  readonly plan: Plan;
  readonly limits: Limits;
  readonly hourly: boolean;
  /** The property that holds the event's own time. */
  readonly timeProperty: string | undefined;
}

/** A number that is summed, as the current event has it. */
export interface EventNumber extends Decimal {
  /** `ABSENT`, 0 where there is a value that is no number, or 1. */
  state: number;
}

type JsonObject = Record<string, unknown>;

/** Where no name was read yet; no event has it as its name. */
const NO_NAME = Symbol("no name");

/**
 * Reads events, one at a time: what the last one came to stands in its fields until the next. They hold
 * numbers only, because storing fresh values in an old object costs a write barrier each.
 */
export class Intake {
  /** By slot of the plan: all values that were seen; undefined where they are not remembered. */
  readonly terms: readonly (Terms | undefined)[];
  /** By slot: the term of the event's value, or `ABSENT`. */
  readonly eventTerms: Int32Array;
  /** By {@linkcode Plan.hashed}: the register of the event's values, or `ABSENT`. */
  readonly registers: Int32Array;
  /** By {@linkcode Plan.summed}: the event's number. */
  readonly numbers: readonly EventNumber[];

  readonly #frame: IntakeFrame;
  readonly #plan: Plan;
  readonly #reader: PropertyReader;
  /** Numbers of properties for the reader; the slots come first. */
  readonly #nameIndex: number;
  readonly #nameRemembered: boolean;
  readonly #timeIndex: number;
  readonly #timeName: string;
  readonly #summedIndex: number;
  readonly #checkCells: boolean;
  #name: string | symbol = NO_NAME;
  readonly #clock = new Clock();
  /** A recent time of the clock: only what lies far beyond it needs another look. */
  #latest = -Infinity;

  /** @param held where each value that is remembered is added, with its bytes */
  constructor(frame: IntakeFrame, held: { cells: number; bytes: number }) {
    const { plan } = frame;
    this.#frame = frame;
    this.#plan = plan;
    const keys = [
      ...plan.slots.map(({ name }) => name),
      ...plan.summed,
      ...(frame.timeProperty === undefined ? [] : [frame.timeProperty]),
    ];
    this.#summedIndex = plan.slots.length;
    this.#timeIndex = frame.timeProperty === undefined ? -1 : keys.length - 1;
    this.#timeName = `property ${show(frame.timeProperty)}`;
    if (!keys.includes("event")) keys.push("event");
    this.#nameIndex = keys.indexOf("event");
    this.#nameRemembered = plan.slots[this.#nameIndex]?.remembered ?? false;
    this.#reader = new PropertyReader(keys);
    this.#checkCells = plan.maxCells > frame.limits.maxMetricsPerEvent;
    this.eventTerms = new Int32Array(plan.slots.length);
    this.registers = new Int32Array(plan.hashed.length);
    this.numbers = plan.summed.map(() => ({ whole: 0, micros: 0, state: ABSENT }));
    this.terms = plan.slots.map((slot) =>
      slot.remembered ? new Terms((value) => readTerm(slot, value), held) : undefined
    );
  }

  /**
   * Reads all that is needed of an event; gives its unix second.
   *
   * @param resolved its unix second, where it was found out before: that is not judged again
   * @throws {EventError} naming the property, its value and what is allowed
   */
  read(event: unknown, at: Instant | undefined, resolved?: number): number {
    if (typeof event !== "object" || event === null || Array.isArray(event)) {
      throw new EventError(
        `Cannot record an event: wanted an object such as {"event":"purchase"}, received ${
          show(event)
        }`,
      );
    }
    return this.#readObject(event as JsonObject, at, resolved);
  }

  #readObject(event: JsonObject, at: Instant | undefined, resolved: number | undefined): number {
    try {
      this.#readTerms(event);
      this.#readNumbers(event);
      this.#readRegisters(event);
      if (this.#checkCells) this.#refuseManyCells();
      return resolved ?? this.#secondsOf(event, at);
    } catch (error) {
      throw error instanceof EventError ? error : this.#reader.explain(event, error);
    }
  }

  #readTerms(event: JsonObject): void {
    for (let i = 0; i < this.terms.length; i++) {
      const terms = this.terms[i];
      if (terms !== undefined) this.eventTerms[i] = terms.term(this.#reader.get(event, i));
    }
    const name = this.#reader.get(event, this.#nameIndex);
    // Where the name is a remembered property, its term says whether it can be used.
    const known = this.#nameRemembered
      ? typeof name === "string" && this.eventTerms[this.#nameIndex] !== ABSENT
      : name === this.#name;
    if (!known) this.#readName(name);
  }

  #readName(name: unknown): void {
    if (typeof name !== "string") {
      throw new EventError(
        `Cannot record an event: wanted a string in "event", received ${show(name)}`,
      );
    }
    if (sanitize(name, this.#frame.limits.maxFieldLength) === "") {
      throw new EventError(
        `Cannot record an event: "event" must hold more than white space, "~" and ":", received ${
          show(name)
        }`,
      );
    }
    // A longer one would be kept in memory.
    if (name.length <= this.#frame.limits.maxFieldLength) this.#name = name;
  }

  #readNumbers(event: JsonObject): void {
    const { numbers } = this;
    for (let i = 0; i < numbers.length; i++) {
      const value = this.#reader.get(event, this.#summedIndex + i);
      numbers[i].state = value === undefined || value === null
        ? ABSENT
        : readDecimal(value, numbers[i])
        ? 1
        : isInherited(event, this.#plan.summed[i])
        ? ABSENT
        : 0;
    }
  }

  #readRegisters(event: JsonObject): void {
    const { hashed } = this.#plan;
    for (let i = 0; i < hashed.length; i++) {
      const { slots } = hashed[i];
      let joined = this.#textOf(event, slots[0]);
      for (let k = 1; k < slots.length; k++) {
        const text = this.#textOf(event, slots[k]);
        joined = joined === "" || text === "" ? "" : `${joined}~${text}`;
      }
      this.registers[i] = joined === "" ? ABSENT : HyperLogLog.registerOf(joined);
    }
  }

  /** The sanitized value of a slot, `""` where it is absent. */
  #textOf(event: JsonObject, slot: number): string {
    const terms = this.terms[slot];
    if (terms === undefined) return readTerm(this.#plan.slots[slot], this.#reader.get(event, slot));
    const term = this.eventTerms[slot];
    return term === ABSENT ? "" : terms.text(term);
  }

  #refuseManyCells(): void {
    const { plan, limits, hourly } = this.#frame;
    let cells = 0;
    const present = (slot: number) => this.eventTerms[slot] !== ABSENT;
    for (const step of plan.steps) {
      let whole = true;
      for (let up: Step | undefined = step; up !== undefined; up = plan.steps[up.parent]) {
        whole &&= present(up.slot);
      }
      if (!whole) continue;
      cells += (step.add ? 1 : 0) + (step.top ? 1 : 0) + (step.sketch >= 0 ? 1 : 0) +
        step.sums.filter(({ summed }) => this.numbers[summed].state === 1).length;
    }
    for (const register of this.registers) if (register !== ABSENT) cells++;
    if (hourly) cells *= 2;
    if (cells > limits.maxMetricsPerEvent) {
      throw new EventError(
        `Cannot record an event that touches ${cells} cells: limits.maxMetricsPerEvent is ${limits.maxMetricsPerEvent}`,
      );
    }
  }

  #secondsOf(event: JsonObject, at: Instant | undefined): number {
    let time: unknown = at;
    let what: string | undefined;
    if (time === undefined && this.#timeIndex >= 0) {
      time = this.#reader.get(event, this.#timeIndex);
      what = this.#timeName;
      const isOdd = typeof time === "function" || typeof time === "object";
      if (isOdd && isInherited(event, this.#frame.timeProperty!)) time = undefined;
    }
    if (time === undefined || time === null) return this.#clock.seconds();
    const seconds = toUnixSeconds(time, what);
    const { maxFutureMs } = this.#frame.limits;
    if ((seconds - this.#latest) * 1000 > maxFutureMs) {
      this.#latest = this.#clock.seconds();
      if ((seconds - this.#latest) * 1000 > maxFutureMs) {
        throw new EventError(
          `Cannot record an event of ${
            show(time)
          }: its time lies more than limits.maxFutureMs = ${maxFutureMs} ms in the future`,
          { reason: "future" },
        );
      }
    }
    return seconds;
  }
}

/** Whether the event has a property only as every object has one (`constructor`, `__proto__`). */
function isInherited(event: JsonObject, name: string): boolean {
  return name in Object.prototype && !Object.hasOwn(event, name);
}

function readTerm(slot: Slot, value: unknown): string {
  if (typeof value === "number") refuseInfinite(slot, value);
  return sanitize(value, slot.maxLength);
}

function refuseInfinite(slot: Slot, value: number): void {
  if (Number.isFinite(value)) return;
  throw new EventError(
    `Cannot record an event: wanted a finite number in ${show(slot.name)}, received ${value}`,
  );
}
