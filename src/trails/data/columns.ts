/**
 * Trails as columns in shared memory: of files that are read whole, and of several files together.
 *
 * @module
 */
import { Dictionary, DictionaryBuilder, type DictionaryParts } from "./dictionary.ts";
import type { TrailReader, TrailSource } from "./source.ts";

/** What a worker makes the same source from. */
export interface SharedColumns {
  readonly kind: "columns";
  readonly fields: readonly string[];
  readonly dictionaries: readonly DictionaryParts[];
  readonly users: DictionaryParts;
  readonly times: Float64Array;
  readonly columns: readonly Uint32Array[];
  /** Where each trail begins, and where the last one ends. */
  readonly offsets: Float64Array;
}

/** Trails as columns. */
export class ColumnSource implements TrailSource {
  readonly fields: readonly string[];
  readonly dictionaries: readonly Dictionary[];
  readonly trailCount: number;
  readonly eventCount: number;
  readonly mergesEqual = false;
  readonly newest: number;
  readonly shared: SharedColumns;
  readonly #users: Dictionary;

  constructor(shared: SharedColumns) {
    this.shared = shared;
    this.fields = shared.fields;
    this.dictionaries = shared.dictionaries.map((parts) => new Dictionary(parts));
    this.trailCount = shared.offsets.length - 1;
    this.eventCount = shared.times.length;
    this.newest = shared.times.reduce((newest, time) => Math.max(newest, time), -Infinity);
    this.#users = new Dictionary(shared.users);
  }

  nameOf(trail: number): string {
    // Number 0 of a dictionary is the empty text, which no user is called.
    return this.#users.text(trail + 1);
  }

  reader(): TrailReader {
    const { times, columns, offsets } = this.shared;
    return {
      times,
      columns,
      start: 0,
      end: 0,
      mergesEqual: false,
      read(trail) {
        this.start = offsets[trail];
        this.end = offsets[trail + 1];
      },
    };
  }
}

/** How many events a builder has room for at first. */
const FIRST_CAPACITY = 1024;

/** Collects events in any order and makes columns of them: by user, then by time, then as they came. */
export class ColumnBuilder {
  readonly #users = new DictionaryBuilder();
  readonly #fields = new Map<string, { values: DictionaryBuilder; ids: Uint32Array }>();
  #times = new Float64Array(FIRST_CAPACITY);
  #owners = new Uint32Array(FIRST_CAPACITY);
  #count = 0;
  #userCount = 0;

  /** Makes a field known before any event has it. */
  addField(name: string): void {
    this.#field(name);
  }

  /** Adds an event of a user, who is not the empty text. */
  add(user: string, time: number, values: Iterable<readonly [field: string, value: string]>): void {
    if (this.#count === this.#times.length) this.#grow();
    const owner = this.#users.idOf(user);
    this.#userCount = Math.max(this.#userCount, owner);
    this.#times[this.#count] = time;
    this.#owners[this.#count] = owner;
    for (const [name, value] of values) {
      const field = this.#field(name);
      field.ids[this.#count] = field.values.idOf(value);
    }
    this.#count++;
  }

  /** The columns of all that was added. */
  build(): ColumnSource {
    const count = this.#count;
    const times = this.#times, owners = this.#owners;
    const offsets = new Float64Array(new SharedArrayBuffer(8 * (this.#userCount + 1)));
    for (let i = 0; i < count; i++) offsets[owners[i]]++;
    for (let user = 1; user <= this.#userCount; user++) offsets[user] += offsets[user - 1];
    const order = sortedBy(times.subarray(0, count), owners, offsets);
    const sorted = (from: Float64Array | Uint32Array, into: Float64Array | Uint32Array): void => {
      for (let i = 0; i < count; i++) into[i] = from[order[i]];
    };
    const sortedTimes = new Float64Array(new SharedArrayBuffer(8 * count));
    sorted(times, sortedTimes);
    const fields = [...this.#fields];
    return new ColumnSource({
      kind: "columns",
      fields: fields.map(([name]) => name),
      dictionaries: fields.map(([, { values }]) => values.build().parts),
      users: this.#users.build().parts,
      times: sortedTimes,
      columns: fields.map(([, { ids }]) => {
        const column = new Uint32Array(new SharedArrayBuffer(4 * count));
        sorted(ids, column);
        return column;
      }),
      offsets,
    });
  }

  #field(name: string): { values: DictionaryBuilder; ids: Uint32Array } {
    let field = this.#fields.get(name);
    if (field === undefined) {
      field = { values: new DictionaryBuilder(), ids: new Uint32Array(this.#times.length) };
      this.#fields.set(name, field);
    }
    return field;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const times = new Float64Array(capacity);
    times.set(this.#times);
    this.#times = times;
    const owners = new Uint32Array(capacity);
    owners.set(this.#owners);
    this.#owners = owners;
    for (const field of this.#fields.values()) {
      const ids = new Uint32Array(capacity);
      ids.set(field.ids);
      field.ids = ids;
    }
  }
}

/** The events by user, then by time, then as they came. Logs come nearly in order: that costs little. */
function sortedBy(times: Float64Array, owners: Uint32Array, offsets: Float64Array): Uint32Array {
  const order = new Uint32Array(times.length);
  const next = offsets.slice();
  for (let i = 0; i < times.length; i++) order[next[owners[i] - 1]++] = i;
  for (let user = 1; user < offsets.length; user++) {
    const own = order.subarray(offsets[user - 1], offsets[user]);
    if (own.some((event, at) => at > 0 && times[event] < times[own[at - 1]])) {
      own.sort((a, b) => times[a] - times[b] || a - b);
    }
  }
  return order;
}
