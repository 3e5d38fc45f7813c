/**
 * Where things stand in Redis: the layout of the Rust traqq 0.2, so that each reads what the other
 * wrote, and beside it the bookkeeping of ours.
 *
 * | key | type | what it holds |
 * | --- | --- | --- |
 * | `P:add:d:START:PATTERN` | hash | a count for each field |
 * | `P:top:d:START:PATTERN` | sorted set | a count for each member |
 * | `P:adv:d:START:ADDKEY:PATTERN` | hash | a decimal for each field |
 * | `P:adv:d:START:ADDKEY:PATTERN:i` | hash | `sum` and `count` of all its fields together |
 * | `P:bmp:d:START:PATTERN` | string | a HyperLogLog |
 * | `P:k:d:START` | set | the bucket's keys, those above |
 * | `{P}:meta:starts:d` | sorted set | the buckets that hold something; score and member are START |
 * | `{P}:meta:versions:d` | hash | START and a number that grows with each commit to it |
 * | `{P}:meta:cp:WRITER` | hash | the writer's checkpoint; goes after 7 days unless it is durable |
 * | `{P}:meta:writers` | set | writers whose checkpoint never expires |
 * | `{P}:meta:lease:WRITER` | string | the incarnation that holds the writer; goes with its time |
 * | `{P}:meta:tz` | string | the IANA time zone |
 * | `{P}:meta:scratch` | string | a sketch on its way; only within a script |
 * | `{P}:meta:prune` | hash | cluster: for each unit, that a prune runs or ran, and up to when; goes after 15 minutes |
 * | `{KEY}:cp:WRITER` | hash | cluster: the last chunk of a writer in one of the first six kinds of keys |
 * | `{KEY}:cps` | set | cluster: the writers that have such a checkpoint |
 * | `{KEY}:tmp` | string | cluster: a sketch on its way; only within a script |
 *
 * `d` is the unit, `d` or `h`. Braces are Redis's hash tags: keys with the same one share a slot. A
 * prefix may itself be one whole tag, `{app}`; then all its keys share a slot, the bookkeeping begins
 * with `{app}:tagmeta` (or it would be that of the prefix `app`) and `{KEY}` is written without the
 * braces around it.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import type { CellPlace, Metric, MetricType, Unit } from "../storage.ts";

const TYPES: ReadonlySet<string> = new Set<MetricType>(["bmp", "add", "adv", "top"]);
const WHOLE_TAG = /^\{[^{}]+\}$/;

/** Refuses a prefix whose keys would not lie in the slots where they must. */
export function assertPrefix(prefix: string): void {
  if (prefix !== "" && (!/[{}]/.test(prefix) || WHOLE_TAG.test(prefix))) return;
  throw new StorageError(
    "refused",
    `Cannot use the prefix ${JSON.stringify(prefix)} in Redis: braces choose a cluster's slot; ` +
      `leave them out, or make the whole prefix one tag: "{app}"`,
  );
}

/** Why a cell can have no key in Redis, or null. */
export function unnameable(prefix: string, { metric }: CellPlace): string | null {
  const { pattern, addKey } = metric;
  if (/[{}]/.test(pattern + (addKey ?? ""))) return "wanted property names without braces";
  const colons = addKey !== undefined || isTag(prefix);
  if (colons && (pattern + (addKey ?? "")).includes(":")) {
    return "wanted property names without colons";
  }
  return null;
}

/** The key of a metric in a bucket. */
export function metricKey(prefix: string, { metric, unit, start }: CellPlace): string {
  const { type, pattern, addKey } = metric;
  const name = addKey === undefined ? pattern : `${addKey}:${pattern}`;
  return `${prefix}:${type}:${unit}:${start + 0}:${name}`; // -0 + 0 is 0
}

/** The key of what all fields of an `adv` metric come to. */
export function summaryKey(metricKey: string): string {
  return `${metricKey}:i`;
}

/** The set of a bucket's keys. */
export function knownKey(prefix: string, unit: Unit, start: number): string {
  return `${prefix}:k:${unit}:${start + 0}`;
}

/** What a member of {@linkcode knownKey} stands for. */
export interface KnownKey {
  readonly metric: Metric;
  /** Whether it is the summary of an `adv` metric. */
  readonly summary: boolean;
}

/**
 * Reads a member of a bucket's known keys. Null if it is none of this bucket: the Rust traqq puts the
 * keys of the day also into the set of the hour, and those of the hour into that of the day.
 */
export function parseKnown(
  prefix: string,
  unit: Unit,
  start: number,
  key: string,
): KnownKey | null {
  if (!key.startsWith(`${prefix}:`)) return null;
  const [type, keyUnit, keyStart, ...rest] = key.slice(prefix.length + 1).split(":");
  if (!TYPES.has(type) || keyUnit !== unit || keyStart !== `${start + 0}`) return null;
  if (type !== "adv") {
    const pattern = rest.join(":");
    return rest.length === 0
      ? null
      : { metric: { type: type as MetricType, pattern }, summary: false };
  }
  const summary = rest.length === 3 && rest[2] === "i";
  if (rest.length !== 2 && !summary) return null;
  return { metric: { type: "adv", pattern: rest[1], addKey: rest[0] }, summary };
}

/** The bookkeeping keys of a prefix, all in one slot. */
export class Book {
  readonly #root: string;

  constructor(prefix: string) {
    this.#root = isTag(prefix) ? `${prefix}:tagmeta` : `{${prefix}}:meta`;
  }

  starts(unit: Unit): string {
    return `${this.#root}:starts:${unit}`;
  }

  versions(unit: Unit): string {
    return `${this.#root}:versions:${unit}`;
  }

  checkpoint(writer: string): string {
    return `${this.#root}:cp:${writer}`;
  }

  lease(writer: string): string {
    return `${this.#root}:lease:${writer}`;
  }

  get writers(): string {
    return `${this.#root}:writers`;
  }

  get timezone(): string {
    return `${this.#root}:tz`;
  }

  get scratch(): string {
    return `${this.#root}:scratch`;
  }

  get prune(): string {
    return `${this.#root}:prune`;
  }
}

/** The keys beside a key on a cluster, in its slot. */
export function besideKey(prefix: string, key: string, what: "cps" | "tmp" | "cp"): string {
  return `${isTag(prefix) ? key : `{${key}}`}:${what}`;
}

/** Where a writer's last chunk in a key stands, on a cluster. */
export function keyCheckpoint(prefix: string, key: string, writer: string): string {
  return `${besideKey(prefix, key, "cp")}:${writer}`;
}

function isTag(prefix: string): boolean {
  return WHOLE_TAG.test(prefix);
}
