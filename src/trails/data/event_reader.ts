/**
 * Events, as objects, to trails.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { toUnixSeconds } from "../../engine/time.ts";
import { TrailsError } from "../errors.ts";
import { ColumnBuilder } from "./columns.ts";
import type { TrailSource } from "./source.ts";

/** Which properties of an event are its user and its time. */
export interface EventShape {
  /** The property with the user: its text, number or boolean. */
  by: string;
  /** The property with the time, unix seconds or RFC 3339; default `time`. */
  time?: string;
}

/** What became of events that were read. */
export interface ReadReport {
  /** How many are in trails. */
  readonly events: number;
  /** The first of those that are not, with their number from 1 in the input, and why. */
  readonly rejected: readonly { readonly number: number; readonly error: Error }[];
  /** How many are not. */
  readonly rejectedCount: number;
}

/** How many refused events a report names. */
const MAX_NAMED = 10;

/** Takes events one by one. */
export class EventReader {
  readonly #by: string;
  readonly #time: string;
  readonly #builder = new ColumnBuilder();
  readonly #rejected: { number: number; error: Error }[] = [];
  #rejectedCount = 0;
  #events = 0;
  #number = 0;

  constructor({ by, time = "time" }: EventShape) {
    this.#by = by;
    this.#time = time;
  }

  /** Takes an event, or counts why it cannot be taken. */
  add(event: unknown): void {
    this.#number++;
    try {
      this.#add(event);
      this.#events++;
    } catch (error) {
      this.#reject(error as Error, this.#number);
    }
  }

  /** Counts something that is no event. */
  reject(error: Error): void {
    this.#reject(error, ++this.#number);
  }

  /** Passes over a line that is blank. */
  skip(): void {
    this.#number++;
  }

  /** Takes an event of text only, such as a row of CSV; a time of digits is unix seconds. */
  addCells(names: readonly string[], cells: readonly string[]): void {
    // Without a prototype, so that no name is special.
    const event: Record<string, unknown> = Object.create(null);
    for (const [i, name] of names.entries()) {
      const isSeconds = name === this.#time && /^-?\d+(\.\d+)?$/.test(cells[i]);
      event[name] = isSeconds ? Number(cells[i]) : cells[i];
    }
    this.add(event);
  }

  /** The trails of what was taken. */
  finish(): TrailSource {
    return this.#builder.build();
  }

  /** What became of it. */
  get report(): ReadReport {
    return {
      events: this.#events,
      rejected: this.#rejected,
      rejectedCount: this.#rejectedCount,
    };
  }

  #add(event: unknown): void {
    if (typeof event !== "object" || event === null || Array.isArray(event)) {
      throw new TrailsError(`Cannot use an event: wanted an object, received ${show(event)}`);
    }
    const properties = event as Record<string, unknown>;
    const user = textOf(own(properties, this.#by));
    if (user === undefined || user === "") {
      throw new TrailsError(
        `Cannot use an event: ${this.#by} must name the user, received ${
          show(own(properties, this.#by))
        }`,
      );
    }
    const time = toUnixSeconds(own(properties, this.#time), `property "${this.#time}"`);
    const values: [string, string][] = [];
    for (const name of Object.keys(properties)) {
      if (name === this.#time) continue;
      const value = textOf(properties[name]);
      if (value !== undefined) values.push([name, value]);
    }
    this.#builder.add(user, time, values);
  }

  #reject(error: Error, number: number): void {
    this.#rejectedCount++;
    if (this.#rejected.length < MAX_NAMED) this.#rejected.push({ number, error });
  }
}

/** A property of its own, not one of its kind. */
export function own(properties: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** A value as programs see it; undefined where it is none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || typeof value === "number" ? String(value) : undefined;
}
