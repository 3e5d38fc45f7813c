/** What tests of the engine share: points made into units, and questions to a running one. */
import type {
  Batch,
  BatchField,
  FieldColumn,
  FieldType,
  NewSeries,
  TagColumn,
} from "../../../src/series/points/batch.ts";
import type { DuckDbEngine } from "../../../src/series/engine/duckdb/mod.ts";
import type { EngineState, Unit } from "../../../src/series/engine/engine.ts";

/** What a field of a test's point can be. */
export type Value = number | bigint | string | boolean;

/** A point as tests write it. A bigint below -2^63 or above 2^63 - 1 is unsigned, see `type`. */
export interface TestPoint {
  readonly measurement: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, Value>>;
  readonly time: bigint;
}

interface Known {
  readonly table: string;
  readonly tags: TagColumn[];
  readonly fields: FieldColumn[];
  readonly series: Map<string, number>;
}

/** Makes units of points: a small catalog, which can go on from what an engine holds. */
export class Units {
  readonly #known = new Map<string, Known>();
  #position: number;

  constructor(state?: EngineState) {
    this.#position = state?.position ?? 0;
    for (const { name, table, tags, fields, series } of state?.measurements ?? []) {
      this.#known.set(name, {
        table,
        tags: [...tags],
        fields: [...fields],
        series: new Map(series.map((tags, id) => [JSON.stringify(tags), id])),
      });
    }
  }

  /** The SQL name of a measurement. */
  table(measurement: string): string {
    return this.#known.get(measurement)!.table;
  }

  /** The SQL names of its fields and tags. */
  columns(measurement: string): { tags: TagColumn[]; fields: FieldColumn[] } {
    return this.#known.get(measurement)!;
  }

  /** One unit of all these points; a field called `u…` is unsigned. */
  unit(points: readonly TestPoint[]): Unit {
    const byName = Map.groupBy(points, ({ measurement }) => measurement);
    return {
      position: ++this.#position,
      batches: [...byName].map(([name, list]) => this.#batch(name, list)),
    };
  }

  #batch(measurement: string, points: TestPoint[]): Batch {
    let known = this.#known.get(measurement);
    if (known === undefined) {
      const taken = [...this.#known.values()].map(({ table }) => table);
      known = { table: freeName(measurement, taken), tags: [], fields: [], series: new Map() };
      this.#known.set(measurement, known);
    }
    const newTags: TagColumn[] = [];
    const newFields: FieldColumn[] = [];
    const newSeries: NewSeries[] = [];
    const taken = () => ["time", ...[...known.tags, ...known.fields].map(({ column }) => column)];
    const fieldNames = new Set<string>();
    const series = Uint32Array.from(points, ({ tags = {}, fields }) => {
      for (const name of Object.keys(tags)) {
        if (known.tags.some((tag) => tag.name === name)) continue;
        const tag = { name, column: freeName(name, taken()) };
        known.tags.push(tag);
        newTags.push(tag);
      }
      for (const [name, value] of Object.entries(fields)) {
        fieldNames.add(name);
        if (known.fields.some((field) => field.name === name)) continue;
        const field = { name, column: freeName(name, taken()), type: typeOf(name, value) };
        known.fields.push(field);
        newFields.push(field);
      }
      const sorted = Object.entries(tags).sort(([a], [b]) => a < b ? -1 : 1);
      const key = JSON.stringify(sorted);
      let id = known.series.get(key);
      if (id === undefined) {
        id = known.series.size;
        known.series.set(key, id);
        newSeries.push({ id, tags: sorted });
      }
      return id;
    });
    const fields = [...fieldNames].map((name) =>
      column(known.fields.find((field) => field.name === name)!, points)
    );
    const times = BigInt64Array.from(points, ({ time }) => time);
    const rows = points.length;
    return {
      measurement,
      table: known.table,
      rows,
      times,
      series,
      fields,
      newSeries,
      newFields,
      newTags,
    };
  }
}

function freeName(name: string, taken: readonly string[]): string {
  const isTaken = (wanted: string) =>
    taken.some((one) => one.toLowerCase() === wanted.toLowerCase());
  let free = name;
  for (let n = 1; isTaken(free); n++) free = `${name}_${n}`;
  return free;
}

function typeOf(name: string, value: Value): FieldType {
  if (typeof value === "number") return "float";
  if (typeof value === "bigint") return name.startsWith("u") ? "unsigned" : "integer";
  return typeof value as "string" | "boolean";
}

function column({ name, type }: FieldColumn, points: readonly TestPoint[]): BatchField {
  const found = points.map(({ fields }) => fields[name]);
  const present = Uint8Array.from(found, (value) => value === undefined ? 0 : 1);
  const all = present.every((one) => one === 1);
  const base = all ? { name } : { name, present };
  switch (type) {
    case "float":
      return { ...base, type, values: Float64Array.from(found, (v) => (v as number) ?? 99) };
    case "integer":
      return { ...base, type, values: BigInt64Array.from(found, (v) => (v as bigint) ?? 99n) };
    case "unsigned":
      return { ...base, type, values: BigUint64Array.from(found, (v) => (v as bigint) ?? 99n) };
    case "boolean":
      return { ...base, type, values: Uint8Array.from(found, (v) => v === true ? 1 : 0) };
    case "string":
      return { ...base, type, values: found.map((v) => (v as string) ?? "absent") };
  }
}

/** Asks a running engine in SQL: its rows. */
export type Ask = (sql: string) => Promise<unknown[][]>;

/** A line to an engine for questions of tests. Closed by `port.close()`, or with the engine. */
export function askOf(engine: DuckDbEngine): Ask {
  const port = engine.attach(new URL("./_ask.ts", import.meta.url));
  const waiting = new Map<number, PromiseWithResolvers<unknown[][]>>();
  let last = 0;
  port.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.number)!;
    waiting.delete(data.number);
    if (data.error === undefined) resolve(data.rows);
    else reject(new Error(data.error));
  };
  void engine.died.then((error) => waiting.forEach(({ reject }) => reject(error)));
  return (sql) => {
    const answer = Promise.withResolvers<unknown[][]>();
    waiting.set(++last, answer);
    port.postMessage({ number: last, sql });
    return answer.promise;
  };
}

/** A folder of its own, gone afterwards. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "traqq-series-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
