/**
 * Points of one measurement that are in columns already, and the batch that they become.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import type { Batch, BatchField, Tag } from "./batch.ts";
import { type Catalog, Measurement, seriesKey } from "./catalog.ts";
import { encodeFieldKey, encodeKey } from "./encode.ts";
import type { Limits } from "./limits.ts";

/** Points in columns; rows in the order in which they were measured: of two, the later one wins. */
export interface PointColumns {
  /** Its name. */
  readonly measurement: string;
  /** Unix nanoseconds, one per row. */
  readonly times: BigInt64Array<ArrayBuffer>;
  /** Which of `tags` each row has. */
  readonly series: Uint32Array<ArrayBuffer>;
  /** Tags of series, each ascending by key; `[]` is the series without any. */
  readonly tags: readonly (readonly Tag[])[];
  /** As many values as rows each; each row has at least one. Their memory is taken. */
  readonly fields: readonly BatchField[];
}

/**
 * The batch of some points, with what is new in it added to the catalog.
 *
 * @throws {RangeError} if they cannot be written; then nothing was added
 */
export function toBatch(columns: PointColumns, catalog: Catalog, limits: Limits): Batch {
  const { measurement: name, times, fields, tags } = columns;
  const known = catalog.get(name);
  const keys = keysIn(columns);
  check(columns, catalog, limits, keys);
  const measurement = known ?? new Measurement(name);
  if (known === undefined) catalog.add(measurement);
  const ids = new Uint32Array(tags.length);
  for (const [index, key] of keys) {
    ids[index] = measurement.seriesId(key) ?? catalog.addSeries(measurement, key, tags[index]);
  }
  for (const { name, type } of fields) {
    if (!measurement.fields.has(name)) measurement.addField(name, type);
  }
  return {
    measurement: name,
    table: measurement.table,
    rows: times.length,
    times,
    series: columns.series.map((index) => ids[index]),
    fields,
    ...measurement.takeNew(),
  };
}

/** The key of each series that a row has, by its place in `tags`. */
function keysIn({ series, tags }: PointColumns): Map<number, string> {
  const keys = new Map<number, string>();
  let last = -1;
  for (const index of series) {
    if (index === last || keys.has(index)) continue;
    if (index >= tags.length) {
      throw new RangeError(
        `Cannot write columns: a row has the tags ${index}, and there are ${tags.length}`,
      );
    }
    keys.set(last = index, seriesKey(tags[index]));
  }
  return keys;
}

function check(
  { measurement: name, times, series, tags, fields }: PointColumns,
  catalog: Catalog,
  limits: Limits,
  keys: ReadonlyMap<number, string>,
): void {
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot write columns of ${show(name)}: ${why}`);
  };
  const most = (what: string, count: number, limit: number, option: string) => {
    if (count <= limit) return;
    refuse(`there would be ${count} ${what}, and ${limit} are allowed; raise limits.${option}`);
  };
  const known = catalog.get(name);
  for (const index of keys.keys()) {
    const bytes = new TextEncoder().encode(encodeKey(name, tags[index])).length;
    if (bytes > limits.maxKeyBytes) {
      refuse(`measurement and tags have ${bytes} bytes; they may have ${limits.maxKeyBytes}`);
    }
  }
  for (const { name: field, type, values, present } of fields) {
    encodeFieldKey(field);
    const had = known?.fields.get(field)?.type ?? type;
    if (had !== type) {
      refuse(`its field ${show(field)} is ${had} since its first point, and this one is ${type}`);
    }
    if (values.length !== times.length || (present?.length ?? times.length) !== times.length) {
      refuse(`the field ${show(field)} has not as many values as there are times`);
    }
  }
  if (series.length !== times.length) refuse("there are not as many series as times");
  const newTags = new Set([...keys.keys()].flatMap((index) => tags[index].map(([key]) => key)));
  const tagCount = new Set([...known?.tags.keys() ?? [], ...newTags]).size;
  const fieldCount =
    new Set([...known?.fields.keys() ?? [], ...fields.map(({ name }) => name)]).size;
  const newSeries = [...keys.values()].filter((key) => known?.seriesId(key) === undefined).length;
  most("measurements", catalog.size + (known ? 0 : 1), limits.maxMeasurements, "maxMeasurements");
  most("tags", tagCount, limits.maxTags, "maxTags");
  most("fields", fieldCount, limits.maxFields, "maxFields");
  most("series", catalog.seriesCount + newSeries, limits.maxSeries, "maxSeries");
  for (const text of [name, ...newTags, ...fields.map(({ name }) => name)]) {
    if (new TextEncoder().encode(text).length > limits.maxNameBytes) {
      refuse(`the name ${show(text)} is longer than ${limits.maxNameBytes} bytes`);
    }
  }
}
