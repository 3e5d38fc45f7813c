/**
 * The program that a funnel stands for. With a time limit, a chain of steps may begin at any event, and
 * each has a clock of its own: so the program is run from every event. Where a later chain has come as
 * far as this one, this one quits: whatever can still happen to it happens to that one, which also has
 * more time. So few chains are under way at once, however long a trail is.
 *
 * @module
 */
import type { Alternatives } from "../language/text.ts";
import { both } from "./event_match.ts";
import { type ClauseText, ProgramWriter } from "./program_writer.ts";

/** What the program is made of. */
export interface FunnelParts {
  readonly steps: readonly Alternatives[];
  readonly order: "strict" | "ordered" | "any";
  readonly within: string | undefined;
  readonly exclude: Alternatives | "nothing";
  /** What the event where a funnel begins must be. */
  readonly by: Alternatives;
}

/** The text. */
export function funnelProgram(parts: FunnelParts): string {
  const { order, within, by } = parts;
  const writer = new ProgramWriter();
  if (by !== undefined) writer.foreach("%by");
  // Without a limit the earliest chain is the best one: nothing is gained by others.
  if (within !== undefined || order === "strict") writer.foreach("event");
  const write = order === "any" ? writeAny : order === "strict" ? writeStrict : writeOrdered;
  write(writer, parts);
  return writer.toString();
}

/** What an excluded event does stands first, so that it is never a step. */
function excluding({ exclude }: FunnelParts, actions: string): ClauseText[] {
  return exclude === "nothing" ? [] : [[exclude, actions]];
}

const reached = (step: number) => `yield cookie to #step_${step}`;

function writeStrict(writer: ProgramWriter, parts: FunnelParts): void {
  const { steps, within, by } = parts;
  const last = steps.length;
  const then = (step: number) =>
    step === last ? "quit" : step === 1 && within !== undefined ? "chain" : `want_${step + 1}`;
  writer.receive("start", [
    ...excluding(parts, "quit"),
    [both(steps[0], by), `${reached(1)}, ${then(1)}`],
    [undefined, "quit"],
  ]);
  if (last === 1) return;
  writer.window("chain", within && `${within} -> quit`, () => {
    for (let step = 2; step <= last; step++) {
      writer.receive(`want_${step}`, [
        ...excluding(parts, "quit"),
        [steps[step - 1], `${reached(step)}, ${then(step)}`],
        [undefined, "quit"],
      ]);
    }
  });
}

function writeOrdered(writer: ProgramWriter, parts: FunnelParts): void {
  const { steps, within, by } = parts;
  const last = steps.length;
  const isLimited = within !== undefined;
  const then = (step: number, later: number) =>
    step === last ? "quit" : step === 1 && isLimited ? "chain" : wanting(step + 1, later);
  writer.receive("start", [
    ...excluding(parts, isLimited ? "quit" : "repeat"),
    [both(steps[0], by), `${reached(1)}, ${then(1, 0)}`],
    [undefined, isLimited ? "quit" : "repeat"],
  ]);
  if (last === 1) return;
  writer.window("chain", within && `${within} -> quit`, () => {
    for (let step = 2; step <= last; step++) {
      for (let later = 0; later <= (isLimited ? step - 2 : 0); later++) {
        if (later === 1) {
          writer.comment(`wants ${step} too; a later chain has come to the step that is named`);
        }
        const next = later === 0 ? both(steps[0], by) : steps[later];
        const overtaken: ClauseText = [
          next,
          later + 1 === step - 1 ? "quit" : wanting(step, later + 1),
        ];
        writer.receive(wanting(step, later), [
          ...excluding(parts, isLimited ? "quit" : "start"),
          [steps[step - 1], `${reached(step)}, ${then(step, later)}`],
          ...(isLimited ? [overtaken] : []),
          [undefined, "repeat"],
        ]);
      }
    }
  });
}

function wanting(step: number, later: number): string {
  return later === 0 ? `want_${step}` : `want_${step}_later_${later}`;
}

/** Blocks are named after the steps that are done. */
function writeAny(writer: ProgramWriter, parts: FunnelParts): void {
  const { steps, within, by } = parts;
  const isLimited = within !== undefined;
  const all = (1 << steps.length) - 1;
  const sets = Array.from({ length: all }, (_, set) => set).slice(1)
    .sort((a, b) => indices(a).length - indices(b).length);
  const advance = (done: number, step: number, target: (now: number) => string) => {
    const now = done | 1 << step;
    return [...newly(done, now).map(reached), now === all ? "quit" : target(now)].join(", ");
  };
  writer.receive("start", [
    ...excluding(parts, isLimited ? "quit" : "repeat"),
    ...steps.map((step, i): ClauseText => [
      both(step, by),
      advance(0, i, isLimited ? () => `from_${i + 1}` : doneName),
    ]),
    [undefined, isLimited ? "quit" : "repeat"],
  ]);
  if (steps.length === 1) return;
  if (!isLimited) {
    for (const done of sets) {
      writer.receive(doneName(done), [
        ...excluding(parts, "start"),
        ...indices(all & ~done).map((i): ClauseText => [steps[i], advance(done, i, doneName)]),
        [undefined, "repeat"],
      ]);
    }
    return;
  }
  // A window is entered by its name, at its first block: so each step has one that begins with it.
  for (const first of indices(all)) {
    const nameOf = (done: number, later: number) =>
      `from_${first + 1}_${doneName(done)}${later === 0 ? "" : `_later${digits(later)}`}`;
    writer.window(`from_${first + 1}`, `${within} -> quit`, () => {
      for (const done of sets.filter((set) => set & 1 << first)) {
        // What a later chain has done is never more.
        for (const later of [0, ...sets.filter((set) => set !== done && (set & done) === set)]) {
          writer.receive(nameOf(done, later), [
            ...excluding(parts, "quit"),
            ...indices(all & ~done).map((i): ClauseText => [
              steps[i],
              advance(done, i, (now) => nameOf(now, later)),
            ]),
            ...indices(done & ~later).map((i): ClauseText => {
              const next = later | 1 << i;
              return [
                later === 0 ? both(steps[i], by) : steps[i],
                next === done ? "quit" : nameOf(done, next),
              ];
            }),
            [undefined, "repeat"],
          ]);
        }
      }
    });
  }
}

function doneName(set: number): string {
  return `done${digits(set)}`;
}

/** Steps up to which all are done now and were not before. */
function newly(before: number, now: number): number[] {
  const steps: number[] = [];
  for (let step = 1; now & 1 << (step - 1); step++) {
    const first = (1 << step) - 1;
    if ((before & first) !== first) steps.push(step);
  }
  return steps;
}

function indices(set: number): number[] {
  return Array.from({ length: 31 }, (_, i) => i).filter((i) => set & 1 << i);
}

function digits(set: number): string {
  return indices(set).map((i) => `_${i + 1}`).join("");
}
