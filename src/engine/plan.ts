/**
 * The mapping, compiled once: which properties are read, and in what order their values are put
 * together, so that patterns which begin alike share the work.
 *
 * @module
 */
import type { Metric } from "../storage/storage.ts";
import type { Config, Pattern } from "./config.ts";

/** A property that patterns are made of. */
export interface Slot {
  readonly name: string;
  /** Code points that are kept of its value. */
  readonly maxLength: number;
  /**
   * Whether a counter, sum or leaderboard uses it: then its values are cells anyway, and each is
   * looked up once and remembered. The values of others (user ids, addresses) are only hashed.
   */
  readonly remembered: boolean;
}

/** A sum over the events that share a pattern. */
export interface PlannedSum {
  readonly metric: Metric;
  /** Index into {@linkcode Plan.summed}. */
  readonly summed: number;
}

/** A step extends the values of its parent by those of one more property. */
export interface Step {
  /** Index of the step that it extends, always a smaller one; -1 for none. */
  readonly parent: number;
  /** Index into {@linkcode Plan.slots}. */
  readonly slot: number;
  /** The metrics of the pattern that ends here; all are absent on a step that only leads on. */
  readonly add: Metric | undefined;
  readonly top: Metric | undefined;
  /** Index into {@linkcode Plan.sketches}, or -1. */
  readonly sketch: number;
  readonly sums: readonly PlannedSum[];
}

/** A `bmp` pattern with a property that is not remembered: its values are hashed, event by event. */
export interface HashedPattern {
  readonly slots: readonly number[];
  /** Index into {@linkcode Plan.sketches}. */
  readonly sketch: number;
}

/** A mapping that is ready to be applied to events. */
export interface Plan {
  readonly slots: readonly Slot[];
  /** Properties whose numbers are summed. */
  readonly summed: readonly string[];
  readonly steps: readonly Step[];
  readonly hashed: readonly HashedPattern[];
  /** The metrics with a sketch. */
  readonly sketches: readonly Metric[];
  /** The most cells that one event can touch. */
  readonly maxCells: number;
}

interface MutableStep {
  parent: number;
  slot: number;
  add: Metric | undefined;
  top: Metric | undefined;
  sketch: number;
  sums: PlannedSum[];
}

/** The properties of an event that are read: for a plan, its name, and its time where that is asked for. */
export function namesRead({ slots, summed }: Plan, timeProperty: string | undefined): string[] {
  const names = new Set([...slots.map(({ name }) => name), ...summed, "event"]);
  if (timeProperty !== undefined) names.add(timeProperty);
  return [...names];
}

/** Compiles a mapping. The event's name is a property like any other, cut to another length. */
export function compilePlan(config: Pick<Config, "mapping" | "limits" | "time">): Plan {
  const { mapping, limits } = config;
  const remembered = new Set(
    [...mapping.add, ...mapping.top, ...mapping.addValue.map(({ pattern }) => pattern)]
      .flatMap(({ names }) => names),
  );
  const slots = new Map<string, number>();
  const summed = new Map<string, number>();
  const steps: MutableStep[] = [];
  const hashed: HashedPattern[] = [];
  const sketches: Metric[] = [];

  const slotOf = (name: string) => indexIn(slots, name);
  const stepOf = (pattern: Pattern): MutableStep => {
    let parent = -1;
    for (const name of pattern.names) {
      const slot = slotOf(name);
      let next = steps.findIndex((step) => step.parent === parent && step.slot === slot);
      if (next < 0) {
        next = steps.push({
          parent,
          slot,
          add: undefined,
          top: undefined,
          sketch: -1,
          sums: [],
        }) - 1;
      }
      parent = next;
    }
    return steps[parent];
  };

  for (const pattern of mapping.add) {
    stepOf(pattern).add = { type: "add", pattern: pattern.text };
  }
  for (const pattern of mapping.top) {
    stepOf(pattern).top = { type: "top", pattern: pattern.text };
  }
  for (const { pattern, addKey } of mapping.addValue) {
    stepOf(pattern).sums.push({
      metric: { type: "adv", pattern: pattern.text, addKey },
      summed: indexIn(summed, addKey),
    });
  }
  for (const pattern of mapping.bitmap) {
    const sketch = sketches.push({ type: "bmp", pattern: pattern.text }) - 1;
    if (pattern.names.every((name) => remembered.has(name))) stepOf(pattern).sketch = sketch;
    else hashed.push({ slots: pattern.names.map(slotOf), sketch });
  }

  const metrics = mapping.add.length + mapping.top.length + mapping.addValue.length +
    mapping.bitmap.length;
  return {
    slots: [...slots.keys()].map((name) => ({
      name,
      maxLength: name === "event" ? limits.maxFieldLength : limits.maxValueLength,
      remembered: remembered.has(name),
    })),
    summed: [...summed.keys()],
    steps,
    hashed,
    sketches,
    maxCells: metrics * (config.time.hourly ? 2 : 1),
  };
}

/** The index of a name in a map that numbers names in order of arrival. */
function indexIn(map: Map<string, number>, name: string): number {
  const known = map.get(name);
  if (known !== undefined) return known;
  map.set(name, map.size);
  return map.size - 1;
}
