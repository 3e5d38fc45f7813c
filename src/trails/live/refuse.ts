/**
 * Which programs cannot be attached, because their answers would depend on more than the events, or
 * on more of them than are kept.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import { isSpecial, type Program, SPECIAL, type Step, type TermStep } from "../language/program.ts";

/** @throws {TrailsError} saying what to change */
export function refuseForLive(program: Program): void {
  const fail = (what: string): never => {
    throw new TrailsError(`Cannot attach ${program.file}: ${what}`);
  };
  if (program.compat === "trck") fail("compat is for runs over data that are there; leave it out");
  if (program.loop !== undefined && program.loop.array === undefined) {
    fail("its foreach goes over all values of a field, which are not known yet; give an array");
  }
  if (program.fromEveryEvent) {
    fail(
      "its foreach event has a machine for every event of a user, more than can be kept; leave " +
        "foreach event out, or run the program over data that are there",
    );
  }
  for (const { field } of program.lags) {
    fail(
      `it yields previous(${field}), and no earlier events are kept; yield ${field} where that ` +
        "event comes, or run the program over data that are there",
    );
  }
  const names = new Set<string>();
  for (const { name } of program.results) {
    if (names.has(name)) fail(`two of its results are called ${name}; rename one`);
    names.add(name);
  }
  for (const { name, after } of [...program.states, ...program.windows]) {
    if (after?.seconds === undefined) continue;
    const { target } = after.step;
    if (target.kind === "repeat") {
      fail(`the after of ${name} leads to repeat, which waits for an event; name a block, or quit`);
    }
    const field = eventTermOf(after.step);
    if (field === undefined) continue;
    fail(
      `the after of ${name} yields ${field}, which is that of the event that comes next; live, ` +
        "the time may be up before one comes: yield cookie, start_timestamp or a counter",
    );
  }
}

/** What a step yields that only an event has. */
function eventTermOf({ yields }: Step): string | undefined {
  for (const one of yields) {
    if (one.kind === "fold") return one.field;
    if (one.kind !== "tuple") continue;
    for (const term of one.terms) {
      const name = ofEvent(term);
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

function ofEvent(term: TermStep): string | undefined {
  if (term.kind === "call") return term.args.map(ofEvent).find((name) => name !== undefined);
  if (term.kind !== "field") return undefined;
  return isSpecial(term.name) && term.name !== SPECIAL.timestamp ? undefined : term.name;
}
