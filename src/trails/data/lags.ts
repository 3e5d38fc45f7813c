/**
 * What fields were some events ago, as columns of their own: `previous(page, 2)` of a program.
 *
 * @module
 */
import type { Lag } from "../language/program.ts";
import { ColumnSource } from "./columns.ts";
import { DictionaryBuilder } from "./dictionary.ts";
import { type CompiledFilter, Sieve } from "./sieve.ts";
import type { TrailSource } from "./source.ts";

/**
 * The trails of a source past the filter, in memory, with a column for each lag. Before the first
 * event of a trail values are empty. Without lags the source stays as it is.
 */
export function withLags(
  source: TrailSource,
  lags: readonly Lag[],
  filter: CompiledFilter,
  mergesEqual: boolean,
): TrailSource {
  if (lags.length === 0) return source;
  const { eventCount, trailCount } = source;
  const column = () => new Uint32Array(new SharedArrayBuffer(4 * eventCount));
  const users = new DictionaryBuilder();
  const times = new Float64Array(new SharedArrayBuffer(8 * eventCount));
  const columns = source.fields.map(column);
  const known = lags.filter(({ field }) => source.fields.includes(field));
  const shifted = known.map(({ field, back }) => ({
    of: source.fields.indexOf(field),
    back,
    ids: column(),
  }));
  const offsets = new Float64Array(new SharedArrayBuffer(8 * (trailCount + 1)));
  const sieve = new Sieve(source, filter, mergesEqual);
  let count = 0;
  for (let trail = 0; trail < trailCount; trail++) {
    users.idOf(source.nameOf(trail));
    sieve.read(trail);
    const { start, end } = sieve;
    times.set(sieve.times.subarray(start, end), count);
    for (const [at, ids] of columns.entries()) {
      ids.set(sieve.columns[at].subarray(start, end), count);
    }
    for (const { of, back, ids } of shifted) {
      if (end - start > back) ids.set(sieve.columns[of].subarray(start, end - back), count + back);
    }
    count += end - start;
    offsets[trail + 1] = count;
  }
  return new ColumnSource({
    kind: "columns",
    fields: [...source.fields, ...known.map(({ name }) => name)],
    dictionaries: [
      ...source.dictionaries,
      ...shifted.map(({ of }) => source.dictionaries[of]),
    ].map(({ parts }) => parts),
    users: users.build().parts,
    times: times.subarray(0, count),
    columns: [...columns, ...shifted.map(({ ids }) => ids)].map((ids) => ids.subarray(0, count)),
    offsets,
  });
}
