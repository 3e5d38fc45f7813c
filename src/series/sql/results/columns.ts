/**
 * Names of an answer's columns, as keys.
 *
 * @module
 */
import type { SqlColumn } from "../values.ts";

/** A name that another column before has gets a number: `host`, `host:1`, `host:2`. */
export function keysOf(columns: readonly SqlColumn[]): string[] {
  const taken = new Set(columns.map(({ name }) => name));
  const seen = new Set<string>();
  return columns.map(({ name }) => {
    let key = name;
    for (let n = 1; seen.has(key); n++) {
      const next = `${name}:${n}`;
      if (!taken.has(next)) key = next;
    }
    seen.add(key);
    return key;
  });
}
