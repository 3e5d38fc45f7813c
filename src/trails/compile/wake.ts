/**
 * Which rounds of a `foreach` a trail can matter to. A machine in its first state moves only for
 * events that its clauses act on; where each of those needs a value of the round, a table from values
 * to rounds says which rounds to run, and the others are skipped.
 *
 * @module
 */
import type { Plan, PlanTest } from "./plan.ts";

/** Rounds by the number of a value. */
interface Entry {
  readonly column: number;
  /** By value. */
  readonly rounds: ReadonlyMap<number, readonly number[]>;
}

/** Says which rounds to run over a trail, and from which event. */
export class WakeIndex {
  readonly #entries: readonly Entry[];
  /** By round: the trail that it was last found in. */
  readonly #seen: Float64Array;
  #trail = 0;

  private constructor(entries: readonly Entry[], roundCount: number) {
    this.#entries = entries;
    this.#seen = new Float64Array(roundCount);
  }

  /**
   * The index of a plan, or undefined where every round must see every trail.
   *
   * @param fromEveryEvent whether later events of the trail have runs of their own
   */
  static of(plan: Plan, fromEveryEvent: boolean): WakeIndex | undefined {
    const slots = slotsOfFirstState(plan, fromEveryEvent);
    if (slots === undefined) return undefined;
    const entries = slots.map(({ column, slot }): Entry => {
      const rounds = new Map<number, number[]>();
      const values = plan.slots[slot];
      for (let round = 0; round < plan.roundCount; round++) {
        const ids = values.kind === "ids" ? [values.ids[round]] : [];
        for (const id of values.kind === "sets" ? values.sets[round] : ids) {
          if (id < 0) continue;
          const known = rounds.get(id);
          if (known === undefined) rounds.set(id, [round]);
          else known.push(round);
        }
      }
      return { column, rounds };
    });
    return new WakeIndex(entries, plan.roundCount);
  }

  /** Calls `run` for every round that wakes in the trail, with the event that wakes it. */
  forEach(
    columns: readonly Uint32Array[],
    start: number,
    end: number,
    run: (round: number, from: number) => void,
  ): void {
    this.#trail++;
    for (let i = start; i < end; i++) {
      for (const { column, rounds } of this.#entries) {
        for (const round of rounds.get(column < 0 ? 0 : columns[column][i]) ?? []) {
          if (this.#seen[round] === this.#trail) continue;
          this.#seen[round] = this.#trail;
          run(round, i);
        }
      }
    }
  }
}

/** The comparisons with a value of the round, one of which every event that matters must pass. */
function slotsOfFirstState(
  plan: Plan,
  fromEveryEvent: boolean,
): { column: number; slot: number }[] | undefined {
  const found: { column: number; slot: number }[] = [];
  for (const all of wakingTests(plan, fromEveryEvent) ?? [[]]) {
    const test = all.find(isOfRound);
    if (test === undefined) return undefined;
    found.push({ column: test.column, slot: test.slot });
  }
  return found;
}

/**
 * The conjunctions one of which an event must pass to make a machine in its first state yield or move;
 * undefined where any event may. Conditions look at the event itself: `previous()` and functions only
 * give what is yielded.
 *
 * @param fromEveryEvent whether later events of the trail have runs of their own
 */
export function wakingTests(
  { states: [first], compat }: Plan,
  fromEveryEvent: boolean,
): (readonly PlanTest[])[] | undefined {
  // In the original's mode an event that nothing matches is an error, which must not be skipped.
  const isTotal = first.clauses.some(({ alternatives }) => alternatives === undefined);
  if (compat === "trck" && !isTotal) return undefined;
  const found: (readonly PlanTest[])[] = [];
  for (const { alternatives, step } of first.clauses) {
    // A run that quits at once leaves nothing behind, where the next event has its own.
    const stays = step.target.kind === "repeat" || fromEveryEvent && step.target.kind === "quit";
    const hasEffect = step.yields.length > 0 || !stays;
    if (hasEffect) {
      if (alternatives === undefined) return undefined;
      found.push(...alternatives);
    }
    // What stands behind a clause that always holds is never reached.
    if (alternatives === undefined) break;
  }
  return found;
}

function isOfRound(test: PlanTest): test is Extract<PlanTest, { kind: "slotId" | "slotSet" }> {
  return test.kind === "slotSet" || test.kind === "slotId" && !test.isNegated;
}
