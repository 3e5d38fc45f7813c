/**
 * The reference: the interpreter over every round and every trail, values as text. No numbers, no
 * tables, nothing is skipped.
 *
 * @module
 */
import { parseProgram } from "../../src/trails/language/check.ts";
import { resultOf, type TrailsResult } from "../../src/trails/results.ts";
import { initialState, Interpreter } from "../../src/trails/run/interpreter.ts";
import { type Parameters, readRounds } from "../../src/trails/run/parameters.ts";
import { Totals } from "../../src/trails/run/totals.ts";

/** An event as tests write it. */
export interface TestEvent {
  readonly user: string;
  readonly time: number;
  readonly [field: string]: string | number;
}

/** What a program gives for events, which are in order of time for each user. */
export function reference(
  text: string,
  events: readonly TestEvent[],
  compat: "trck" | undefined,
  parameters: Parameters = {},
): TrailsResult {
  const program = parseProgram(text, { compat });
  const fields = new Set(events.flatMap((event) => Object.keys(event)));
  for (const { name, field } of program.lags) if (fields.has(field)) fields.add(name);
  const lacking = new Set(program.fields.filter((field) => !fields.has(field)));
  const values = (field: string) => [
    ...new Set(["", ...events.map((one) => String(one[field] ?? ""))]),
  ];
  const rounds = readRounds(program, parameters, values, lacking);
  const empty = () => new Totals(program, compat === "trck");
  const totals = rounds.map(({ bindings }) => {
    const interpreter = new Interpreter(program, bindings, {});
    const sink = empty();
    for (const [user, all] of byUser(events)) {
      const owner = { cookie: user, windowStart: 0, windowEnd: 0 };
      const seen: { time: number; values: Map<string, string> }[] = [];
      for (const [i, event] of all.entries()) {
        if (compat === "trck" && i > 0 && isEqual(event, all[i - 1])) continue;
        seen.push({ time: event.time, values: textsOf(event) });
      }
      for (const [i, { values }] of seen.entries()) {
        for (const { name, field, back } of program.lags) {
          values.set(name, seen[i - back]?.values.get(field) ?? "");
        }
      }
      const starts = program.fromEveryEvent ? seen.keys() : [0];
      for (const start of starts) {
        const machine = initialState(program);
        for (const event of seen.slice(start)) interpreter.event(machine, event, owner, sink);
        interpreter.end(machine, owner, sink);
      }
    }
    return sink;
  });
  return resultOf(program, rounds, totals, empty);
}

function byUser(events: readonly TestEvent[]): [string, TestEvent[]][] {
  return [...Map.groupBy(events, ({ user }) => user)];
}

function textsOf({ time: _, ...values }: TestEvent): Map<string, string> {
  return new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function isEqual(a: TestEvent, b: TestEvent): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .every((name) => String(a[name] ?? "") === String(b[name] ?? ""));
}
