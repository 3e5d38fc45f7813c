/**
 * The keys of the Rust traqq 0.2 and of traqq's own Redis storage, which are the same
 * (`src/storage/redis.rs` and `src/lib.rs` of the public repository `oeo/traqq`).
 *
 * | key                                     | type        | holds                                  |
 * | --------------------------------------- | ----------- | -------------------------------------- |
 * | `PREFIX:add:UNIT:START:PATTERN`         | hash        | counts by field (HINCRBY)              |
 * | `PREFIX:adv:UNIT:START:ADDKEY:PATTERN`  | hash        | sums by field (HINCRBYFLOAT)           |
 * | `PREFIX:adv:UNIT:START:ADDKEY:PATTERN:i`| hash        | `sum` and `count`, over all fields     |
 * | `PREFIX:bmp:UNIT:START:PATTERN`         | string      | a HyperLogLog (PFADD)                  |
 * | `PREFIX:top:UNIT:START:PATTERN`         | sorted set  | counts by member (ZINCRBY)             |
 * | `PREFIX:k:UNIT:START`                   | set         | known keys: all of the above, whole    |
 *
 * Unit is `d` or `h`. The start is the first second of the day or hour in the zone of the program's
 * config, which only our own storage keeps in Redis, among its bookkeeping.
 *
 * @module
 */
import type { MetricType, Unit } from "../storage/storage.ts";
import {
  type Finding,
  type Layout,
  type Piece,
  secondsOf,
  type Sorted,
  wrongName,
  wrongPattern,
} from "./redis_layout.ts";

const KNOWN = /^(.+):k:[dh]:(?:0|[1-9]\d{0,11})$/s;
const DATA = /^(bmp|add|adv|top):([dh]):(\d+):(.+)$/s;
/** Where the prefix is a whole tag, our storage keeps its bookkeeping under it too. */
const WHOLE_TAG = /^\{[^{}]+\}$/;
const BOOKKEEPING = /^tagmeta:|:cp:[^:]+$|:(cps|tmp)$/;

/** Keys as the Rust traqq and we write them. */
export const TRAQQ_LAYOUT: Layout = {
  name: "traqq",
  prefixOf: (key) => KNOWN.exec(key)?.[1],
  timezoneKey: (prefix) => WHOLE_TAG.test(prefix) ? `${prefix}:tagmeta:tz` : `{${prefix}}:meta:tz`,
  sort,
};

function sort(
  prefix: string,
  keys: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Sorted {
  const pieces: Piece[] = [];
  const findings: Finding[] = [];
  for (const key of known) {
    if (!keys.has(key)) {
      findings.push({ kind: "missing", key, why: "it is a known key, and there is no such key" });
    }
  }
  const isTag = WHOLE_TAG.test(prefix);
  for (const key of keys) {
    const own = key.slice(prefix.length + 1);
    if (isTag && BOOKKEEPING.test(own)) continue;
    const match = DATA.exec(own);
    const start = secondsOf(match?.[3] ?? "");
    if (match === null || start === undefined) {
      findings.push({ kind: "unknown", key, why: "it is none of the keys of this layout" });
      continue;
    }
    const [, type, unit, , rest] = match as unknown as [string, MetricType, Unit, string, string];
    if (type !== "adv") {
      const wrong = wrongPattern(rest);
      if (wrong !== undefined) findings.push({ kind: "refused", key, why: wrong });
      else pieces.push({ metric: { type, pattern: rest }, unit, start, values: key });
      continue;
    }
    const [addKey, pattern, end, more] = rest.split(":");
    if (end === "i" && more === undefined) {
      // Read together with its labels, unless these are gone.
      if (!keys.has(key.slice(0, -":i".length))) {
        add(addKey, pattern, unit, start, key, undefined, key);
      }
    } else if (pattern === undefined || end !== undefined) {
      const why = "wanted one colon between the property that is summed and the pattern";
      findings.push({ kind: "refused", key, why });
    } else {
      const totals = `${key}:i`;
      add(addKey, pattern, unit, start, key, key, keys.has(totals) ? totals : undefined);
    }
  }
  return { pieces, findings };

  function add(
    addKey: string,
    pattern: string,
    unit: Unit,
    start: number,
    key: string,
    values: string | undefined,
    totals: string | undefined,
  ): void {
    const wrong = wrongName(addKey) ?? wrongPattern(pattern);
    if (wrong !== undefined) findings.push({ kind: "refused", key, why: wrong });
    else pieces.push({ metric: { type: "adv", pattern, addKey }, unit, start, values, totals });
  }
}
