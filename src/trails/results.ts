/**
 * What a run gives.
 *
 * @module
 */
import type { HyperLogLog } from "../sketch/hyperloglog.ts";
import { type Program, resultText } from "./language/program.ts";
import type { Round } from "./run/parameters.ts";
import type { ResultValue, Totals } from "./run/totals.ts";

/** The results of one round of a `foreach`, or of the whole program. */
export interface TrailsRow {
  /** The values of the loop's variables by their name with its sigil; none without a loop. */
  readonly vars: ReadonlyMap<string, string | readonly string[]>;
  /** The results by their name with its sigil, in the order of the program. */
  readonly values: ReadonlyMap<string, ResultValue>;
}

/** A result as JSON has it. */
export type JsonValue = number | null | string | readonly string[] | Record<string, number>;

/** The results of a program. */
export class TrailsResult {
  /** A row for each round of the loop, in its order; one where there is no loop or it is merged. */
  readonly rows: readonly TrailsRow[];
  /** Whether the program has a loop whose rounds stay apart. */
  readonly isList: boolean;

  /** Made by a run. */
  constructor(rows: readonly TrailsRow[], isList: boolean) {
    this.rows = rows;
    this.isList = isList;
  }

  /** A counter, or what numbers came to; null: there was none for min, max or avg. */
  number(name: string, row = 0): number | null {
    return this.#value(name, row, "number").value;
  }

  /** The members of a set, in the order of code points. */
  set(name: string, row = 0): readonly string[] {
    return this.#value(name, row, "set").members;
  }

  /** The counts of a multiset. */
  multiset(name: string, row = 0): ReadonlyMap<string, number> {
    return this.#value(name, row, "multiset").counts;
  }

  /** A sketch. */
  sketch(name: string, row = 0): HyperLogLog {
    return this.#value(name, row, "sketch").sketch;
  }

  /**
   * The shape of the original: an object, or a list of them with the loop's variables. Sketches are
   * their count, or the original's text where the run was asked for it.
   */
  toJSON(): Record<string, JsonValue> | Record<string, JsonValue>[] {
    const rows = this.rows.map(({ vars, values }) => {
      // Without a prototype, so that no name is special.
      const json: Record<string, JsonValue> = Object.create(null);
      for (const [name, value] of vars) json[name] = value;
      for (const [name, value] of values) json[name] = jsonOf(value);
      return json;
    });
    return this.isList ? rows : rows[0];
  }

  #value<K extends ResultValue["kind"]>(
    name: string,
    row: number,
    kind: K,
  ): Extract<ResultValue, { kind: K }> {
    const found = this.rows.at(row)?.values.get(name);
    if (found?.kind === kind) return found as Extract<ResultValue, { kind: K }>;
    const names = [...this.rows.at(0)?.values.keys() ?? []].join(", ");
    throw new RangeError(
      `Cannot give ${name} of row ${row} as a ${kind}: there are ${this.rows.length} rows with ` +
        `${names || "no results"}`,
    );
  }
}

function jsonOf(value: ResultValue): JsonValue {
  switch (value.kind) {
    case "number":
      return value.value;
    case "set":
      return value.members;
    case "multiset": {
      const json: Record<string, number> = Object.create(null);
      for (const [text, count] of value.counts) json[text] = count;
      return json;
    }
    case "sketch":
      return value.hex ?? value.sketch.count();
  }
}

/** The result of a run, from the totals of its rounds. */
export function resultOf(
  program: Program,
  rounds: readonly Round[],
  totals: readonly Totals[],
  empty: () => Totals,
): TrailsResult {
  const names = program.results.map(resultText);
  const row = (vars: Round["vars"], values: readonly ResultValue[]): TrailsRow => ({
    vars: new Map(vars),
    values: new Map(names.map((name, i) => [name, values[i]])),
  });
  const isList = program.loop !== undefined && !program.loop.merged;
  if (isList) {
    return new TrailsResult(rounds.map(({ vars }, i) => row(vars, totals[i].values())), true);
  }
  const [merged = empty(), ...others] = new Set(totals);
  for (const one of others) merged.merge(one);
  return new TrailsResult([row([], merged.values())], false);
}
