/**
 * Which values can make a trail matter at all. A machine in its first state moves only for events that
 * pass one of some conjunctions; of each, one comparison with values is taken. A trail that has none of
 * those values gives nothing, in no round, and need not be decoded.
 *
 * @module
 */
import type { WantedValues } from "../data/source.ts";
import type { Plan, PlanTest } from "./plan.ts";
import { wakingTests } from "./wake.ts";

/**
 * @param sizes how many values each column has
 * @param fromEveryEvent whether every event of a trail has a machine of its own
 * @returns undefined where every trail may matter
 */
export function wantedValues(
  plan: Plan,
  sizes: readonly number[],
  fromEveryEvent: boolean,
): WantedValues | undefined {
  const wanted = new Map<number, Uint32Array>();
  for (const all of wakingTests(plan, fromEveryEvent) ?? [[]]) {
    const found = fewest(all.flatMap((test) => valuesOf(test, plan, sizes)));
    if (found === undefined) return undefined;
    const { column, bits } = found;
    const known = wanted.get(column);
    if (known === undefined) wanted.set(column, bits);
    else for (const [i, word] of bits.entries()) known[i] |= word;
  }
  return wanted;
}

/** Values that pass a comparison. */
interface Passing {
  readonly column: number;
  readonly bits: Uint32Array;
}

/** Nothing where the empty value passes: a trail has it without its being written. */
function valuesOf(test: PlanTest, plan: Plan, sizes: readonly number[]): Passing[] {
  if (test.kind === "time" || test.kind === "slotTime" || test.column < 0) return [];
  const { column } = test;
  if (test.kind === "bits") {
    const table = plan.tables[test.table];
    return (table[0] & 1) === 1 ? [] : [{ column, bits: table.slice() }];
  }
  if (test.kind !== "slotSet" && test.isNegated) return [];
  const bits = new Uint32Array((sizes[column] + 31) >>> 5);
  for (const id of idsOf(test, plan)) {
    if (id === 0) return [];
    if (id > 0) bits[id >>> 5] |= 1 << (id & 31);
  }
  return [{ column, bits }];
}

/** Of all rounds; -1 where no event has it. */
function* idsOf(
  test: Extract<PlanTest, { kind: "id" | "slotId" | "slotSet" }>,
  { slots }: Plan,
): Generator<number> {
  if (test.kind === "id") return yield test.id;
  const slot = slots[test.slot];
  if (slot.kind === "ids") yield* slot.ids;
  if (slot.kind === "sets") { for (const ids of slot.sets) yield* ids; }
}

/** The comparison that the fewest values pass: rare ones, one may hope. */
function fewest(all: readonly Passing[]): Passing | undefined {
  let best: Passing | undefined, least = Infinity;
  for (const one of all) {
    let count = 0;
    for (let word of one.bits) for (; word !== 0; word &= word - 1) count++;
    if (count < least) [best, least] = [one, count];
  }
  return best;
}
