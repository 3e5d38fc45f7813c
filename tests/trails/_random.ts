/**
 * Random programs and random trails for them. Few names, values and times, so that they meet.
 *
 * @module
 */
import fc from "fast-check";
import type { TestEvent } from "./_reference.ts";

const FIELDS = ["a", "b", "n"];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  a: ["x", "y", "", "p,q"],
  b: ["x", "z", ""],
  n: ["1", "2.5", "-3", "x", "10"],
};

/** Draws one of several. */
type Draw = <T>(of: readonly T[]) => T;

/** A program with its loop, and the parameters that it needs. */
export interface RandomProgram {
  readonly text: string;
  readonly parameters: Record<string, unknown>;
}

/** @param isOriginal only what the original can do without crashing */
export function randomProgram(isOriginal: boolean): fc.Arbitrary<RandomProgram> {
  return written((draw) => new ProgramWriter(draw, isOriginal, false));
}

/** Programs whose first block acts on some values alone, so that many trails do not matter to them. */
export const choosyProgram: fc.Arbitrary<RandomProgram> = written((draw) =>
  new ProgramWriter(draw, false, true)
);

function written(writer: (draw: Draw) => ProgramWriter): fc.Arbitrary<RandomProgram> {
  return fc.gen().map((gen) =>
    writer((of) => gen(fc.constantFrom, ...of) as typeof of[number]).write()
  );
}

/** Events of some users, each in order of time. */
export const randomEvents: fc.Arbitrary<TestEvent[]> = fc.array(
  fc.record({
    user: fc.constantFrom("u1", "u2", "u3"),
    gap: fc.constantFrom(0, 0, 1, 3, 5, 10, 40),
    a: fc.constantFrom(...VALUES.a),
    b: fc.constantFrom(...VALUES.b),
    n: fc.constantFrom(...VALUES.n),
  }),
  { maxLength: 25 },
).map((events) => {
  const clock = new Map<string, number>();
  return events.map(({ user, gap, ...values }) => {
    const time = (clock.get(user) ?? 100) + gap;
    clock.set(user, time);
    return { user, time, ...values };
  });
});

class ProgramWriter {
  readonly #draw: Draw;
  readonly #isOriginal: boolean;
  readonly #isChoosy: boolean;
  readonly #looksBack: boolean;
  readonly #lines: string[] = [];
  readonly #loop: "none" | "array" | "implicit" | "merged";

  constructor(draw: Draw, isOriginal: boolean, isChoosy: boolean) {
    this.#draw = draw;
    this.#isOriginal = isOriginal;
    this.#isChoosy = isChoosy;
    // What looks back is read whole, so that not all may.
    this.#looksBack = !isOriginal && (!isChoosy || draw([true, false, false]));
    this.#loop = draw(["none", "none", "array", "implicit", "merged"]);
  }

