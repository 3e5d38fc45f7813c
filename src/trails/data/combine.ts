/**
 * Several sources as one: the events of each user in order of time, of equal times those of the
 * earlier source first.
 *
 * @module
 */
import type { Compat } from "../errors.ts";
import { ColumnBuilder } from "./columns.ts";
import { compileFilter, type EventFilter } from "./selection.ts";
import { Sieve } from "./sieve.ts";
import type { TrailSource } from "./source.ts";

/**
 * What passes the filter, in memory. The original drops what is older than the newest event of the
 * source before.
 */
export function combine(
  sources: readonly TrailSource[],
  filter: EventFilter | undefined,
  compat: Compat,
): TrailSource {
  const builder = new ColumnBuilder();
  for (const [at, source] of sources.entries()) {
    const { fields, dictionaries } = source;
    const oldest = compat === "trck" && at > 0 ? sources[at - 1].newest : -Infinity;
    const mergesEqual = source.mergesEqual || compat === "trck";
    const sieve = new Sieve(source, compileFilter(filter, source), mergesEqual);
    for (const field of fields) builder.addField(field);
    for (let trail = 0; trail < source.trailCount; trail++) {
      const user = source.nameOf(trail);
      sieve.read(trail, oldest);
      const { times, columns, start, end } = sieve;
      for (let i = start; i < end; i++) {
        builder.add(
          user,
          times[i],
          columns.map((column, at) => [fields[at], dictionaries[at].text(column[i])] as const),
        );
      }
    }
  }
  return builder.build();
}
