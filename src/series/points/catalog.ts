/**
 * What there is to write to: measurements, their fields with types, their tags, and the number of each
 * series. It only grows, and only by points that were accepted; the same points in the same order give
 * the same numbers and names, so it need not be kept beside the log.
 *
 * @module
 */
import type { MeasurementState } from "../engine/engine.ts";
import type { FieldColumn, FieldType, NewSeries, Tag, TagColumn } from "./batch.ts";

/** A measurement. What is new in it since {@linkcode Measurement.takeNew} was called is kept apart. */
export class Measurement {
  readonly name: string;
  /** What it is called in SQL; nothing until it is in a catalog. */
  table: string;
  readonly tags: Map<string, TagColumn> = new Map();
  readonly fields: Map<string, FieldColumn> = new Map();
  /** By {@linkcode seriesKey}. */
  readonly #series = new Map<string, number>();
  readonly #columns = new Names(["time"]);
  #new = noNews();

  constructor(name: string, table = "") {
    this.name = name;
    this.table = table;
  }

  /** How many series it has. */
  get seriesCount(): number {
    return this.#series.size;
  }

  /** The number of a series; undefined if there is none. */
  seriesId(key: string): number | undefined {
    return this.#series.get(key);
  }

  /** Adds a series, and those of its tags that are new; gives its number. */
  addSeries(key: string, tags: readonly Tag[]): number {
    for (const [name] of tags) {
      if (this.tags.has(name)) continue;
      const column = { name, column: this.#columns.take(name) };
      this.tags.set(name, column);
      this.#new.newTags.push(column);
    }
    const id = this.#series.size;
    this.#series.set(key, id);
    this.#new.newSeries.push({ id, tags });
    return id;
  }

  /** Adds a field. */
  addField(name: string, type: FieldType): void {
    const column = { name, column: this.#columns.take(name), type };
    this.fields.set(name, column);
    this.#new.newFields.push(column);
  }

  /** What was added since the last call. */
  takeNew(): News {
    const taken = this.#new;
    this.#new = noNews();
    return taken;
  }

  /** Takes over what an engine knows; it is not new. */
  restore({ tags, fields, series }: MeasurementState): void {
    for (const tag of tags) this.tags.set(tag.name, tag);
    for (const field of fields) this.fields.set(field.name, field);
    for (const { column } of [...tags, ...fields]) this.#columns.add(column);
    for (const [id, pairs] of series.entries()) this.#series.set(seriesKey(pairs), id);
  }
}

/** What a measurement has that no batch had. */
export interface News {
  readonly newSeries: NewSeries[];
  readonly newFields: FieldColumn[];
  readonly newTags: TagColumn[];
}

/** See the top of this file. */
export class Catalog {
  readonly #measurements = new Map<string, Measurement>();
  readonly #tables = new Names([]);
  #seriesCount = 0;

  /** @param states what an engine knows */
  constructor(states: readonly MeasurementState[] = []) {
    for (const state of states) {
      const measurement = new Measurement(state.name, state.table);
      measurement.restore(state);
      this.#tables.add(state.table);
      this.#measurements.set(state.name, measurement);
      this.#seriesCount += measurement.seriesCount;
    }
  }

  /** How many measurements there are. */
  get size(): number {
    return this.#measurements.size;
  }

  /** How many series all measurements have. */
  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** The measurement of a name; undefined if there is none. */
  get(name: string): Measurement | undefined {
    return this.#measurements.get(name);
  }

  /** Adds a measurement, and names its table. */
  add(measurement: Measurement): void {
    measurement.table = this.#tables.take(measurement.name);
    this.#measurements.set(measurement.name, measurement);
  }

  /** Adds a series to one of its measurements; gives its number there. */
  addSeries(measurement: Measurement, key: string, tags: readonly Tag[]): number {
    this.#seriesCount++;
    return measurement.addSeries(key, tags);
  }

  /** All measurements, in the order in which they came. */
  measurements(): Iterable<Measurement> {
    return this.#measurements.values();
  }
}

/** Tags as one text, different for different ones. @param tags ascending by key */
export function seriesKey(tags: readonly Tag[]): string {
  return JSON.stringify(tags);
}

function noNews(): News {
  return { newSeries: [], newFields: [], newTags: [] };
}

/** Names that SQL can tell apart: letters' case does not count there. */
class Names {
  readonly #taken: Set<string>;

  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  add(name: string): void {
    this.#taken.add(name.toLowerCase());
  }

  /** The name itself, or with the first number behind it that makes it free. */
  take(name: string): string {
    let free = name;
    for (let i = 1; this.#taken.has(free.toLowerCase()); i++) free = `${name}_${i}`;
    this.add(free);
    return free;
  }
}