  write(): RandomProgram {
    let indent = this.#loop === "none" ? 0 : 2;
    if (this.#loop === "implicit") this.#lines.push("foreach %v");
    if (this.#loop === "array") this.#lines.push("foreach %v, #w in @list");
    if (this.#loop === "merged") this.#lines.push("foreach %v, #w in @list merged");
    if (!this.#isOriginal && this.#draw([1, 2, 3, 4]) <= (this.#isChoosy ? 2 : 1)) {
      this.#line(indent, "foreach event");
      indent += 2;
    }
    // b0, w with b1 and maybe v with b2, then b3.
    const isNested = this.#draw([true, false]);
    const hasWindow = this.#draw([true, true, false]);
    const outer = ["b0", "b3", ...(hasWindow ? ["w"] : [])];
    this.#receive("b0", indent, outer, [], true);
    if (hasWindow) {
      this.#line(indent, "w ->");
      this.#line(indent + 2, "window");
      const inner = [...outer, "b1", ...(isNested ? ["v"] : [])];
      this.#receive("b1", indent + 4, inner, ["w"], false);
      if (isNested) {
        this.#line(indent + 4, "v ->");
        this.#line(indent + 6, "window");
        this.#receive("b2", indent + 8, [...inner, "b2"], ["w", "v"], false);
        this.#line(indent + 6, `after ${this.#time()} -> ${this.#afterActions(inner, false)}`);
      }
      this.#line(indent + 2, `after ${this.#time()} -> ${this.#afterActions(outer, false)}`);
    }
    this.#receive("b3", indent, outer, [], false);
    const tuples = [["x", ["x", "z"]], ["y", []], ["", [""]], ["x", ["x", "z"]], ["none", ["y"]]];
    return {
      text: this.#lines.join("\n") + "\n",
      parameters: {
        "%p": this.#draw(["x", "", "none"]),
        "#s": this.#draw([["x"], ["y", "z"], [], ["", "x"]]),
        "%t": "120",
        "%k": "2",
        "@list": tuples.slice(0, this.#draw([0, 1, 3, 5])),
      },
    };
  }

  #line(indent: number, text: string): void {
    this.#lines.push(" ".repeat(indent) + text);
  }

  #time(): string {
    return this.#draw(["1s", "5s", "10s", "20s", "1m"]);
  }

  #receive(
    name: string,
    indent: number,
    targets: readonly string[],
    windows: readonly string[],
    isFirst: boolean,
  ): void {
    const after = this.#draw(["timed", "timed", "end", "none"]);
    const starts = [
      ...(after === "timed" ? ["start_timestamp"] : []),
      ...windows.map((window) => `start_timestamp[${window}]`),
    ];
    this.#line(indent, `${name} ->`);
    this.#line(indent + 2, "receive");
    for (let count = this.#draw([1, 2, 3]); count > 0; count--) {
      const target = this.#draw([...targets, ...targets, name, "repeat", "quit"]);
      const yields = this.#yields([...FIELDS, "timestamp", "cookie", ...starts]);
      const actions = [
        ...yields,
        ...(isFirst && yields.length > 0 && target === "quit" ? [] : [target]),
      ];
      const conditions = isFirst && this.#isChoosy ? this.#choice() : this.#conditions();
      this.#line(indent + 4, `${conditions} -> ${actions.join(", ")}`);
    }
    if (this.#isOriginal || this.#draw([true, false])) this.#line(indent + 4, "* -> repeat");
    else if (isFirst && this.#isChoosy) this.#line(indent + 4, "* -> quit");
    if (after === "none") return;
    const time = after === "timed" ? `${this.#time()} ` : "";
    this.#line(indent + 2, `after ${time}-> ${this.#afterActions(targets, true, starts)}`);
  }

  /** What an after does; in the original values of an event crash it at the end of a trail. */
  #afterActions(
    targets: readonly string[],
    isReceive: boolean,
    starts: readonly string[] = [],
  ): string {
    const terms = this.#isOriginal
      ? ["cookie", ...starts]
      : [...FIELDS, "timestamp", "cookie", ...(isReceive ? starts : ["start_timestamp"])];
    const target = this.#draw([...targets, ...targets, "quit", "repeat", ""]);
    const actions = [...this.#yields(terms), ...(target === "" ? [] : [target])];
    return actions.length === 0 ? "quit" : actions.join(", ");
  }

  #yields(terms: readonly string[]): string[] {
    const yields: string[] = [];
    for (let count = this.#draw([0, 1, 1, 2]); count > 0; count--) {
      const one = this.#draw(terms), two = this.#draw(terms);
      const choices = [
        "yield $count",
        "yield $other",
        `yield ${one} to #set`,
        `yield ${one},${two} to #pairs`,
        `yield ${one},${two},"`.slice(0, -2) + " to &pairs",
        `yield ${one} to &multiset`,
        `yield ${one} to ^sketch`,
        `yield ${one},${two} to ^sketches`,
      ];
      if (this.#looksBack) {
        choices.push(
          `yield previous(${this.#draw(FIELDS)}),${one} to &befores`,
          `yield previous(${this.#draw(FIELDS)}, 2) to #before`,
        );
      }
      if (!this.#isOriginal && terms.includes("start_timestamp")) {
        choices.push("yield seconds_between(start_timestamp, timestamp) to &seconds");
      }
      if (terms.includes("n")) {
        choices.push(...["min", "max", "sum", "avg"].map((fold) => `yield ${fold} n to $${fold}`));
      }
      yields.push(this.#draw(choices));
    }
    return yields;
  }

  #conditions(): string {
    if (this.#draw([1, 2, 3, 4, 5]) === 1) return "*";
    const or = this.#draw([1, 1, 1, 2]);
    return Array.from({ length: or }, () => {
      const and = this.#draw([1, 1, 2]);
      return Array.from({ length: and }, () => this.#condition()).join(", ");
    }).join(" or ");
  }

  /** Some values, and whatever else. */
  #choice(): string {
    const choices = ['a = "x"', 'a = "p,q"', 'b = "z"', "a = %p", "b in #s", "n > 2"];
    if (this.#loop !== "none") choices.push("a = %v", "a = %v");
    if (this.#loop === "array" || this.#loop === "merged") choices.push("b in #w");
    const or = this.#draw([1, 1, 2]);
    return Array.from({ length: or }, () => {
      const all = [this.#draw(choices)];
      return this.#draw([true, false]) ? all[0] : [...all, this.#condition()].join(", ");
    }).join(" or ");
  }

  #condition(): string {
    const field = this.#draw([...FIELDS, "missing"]);
    const value = this.#draw(VALUES[field] ?? ["", "x"]);
    const choices = [
      `${field} = "${value}"`,
      `${field} != "${value}"`,
      `${field} = %p`,
      `${field} in #s`,
      `${field} not in #s`,
      `n ${this.#draw(["<", "<=", ">", ">=", "=", "!="])} ${this.#draw(["2", "2.5", "-3", "%k"])}`,
      `timestamp ${this.#draw(["<", "<=", ">", ">=", "="])} ${this.#draw(["110", "120", "%t"])}`,
    ];
    if (this.#loop !== "none") choices.push("a = %v", "a = %v", "b != %v", "a = %v");
    if (this.#loop === "array" || this.#loop === "merged") choices.push("b in #w", "a not in #w");
    return this.#draw(choices);
  }
}
