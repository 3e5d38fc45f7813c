/**
 * Random trails for questions: few names and short gaps, so that ties, repeats and edges are met.
 *
 * @module
 */
import fc from "fast-check";
import { TrailData } from "../../../src/trails/mod.ts";

/** An event. */
export interface Step {
  readonly user: string;
  readonly time: number;
  readonly event: string;
  readonly kind: string;
}

/** Events of some users, each in order of time, many of the same second. @param gaps seconds */
export function randomTrails(gaps: readonly number[], from = 0): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.record({
      user: fc.constantFrom("u1", "u2", 'u,"3'),
      gap: fc.constantFrom(...gaps),
      event: fc.constantFrom("a", "a", "b", "c", "x", ""),
      kind: fc.constantFrom("k", "l", ""),
    }),
    { maxLength: 24 },
  ).map((events) => {
    const clock = new Map<string, number>();
    return events.map(({ gap, ...values }) => {
      const time = (clock.get(values.user) ?? from) + gap;
      clock.set(values.user, time);
      return { ...values, time };
    });
  });
}

/** The events as programs have them. */
export function dataOf(events: readonly Step[]): TrailData {
  return TrailData.fromEvents(events, { by: "user" });
}

/** The events of each user. */
export function byUser(events: readonly Step[]): [string, Step[]][] {
  return [...Map.groupBy(events, ({ user }) => user)];
}
