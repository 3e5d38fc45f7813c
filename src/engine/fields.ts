/**
 * `limits.maxFields`: how many different fields a metric may have in one bucket. What comes beyond is
 * counted under `~other`, so totals stay right. Decided when a delta is cut, never while recording.
 *
 * @module
 */
import { metricName } from "../storage/metric.ts";
import type { Metric, Unit } from "../storage/storage.ts";
import type { CellGroup } from "./cut.ts";
import { OTHER_FIELD } from "./field.ts";

/** The fields that storage holds for a metric in a bucket, `~other` among them where it is there. */
export type LoadFields = (metric: Metric, unit: Unit, start: number) => Promise<Set<string>>;

/** Buckets whose number of fields is remembered; the longest unused are read again when needed. */
const MAX_REMEMBERED = 100_000;
/** Fields of buckets near the limit that are remembered, over all. */
const MAX_REMEMBERED_FIELDS = 1_000_000;

/** What is known of a metric in a bucket. */
interface Known {
  /** At least as many as storage holds from all that this writer knows of. */
  atMost: number;
  /** Exactly those, once `atMost` came near the limit. */
  fields: Set<string> | undefined;
}

/**
 * Keeps the number of fields per metric and bucket within the limit. As long as a cheap upper bound
 * (what storage held, plus the size of each delta since) is within it, no field is remembered; only
 * then are the fields read from storage, and kept.
 */
export class FieldLimiter {
  readonly #maxFields: number;
  readonly #load: LoadFields;
  /** In order of use. */
  readonly #known: Map<string, Known> = new Map();
  #rememberedFields = 0;

  /** @param load reads what storage holds; must see all that this writer has cut before */
  constructor(maxFields: number, load: LoadFields) {
    this.#maxFields = maxFields;
    this.#load = load;
  }

  /**
   * Moves what is beyond the limit to `~other`, in place.
   *
   * @returns how many fields were moved
   */
  async limit(group: CellGroup): Promise<number> {
    if (group.kind === "sketch") return 0;
    const key = `${group.unit}:${group.start}:${metricName(group.metric)}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      const fields = await this.#load(group.metric, group.unit, group.start);
      fields.delete(OTHER_FIELD);
      known = { atMost: fields.size, fields: undefined };
    } else {
      this.#known.delete(key);
    }
    this.#known.set(key, known);
    this.#evict();
    if (known.fields === undefined && known.atMost + group.fields.size <= this.#maxFields) {
      known.atMost += group.fields.size;
      return 0;
    }
    if (known.fields === undefined) {
      known.fields = await this.#load(group.metric, group.unit, group.start);
      known.fields.delete(OTHER_FIELD);
      this.#rememberedFields += known.fields.size;
    }
    const moved = this.#moveExcess(group, known.fields);
    known.atMost = known.fields.size;
    return moved;
  }

  #moveExcess(group: Exclude<CellGroup, { kind: "sketch" }>, fields: Set<string>): number {
    let moved = 0;
    const admit = (field: string): boolean => {
      if (fields.has(field)) return true;
      if (fields.size >= this.#maxFields) return false;
      fields.add(field);
      this.#rememberedFields++;
      return true;
    };
    if (group.kind === "count") {
      let other = 0;
      for (const [field, count] of group.fields) {
        if (admit(field)) continue;
        group.fields.delete(field);
        other += count;
        moved++;
      }
      if (other > 0) group.fields.set(OTHER_FIELD, other);
    } else {
      let other = 0n;
      for (const [field, sum] of group.fields) {
        if (admit(field)) continue;
        group.fields.delete(field);
        other += sum;
        moved++;
      }
      if (moved > 0) group.fields.set(OTHER_FIELD, other);
    }
    return moved;
  }

  #evict(): void {
    for (const [key, { fields }] of this.#known) {
      if (
        this.#known.size <= MAX_REMEMBERED &&
        (this.#rememberedFields <= MAX_REMEMBERED_FIELDS || this.#known.size === 1)
      ) return;
      this.#known.delete(key);
      this.#rememberedFields -= fields?.size ?? 0;
    }
  }
}
