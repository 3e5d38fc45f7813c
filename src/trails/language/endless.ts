/**
 * Finds blocks that would go round for ever on one event: `after 0s` that leads back to itself.
 *
 * @module
 */
import type { Deadline, State, Window } from "./program.ts";

/** The name of a block on such a circle, or undefined if there is none. */
export function neverEnding(
  states: readonly State[],
  windows: readonly Window[],
): string | undefined {
  const next = states.map((state) => {
    const deadlines: (Deadline | undefined)[] = [
      state.after,
      ...state.windows.map((window) => windows[window].after),
    ];
    return deadlines.flatMap((after) =>
      after?.seconds === 0 && after.step.target.kind === "enter" ? [after.step.target.state] : []
    );
  });
  for (const [start, state] of states.entries()) {
    const seen = new Set<number>();
    const todo = [...next[start]];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (at === start) return nameOf(state, windows);
      if (seen.has(at)) continue;
      seen.add(at);
      todo.push(...next[at]);
    }
  }
  return undefined;
}

/** Whose `after 0s` it is: its own, or that of the first window around it which has one. */
function nameOf(state: State, windows: readonly Window[]): string {
  if (state.after?.seconds === 0) return state.name;
  return windows[state.windows.find((window) => windows[window].after.seconds === 0)!].name;
}
