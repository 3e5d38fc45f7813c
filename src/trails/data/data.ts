/**
 * The data that programs run over, as callers have it.
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

/** The sources of data, for runs. */
export let sourcesOf: (data: TrailData) => readonly TrailSource[];

/** Trails that programs run over. */
export class TrailData {
  readonly #sources: readonly TrailSource[];
  /** What was read, and what was refused. Of `.tdb` files nothing is. */
  readonly report: ReadReport;

  /** Made by the functions that read data. */
  constructor(sources: readonly TrailSource[], report: ReadReport) {
    this.#sources = sources;
    this.report = report;
  }

  /** How many trails there are; a user of several files counts in each. */
  get trailCount(): number {
    return this.#sources.reduce((sum, { trailCount }) => sum + trailCount, 0);
  }

  /** How many events they have. */
  get eventCount(): number {
    return this.#sources.reduce((sum, { eventCount }) => sum + eventCount, 0);
  }

  /** The fields of the events. */
  get fields(): readonly string[] {
    return [...new Set(this.#sources.flatMap(({ fields }) => fields))];
  }

  /**
   * Events as trails: of each user, in order of time, of equal times as they come. Properties that are
   * strings, numbers or booleans are fields. An event without user or time is reported and left out.
   */
  static fromEvents(events: Iterable<unknown>, shape: EventShape): TrailData {
    const reader = new EventReader(shape);
    for (const event of events) reader.add(event);
    return reader.finish();
  }

  static {
    sourcesOf = (data) => data.#sources;
  }
}

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

  /** The trails of what was taken. */
  finish(): TrailData {
    return new TrailData([this.#builder.build()], {
      events: this.#events,
      rejected: this.#rejected,
      rejectedCount: this.#rejectedCount,
    });
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

function own(properties: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** A value as programs see it; undefined where it is none. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || typeof value === "number" ? String(value) : undefined;
}
